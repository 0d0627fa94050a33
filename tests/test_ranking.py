"""BinaryCurve: exact in every digit, whatever the batches; binned, never wrong about its bounds."""

import copy
import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.exceptions import UndefinedMetricWarning

import aliquot as aq
import reference
from aliquot import _ranking, _scored_rows, ranking
from aliquot._kernels import ranking as kernel
from aliquot._kernels.scored_rows import scores as scores_of
from aliquot._saved import pack

KINDS = ("continuous", "float32", "ties", "constant", "tiny", "both signs", "spikes")
WEIGHTS = (None, "integers", "floats", "extreme")


def scores(kind, n, rng):
    if kind == "float32":
        return rng.random(n, dtype=np.float32)
    if kind == "ties":
        return rng.integers(0, 7, n) / 3
    if kind == "constant":
        return np.full(n, 0.25)
    if kind == "tiny":
        return 2.0 ** -rng.integers(0, 1074, n)
    if kind == "both signs":
        return rng.normal(size=n) * 10.0 ** rng.integers(-300, 300, n)
    if kind == "spikes":
        return np.where(rng.random(n) < 0.5, np.round(rng.random(n)), rng.random(n))
    return rng.random(n)


def weights(kind, n, rng):
    if kind is None:
        return None
    if kind == "integers":
        return rng.integers(0, 4, n)
    if kind == "extreme":
        return 10.0 ** rng.integers(-300, 290, n)
    return rng.lognormal(0, 3, n)


def rows(kind="continuous", weight=None, n=500, seed=0):
    """Labels, scores and weights, with rows of both classes that weigh something."""
    rng = np.random.default_rng(seed)
    y_score = scores(kind, n, rng)
    y_true = (rng.random(n) < 0.4).astype(int)
    sample_weight = weights(weight, n, rng)
    y_true[:2] = 0, 1
    if sample_weight is not None:
        sample_weight[:2] = 1
    return y_true, y_score, sample_weight


def curve_of(y_true, y_score, sample_weight=None, **options):
    made = aq.BinaryCurve(**options)
    made.update(y_true, y_score, sample_weight=sample_weight)
    return made


def pieces(columns, cuts):
    ends = [0, *sorted(cuts), len(columns[0])]
    return [
        tuple(None if column is None else column[i:j] for column in columns)
        for i, j in zip(ends, ends[1:], strict=False)
    ]


class TestSameAsScikitLearn:
    @pytest.mark.parametrize("weight", [None, "integers", "floats"])
    @pytest.mark.parametrize("kind", KINDS)
    def test_areas(self, kind, weight):
        for seed, n in enumerate((2, 10, 3000)):
            y_true, y_score, w = rows(kind, weight, n, seed)
            curve = curve_of(y_true, y_score, w)
            assert curve.roc_auc() == pytest.approx(metrics.roc_auc_score(y_true, y_score, sample_weight=w), abs=1e-12)
            expected = metrics.average_precision_score(y_true, y_score, sample_weight=w)
            assert curve.average_precision() == pytest.approx(expected, abs=1e-12)

    def test_areas_after_every_prefix(self):
        y_true, y_score, w = rows("ties", "floats", 60)
        curve = aq.BinaryCurve()
        for i in range(60):
            curve.update(y_true[i : i + 1], y_score[i : i + 1], sample_weight=w[i : i + 1])
            if i >= 1:
                seen = slice(0, i + 1)
                expected = metrics.roc_auc_score(y_true[seen], y_score[seen], sample_weight=w[seen])
                assert curve.roc_auc() == pytest.approx(expected, abs=1e-12)

    @pytest.mark.parametrize("drop", [True, False])
    @pytest.mark.parametrize("weight", [None, "integers", "floats"])
    @pytest.mark.parametrize("kind", KINDS)
    def test_curves(self, kind, weight, drop):
        y_true, y_score, w = rows(kind, weight)
        drop = drop and weight != "floats"  # sums that differ in the last digit have other corners
        curve = curve_of(y_true, y_score, w)
        ours = curve.roc_curve(drop_intermediate=drop)
        theirs = metrics.roc_curve(y_true, y_score, sample_weight=w, drop_intermediate=drop)
        for mine, expected in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(mine, expected, rtol=0, atol=1e-12)
        assert np.array_equal(ours[2], theirs[2])
        ours = curve.pr_curve(drop_intermediate=drop)
        theirs = metrics.precision_recall_curve(y_true, y_score, sample_weight=w, drop_intermediate=drop)
        for mine, expected in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(mine, expected, rtol=0, atol=1e-12)
        assert ours[2].dtype == y_score.dtype

    @pytest.mark.parametrize("max_fpr", [1e-9, 0.01, 0.3, 0.999, 1])
    @pytest.mark.parametrize("kind", KINDS)
    def test_partial_areas(self, kind, max_fpr):
        y_true, y_score, w = rows(kind, "integers")
        expected = metrics.roc_auc_score(y_true, y_score, sample_weight=w, max_fpr=max_fpr)
        assert curve_of(y_true, y_score, w).roc_auc(max_fpr=max_fpr) == pytest.approx(expected, abs=1e-12)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("weight", [None, "integers", "floats"])
    def test_losses(self, weight, dtype):
        y_true, y_score, w = rows("spikes", weight)
        y_score = y_score.astype(dtype)
        curve = curve_of(y_true, y_score, w)
        expected = metrics.log_loss(y_true, y_score, sample_weight=w)
        assert curve.log_loss() == pytest.approx(expected, rel=1e-6 if dtype == np.float32 else 1e-12)
        expected = metrics.brier_score_loss(y_true, y_score, sample_weight=w)
        assert curve.brier() == pytest.approx(expected, rel=1e-6 if dtype == np.float32 else 1e-12)

    @pytest.mark.parametrize("n_bins", [1, 5, 10])
    def test_uniform_calibration(self, n_bins):
        y_true, y_score, _ = rows("spikes")
        table = curve_of(y_true, y_score).calibration(n_bins=n_bins)
        positive, score = calibration_curve(y_true, y_score, n_bins=n_bins)
        np.testing.assert_allclose(table["positive"], positive, atol=1e-12)
        np.testing.assert_allclose(table["score"], score, atol=1e-12)
        assert sum(table["mass"].to_pylist()) == 500

    def test_quantiles_hold_equal_masses(self):
        y_true, y_score, _ = rows(n=1000)
        table = curve_of(y_true, y_score).calibration(n_bins=8, strategy="quantile")
        assert table["mass"].to_pylist() == [125.0] * 8
        positive, score = calibration_curve(y_true, y_score, n_bins=8, strategy="quantile")
        np.testing.assert_allclose(table["positive"], positive, atol=1e-12)
        np.testing.assert_allclose(table["score"], score, atol=1e-12)

    def test_points(self):
        y_true, y_score, w = rows("ties", "integers")
        curve = curve_of(y_true, y_score, w)
        fpr, tpr, _ = metrics.roc_curve(y_true, y_score, sample_weight=w)
        assert curve.ks() == pytest.approx(np.abs(tpr - fpr).max(), abs=1e-12)
        threshold, f1 = curve.best_f1()
        of_each = {
            s: metrics.f1_score(y_true, y_score >= s, sample_weight=w) for s in sorted(set(y_score), reverse=True)
        }
        assert f1 == pytest.approx(max(of_each.values()), abs=1e-12)
        assert threshold == max(of_each, key=of_each.get)


class TestExactness:
    @pytest.mark.parametrize("kind", KINDS)
    def test_areas_are_those_of_the_reference_rounded(self, kind):
        for seed in range(5):
            y_true, y_score, _ = rows(kind, None, 60, seed)
            curve = curve_of(y_true, y_score)
            assert curve.roc_auc() == float(reference.roc_area(y_true, y_score))
            exact = float(reference.average_precision(y_true, y_score))
            assert curve.average_precision() == pytest.approx(exact, rel=2**-51)

    @pytest.mark.parametrize("weight", WEIGHTS[1:])
    def test_weighted_areas_are_those_of_the_reference(self, weight):
        for seed in range(5):
            y_true, y_score, w = rows("ties", weight, 60, seed)
            w = [Fraction(float(each)) for each in w]
            curve = curve_of(y_true, y_score, np.array(w, float))
            assert curve.roc_auc() == pytest.approx(float(reference.roc_area(y_true, y_score, w)), rel=2**-49)
            exact = float(reference.average_precision(y_true, y_score, w))
            assert curve.average_precision() == pytest.approx(exact, rel=2**-49)

    @given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.floats(5e-324, 1.7e308)), min_size=1, max_size=30))
    def test_masses_are_the_exact_sums(self, drawn):
        y_score, y_true, w = zip(*drawn, strict=True)
        state = curve_of(list(y_true), np.array(y_score, float), list(w))._settled()
        for first, sums in zip(scores_of(state.first), state.masses, strict=True):
            for label, limbs in zip((True, False), sums, strict=True):
                units = sum(int(limb) << 32 * i for i, limb in enumerate(limbs))
                exact = sum(Fraction(c) for s, t, c in drawn if s == first and t == label)
                assert units * Fraction(2) ** state.unit == exact

    @pytest.mark.parametrize("kind", ["float32", "continuous", "both signs", "tiny", "ties"])
    @pytest.mark.parametrize("n", [1, 31, 32, 33, 100, 5000, 70_000, 300_000])
    def test_keys_are_sorted_and_counted(self, kind, n):
        rng = np.random.default_rng(n)
        y_score, y_true = scores(kind, n, rng), rng.random(n) < 0.3
        state = curve_of(y_true, y_score)._settled()
        values, place = np.unique(y_score, return_inverse=True)
        assert np.array_equal(scores_of(state.first), values[::-1])
        assert np.array_equal(state.masses[::-1, 0, 0], np.bincount(place, y_true))
        assert np.array_equal(state.masses[::-1, 1, 0], np.bincount(place, ~y_true))

    def test_a_bucket_too_large_for_the_cache_is_sorted(self):
        """One far score makes the first digit useless for all others."""
        rng = np.random.default_rng(3)
        y_score = np.append(rng.random(400_000, dtype=np.float32) / 64 + 1, np.float32(-1e30))
        state = curve_of(np.ones(len(y_score), bool), y_score)._settled()
        values, counts = np.unique(y_score, return_counts=True)
        assert np.array_equal(scores_of(state.first), values[::-1])
        assert np.array_equal(state.masses[::-1, 0, 0], counts)

    def test_zeros_of_both_signs_are_one_score(self):
        assert curve_of([0, 1], [0.0, -0.0]).roc_auc() == 0.5
        assert len(curve_of([0, 1], np.array([0.0, -0.0], np.float32))) == 1

    def test_infinite_scores_rank(self):
        curve = curve_of([1, 0, 1, 0], [np.inf, 1e308, 0.0, -np.inf])
        assert curve.roc_auc() == 0.75
        assert curve.roc_curve(drop_intermediate=False)[2].tolist() == [np.inf, np.inf, 1e308, 0, -np.inf]

    def test_float32_and_float64_go_together(self):
        y_true, y_score, _ = rows("float32")
        mixed = curve_of(y_true[:200], y_score[:200])
        mixed.update(y_true[200:], y_score[200:].astype(float))
        assert mixed == curve_of(y_true, y_score.astype(float))
        late = curve_of(y_true[200:], y_score[200:].astype(float))
        late.merge(curve_of(y_true[:200], y_score[:200]))
        assert late == mixed
        assert mixed.roc_auc() == curve_of(y_true, y_score).roc_auc()


class TestBatching:
    @pytest.mark.parametrize("bins", [None, 1, 7, 64, 5000])
    @pytest.mark.parametrize("weight", WEIGHTS)
    @pytest.mark.parametrize("kind", KINDS)
    def test_states_do_not_depend_on_batches_or_the_order_of_merges(self, kind, weight, bins):
        columns = rows(kind, weight, 400)
        whole = curve_of(*columns, bins=bins)
        parts = [curve_of(*piece, bins=bins) for piece in pieces(columns, (0, 1, 50, 57, 300))]
        streamed = aq.BinaryCurve(bins=bins)
        for y_true, y_score, w in pieces(columns, (10, 10, 250)):
            streamed.update(y_true, y_score, sample_weight=w)
            len(streamed)  # ranks what waits
        assert streamed == whole
        for order in (parts, parts[::-1], parts[3:] + parts[:3]):
            merged = aq.BinaryCurve(bins=bins)
            for part in order:
                merged.merge(part)
            assert merged == whole
            assert merged.to_bytes() == whole.to_bytes()
            assert merged.roc_auc_bounds() == whole.roc_auc_bounds()
            assert merged.average_precision_bounds() == whole.average_precision_bounds()
        left, right = copy.copy(parts[0]), copy.copy(parts[3])
        for side, more in ((left, parts[1:3]), (right, parts[4:])):
            for part in more:
                side.merge(part)
        left.merge(right)
        assert left == whole

    @given(
        st.lists(st.tuples(st.booleans(), st.floats(allow_nan=False), st.floats(0, 1e300)), max_size=40),
        st.lists(st.integers(0, 40), max_size=4),
        st.sampled_from([None, 1, 2, 3, 10]),
        st.randoms(),
    )
    def test_states_are_those_of_the_rows_in_any_order(self, drawn, cuts, bins, random):
        columns = [np.array([row[i] for row in drawn], kind) for i, kind in enumerate((bool, float, float))]
        whole = curve_of(*columns, bins=bins)
        order = list(range(len(drawn)))
        random.shuffle(order)
        merged = aq.BinaryCurve(bins=bins)
        for piece in pieces([column[order] for column in columns], [min(cut, len(drawn)) for cut in cuts]):
            merged.merge(curve_of(*piece, bins=bins))
        assert merged == whole

    def test_rows_are_ranked_early_when_scores_repeat_and_late_when_they_do_not(self, monkeypatch):
        monkeypatch.setattr(ranking, "FEW_ROWS", 100)
        monkeypatch.setattr(ranking, "MANY_ROWS", 1000)
        for kind in ("ties", "continuous"):
            columns = rows(kind, None, 4000)
            whole = curve_of(*columns)
            streamed = aq.BinaryCurve()
            waiting = []
            for y_true, y_score, _ in pieces(columns, range(40, 4000, 40)):
                streamed.update(y_true, y_score)
                waiting.append(streamed._pending.rows)
            assert max(waiting) < (100 if kind == "ties" else 4000)
            assert max(waiting) > (0 if kind == "ties" else 900)
            assert streamed == whole

    def test_many_rows_are_sorted_in_parts(self, monkeypatch):
        columns = rows("ties", "floats", 1000)
        whole = {bins: curve_of(*columns, bins=bins) for bins in (None, 4)}
        assert all(len(curve) for curve in whole.values())
        monkeypatch.setattr(_ranking, "MOST_ROWS", 64)
        for bins, curve in whole.items():
            assert curve_of(*columns, bins=bins) == curve

    def test_weights_of_one_are_no_weights_and_whole_ones_are_repeats(self):
        y_true, y_score, w = rows("ties", "integers")
        assert curve_of(y_true, y_score, np.ones(500)) == curve_of(y_true, y_score)
        repeated = curve_of(np.repeat(y_true, w), np.repeat(y_score, w))
        weighted = curve_of(y_true, y_score, w)
        assert weighted.roc_auc() == repeated.roc_auc()
        assert weighted.average_precision() == repeated.average_precision()

    def test_a_curve_merges_with_itself(self):
        y_true, y_score, _ = rows()
        curve = curve_of(y_true, y_score)
        curve.merge(curve)
        assert curve == curve_of(np.tile(y_true, 2), np.tile(y_score, 2))

    def test_merging_leaves_the_other_as_it_was(self):
        y_true, y_score, _ = rows()
        other = curve_of(y_true, y_score)
        aq.BinaryCurve().merge(other)
        mine = curve_of(y_true, y_score)
        mine.merge(other)
        assert other == curve_of(y_true, y_score)

    def test_threads_side_by_side(self):
        parts = [rows("float32", "floats", 20_000, seed) for seed in range(6)]
        with ThreadPoolExecutor(3) as pool:
            areas = list(pool.map(lambda part: curve_of(*part).roc_auc(), parts))
        assert areas == [curve_of(*part).roc_auc() for part in parts]

    @pytest.mark.parametrize("bins", [None, 20])
    def test_threads_that_share_a_curve(self, bins):
        columns = rows("float32", "floats", 60_000)
        parts = pieces(columns, range(1000, 60_000, 1000))
        shared = aq.BinaryCurve(bins=bins)

        def work(part):
            y_true, y_score, w = part
            shared.update(y_true, y_score, sample_weight=w)
            shared.merge(aq.BinaryCurve(bins=bins))
            return len(shared)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, parts))
        assert shared == curve_of(*columns, bins=bins)


class TestBounds:
    @pytest.mark.parametrize("weight", WEIGHTS)
    @pytest.mark.parametrize("kind", KINDS)
    def test_hold_the_exact_areas(self, kind, weight):
        columns = rows(kind, weight, 2000)
        exact = curve_of(*columns)
        for bins in (1, 2, 3, 10, 100, 1000):
            binned = curve_of(*columns, bins=bins)
            assert len(binned) <= bins
            for bounds, estimate, value in (
                (binned.roc_auc_bounds(), binned.roc_auc(), exact.roc_auc()),
                (binned.average_precision_bounds(), binned.average_precision(), exact.average_precision()),
            ):
                assert bounds[0] <= value <= bounds[1]
                assert bounds[0] <= estimate <= bounds[1]

    @given(
        st.lists(st.tuples(st.booleans(), st.floats(allow_nan=False), st.integers(1, 5)), min_size=1, max_size=25),
        st.integers(1, 12),
    )
    def test_hold_the_areas_in_exact_arithmetic(self, drawn, bins):
        y_true, y_score, w = (list(column) for column in zip(*drawn, strict=True))
        binned = curve_of(y_true, y_score, w, bins=bins)
        if any(y_true) and not all(y_true):
            low, high = binned.roc_auc_bounds()
            assert Fraction(low) - Fraction(1, 2**52) <= reference.roc_area(y_true, y_score, w)
            assert reference.roc_area(y_true, y_score, w) <= Fraction(high) + Fraction(1, 2**52)
        if any(y_true):
            low, high = binned.average_precision_bounds()
            exact = reference.average_precision(y_true, y_score, w)
            assert Fraction(low) - Fraction(1, 2**50) <= exact <= Fraction(high) + Fraction(1, 2**50)

    @pytest.mark.parametrize("inside", ["positive first", "negative first", "tied"])
    @pytest.mark.parametrize("n", [1, 2, 40])
    def test_hold_the_worst_that_can_hide_in_a_bin(self, inside, n):
        """All rows of a bin in the order that is best, and worst, and none."""
        top, bottom = np.nextafter(0.7, 1), 0.7
        of_positive, of_negative = {"positive first": (top, bottom), "negative first": (bottom, top)}.get(
            inside, (top, top)
        )
        y_score = np.r_[np.full(n, of_positive), np.full(n, of_negative), np.linspace(0, 1, 30)]
        y_true = np.r_[np.ones(n), np.zeros(n), np.arange(30) % 2]
        exact = curve_of(y_true, y_score)
        for bins in (3, 8, 20):
            binned = curve_of(y_true, y_score, bins=bins)
            low, high = binned.roc_auc_bounds()
            assert low <= exact.roc_auc() <= high
            low, high = binned.average_precision_bounds()
            assert low <= exact.average_precision() <= high

    def test_are_reached(self):
        """One bin of a negative and a positive row: both orders are possible, and so are both bounds."""
        for y_true, area in (([0, 1], 1.0), ([1, 0], 0.0)):
            assert curve_of(y_true, [0.1, 0.2]).roc_auc() == area
            assert curve_of(y_true, [0.1, 0.2], bins=1).roc_auc_bounds() == (0.0, 1.0)

    @pytest.mark.parametrize("kind", ["ties", "constant"])
    def test_are_equal_when_no_bin_mixes_scores(self, kind):
        y_true, y_score, w = rows(kind, "floats")
        exact = curve_of(y_true, y_score, w)
        binned = curve_of(y_true, y_score, w, bins=len(exact))
        assert binned.roc_auc_bounds() == (exact.roc_auc(),) * 2
        assert binned.average_precision_bounds() == (exact.average_precision(),) * 2
        assert exact.roc_auc_bounds() == (exact.roc_auc(),) * 2
        assert np.array_equal(binned.roc_curve()[2], exact.roc_curve()[2])

    def test_a_spike_beside_other_scores_costs_nothing(self):
        """Half of the rows have one score; the bounds are as close as those of the other half allow."""
        rng = np.random.default_rng(2)
        y_score = np.r_[np.zeros(1000), rng.random(1000)]
        low, high = curve_of(rng.random(2000) < 0.5, y_score, bins=100).roc_auc_bounds()
        assert high - low < 0.01

    def test_points_of_binned_curves_are_points_of_exact_ones(self):
        y_true, y_score, _ = rows()
        exact = set(zip(*curve_of(y_true, y_score).roc_curve(drop_intermediate=False), strict=True))
        binned = set(zip(*curve_of(y_true, y_score, bins=20).roc_curve(drop_intermediate=False), strict=True))
        assert 10 < len(binned) <= 21
        assert binned <= exact

    def test_more_bins_are_finer(self):
        columns = rows(n=20_000)
        widths = [np.diff(curve_of(*columns, bins=bins).roc_auc_bounds())[0] for bins in (4, 16, 64, 256, 1024)]
        assert widths == sorted(widths, reverse=True)
        assert widths[-1] < 0.002

    def test_bins_bound_the_memory(self):
        curve = aq.BinaryCurve(bins=50)
        for seed in range(3):
            y_true, y_score, w = rows("both signs", "integers", 100_000, seed)
            curve.update(y_true, y_score, sample_weight=w)
        assert len(curve) <= 50
        assert len(curve.to_bytes()) < 5000

    def test_losses_of_bins_are_between_those_of_their_ends(self):
        y_true, y_score, _ = rows(n=5000)
        exact, binned = curve_of(y_true, y_score), curve_of(y_true, y_score, bins=500)
        assert binned.brier() == pytest.approx(exact.brier(), abs=1e-3)
        assert binned.log_loss() == pytest.approx(exact.log_loss(), abs=1e-2)


ARROW_LABELS = {
    "bool": pa.array([True, False, True, False]),
    "int8": pa.array([1, 0, 1, 0], pa.int8()),
    "uint64": pa.array([1, 0, 1, 0], pa.uint64()),
    "minus one": pa.array([1, -1, 1, -1]),
    "float32": pa.array([1.0, 0.0, 1.0, 0.0], pa.float32()),
    "float16": pa.array(np.array([1, 0, 1, 0], np.float16)),
    "dictionary": pa.array([1, 0, 1, 0]).dictionary_encode(),
    "chunked": pa.chunked_array([[1], [0, 1, 0]]),
    "sliced": pa.array([0, 0, 0, 1, 0, 1, 0, 1])[3:7],
    "sliced bits": pa.array([False] * 11 + [True, False, True, False, True])[11:15],
    "list": [1, 0, True, 0],
    "numpy bool": np.array([True, False, True, False]),
    "strided": np.array([1, 7, 0, 7, 1, 7, 0, 7])[::2],
    "big-endian": np.array([1, 0, 1, 0], ">i4"),
}
STRINGS = pa.array(["yes", "no", "yes", "maybe"])
STRING_LABELS = {
    "string": STRINGS,
    "large": STRINGS.cast(pa.large_string()),
    "view": STRINGS.cast(pa.string_view()),
    "dictionary": STRINGS.dictionary_encode(),
    "views in a dictionary": pa.DictionaryArray.from_arrays([0, 1, 0, 1], STRINGS[:2].cast(pa.string_view())),
    "numpy": np.array(["yes", "no", "yes", "maybe"]),
    "objects": np.array(["yes", "no", "yes", "maybe"], object),
    "chunked dictionaries": pa.chunked_array([STRINGS[:1].dictionary_encode(), STRINGS[1:].dictionary_encode()]),
}


class Dunder:
    """Data of which nothing is known but that they can be exported."""

    def __init__(self, array):
        self._array = array

    def __arrow_c_array__(self, requested_schema=None):
        return self._array.__arrow_c_array__(requested_schema)


class TestInputs:
    Y_SCORE = (0.9, 0.7, 0.4, 0.1)

    @pytest.mark.parametrize("name", ARROW_LABELS)
    def test_labels(self, name):
        assert curve_of(ARROW_LABELS[name], self.Y_SCORE).roc_auc() == 0.75

    @pytest.mark.parametrize("name", STRING_LABELS)
    def test_strings(self, name):
        assert curve_of(STRING_LABELS[name], self.Y_SCORE, positive="yes").roc_auc() == 0.75

    @pytest.mark.parametrize(("labels", "positive"), [([0, 1, 0, 1], 0), ([3, 2, 3, 1], 3), ([0.5, 1, 0.5, 2], 0.5), ([True, False] * 2, True), ([True, False] * 2, 1), ([3, 2, 3, 1], np.int64(3))])  # fmt: skip
    def test_the_positive_label_may_be_any(self, labels, positive):
        assert curve_of(pa.array(labels), self.Y_SCORE, positive=positive).roc_auc() == 0.75

    def test_producers_that_expose_only_the_dunder(self):
        y_true, y_score = Dunder(pa.array([True, False, True, False])), Dunder(pa.array(self.Y_SCORE))
        assert curve_of(y_true, y_score, Dunder(pa.array([1, 1, 1, 1]))).roc_auc() == 0.75

    @pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64(), pa.int8(), pa.uint64(), pa.bool_()])
    def test_scores(self, kind):
        values = [True, False, True, False] if pa.types.is_boolean(kind) else [9, 7, 4, 1]
        values = np.array(values, np.float16) if pa.types.is_float16(kind) else values
        padded = pa.concat_arrays([pa.array(values, kind)] * 2)[4:]
        assert curve_of([1, 0, 1, 0], padded).roc_auc() == (1 if pa.types.is_boolean(kind) else 0.75)
        assert curve_of([1, 0, 1, 0], padded.dictionary_encode()) == curve_of([1, 0, 1, 0], padded)

    def test_large_integers_are_not_confused(self):
        assert curve_of([0, 1], pa.array([2**53 - 1, 2**53])).roc_auc() == 1
        with pytest.raises(ValueError, match=r"^y_score: must hold integers of at most 2\*\*53, got others: "):
            curve_of([0, 1], pa.array([2**53, 2**53 + 1]))

    def test_nulls_may_be_skipped(self):
        y_true = pa.array([1, None, 1, 0, 0, 1])
        y_score = pa.array([0.9, 0.7, None, 0.1, 0.4, 0.4])
        w = pa.array([1.0, 1, 1, None, 1, 2])
        curve = curve_of(y_true, y_score, w, nulls="skip")
        assert curve.roc_auc() == curve_of([1, 0, 1], [0.9, 0.4, 0.4], [1, 1, 2]).roc_auc()
        assert curve.n_seen == 6
        nulls = curve_of(pa.nulls(3), pa.nulls(3), nulls="skip")
        assert (len(nulls), nulls.n_seen) == (0, 3)
        of_values = pa.DictionaryArray.from_arrays([0, 1, 2, 1], ["yes", None, "no"])
        skipped = curve_of(of_values, [0.1, 0.2, 0.3, 0.4], positive="yes", nulls="skip")
        assert skipped.roc_curve()[2].tolist() == [np.inf, 0.3, 0.1]

    def test_what_a_mask_hides_is_null(self):
        masked = np.ma.array([1, 0, 1, 1], mask=[0, 0, 0, 1])
        with pytest.raises(ValueError, match=r"^y_true: must not be null, got null at row 3$"):
            curve_of(masked, [0.9, 0.7, 0.4, 0.1])
        hidden = np.ma.array([True, False, True, True], mask=[0, 0, 0, 1])
        for y_true in (masked, hidden):
            assert curve_of(y_true, [0.9, 0.7, 0.4, 0.1], nulls="skip").roc_auc() == 0.5

    @pytest.mark.parametrize("library", [pd, pl])
    def test_columns_of_frames(self, library):
        frame = library.DataFrame({"y": ["a", "b", "a", "b"], "s": [0.9, 0.7, 0.4, 0.1]})
        assert curve_of(frame["y"], frame["s"], positive="a").roc_auc() == 0.75

    def test_rows_that_weigh_nothing_do_not_count(self):
        curve = curve_of([0, 1, 1], [0.1, 0.2, 0.05], [1, 1, 0])
        assert (curve.roc_auc(), len(curve), curve.n_seen) == (1.0, 2, 3)

    @pytest.mark.parametrize(
        ("y_true", "y_score", "w", "options", "kind", "message"),
        [
            ([0, 2], [0.1, 0.2], None, {}, ValueError, "y_true: must hold 0 and 1, or -1 and 1, got 2 at row 8"),
            ([0.0, 0.5], [0.1, 0.2], None, {}, ValueError, "y_true: must hold 0 and 1, or -1 and 1, got 0.5 at row 8"),
            ([0, -1], [0.1, 0.2], None, {}, ValueError, "y_true: must hold 0 and 1, or -1 and 1, got both 0 and -1"),
            ([0, 1], [0.1, np.nan], None, {}, ValueError, "y_score: must not be NaN, got nan at row 8"),
            ([0, 1], [0.1], None, {}, ValueError, "y_score: must be as long as y_true, got 1 for 2 rows"),
            ([0, 1], [0.1, 0.2], [1], {}, ValueError, "sample_weight: must be as long as y_true, got 1 for 2 rows"),
            ([0, 1], [0.1, 0.2], [1, -1], {}, ValueError, "sample_weight: must be finite and not negative, got -1.0 at row 8"),
            ([0, 1], [0.1, 0.2], [1, np.inf], {}, ValueError, "sample_weight: must be finite and not negative, got inf at row 8"),
            ([0, None], [0.1, 0.2], None, {}, ValueError, "y_true: must not be null, got null at row 8"),
            ([0, 1], [0.1, None], None, {}, ValueError, "y_score: must not be null, got null at row 8"),
            ([None, 3], [0.1, 0.2], None, {"nulls": "skip"}, ValueError, "y_true: must hold 0 and 1, or -1 and 1, got 3 at row 8"),
            ([None, 1], [0.1, 0.2], [1, -1], {"nulls": "skip"}, ValueError, "sample_weight: must be finite and not negative, got -1.0 at row 8"),
            ([[0, 1]], [0.1], None, {}, ValueError, "y_true: must have one dimension, got shape (1, 2)"),
            (["a", "b"], [0.1, 0.2], None, {}, TypeError, "positive: must say which label is the positive one of string labels, got None"),
            ([0, 1], ["a", "b"], None, {}, TypeError, "y_score: must be a column of numbers, got string"),
            ([0, 1], [0.1, 0.2], ["a", "b"], {}, TypeError, "sample_weight: must be numbers, got string"),
        ],
    )  # fmt: skip
    def test_a_failed_update_leaves_the_state_as_it_was(self, y_true, y_score, w, options, kind, message):
        curve = aq.BinaryCurve(**options)
        curve.update([0, 1, 1, 0, 1, 1, 0], np.arange(7) / 7)
        before = copy.copy(curve)
        with pytest.raises(kind) as caught:
            curve.update(y_true, y_score, sample_weight=w)
        assert str(caught.value) == message
        assert curve == before
        assert curve.n_seen == 7

    @pytest.mark.parametrize(
        ("labels", "positive", "shown"),
        [([0, 1], "a", "int64, got str 'a'"), (["a"], 1, "string, got int 1"), ([0, 1], 0.5, "int64, got float 0.5"), ([True], 2, "bool, got int 2")],
    )  # fmt: skip
    def test_positive_must_be_a_label(self, labels, positive, shown):
        with pytest.raises(TypeError) as caught:
            curve_of(pa.array(labels), np.zeros(len(labels)), positive=positive)
        assert str(caught.value) == f"positive: must be one of y_true's labels, {shown}"

    def test_options(self):
        with pytest.raises(ValueError, match=r"^bins: must be at least 1, got 0$"):
            aq.BinaryCurve(bins=0)
        with pytest.raises(TypeError, match=r"^bins: must be an integer, got float 2.5$"):
            aq.BinaryCurve(bins=2.5)
        with pytest.raises(ValueError, match=r"^nulls: must be one of 'raise', 'skip', got 'drop'$"):
            aq.BinaryCurve(nulls="drop")
        with pytest.raises(TypeError, match=r"^positive: must be a boolean, a number or a string, got list \[1\]$"):
            aq.BinaryCurve(positive=[1])
        with pytest.raises(ValueError, match=r"^positive: must be a label, got nan$"):
            aq.BinaryCurve(positive=math.nan)
        curve = curve_of([0, 1], [0.2, 1.5])
        with pytest.raises(ValueError, match=r"^y_score: must be between 0 and 1 for log_loss, got 1.5$"):
            curve.log_loss()
        with pytest.raises(ValueError, match=r"^y_score: must be between 0 and 1 for brier, got -1.0$"):
            curve_of([0, 1], [0.2, -1.0]).brier()
        with pytest.raises(ValueError, match=r"^max_fpr: must be above 0 and at most 1, got 0$"):
            curve.roc_auc(max_fpr=0)
        with pytest.raises(TypeError, match=r"^drop_intermediate: must be True or False, got int 1$"):
            curve.roc_curve(drop_intermediate=1)


class TestOneClass:
    @pytest.mark.parametrize("label", [0, 1])
    @pytest.mark.parametrize("bins", [None, 3])
    def test_what_is_not_defined_is_nan(self, label, bins):
        curve = curve_of([label] * 5, np.arange(5) / 5, bins=bins)
        assert math.isnan(curve.roc_auc())
        assert math.isnan(curve.roc_auc(max_fpr=0.5))
        assert math.isnan(curve.ks())
        assert all(map(math.isnan, curve.roc_auc_bounds()))
        assert curve.roc_auc(zero_division=0.5) == 0.5
        assert curve.roc_auc_bounds(zero_division=0.0) == (0.0, 0.0)
        if label == 0:
            assert math.isnan(curve.average_precision())
            assert curve.average_precision(zero_division=0.0) == 0
            assert all(map(math.isnan, (*curve.average_precision_bounds(), *curve.best_f1())))
        else:
            assert curve.average_precision() == 1
            assert curve.average_precision_bounds()[1] == 1
        with pytest.warns(UndefinedMetricWarning):
            theirs = metrics.roc_curve([label] * 5, np.arange(5) / 5)
        if bins is None:
            for mine, expected in zip(curve.roc_curve(), theirs, strict=True):
                np.testing.assert_allclose(mine, expected)

    def test_nothing_seen(self):
        for curve in (aq.BinaryCurve(), curve_of([], []), curve_of([1], [0.5], [0.0])):
            assert len(curve) == 0
            assert all(map(math.isnan, (curve.roc_auc(), curve.average_precision(), curve.log_loss(), curve.ks())))
            assert curve.calibration().num_rows == 0
            assert curve.roc_curve()[2].tolist() == [math.inf]
            assert [part.tolist() for part in curve.pr_curve()] == [[1.0], [0.0], []]


class TestSaving:
    @pytest.mark.parametrize("bins", [None, 10])
    @pytest.mark.parametrize("weight", WEIGHTS)
    def test_states_come_back_and_go_on(self, weight, bins):
        y_true, y_score, w = rows("float32", weight)
        curve = curve_of(y_true, y_score, w, bins=bins, positive=1)
        for again in (
            aq.BinaryCurve.from_bytes(curve.to_bytes()),
            pickle.loads(pickle.dumps(curve)),
            copy.copy(curve),
            copy.deepcopy(curve),
        ):
            assert again == curve
            again.update(y_true, y_score, sample_weight=w)
            assert again != curve
            assert again == curve_of(
                np.tile(y_true, 2), np.tile(y_score, 2), None if w is None else np.tile(w, 2), bins=bins, positive=1
            )

    def test_repr(self):
        assert repr(curve_of([0, 1], [0.1, 0.2])) == "BinaryCurve(n_seen=2)"
        assert repr(aq.BinaryCurve(bins=3, positive="a")) == "BinaryCurve(n_seen=0, bins=3, positive='a')"

    def test_curves_differ(self):
        curve = curve_of([0, 1], [0.1, 0.2])
        assert curve != curve_of([0, 1], [0.1, 0.3])
        assert curve != curve_of([1, 0], [0.1, 0.2])
        assert curve != curve_of([0, 1], [0.1, 0.2], bins=9)
        assert curve != "curve"
        with pytest.raises(TypeError):
            hash(curve)

    @pytest.mark.parametrize(
        ("options", "shown"),
        [({"bins": 3}, "bins=None, got bins=3"), ({"positive": 1}, "positive=None, got positive=1"), ({"nulls": "skip"}, "nulls='raise', got nulls='skip'")],
    )  # fmt: skip
    def test_unlike_curves_do_not_merge(self, options, shown):
        curve = curve_of([0, 1], [0.1, 0.2])
        with pytest.raises(ValueError, match=f"^other: must have {shown}$"):
            curve.merge(aq.BinaryCurve(**options))

    def test_curves_of_unlike_labels_do_not_merge(self):
        curve = curve_of([0, 1], [0.1, 0.2])
        with pytest.raises(ValueError, match=r"^y_true: must hold 0 and 1, or -1 and 1, got both 0 and -1$"):
            curve.merge(curve_of([-1, 1], [0.1, 0.2]))
        with pytest.raises(ValueError, match=r"^y_true: must hold 0 and 1, or -1 and 1, got both 0 and -1$"):
            curve.update([-1, 1], [0.1, 0.2])
        with pytest.raises(TypeError, match=r"^other: must be a BinaryCurve, got int 3$"):
            curve.merge(3)
        assert curve == curve_of([0, 1], [0.1, 0.2])

    def test_crafted_states_are_refused(self):
        curve = curve_of([0, 1], [0.1, 0.2])
        state = {
            "bins": None,
            "positive": None,
            "nulls": "raise",
            "n_seen": 2,
            "negatives": [0],
            "level": kernel.FINEST,
        }
        batch = curve._settled().to_batch()
        with pytest.raises(ValueError, match=r"^data: must hold masses of 5 limbs, got others$"):
            aq.BinaryCurve.from_bytes(pack("BinaryCurve", {**state, "masses": [2, 0, 150]}, [batch], batch.schema))
        backwards = batch.take(pa.array([1, 0]))
        with pytest.raises(ValueError, match=r"^data: must hold scores in descending order, got others$"):
            aq.BinaryCurve.from_bytes(pack("BinaryCurve", {**state, "masses": [2, 0, 0]}, [backwards], batch.schema))
        with pytest.raises(ValueError, match=r"^data: must be whole, got bytes that do not match their checksum$"):
            aq.BinaryCurve.from_bytes(curve.to_bytes()[:-1])


class TestSlices:
    @pytest.mark.parametrize("weight", [None, "integers", "floats"])
    @pytest.mark.parametrize("kind", ["float32", "ties", "both signs"])
    def test_areas_are_those_of_each_slice_alone(self, kind, weight):
        y_true, y_score, w = rows(kind, weight, 3000)
        codes = np.random.default_rng(5).integers(0, 40, 3000).astype(np.int32)
        codes[codes == 7] = 8  # an empty one
        codes[:1500][codes[:1500] < 20] = 20  # and a large one
        read = _scored_rows.read_rows(y_true, y_score, w)
        if w is not None:
            codes = codes[w > 0]
        areas, precisions = kernel.rank_slices(codes, read.keys, read.labels, read.weights, *read.masses.format, 40)
        seen = np.flatnonzero(w > 0) if w is not None else np.arange(3000)
        for code in range(40):
            at = seen[codes == code]
            alone = curve_of(y_true[at], y_score[at], None if w is None else w[at])
            np.testing.assert_allclose(areas[code], alone.roc_auc(), rtol=2**-51)
            np.testing.assert_allclose(precisions[code], alone.average_precision(), rtol=2**-51)

    def test_a_hundred_thousand_slices(self):
        n = 200_000
        codes = (np.arange(n) % 100_000).astype(np.int32)
        read = _scored_rows.read_rows(np.arange(n) >= 100_000, np.r_[np.zeros(100_000), np.arange(100_000) % 2])
        areas, _ = kernel.rank_slices(codes, read.keys, read.labels, None, 0, 1, 100_000)
        assert np.array_equal(areas, np.where(np.arange(100_000) % 2, 1.0, 0.5))


@pytest.mark.slow
def test_ten_million_scores_in_batches():
    rng = np.random.default_rng(8)
    y_score = rng.random(10_000_000, dtype=np.float32)
    y_true = rng.random(10_000_000) < y_score
    exact, binned = aq.BinaryCurve(), aq.BinaryCurve(bins=4096)
    for start in range(0, len(y_score), 2**18):
        batch = slice(start, start + 2**18)
        exact.update(y_true[batch], y_score[batch])
        binned.update(y_true[batch], y_score[batch])
    positive = np.sort(y_score[y_true].astype(np.float64))
    negative = np.sort(y_score[~y_true].astype(np.float64))
    below = np.searchsorted(negative, positive, "left").sum() + np.searchsorted(negative, positive, "right").sum()
    assert exact.roc_auc() == int(below) / (2 * len(positive) * len(negative))
    low, high = binned.roc_auc_bounds()
    assert low <= exact.roc_auc() <= high < low + 1e-3

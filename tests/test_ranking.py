"""BinaryCurve: exact in every digit."""

import itertools
import math
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.exceptions import UndefinedMetricWarning

import aliquot as aq
import reference
from aliquot import _scored_rows
from aliquot._kernels import ranking as kernel
from aliquot._kernels.scored_rows import scores as scores_of
from scored import KINDS, WEIGHTS, curve_of, rows, scores


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

    @pytest.mark.parametrize("w", [*itertools.product([5e-324, 1e-300, 1.0, 1.7e308], repeat=4)])
    def test_areas_of_weights_worlds_apart_are_those_of_the_reference(self, w):
        """Neither masses nor their products would be doubles."""
        fractions = [Fraction(weight) for weight in w]
        for y_true in ([1, 0, 0, 1], [0, 1, 0, 0], [0, 1, 1, 0]):
            y_score = [4, 3, 2, 1]
            exact = curve_of(y_true, np.array(y_score, float), list(w))
            area = float(reference.roc_area(y_true, y_score, fractions))
            assert exact.roc_auc() == pytest.approx(area, rel=2**-49, abs=1e-290)
            precision = float(reference.average_precision(y_true, y_score, fractions))
            assert exact.average_precision() == pytest.approx(precision, rel=2**-49, abs=1e-290)
            assert exact.roc_auc_bounds() == (exact.roc_auc(), exact.roc_auc())
            for bins in (1, 2):
                binned = curve_of(y_true, np.array(y_score, float), list(w), bins=bins)
                low, high = binned.roc_auc_bounds()
                assert low <= exact.roc_auc() <= high
                low, high = binned.average_precision_bounds()
                assert low <= exact.average_precision() <= high

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
        areas, precisions = kernel.rank_slices(codes, read.keys, read.labels, read.weights, *read.masses.format, 40, 1)
        seen = np.flatnonzero(w > 0) if w is not None else np.arange(3000)
        for code in range(40):
            at = seen[codes == code]
            alone = curve_of(y_true[at], y_score[at], None if w is None else w[at])
            np.testing.assert_allclose(areas[code], alone.roc_auc(), rtol=2**-51)
            np.testing.assert_allclose(precisions[code], alone.average_precision(), rtol=2**-51)

    @pytest.mark.parametrize("weight", [None, "integers", "floats"])
    @pytest.mark.parametrize("slices", [1, 3, 1000])
    def test_threads_make_no_difference(self, slices, weight):
        n = 3 * 2**17 + 5
        codes = np.sort(np.random.default_rng(slices).integers(0, slices, n).astype(np.int32) ** 2 // slices)
        y_true, y_score, w = rows("float32", weight, n)
        read = _scored_rows.read_rows(y_true, y_score, None if w is None else w + 1)
        given = codes[::-1].copy(), read.keys, read.labels, read.weights, *read.masses.format, slices
        alone, together = (kernel.rank_slices(*given, threads) for threads in (1, 3))
        np.testing.assert_array_equal(alone, together)
        y_true, y_score = y_true[given[0] == 0], y_score[given[0] == 0]
        area = curve_of(y_true, y_score, None if w is None else (w + 1)[given[0] == 0]).roc_auc()
        assert alone[0][0] == pytest.approx(area, rel=2**-51)

    def test_a_hundred_thousand_slices(self):
        n = 200_000
        codes = (np.arange(n) % 100_000).astype(np.int32)
        read = _scored_rows.read_rows(np.arange(n) >= 100_000, np.r_[np.zeros(100_000), np.arange(100_000) % 2])
        areas, _ = kernel.rank_slices(codes, read.keys, read.labels, None, 0, 1, 100_000, 1)
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

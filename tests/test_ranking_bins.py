"""Binned curves: never wrong about their bounds."""

from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import aliquot as aq
import reference
from aliquot import ranking
from aliquot._kernels import score_bins
from scored import KINDS, WEIGHTS, curve_of, pieces, rows


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


class TestRowsIntoBins:
    """Rows go to bins there are without being sorted first."""

    @pytest.mark.parametrize("bins", [2, 30, 700])
    @pytest.mark.parametrize("weight", WEIGHTS)
    @pytest.mark.parametrize("kind", KINDS)
    def test_bins_are_those_of_sorted_rows(self, kind, weight, bins, monkeypatch):
        monkeypatch.setattr(ranking, "FEW_ROWS", 20_000)
        columns = rows(kind, weight, 70_000)
        streamed = aq.BinaryCurve(bins=bins)
        for y_true, y_score, w in pieces(columns, (15_000, 25_000, 40_000)):
            streamed.update(y_true, y_score, sample_weight=w)
        with monkeypatch.context() as patched:
            patched.setattr(score_bins, "bin_rows", lambda *_: 0)
            assert streamed == curve_of(*columns, bins=bins)

    @pytest.mark.parametrize(("weight", "n", "bins", "suits"), [
        (None, 30_000, 1000, True), ("floats", 30_000, 1000, True), (None, 1000, 1000, False),
        (None, 30_000, 2**17, False),
    ])  # fmt: skip
    def test_many_rows_are_not_sorted(self, weight, n, bins, suits, monkeypatch):
        sizes = []
        kernel = score_bins.bin_rows
        monkeypatch.setattr(score_bins, "bin_rows", lambda *given: sizes.append(kernel(*given)) or sizes[-1])
        columns = rows("continuous", weight, 30_000 + n)
        curve = aq.BinaryCurve(bins=bins)
        for y_true, y_score, w in pieces(columns, (30_000,)):
            curve.update(y_true, y_score, sample_weight=w)
            len(curve)  # ranks what waits
        assert sizes[0] == 0  # there are no bins yet
        assert (sizes[1] > 0) == suits

"""What counts pairs of labels, against NumPy."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from aliquot._kernels.confusion import DenseCounts, Rows
from aliquot._kernels.confusion_sparse import SparseCounts
from label_pairs import INTEGERS, rows

WINDOWS = [(0, 1), (0, 2), (-3, 7), (0, 10), (-128, 256), (-100, 129), (0, 200), (250, 20), (-(2**40), 300)]
WINDOWS += [(2**63 - 20, 20), (-(2**63), 20), (2**31 - 5, 11)]


def array_of(label, kind):
    """One label; None if the type does not hold it, or kernels tell no numbers so large apart in it."""
    if pa.types.is_floating(kind):
        return pa.array([float(label)], kind) if abs(label) < (2**24 if pa.types.is_float32(kind) else 2**49) else None
    try:
        return pa.array([label], kind)
    except (pa.ArrowInvalid, OverflowError):
        return None


class TestKernels:
    @given(
        st.integers(-(2**40), 2**40), st.integers(1, 300), st.integers(1, 1500), st.integers(0, 3), st.integers(1, 40)
    )
    def test_dense_and_sparse_counts_are_those_of_numpy(self, base, width, n, skip, n_slices):
        y_true, y_pred = (base + side for side in rows(n + skip, width))
        of_rows = np.random.default_rng(n).integers(0, n_slices, n + skip, np.int32)
        columns = [of_rows[skip:], y_true[skip:], y_pred[skip:]]
        expected = np.unique(np.stack(columns), axis=1, return_counts=True)
        data = Rows(pa.array(y_true), pa.array(y_pred), None, None if n_slices == 1 else of_rows)
        for counts in (DenseCounts(base, width, n_slices), SparseCounts(base, width, False)):
            assert counts.count(data, skip, n + skip) == n + skip
            true, predicted, found, parts, slices = counts.cells()
            assert [slices.tolist(), true.tolist(), predicted.tolist()] == expected[0].tolist()
            assert found.tolist() == expected[1].tolist()
            assert parts is None
            assert counts.uncount(data, skip, n + skip) == n + skip
            assert len(counts.cells()[0]) == 0

    @pytest.mark.parametrize("kind", ["int64", "bool"])
    def test_few_labels_in_slices(self, kind):
        y_true, y_pred = (side.astype(kind) for side in rows(3000, 2))
        of_rows = np.random.default_rng(2).integers(0, 3, 3000, np.int32)
        counts = DenseCounts(0, 2, 3)
        counts.count(Rows(pa.array(y_true), pa.array(y_pred), None, of_rows), 0, 3000)
        cells = np.zeros((3, 2, 2), int)
        np.add.at(cells, (of_rows, y_true.astype(int), y_pred.astype(int)), 1)
        assert counts.cells()[2].tolist() == cells.ravel().tolist()

    def test_a_cell_of_a_large_table_counts_beyond_a_byte(self):
        column = pa.array(np.full(100_000, 299))
        counts = DenseCounts(0, 300, 1)
        counts.count(Rows(column, column, None, None), 0, 100_000)
        assert counts.cells()[2].tolist() == [100_000]
        assert counts.uncount(Rows(column, column, None, None), 0, 99_999) == 99_999
        assert counts.cells()[2].tolist() == [1]

    @pytest.mark.parametrize("kind", [*INTEGERS, pa.float32(), pa.float64()], ids=str)
    @pytest.mark.parametrize(("base", "width"), WINDOWS)
    def test_a_label_is_counted_if_and_only_if_it_is_in_the_window(self, kind, base, width):
        ends = [base + each + shift for each in (0, width) for shift in range(-20, 20)]
        far = [base + sign * 2**bits + i for bits in (8, 16, 32, 63) for sign in (-1, 1) for i in (0, width - 1, width)]
        for label in {*ends, *far}:
            column = array_of(label, kind)
            if column is None:
                continue
            like = array_of(base, kind)
            for other in [pa.array([base])] if like is None else [pa.array([base]), like]:
                counts = DenseCounts(base, width, 1)
                inside = base <= label < base + width
                assert counts.count(Rows(column, other, None, None), 0, 1) == inside
                assert counts.count(Rows(other, column, None, None), 0, 1) == inside
                true, predicted, found, *_ = counts.cells()
                pairs = sorted({(label, base), (base, label)}) if inside else []
                assert list(zip(true, predicted, strict=True)) == pairs
                assert found.sum() == 2 * inside

    @pytest.mark.parametrize("at", [0, 1, 255, 256, 257, 1300])
    @pytest.mark.parametrize("width", [3, 10, 30, 300])
    def test_counting_stops_before_a_value_outside_and_is_resumed(self, width, at):
        y_true, y_pred = rows(1500, width)
        bad = y_true.copy()
        bad[at] = width
        for counts in (DenseCounts(0, width, 1), SparseCounts(0, width, False)):
            stop = counts.count(Rows(pa.array(bad), pa.array(y_pred), None, None), 0, 1500)
            assert at - 256 < stop <= at
            assert counts.count(Rows(pa.array(y_true), pa.array(y_pred), None, None), stop, 1500) == 1500
            matrix = np.zeros((width, width), int)
            true, predicted, found, *_ = counts.cells()
            matrix[true, predicted] = found
            assert matrix.tolist() == sk.confusion_matrix(y_true, y_pred, labels=range(width)).tolist()

    def test_a_failed_uncount_takes_nothing_back(self):
        y_true, y_pred = rows(1500, 7)
        y_true[(y_true == 6) & (y_pred == 6)] = 5
        for counts in (DenseCounts(0, 7, 1), SparseCounts(0, 7, False)):
            counts.count(Rows(pa.array(y_true), pa.array(y_pred), None, None), 0, 1500)
            before = [each.tolist() for each in counts.cells()[:3]]
            data = Rows(pa.array(np.append(y_true, 6)), pa.array(np.append(y_pred, 6)), None, None)
            assert counts.uncount(data, 0, 1501) == 1500
            assert [each.tolist() for each in counts.cells()[:3]] == before

"""What counts pairs of labels, against NumPy."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from aliquot._kernels.confusion import DenseCounts, Rows
from aliquot._kernels.confusion_sparse import SparseCounts
from label_pairs import rows


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

    @pytest.mark.parametrize("at", [0, 1, 511, 512, 513, 1300])
    @pytest.mark.parametrize("width", [3, 10, 30, 300])
    def test_counting_stops_before_a_value_outside_and_is_resumed(self, width, at):
        y_true, y_pred = rows(1500, width)
        bad = y_true.copy()
        bad[at] = width
        for counts in (DenseCounts(0, width, 1), SparseCounts(0, width, False)):
            stop = counts.count(Rows(pa.array(bad), pa.array(y_pred), None, None), 0, 1500)
            assert at - 512 < stop <= at
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

"""Confusion matrices: counts of every type, cut and order; states; errors that change nothing."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import metrics as river
from sklearn import metrics as sk

import aliquot as aq
from aliquot._kernels.confusion import DenseCounts, Rows
from aliquot._kernels.confusion_sparse import SparseCounts
from aliquot._saved import pack, unpack

INTEGERS = [*(getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64))]
STRINGS = [pa.string(), pa.large_string(), pa.string_view()]


def rows(n, k, seed=1, accuracy=0.7):
    rng = np.random.default_rng(seed)
    y_true = rng.integers(0, k, n)
    return y_true, np.where(rng.random(n) < accuracy, y_true, rng.integers(0, k, n))


def counted(y_true, y_pred, labels=None, step=None, **options):
    m = aq.ConfusionMatrix(labels, **options)
    for start in range(0, len(y_true), step or max(len(y_true), 1)):
        stop = start + (step or len(y_true))
        m.update(y_true[start:stop], y_pred[start:stop])
    return m


def as_type(values, kind):
    """Labels 0, 1, 2, ... as another type of Arrow: a different string each for strings."""
    if kind in STRINGS or (pa.types.is_dictionary(kind) and not pa.types.is_integer(kind.value_type)):
        plain = pa.array([f"class number {value:04}" for value in values.tolist()])
        return plain.dictionary_encode() if pa.types.is_dictionary(kind) else plain.cast(kind)
    if pa.types.is_dictionary(kind):
        return pa.array(values).cast(kind.value_type).dictionary_encode()
    return pa.array(values).cast(kind)


class TestTypes:
    @pytest.mark.parametrize("k", [2, 3, 5, 16, 17, 64, 65, 100])
    @pytest.mark.parametrize("kind", [*INTEGERS, pa.float32(), pa.float64()], ids=str)
    def test_numbers_at_any_offset(self, kind, k):
        y_true, y_pred = rows(3000, k)
        m = aq.ConfusionMatrix()
        m.update(as_type(y_true, kind).slice(7), as_type(y_pred, kind).slice(7))
        assert m.labels == list(range(k))
        assert m.matrix.dtype == np.int64
        assert m.matrix.tolist() == sk.confusion_matrix(y_true[7:], y_pred[7:], labels=range(k)).tolist()

    @pytest.mark.parametrize("labels", [None, range(6)])
    @pytest.mark.parametrize("k", [2, 5])
    @pytest.mark.parametrize("true_kind", [pa.int8(), pa.uint64(), pa.float32(), pa.dictionary(pa.int8(), pa.int16())])
    @pytest.mark.parametrize("pred_kind", [pa.int64(), pa.uint8(), pa.float64(), pa.bool_()])
    def test_numbers_of_two_types(self, true_kind, pred_kind, k, labels):
        y_true, y_pred = rows(2000, k)
        if pred_kind == pa.bool_():
            y_pred = y_pred % 2
        m = aq.ConfusionMatrix(labels)
        m.update(as_type(y_true, true_kind), as_type(y_pred, pred_kind))
        assert m.matrix.tolist() == sk.confusion_matrix(y_true, y_pred, labels=labels).tolist()

    @pytest.mark.parametrize("kind", [*STRINGS, pa.dictionary(pa.int32(), pa.string())], ids=str)
    def test_strings(self, kind):
        y_true, y_pred = rows(3000, 40)
        m = aq.ConfusionMatrix()
        m.update(as_type(y_true, kind).slice(7), as_type(y_pred, kind).slice(7))
        assert m.labels == [f"class number {value:04}" for value in range(40)]
        assert m.matrix.tolist() == sk.confusion_matrix(y_true[7:], y_pred[7:]).tolist()

    @pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 127, 128, 129, 191, 192, 193, 1000])
    @pytest.mark.parametrize("labels", [None, [False, True], [0, 1], [-1, 0, 1, 2]])
    def test_booleans_at_any_offset(self, n, labels):
        y_true, y_pred = (side > 1 for side in rows(n + 20, 4))
        for first in (0, 1, 7, 8, 9):
            a, b = y_true[first : first + n], y_pred[first + 3 : first + 3 + n]
            m = aq.ConfusionMatrix(labels)
            m.update(pa.array(y_true).slice(first, n), pa.array(y_pred).slice(first + 3, n))
            same = aq.ConfusionMatrix(labels)
            same.update(a.astype(np.int8), b)
            assert m.matrix.tolist() == same.matrix.tolist()
            if labels != [-1, 0, 1, 2] and n > 20:
                assert m.matrix.tolist() == sk.confusion_matrix(a, b).tolist()

    def test_labels_are_booleans_as_long_as_nothing_else_was_seen(self):
        m = counted([True, False], [True, True])
        assert repr(m.labels) == "[False, True]"
        m.update([True], [1])
        assert repr(m.labels) == "[0, 1]"

    @pytest.mark.parametrize(
        "wrap",
        [
            list,
            np.array,
            pa.array,
            pd.Series,
            pl.Series,
            lambda values: np.array(values)[::-1][::-1],
            lambda values: np.repeat(values, 2)[::2],
            lambda values: pa.chunked_array([values[:1], [], values[1:3], values[3:]]),
            lambda values: pa.chunked_array([values[:2], values[2:]]).dictionary_encode(),
            lambda values: pa.RunEndEncodedArray.from_arrays(range(1, 6), pa.array(values)),
        ],
    )
    @pytest.mark.parametrize("values", [[3, 1, 2, 2, 3], ["c", "a", "b", "b", "c"]])
    def test_containers(self, values, wrap):
        m = aq.ConfusionMatrix()
        m.update(wrap(values), pa.chunked_array([values[:3], values[3:]]))
        m.update(values, wrap(values))
        assert m.matrix.tolist() == [[2, 0, 0], [0, 4, 0], [0, 0, 4]]

    @pytest.mark.parametrize("kind", [">i4", "f2", "U1", "O", "T"])
    def test_numpy_types(self, kind):
        values = np.array([1, 2, 2]).astype("U1" if kind in "OT" else kind).astype(kind)
        m = counted(values, values)
        assert m.labels == ([1, 2] if kind in (">i4", "f2") else ["1", "2"])

    def test_producers_that_expose_only_the_dunder(self):
        class Opaque:
            def __init__(self, array):
                self.array = array

            def __arrow_c_array__(self, requested_schema=None):
                return self.array.__arrow_c_array__(requested_schema)

        assert counted([1, 2], [1, 2]) == counted([1, 2], [1, 2])
        m = aq.ConfusionMatrix()
        m.update(Opaque(pa.array([1, 2])), Opaque(pa.array([1, 1])))
        assert m.matrix.tolist() == [[1, 0], [1, 0]]

    def test_dictionaries_of_both_sides_and_all_batches_are_unified(self):
        m = aq.ConfusionMatrix()
        for shift in range(4):
            words = ["a", "b", "c", "d"]
            turned = words[shift:] + words[:shift]
            for codes in ([0, 1, 2], [3, 3, 0]):
                m.update(
                    pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), turned),
                    pa.DictionaryArray.from_arrays(pa.array(codes, pa.uint16()), turned[::-1]),
                )
        plain = aq.ConfusionMatrix()
        for shift in range(4):
            turned = ["a", "b", "c", "d"][shift:] + ["a", "b", "c", "d"][:shift]
            for code in (0, 1, 2, 3, 3, 0):
                plain.update([turned[code]], [turned[::-1][code]])
        assert m == plain

    def test_integers_at_the_ends_of_their_range(self):
        for values in ([2**63 - 1, 2**63 - 2], [-(2**63), -(2**63) + 1], [-(2**63), 2**63 - 1], [-5, 10**12, 7]):
            m = counted(values, values[::-1])
            assert m.labels == sorted(values)
            assert m.matrix.sum() == len(values)
        assert counted(np.array([255, 0], np.uint8), np.array([-1, 300])).labels == [-1, 0, 255, 300]
        assert counted(np.array([127], np.int8), np.array([-128], np.int8)).labels == [-128, 127]

    def test_a_value_that_is_the_window_modulo_its_width_is_not_taken_for_a_label(self):
        m = aq.ConfusionMatrix(range(200, 203))
        for wrong in (
            np.array([-56], np.int8),
            np.array([200 + 2**16]),
            np.array([200 + 2**32]),
            np.array([200 - 2**8]),
        ):
            with pytest.raises(ValueError, match=r"^y_pred: must be one of the labels, got -?\d+ at row 0$"):
                m.update([200], wrong)
        m = aq.ConfusionMatrix([-3, -2, -1])
        with pytest.raises(ValueError, match=r"^y_true: must be whole numbers|^y_true: must"):
            m.update(np.array([2**64 - 3], np.uint64), [-3])
        assert m.n_seen == 0


class TestLaws:
    @given(st.data())
    def test_neither_batches_nor_order_nor_merges_change_anything(self, data):
        k = data.draw(st.sampled_from([2, 3, 10, 30, 3000]))
        n = data.draw(st.integers(0, 400))
        y_true, y_pred = rows(n, k, seed=data.draw(st.integers(0, 99)))
        weights = np.random.default_rng(5).lognormal(0, 20, n)
        strings = data.draw(st.booleans())
        if strings:
            y_true, y_pred = y_true.astype(str), y_pred.astype(str)
        weighted = data.draw(st.booleans())
        order = np.random.default_rng(3).permutation(n)
        cuts = [0, *sorted(data.draw(st.lists(st.integers(0, n), max_size=4))), n]

        def feed(m, at):
            m.update(y_true[at], y_pred[at], sample_weight=weights[at] if weighted else None)
            return m

        whole = feed(aq.ConfusionMatrix(), np.arange(n))
        pieces = [order[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]
        one, merged = aq.ConfusionMatrix(), aq.ConfusionMatrix()
        for piece in pieces:
            feed(one, piece)
        for piece in pieces[::-1]:
            merged.merge(pickle.loads(pickle.dumps(feed(aq.ConfusionMatrix(), piece))))
        assert one == whole == merged
        assert one.matrix.tolist() == merged.matrix.tolist() == whole.matrix.tolist()
        assert one.to_bytes() == whole.to_bytes() == merged.to_bytes()

    @pytest.mark.parametrize(
        "kind", [pa.int64(), pa.int8(), pa.bool_(), pa.string(), pa.dictionary(pa.int32(), pa.string())]
    )
    @pytest.mark.parametrize("weighted", [False, True])
    def test_a_sliding_window_is_a_matrix_of_its_rows(self, kind, weighted):
        k = 2 if kind == pa.bool_() else 6
        y_true, y_pred = (as_type(side, kind) for side in rows(600, k))
        weights = pa.array(np.random.default_rng(2).lognormal(0, 10, 600)) if weighted else None
        m = aq.ConfusionMatrix()
        for start in range(0, 500, 50):
            batch = slice(start, start + 50)
            of_batch = {} if weights is None else {"sample_weight": weights[batch]}
            m.update(y_true[batch], y_pred[batch], **of_batch)
            if start >= 150:
                old = slice(start - 150, start - 100)
                m.revert(y_true[old], y_pred[old], **({} if weights is None else {"sample_weight": weights[old]}))
            window = slice(max(start - 100, 0), start + 50)
            fresh = aq.ConfusionMatrix()
            fresh.update(
                y_true[window], y_pred[window], **({} if weights is None else {"sample_weight": weights[window]})
            )
            assert m == fresh

    def test_labels_without_rows_are_not_reported_unless_given(self):
        m = counted([1, 2, 3], [1, 2, 2])
        m.revert([3], [2])
        assert m.labels == [1, 2]
        m = counted([1, 2, 3], [1, 2, 2], labels=[3, 2, 1])
        m.revert([3], [2])
        assert m.matrix.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 1]]

    @pytest.mark.parametrize("first", [0, 5, -5, 10**9, 2**63 - 5000])
    def test_labels_that_come_up_later_get_room(self, first):
        rng = np.random.default_rng(8)
        m, seen = aq.ConfusionMatrix(), []
        for reach in (1, 3, 4, 16, 17, 60, 300, 2000, 4000):
            batch = first + rng.integers(0, reach, (2, 100))
            seen.append(batch)
            m.update(*batch)
            y_true, y_pred = np.concatenate(seen, axis=1)
            assert m.labels == sorted({*y_true.tolist(), *y_pred.tolist()})
            expected = np.zeros((len(m.labels),) * 2, int)
            np.add.at(expected, (np.searchsorted(m.labels, y_true), np.searchsorted(m.labels, y_pred)), 1)
            assert m.matrix.tolist() == expected.tolist()

    def test_weights_are_summed_exactly(self):
        weights = [1e300, 1.0, 1e-300, 3e-17, 5e-324, 0.1, 1e16, 1e-16, 1e250] * 30
        m = aq.ConfusionMatrix()
        for weight in weights:
            m.update([1], [2], sample_weight=[weight])
        assert m.matrix[0, 1] == float(sum(map(Fraction, weights)))
        for weight in weights[::-1][:-1]:
            m.revert([1], [2], sample_weight=[weight])
        assert m.matrix[0, 1] == weights[0]
        m.revert([1], [2], sample_weight=[weights[0]])
        assert m.labels == []

    def test_rows_with_and_without_weights_go_together(self):
        m = aq.ConfusionMatrix()
        m.update(["a", "b"], ["a", "a"], sample_weight=[0.5, 0.25])
        m.update(["a", "b"], ["a", "b"])
        assert m.matrix.tolist() == [[1.5, 0], [0.25, 1]]
        assert m.cells().to_pydict() == {"true": ["a", "b", "b"], "predicted": ["a", "a", "b"], "rows": [1.5, 0.25, 1]}
        assert pickle.loads(pickle.dumps(m)) == m

    def test_a_row_of_weight_zero_has_its_label(self):
        m = aq.ConfusionMatrix()
        m.update([1, 2], [1, 3], sample_weight=[0, 0])
        assert m.labels == [1, 2, 3]
        assert m.matrix.tolist() == np.zeros((3, 3)).tolist()
        assert pickle.loads(pickle.dumps(m)) == m

    @pytest.mark.slow
    def test_counts_beyond_32_bits(self):
        block = pa.array(np.zeros(2**26, np.int8))
        for labels in ([0, 1, 2, 3, 4], list(range(20))):
            m = aq.ConfusionMatrix(labels)
            for _ in range(65):
                m.update(block, block)
            m.revert(block.slice(0, 5), block.slice(0, 5))
            assert m.matrix[0, 0] == 65 * 2**26 - 5

    @pytest.mark.slow
    @pytest.mark.parametrize("strings", [False, True])
    def test_a_million_labels(self, strings):
        y_true, y_pred = rows(500_000, 1_000_000)
        kind = pa.string() if strings else pa.int64()
        m = aq.ConfusionMatrix()
        m.update(pa.array(y_true).cast(kind), pa.array(y_pred).cast(kind))
        assert len(m.labels) == len(np.union1d(y_true, y_pred))
        assert m.accuracy() == np.mean(y_true == y_pred)
        assert m.cells().num_rows == len(np.unique(y_true * 1_000_000 + y_pred))
        with pytest.raises(ValueError, match=r"^matrix: must have at most 16384 labels, got \d+; cells\(\) has those"):
            _ = m.matrix
        m.revert(pa.array(y_true).cast(kind), pa.array(y_pred).cast(kind))
        assert m.labels == []


@pytest.mark.parametrize("base", [0, 2**50 - 3, 2**50, -(2**50), 2**52 - 3, 2**52, -(2**53), 2**62])
def test_floats_count_as_the_integers_that_they_are(base):
    step = 2048 if base == 2**62 else 1
    y_true, y_pred = (base + step * side for side in rows(100_000, 4))
    floats, integers = aq.ConfusionMatrix(), aq.ConfusionMatrix()
    for _ in range(2):
        floats.update(y_true.astype(float), y_pred.astype(float))
        integers.update(y_true.astype(float).astype(np.int64), y_pred.astype(float).astype(np.int64))
    assert floats == integers


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize(
    "wrong", [1e-30, -1e-30, 0.5, 1 - 2**-24, 2.0**40, 2.0**63, -(2.0**63), np.inf, -np.inf, np.nan]
)
def test_floats_that_are_not_whole_are_told_from_the_labels_near_them(kind, wrong):
    labels = [-3, -2, -1, 0, 1, 2]
    m = aq.ConfusionMatrix(labels)
    m.update(np.array([*labels, -0.0], kind), np.array([*labels, 0.0], kind))
    assert m.matrix.diagonal().tolist() == [1, 1, 1, 2, 1, 1]
    with pytest.raises(ValueError, match=r"^y_true: must (hold whole numbers below|be one of the labels).* at row 8$"):
        m.update(np.array([0, wrong, 0], kind), np.zeros(3))
    assert m.n_seen == 7


class TestManyStrings:
    """More of them than are given codes at once."""

    @pytest.mark.parametrize("encode", [False, True])
    def test_they_are_counted_and_taken_back_as_their_codes_are(self, encode):
        y_true, y_pred = rows(150_000, 5)
        names = pa.array([f"class {i}" for i in range(5)])
        columns = [names.take(pa.array(side)) for side in (y_true, y_pred)]
        columns = [column.dictionary_encode() if encode else column for column in columns]
        weight = np.random.default_rng(1).random(150_000)
        m, of_codes = aq.ConfusionMatrix(), aq.ConfusionMatrix()
        m.update(*columns, sample_weight=weight)
        of_codes.update(y_true, y_pred, sample_weight=weight)
        assert m.matrix.tolist() == of_codes.matrix.tolist()
        m.revert(*columns, sample_weight=weight)
        assert (m.labels, m.n_seen) == ([], 0)

    def test_a_late_label_that_is_not_among_those_given_leaves_the_state_as_it_was(self):
        labels = ["a"] * 140_000 + ["c"] + ["a"] * 10
        m = aq.ConfusionMatrix(["a", "b"])
        m.update(["a", "b"], ["b", "b"])
        with pytest.raises(ValueError, match=r"^y_pred: must be one of the labels, got 'c' at row 140002$"):
            m.update(["a"] * len(labels), labels)
        assert m.matrix.tolist() == [[0, 1], [0, 1]]
        assert m.n_seen == 2


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


class TestState:
    def test_no_rows_yet(self):
        m = aq.ConfusionMatrix()
        assert (m.labels, m.n_seen, m.matrix.shape) == ([], 0, (0, 0))
        m.update([], [])
        m.update(pa.array([], pa.string()), pa.array([], pa.string()))
        assert m.labels == []
        assert aq.ConfusionMatrix.from_bytes(m.to_bytes()) == m
        m.merge(counted(["a"], ["b"]))
        assert m == counted(["a"], ["b"])

    @pytest.mark.parametrize("labels", [None, [2, 0, 1], ["2", "0", "1"], [False, True]])
    def test_saved_and_copied_states_go_on_alike(self, labels):
        y_true, y_pred = rows(500, 3)
        if labels and isinstance(labels[0], str):
            y_true, y_pred = y_true.astype(str), y_pred.astype(str)
        if labels == [False, True]:
            y_true, y_pred = y_true > 1, y_pred > 1
        m = counted(y_true, y_pred, labels)
        for other in (
            pickle.loads(pickle.dumps(m)),
            aq.ConfusionMatrix.from_bytes(m.to_bytes()),
            copy.copy(m),
            copy.deepcopy(m),
        ):
            assert other == m
            assert other.labels == m.labels
            other.update(y_true, y_pred)
            assert other != m
            assert other.matrix.tolist() == (2 * m.matrix).tolist()

    def test_equality(self):
        m = counted([1, 2], [1, 1])
        assert m == counted([2, 1], [1, 1])
        assert m != counted([1, 2], [1, 2])
        assert m != counted([1, 2], [1, 1], labels=[1, 2])
        assert m != "ConfusionMatrix"
        weighted = aq.ConfusionMatrix()
        weighted.update([1, 2], [1, 1], sample_weight=[1, 1])
        assert m != weighted

    def test_merging_with_itself_doubles(self):
        m = counted(["a", "b"], ["a", "a"])
        m.merge(m)
        assert m.matrix.tolist() == [[2, 0], [2, 0]]
        assert m.n_seen == 4

    def test_skipped_nulls_are_seen_but_not_counted(self):
        for values in (["a", None, "b", "b"], [1, None, 2, 2], [True, None, False, False]):
            for kind in (None, pa.string_view()) if values[0] == "a" else (None,):
                array = pa.array(values).cast(kind) if kind else pa.array(values)
                m = aq.ConfusionMatrix(nulls="skip")
                m.update(array, pa.array([values[2], values[0], None, values[0]]), sample_weight=[1, 2, 3, 4])
                assert m.n_seen == 4
                assert m.matrix.sum() == 5
                assert len(m.labels) == 2
        m = aq.ConfusionMatrix(nulls="skip")
        m.update(pa.nulls(3), pa.array([1, 2, 3]))
        assert (m.labels, m.n_seen) == ([], 3)
        codes = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0]), pa.array(["a", None]))
        m.update(codes, codes)
        assert m.cells().to_pydict() == {"true": ["a"], "predicted": ["a"], "rows": [2]}

    def test_text(self):
        m = counted(["cat", "dog", "cat", "cat"], ["cat", "cat", "cat", "dog"])
        assert repr(m) == "ConfusionMatrix(n_labels=2, n_seen=4)"
        assert repr(aq.ConfusionMatrix([1, 2], nulls="skip")) == (
            "ConfusionMatrix(labels=[1, 2], nulls='skip', n_labels=2, n_seen=0)"
        )
        assert str(m).splitlines()[1:] == [
            "true \\ predicted     cat     dog  recall",
            "cat                    2       1  0.6667",
            "dog                    1       0  0.0000",
            "precision         0.6667  0.0000",
        ]
        assert str(aq.ConfusionMatrix()) == "no rows yet"
        large = counted(np.arange(30), np.roll(np.arange(30), 1))
        assert "  0 -> 29: 1" in str(large)

    def test_html_escapes_labels(self):
        m = counted(["<script>", "b"], ["<script>", "b"])
        assert "<script>" not in m._repr_html_()
        assert m._repr_html_().count("<td style") == 4
        assert "no rows yet" in aq.ConfusionMatrix()._repr_html_()
        assert counted(np.arange(30), np.roll(np.arange(30), 1))._repr_html_().count("<tr>") == 11

    def test_plot_shows_every_cell(self):
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot

        m = counted([0, 1, 1], [0, 1, 0])
        ax = m.plot()
        assert [text.get_text() for text in ax.texts] == ["1", "0", "1", "1"]
        assert m.plot(ax, normalize=True) is ax
        assert ax.texts[-1].get_text() == "0.5000"
        pyplot.close("all")

    def test_damaged_and_foreign_bytes(self):
        data = bytearray(counted([1], [2]).to_bytes())
        data[-20] ^= 1
        with pytest.raises(ValueError, match=r"^data: must be whole, got bytes that do not match their checksum$"):
            aq.ConfusionMatrix.from_bytes(bytes(data))
        with pytest.raises(ValueError, match=r"^data: must be a saved ConfusionMatrix, got a AliasTable$"):
            aq.ConfusionMatrix.from_bytes(aq.AliasTable([1]).to_bytes())

    @pytest.mark.parametrize(
        ("column", "value"), [("true", 5), ("true", -1), ("predicted", 2), ("rows", 0), ("weight", [float("nan")])]
    )
    def test_crafted_cells_are_refused(self, column, value):
        state, (batch,), schema = unpack("ConfusionMatrix", counted([1], [2]).to_bytes())
        del state["kind"]
        crafted = batch.set_column(schema.get_field_index(column), column, pa.array([value], schema.field(column).type))
        with pytest.raises(ValueError, match=r"^data: must hold cells of its own labels with rows, got others$"):
            aq.ConfusionMatrix.from_bytes(pack("ConfusionMatrix", state, [crafted], schema))


ERRORS = {
    "null": ([1, None], [1, 2], ValueError, "y_true: must not be null, got null at row 4"),
    "null in a dictionary": (
        [1, 2],
        pa.DictionaryArray.from_arrays([0, 1], pa.array([1, None])),
        ValueError,
        "y_pred: must not be null, got null at row 4",
    ),
    "all null": (pa.nulls(2), pa.nulls(2), ValueError, "y_true: must not be null, got null at row 3"),
    "null in a later chunk": (
        pa.chunked_array([[1, 2], [1]]),
        pa.chunked_array([[1, 5], [None]], pa.int64()),
        ValueError,
        "y_pred: must not be null, got null at row 5",
    ),
    "fraction": ([1, 2], [1, 0.5], ValueError, "y_pred: must hold whole numbers below 2**63, got 0.5 at row 4"),
    "nan": ([1.0, float("nan")], [1, 2], ValueError, "y_true: must hold whole numbers below 2**63, got nan at row 4"),
    "infinite": (
        [1.0, float("inf")],
        [1, 2],
        ValueError,
        "y_true: must hold whole numbers below 2**63, got inf at row 4",
    ),
    "beyond 64 bits": (
        np.array([1, 2**63], np.uint64),
        [1, 2],
        ValueError,
        "y_true: must hold whole numbers below 2**63, got 9223372036854775808 at row 4",
    ),
    "lengths": ([1, 2], [1], ValueError, "y_pred: must have one row for each of the 2 of y_true, got 1"),
    "strings": ([1], ["a"], TypeError, "y_pred: must hold numbers, as the labels before, got string"),
    "dates": (
        [1],
        pa.array([1], pa.date32()),
        TypeError,
        "y_pred: must hold integers, booleans, strings, whole floats or dictionaries of these, got date32[day]",
    ),
    "objects": (
        [1j],
        [1],
        TypeError,
        "y_true: must hold integers, booleans, strings, whole floats or dictionaries of these, got list [1j]",
    ),
    "scalars": (
        3,
        [1],
        TypeError,
        "y_true: must hold integers, booleans, strings, whole floats or dictionaries of these, got int 3",
    ),
    "one string": (
        "ab",
        [1, 2],
        TypeError,
        "y_true: must hold integers, booleans, strings, whole floats or dictionaries of these, got str 'ab'",
    ),
    "integers of Python beyond 64 bits": (
        [2**64],
        [1],
        ValueError,
        "y_true: must hold whole numbers below 2**63, got list [18446744073709551616]",
    ),
    "masked": (
        np.ma.array([1, 2], mask=[False, True]),
        [1, 2],
        ValueError,
        "y_true: must not be null, got null at row 4",
    ),
    "shape": (np.ones((2, 2), int), [1, 2], ValueError, "y_true: must have one dimension, got shape (2, 2)"),
}


class TestErrorsLeaveTheStateAsItWas:
    @pytest.mark.parametrize("name", ERRORS)
    def test_values(self, name):
        y_true, y_pred, kind, message = ERRORS[name]
        m = counted([1, 2, 2], [1, 1, 2])
        before = copy.copy(m)
        with pytest.raises(kind) as caught:
            m.update(y_true, y_pred)
        assert str(caught.value) == message
        assert m == before

    @pytest.mark.parametrize("labels", [[1, 2, 3], [1, 2, 9], ["a", "b"], [1, 2**40]])
    @pytest.mark.parametrize("at", [0, 700, 2999])
    def test_labels_that_are_not_among_those_given(self, labels, at):
        y_true = [labels[0]] * 3000
        y_pred = list(y_true)
        y_pred[at] = "other" if labels[0] == "a" else 7
        m = counted([labels[1]], [labels[0]], labels)
        before = copy.copy(m)
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared whole
            m.update(pa.chunked_array([y_true[:10], y_true[10:]]), y_pred)
        assert str(caught.value) == f"y_pred: must be one of the labels, got {y_pred[at]!r} at row {at + 1}"
        assert m == before
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared whole
            m.update(y_true, y_pred, sample_weight=np.ones(3000))
        assert str(caught.value) == f"y_pred: must be one of the labels, got {y_pred[at]!r} at row {at + 1}"
        assert m.labels == before.labels
        assert m == before

    @pytest.mark.parametrize("y", [[1, 2, 1], ["a", "b", "a"], [10**12, 5, 10**12], [True, False, True]])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_rows_that_were_never_counted(self, y, weighted):
        options = {"sample_weight": [1.5, 0.5, 1]} if weighted else {}
        m = aq.ConfusionMatrix()
        m.update(y, y, **options)
        before = copy.copy(m)
        for y_pred, row in (([y[1], y[1], y[0]], 0), ([y[0], y[1], y[1]], 2)):
            with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared whole
                m.revert(pa.chunked_array([y[:1], y[1:]]), y_pred, **options)
            pair = (y[row], y_pred[row])
            assert str(caught.value) == f"y_true, y_pred: must be counted before, got {pair} at row {row}"
            assert m == before
        with pytest.raises(ValueError, match=r"^y_true: must have at most the 3 rows counted, got 4$"):
            m.revert([*y, y[0]], [*y, y[0]])
        assert m == before

    def test_labels_that_were_never_seen_cannot_be_taken_back(self):
        m = counted(["a", "b"], ["a", "b"])
        with pytest.raises(ValueError, match=r"^y_true, y_pred: must be counted before, got \('c', 'a'\) at row 0$"):
            m.revert(["c"], ["a"])
        m.update(["c"], ["a"])
        assert m.labels == ["a", "b", "c"]
        with pytest.raises(TypeError, match=r"^y_true: must hold strings, as the labels before, got int64$"):
            m.revert([1], ["a"])

    def test_more_weight_than_was_counted_cannot_be_taken_back(self):
        m = aq.ConfusionMatrix()
        m.update([1, 1], [1, 1], sample_weight=[0.5, 0.25])
        before = copy.copy(m)
        for weights in ([0.5, 0.5], [0.25, 0.25], [2, 0]):
            with pytest.raises(ValueError, match=r"^y_true, y_pred: must be counted before, got \(1, 1\) at row \d$"):
                m.revert([1, 1], [1, 1], sample_weight=weights)
            assert m == before

    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            ([1, -1], "sample_weight: must be finite and not negative, got -1.0 at row 4"),
            ([1, float("nan")], "sample_weight: must be finite and not negative, got nan at row 4"),
            ([1, None], "sample_weight: must be finite and not negative, got null at row 4"),
            ([1], "sample_weight: must have one row for each of the 2 of y_true, got 1"),
            ([1.7e308, 1.7e308], "sample_weight: must have a finite sum, got inf"),
        ],
    )
    def test_weights(self, weights, message):
        m = counted([1, 2, 2], [1, 1, 2])
        before = copy.copy(m)
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared whole
            m.update([1, 2], [1, 2], sample_weight=pa.array(weights))
        assert str(caught.value) == message
        assert m == before

    @pytest.mark.parametrize(
        ("labels", "kind", "message"),
        [
            ([], ValueError, "labels: must hold at least one label, got none"),
            ([1, 2, 1], ValueError, "labels: must differ from each other, got 1 twice"),
            ([1, None], ValueError, "labels: must not be null, got null at row 1"),
            ([0.5], ValueError, "labels: must hold whole numbers, got [0.5]"),
            (
                [1, "a"],
                TypeError,
                "labels: must hold integers, booleans, strings, whole floats or dictionaries of these, got list [1, 'a']",
            ),
        ],
    )
    def test_labels(self, labels, kind, message):
        with pytest.raises(kind) as caught:
            aq.ConfusionMatrix(labels)
        assert str(caught.value) == message

    def test_merges(self):
        m = counted([1, 2], [1, 2], labels=[1, 2])
        before = copy.copy(m)
        for other, message in (
            (counted(["a"], ["a"]), "other: must hold numbers, got strings"),
            (counted([3], [1]), "other: must hold no labels but those given, got 3"),
        ):
            with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared whole
                m.merge(other)
            assert str(caught.value) == message
            assert m == before
        with pytest.raises(TypeError, match=r"^other: must be a ConfusionMatrix, got int 5$"):
            m.merge(5)

    def test_nulls_option(self):
        with pytest.raises(ValueError, match=r"^nulls: must be one of 'raise', 'skip', got 'drop'$"):
            aq.ConfusionMatrix(nulls="drop")


class TestAgainstRiver:
    """River scores a stream row by row; where it gives 0 for what has no value, ours is asked to."""

    PAIRS = [
        (river.Accuracy, lambda m: m.accuracy()),
        (river.BalancedAccuracy, lambda m: m.balanced_accuracy()),
        (river.CohenKappa, lambda m: np.nan_to_num(m.kappa())),
        (river.MacroF1, lambda m: m.f1("macro", zero_division=0.0)),
        (river.MicroRecall, lambda m: m.recall("micro", zero_division=0.0)),
        (river.WeightedPrecision, lambda m: m.precision("weighted", zero_division=0.0)),
    ]

    @pytest.mark.parametrize(("metric", "score"), PAIRS, ids=lambda each: getattr(each, "__name__", ""))
    @pytest.mark.parametrize("labels", [[0, 1], ["ant", "bee", "cat"]])
    def test_after_every_prefix(self, metric, score, labels):
        rng = np.random.default_rng(8)
        y_true, y_pred = ([labels[i] for i in rng.integers(0, len(labels), 200)] for _ in range(2))
        m, theirs = aq.ConfusionMatrix(), metric()
        for t, p in zip(y_true, y_pred, strict=True):
            m.update([t], [p])
            theirs.update(t, p)
            assert score(m) == pytest.approx(theirs.get(), rel=1e-12, abs=1e-12)

"""Labels of all the types that a confusion matrix counts."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn import metrics as sk

import aliquot as aq
from label_pairs import INTEGERS, STRINGS, as_type, counted, rows


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

    def test_numpy_arrays_that_are_scattered_unaligned_or_not_to_be_written(self):
        values = np.array([1, 2, 2, 5, 7])
        frozen = values.copy()
        frozen.flags.writeable = False
        unaligned = np.frombuffer(b"-" + values.tobytes(), np.uint8)[1:].view(values.dtype)
        assert not unaligned.flags.aligned
        for column in (values, np.repeat(values, 3)[::3], values[::-1][::-1], frozen, unaligned):
            m = counted(column, values)
            assert m.labels == [1, 2, 5, 7]
            assert m.matrix.tolist() == np.diag([1, 2, 1, 1]).tolist()

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

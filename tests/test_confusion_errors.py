"""What a confusion matrix refuses, and how it says so."""

import copy

import numpy as np
import pyarrow as pa
import pytest

import aliquot as aq
from label_pairs import counted

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

"""What BinaryCurve takes, and what it says of the rest."""

import copy
import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import aliquot as aq
from scored import curve_of

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
        curve = curve_of([0, 1], [1.0, 2.0])
        for scores in ([2**53, None, 2**53 + 1], [1, 2, -(2**63)]):
            with pytest.raises(
                ValueError, match=rf"^y_score: must hold integers of at most 2\*\*53, got {scores[2]} at row 4$"
            ):
                curve.update([0, 1, 1], pa.array(scores))

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

    def test_half_floats_have_a_positive_label(self):
        curve = curve_of(pa.array(np.array([1, 2, 1], np.float16)), [0.1, 0.3, 0.2], positive=2)
        assert curve.roc_auc() == 1.0
        with pytest.raises(TypeError, match=r"^y_true: must be a column of values of one type, got list"):
            curve.update([2**64], [0.5])
        with pytest.raises(
            TypeError, match=r"^y_score: must be a column of values of one type, got list \[1, \[2\]\]$"
        ):
            curve.update([1, 2], [1, [2]])

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

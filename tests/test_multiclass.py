"""MulticlassCurve: what scikit-learn computes at once, from streams."""

import copy
import math
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

import aliquot as aq


def rows(n=300, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    y_true = np.minimum(rng.geometric(0.4, n) - 1, classes - 1)
    y_true[:classes] = np.arange(classes)
    y_score = rng.integers(1, 9, (n, classes)) + 3.0 * np.eye(classes)[y_true]
    return y_true, y_score / y_score.sum(axis=1, keepdims=True), rng.lognormal(0, 1, n)


def curve_of(y_true, y_score, w=None, *, labels=4, **options):
    made = aq.MulticlassCurve(labels, **options)
    made.update(y_true, y_score, sample_weight=w)
    return made


class TestSameAsScikitLearn:
    @pytest.mark.parametrize("average", ["macro", "weighted"])
    @pytest.mark.parametrize("scheme", ["ovr", "ovo"])
    @pytest.mark.parametrize("seed", range(3))
    def test_areas(self, scheme, average, seed):
        y_true, y_score, _ = rows(seed=seed)
        expected = roc_auc_score(y_true, y_score, multi_class=scheme, average=average)
        assert curve_of(y_true, y_score, scheme=scheme).roc_auc(average=average) == pytest.approx(expected, abs=1e-12)

    @pytest.mark.parametrize("average", ["macro", "weighted"])
    def test_weighted_areas(self, average):
        y_true, y_score, w = rows()
        expected = roc_auc_score(y_true, y_score, multi_class="ovr", average=average, sample_weight=w)
        assert curve_of(y_true, y_score, w).roc_auc(average=average) == pytest.approx(expected, abs=1e-12)

    def test_areas_by_label(self):
        y_true, y_score, _ = rows()
        expected = roc_auc_score(y_true, y_score, multi_class="ovr", average=None)
        areas = curve_of(y_true, y_score).roc_auc(average=None)
        assert list(areas) == [0, 1, 2, 3]
        np.testing.assert_allclose(list(areas.values()), expected, atol=1e-12)

    def test_areas_by_pair(self):
        y_true, y_score, _ = rows()
        areas = curve_of(y_true, y_score, scheme="ovo").roc_auc(average=None)
        assert list(areas) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
        inside = np.isin(y_true, (1, 3))
        both = [roc_auc_score(y_true[inside] == k, y_score[inside, k]) for k in (1, 3)]
        assert areas[1, 3] == pytest.approx(np.mean(both), abs=1e-12)


@pytest.mark.parametrize("bins", [None, 5])
@pytest.mark.parametrize("scheme", ["ovr", "ovo"])
class TestStates:
    def test_do_not_depend_on_batches_or_merges(self, scheme, bins):
        y_true, y_score, w = rows()
        whole = curve_of(y_true, y_score, w, scheme=scheme, bins=bins)
        streamed = aq.MulticlassCurve(4, scheme=scheme, bins=bins)
        merged = aq.MulticlassCurve(4, scheme=scheme, bins=bins)
        for piece in (slice(250, 300), slice(0, 1), slice(1, 1), slice(1, 250)):
            streamed.update(y_true[piece], y_score[piece], sample_weight=w[piece])
            merged.merge(curve_of(y_true[piece], y_score[piece], w[piece], scheme=scheme, bins=bins))
        assert streamed == merged == whole
        assert whole.n_seen == 300

    def test_come_back_and_go_on(self, scheme, bins):
        y_true, y_score, _ = rows()
        curve = curve_of(y_true, y_score, scheme=scheme, bins=bins)
        for again in (pickle.loads(pickle.dumps(curve)), copy.copy(curve), copy.deepcopy(curve)):
            assert again == curve
            again.update(y_true, y_score)
            assert again != curve
        assert repr(curve) == f"MulticlassCurve(n_labels=4, scheme={scheme!r}{', bins=5' if bins else ''}, n_seen=300)"

    def test_bounds_hold(self, scheme, bins):
        y_true, y_score, _ = rows()
        exact = curve_of(y_true, y_score, scheme=scheme)
        curve = curve_of(y_true, y_score, scheme=scheme, bins=bins)
        for average in ("macro", "weighted"):
            low, high = curve.roc_auc_bounds(average=average)
            assert low <= exact.roc_auc(average=average) <= high
            assert (low == high) == (bins is None)

    def test_a_class_without_rows_is_nan_unless_it_weighs_nothing(self, scheme, bins):
        y_true, y_score, _ = rows()
        seen = y_true < 3
        curve = curve_of(y_true[seen], y_score[seen], scheme=scheme, bins=bins)
        assert math.isnan(curve.roc_auc())
        assert math.isnan(aq.MulticlassCurve(3, scheme=scheme, bins=bins).roc_auc(average="weighted"))


MATRICES = {
    "numpy": lambda m: m,
    "list": lambda m: m.tolist(),
    "fixed-size lists": lambda m: pa.FixedSizeListArray.from_arrays(pa.array(m.ravel()), 4),
    "sliced lists": lambda m: pa.FixedSizeListArray.from_arrays(pa.array(np.r_[np.zeros(8), m.ravel()]), 4)[2:],
    "chunked lists": lambda m: pa.chunked_array([MATRICES["fixed-size lists"](part) for part in (m[:7], m[7:])]),
    "columns": lambda m: [pa.array(column) for column in m.T],
    "batch": lambda m: pa.record_batch([pa.array(column) for column in m.T], names=list("abcd")),
    "table": lambda m: pa.table(dict(zip("abcd", m.T, strict=True))),
    "frame": lambda m: pl.DataFrame(m),
    "frame of pandas": lambda m: pd.DataFrame(m),
}


class TestInputs:
    @pytest.mark.parametrize("name", MATRICES)
    def test_matrices(self, name):
        y_true, y_score, _ = rows()
        assert curve_of(y_true, MATRICES[name](y_score)) == curve_of(y_true, y_score)

    @pytest.mark.parametrize(
        "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
    )
    def test_strings(self, kind):
        y_true, y_score, _ = rows()
        names = pa.array(list("abcd")).take(pa.array(y_true))
        named = names.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else names.cast(kind)
        curve = curve_of(named, y_score, labels=list("abcd"))
        assert curve.labels == list("abcd")
        assert curve.roc_auc() == curve_of(y_true, y_score).roc_auc()
        assert curve.curve("b").roc_auc() == curve_of(y_true, y_score).roc_auc(average=None)[1]

    @pytest.mark.parametrize(
        ("y_true", "y_score", "w", "kind", "message"),
        [
            ([0, 9], np.zeros((2, 4)), None, ValueError, "y_true: must be one of the 4 labels, got 9 at row 301"),
            ([0, None], np.zeros((2, 4)), None, ValueError, "y_true: must not be null, got null at row 301"),
            (["a", "b"], np.zeros((2, 4)), None, TypeError, "y_true: must hold labels such as 0, got string"),
            ([0, 1], np.zeros((2, 3)), None, ValueError, "y_score: must have a column for each of the 4 labels, got 3"),
            ([0, 1], [[0, 0, 0, 0], [0]], None, ValueError, "y_score: must have 4 columns in each row, got list [[0, 0, 0, 0], [0]]"),
            ([0, 1], np.zeros(2), None, ValueError, "y_score: must have two dimensions, got shape (2,)"),
            ([0, 1], pa.array([1, 2]), None, TypeError, "y_score: must be a matrix, fixed-size lists or a sequence of columns, got int64"),
            ([0, 1], np.zeros((3, 4)), None, ValueError, "y_score: must be as long as y_true, got 3 for 2 rows"),
            ([0, 1], [[0, 0, 0, 0], [0, 0, np.nan, 0]], None, ValueError, "y_score[2]: must not be NaN, got nan at row 301"),
            ([0, 1], np.zeros((2, 4)), [1, -1], ValueError, "sample_weight: must be finite and not negative, got -1.0 at row 301"),
            ([0, 1], np.zeros((2, 4)), [1], ValueError, "sample_weight: must be as long as y_true, got 1 for 2 rows"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("scheme", ["ovr", "ovo"])
    def test_a_failed_update_leaves_the_state_as_it_was(self, scheme, y_true, y_score, w, kind, message):
        curve = curve_of(*rows()[:2], scheme=scheme)
        before = copy.copy(curve)
        with pytest.raises(kind) as caught:
            curve.update(y_true, y_score, sample_weight=w)
        assert str(caught.value) == message
        assert curve == before

    def test_an_empty_batch_changes_nothing(self):
        curve = aq.MulticlassCurve(["a", "b"])
        curve.update([], np.empty((0, 2)))
        assert curve == aq.MulticlassCurve(["a", "b"])

    def test_options(self):
        with pytest.raises(ValueError, match=r"^labels: must be at least two, all different, got \['a', 'a'\]$"):
            aq.MulticlassCurve(["a", "a"])
        with pytest.raises(TypeError, match=r"^labels: must be booleans, numbers or strings of one type, got int 1$"):
            aq.MulticlassCurve(["a", 1])
        with pytest.raises(ValueError, match=r"^scheme: must be one of 'ovr', 'ovo', got 'raise'$"):
            aq.MulticlassCurve(3, scheme="raise")
        with pytest.raises(ValueError, match=r"^other: must have scheme='ovr', got scheme='ovo'$"):
            aq.MulticlassCurve(3).merge(aq.MulticlassCurve(3, scheme="ovo"))
        with pytest.raises(TypeError, match=r"^other: must be a MulticlassCurve, got int 3$"):
            aq.MulticlassCurve(3).merge(3)
        with pytest.raises(KeyError, match=r"label, against: must be a curve of scheme 'ovr', got 0, 1"):
            aq.MulticlassCurve(3).curve(0, 1)
        with pytest.raises(ValueError, match=r"^average: must be one of 'macro', 'weighted', got 'micro'$"):
            aq.MulticlassCurve(3).roc_auc(average="micro")

"""Evaluations: every row is what a confusion matrix and a curve of its slice alone say, whatever the source."""

import datetime
import decimal
import json
import uuid

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn import metrics as sk

import aliquot as aq
from aliquot._scored_rows import read_rows
from aliquot._slices import SliceRanks, area_interval
from evaluated import check_rows, predictions, value


@pytest.mark.parametrize(
    "by",
    [
        pa.array(np.array([2, 1] * 10, np.float16)),
        pc.run_end_encode(pa.array(["b", "a"] * 10)),
        pa.array([uuid.UUID(int=2), uuid.UUID(int=1)] * 10, pa.uuid()),
    ],
    ids=["float16", "runs", "extension"],
)
def test_slices_by_what_pyarrow_does_not_sort(by):
    rows = pa.table({"y": [0, 1] * 10, "p": [0, 0] * 10, "g": by})
    found = aq.evaluate(rows, y_true="y", y_pred="p", by="g").to_table()
    assert found["g"].to_pylist() == [None, by[1].as_py(), by[0].as_py()]
    assert found["accuracy"].to_pylist() == [0.5, 0.0, 1.0]


@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("by", [[], ["site"], ["group"], ["site", "group"]])
@pytest.mark.parametrize(
    "columns", [{"y_pred": "guess"}, {"y_score": "score"}, {"y_pred": "guess", "y_score": "score"}]
)
def test_each_row_is_what_its_slice_alone_gives(columns, by, weight):
    table = predictions()
    evaluation = aq.evaluate(table, y_true="y", by=by or None, sample_weight=weight, **columns)
    check_rows(evaluation, table, by, weight)


@pytest.mark.parametrize("k", [3, 60])
def test_many_labels_and_slices(k):
    table = predictions(20_000, k, slices=900)
    evaluation = aq.evaluate(table, y_true="y", y_pred="guess", by=["site", "group"])
    check_rows(aq.evaluate(table.slice(0, 500), y_true="y", y_pred="guess", by="site"), table.slice(0, 500), ["site"])
    assert len(evaluation) - 1 == len(pl.from_arrow(table).select("site", "group").unique())
    assert sum(evaluation.to_table()["rows"].to_pylist()[1:]) == 20_000


def test_ranks_of_narrow_and_wide_scores_are_in_one_order():
    y, score = np.arange(600) % 3 == 0, np.random.default_rng(1).random(600).astype(np.float32)
    slices = (np.arange(600) % 2).astype(np.int32)
    ranks = SliceRanks()
    for at, kind in ((0, np.float32), (200, np.float64), (400, np.float32)):
        of_batch = slice(at, at + 200)
        ranks.update(slices[of_batch], read_rows(y[of_batch], score[of_batch].astype(kind)), None)
    areas = ranks.scores(2, None)["roc_auc"]
    assert areas.tolist() == [value(sk.roc_auc_score(y[slices == i], score[slices == i])) for i in range(2)]


def test_slices_are_sorted_with_nulls_last():
    table = predictions()
    made = aq.evaluate(table, y_true="y", y_pred="guess", by=["group", "site"]).to_table()
    keys = list(zip(made["group"].to_pylist(), made["site"].to_pylist(), strict=True))
    assert keys[0] == (None, None)
    assert keys[1:] == sorted(keys[1:], key=lambda key: (key[0] is None, key[0] or 0, key[1]))


def test_the_overall_row_is_that_of_scikit_learn():
    table = predictions()
    y, guess, score = (table[name].to_numpy() for name in ("y", "guess", "score"))
    (row,) = aq.evaluate(table, y_true="y", y_pred="guess", y_score="score").to_table().to_pylist()
    assert row["accuracy"] == value(sk.accuracy_score(y, guess))
    assert row["f1_macro"] == value(sk.f1_score(y, guess, average="macro"))
    assert row["mcc"] == value(sk.matthews_corrcoef(y, guess))
    assert row["kappa"] == value(sk.cohen_kappa_score(y, guess))
    assert row["roc_auc"] == value(sk.roc_auc_score(y, score))
    assert row["average_precision"] == value(sk.average_precision_score(y, score))


def test_small_slices_are_marked():
    table = pa.table({"y": [0] * 40, "guess": [0] * 40, "site": ["a"] * 35 + ["b"] * 5})
    assert aq.evaluate(table, y_true="y", y_pred="guess", by="site").to_table()["small"].to_pylist() == [
        False,
        False,
        True,
    ]
    made = aq.evaluate(table, y_true="y", y_pred="guess", by="site", min_rows=36)
    assert made.to_table()["small"].to_pylist() == [False, True, True]


def test_the_interval_of_an_area_covers_it_about_as_often_as_it_says():
    rng = np.random.default_rng(4)
    truth = 0.8144  # of normal scores, 1.2649 / sqrt(2) = 0.8944 standard deviations apart
    trials, covered = 400, 0
    for _ in range(trials):
        table = pa.table({"y": [1] * 80 + [0] * 120, "s": np.r_[rng.normal(1.2649, 1, 80), rng.normal(0, 1, 120)]})
        (row,) = aq.evaluate(table, y_true="y", y_score="s", level=0.9).to_table().to_pylist()
        covered += row["roc_auc_low"] <= truth <= row["roc_auc_high"]
    assert 0.84 < covered / trials < 0.96
    low, high = area_interval(np.array([1.0, 0.5]), np.array([10, 10]), np.array([10, 10]), 0.95)
    assert low[0] == high[0] == 1.0
    assert high[1] - 0.5 == pytest.approx(0.5 - low[1])


ERRORS = [
    (
        {"y_true": "nope"},
        KeyError,
        "y_true: must be a column of ['y', 'guess', 'score', 'site', 'group', 'weight', 'unused'], got 'nope'",
    ),
    (
        {"by": ["site", "nope"]},
        KeyError,
        "by: must be a column of ['y', 'guess', 'score', 'site', 'group', 'weight', 'unused'], got 'nope'",
    ),
    ({"by": ["site", "site"]}, ValueError, "by: must differ from each other, got 'site' twice"),
    ({"y_pred": None}, TypeError, "y_pred: must be given unless y_score is, got None"),
    ({"y_pred": "unused"}, ValueError, "y_pred: must not be null, got null at row 0"),
    ({"y_pred": "site"}, TypeError, "y_pred: must hold numbers, as the labels before, got string"),
    (
        {"y_true": "site", "y_score": "score", "y_pred": "site"},
        TypeError,
        "positive: must say which label is the positive one of string labels, got None",
    ),
    ({"positive": "yes"}, ValueError, "positive: must be None without y_score, got 'yes'"),
    ({"level": 95}, ValueError, "level: must be between 0 and 1, got 95"),
    ({"min_rows": -1}, ValueError, "min_rows: must be between 0 and 2**62, got -1"),
    ({"sample_weight": "site"}, TypeError, "sample_weight: must be numbers, got string"),
]


@pytest.mark.parametrize(("options", "kind", "message"), ERRORS)
def test_errors(options, kind, message):
    with pytest.raises(kind) as caught:
        aq.evaluate(predictions(50), **{"y_true": "y", "y_pred": "guess", **options})
    assert str(caught.value.args[0]) == message


def test_names_of_the_result_are_not_those_of_slices():
    table = predictions(50).rename_columns(["y", "guess", "score", "rows", "mcc", "weight", "unused"])
    for name in ("rows", "mcc"):
        with pytest.raises(ValueError, match=rf"^by: must not have the name of a column of the result, got '{name}'$"):
            aq.evaluate(table, y_true="y", y_pred="guess", by=name)
    with pytest.raises(TypeError, match=r"^y_true: must be a column name, got NoneType None$"):
        aq.evaluate(table, y_true=None, y_pred="guess")


@pytest.mark.parametrize(
    "values",
    [
        [1.5, float("nan"), None],
        [datetime.datetime(2024, 1, 1), None, datetime.datetime(2023, 1, 1)],
        [b"x", None, b"y"],
        [decimal.Decimal("1.50"), decimal.Decimal("2.25"), None],
        [True, False, None],
        pa.array([decimal.Decimal("1.50"), decimal.Decimal("-2.25"), None], pa.decimal32(5, 2)),
        pa.array(["b", None, "a"], pa.string_view()),
        pa.array(["b", None, "a"]).dictionary_encode(),
    ],
)
def test_slices_of_any_type(values):
    column = pa.array(values)
    table = pa.table({"y": [0, 1, 1], "guess": [0, 1, 0], "key": column})
    evaluation = aq.evaluate(table, y_true="y", y_pred="guess", by="key")
    made = evaluation.to_table()
    assert made["rows"].to_pylist() == [3, 1, 1, 1]
    assert sorted(map(repr, made["key"].to_pylist()[1:])) == sorted(map(repr, column.to_pylist()))
    assert len(json.loads(evaluation.to_json())) == 4


def test_rows_of_errors_count_from_the_start_of_the_source():
    table = predictions(50)
    holed = pa.concat_tables([table, table.slice(0, 10).set_column(1, "guess", pa.nulls(10, pa.int64()))])
    with pytest.raises(ValueError, match=r"^y_pred: must not be null, got null at row 50$"):
        aq.evaluate(holed, y_true="y", y_pred="guess", by="site")

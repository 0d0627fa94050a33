"""Confusion matrices of labels in memory, beside reading the labels."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture
from river import metrics as river

import aliquot as aq
import baselines
from data import BATCH_ROWS, SIZES, labelled
from groups import Group, each_contestant, measure, short

KINDS = (("int64", 10), ("int32", 10), ("int8", 10), ("bool", 2), ("int64", 2), ("int64", 1_000), ("float64", 10))


@cache
def _arrow(kind: str, classes: int) -> tuple[pa.Array, pa.Array]:
    y_true, y_pred = labelled(kind, classes, SIZES.scores)
    return pa.array(y_true), pa.array(y_pred)


@cache
def _frame(kind: str, classes: int) -> pl.DataFrame:
    return pl.DataFrame(dict(zip(("true", "predicted"), _arrow(kind, classes), strict=True)))


def at_once(y_true: Any, y_pred: Any) -> NDArray[Any]:
    """The matrix of all rows in one update."""
    m = aq.ConfusionMatrix()
    m.update(y_true, y_pred)
    return m.matrix


def in_batches(y_true: Any, y_pred: Any) -> NDArray[Any]:
    """The matrix of a stream."""
    m = aq.ConfusionMatrix()
    for start in range(0, len(y_true), BATCH_ROWS):
        m.update(y_true[start : start + BATCH_ROWS], y_pred[start : start + BATCH_ROWS])
    return m.matrix


def is_matrix(kind: str, classes: int) -> Callable[[Any], None]:
    """A check that this is the matrix of these labels."""

    def check(answer: Any) -> None:
        assert np.array_equal(answer, baselines.numpy_confusion(*labelled(kind, classes, SIZES.scores), classes))

    return check


def count(kind: str, classes: int) -> Group:
    """The matrix of rows in memory."""
    n = SIZES.scores
    labels = labelled(kind, classes, n)
    y_true, y_pred = labels
    contestants: dict[str, Callable[[], Any]] = {
        "aliquot": lambda: at_once(*_arrow(kind, classes)),
        "aliquot, in batches": lambda: in_batches(*_arrow(kind, classes)),
        "polars group by": lambda: baselines.polars_confusion(_frame(kind, classes), classes),
        "duckdb group by": lambda: baselines.duckdb_confusion(_frame(kind, classes), classes),
    }
    if kind != "float64":
        contestants["numpy bincount"] = lambda: baselines.numpy_confusion(y_true, y_pred, classes)
    if (kind, classes) == KINDS[0]:
        contestants["scikit-learn"] = lambda: baselines.sklearn_confusion(y_true, y_pred)
    return Group(
        f"confusion of {short(n)} {kind}, {classes} classes",
        n,
        is_matrix(kind, classes),
        contestants,
        {"floor: sums": lambda: (y_true.sum(), y_pred.sum())},
        headline=(kind, classes) == KINDS[0],
    )


def count_words(encode: bool) -> Group:
    """The matrix of strings, plain or in dictionaries."""
    n, classes = SIZES.scores, 10

    @cache
    def words() -> list[pa.Array]:
        names = pa.array([f"class {i}" for i in range(classes)])
        plain = [names.take(column) for column in _arrow("int64", classes)]
        return [column.dictionary_encode() for column in plain] if encode else plain

    return Group(
        f"confusion of {short(n)} strings{', dictionaries' if encode else ''}, {classes} classes",
        n,
        is_matrix("int64", classes),
        {"aliquot": lambda: at_once(*words())},
        {"floor: dictionary_encode": lambda: [column.dictionary_encode() for column in words()]},
    )


def count_small_batch() -> Group:
    """One update of 10,000 rows, of which the rows themselves take a few microseconds."""
    n = 10_000
    y_true, y_pred = labelled("int64", 10, n)
    m = aq.ConfusionMatrix()

    row_by_row = river.ConfusionMatrix()

    def update() -> int:
        m.update(y_true, y_pred)
        return 0

    def update_rows() -> int:
        for pair in zip(y_true.tolist(), y_pred.tolist(), strict=True):
            row_by_row.update(*pair)
        return 0

    return Group(
        "confusion, one batch of 10k",
        n,
        lambda answer: None,
        {
            "aliquot": update,
            "numpy bincount": lambda: baselines.numpy_confusion(y_true, y_pred, 10),
            "river, row by row": update_rows,
        },
        {"floor: sums": lambda: (y_true.sum(), y_pred.sum())},
    )


GROUPS = [*(count(*kind) for kind in KINDS), count_words(False), count_words(True), count_small_batch()]


@each_contestant(GROUPS)
def bench_count_labels(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)

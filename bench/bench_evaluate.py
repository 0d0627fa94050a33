"""Evaluations of predictions in Parquet, beside decoding the columns."""

from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

import aliquot as aq
import baselines
from data import SIZES, predictions_file
from groups import Group, each_contestant, measure, short


def evaluate(slices: int, **columns: Any) -> Group:
    """All scores in one pass."""
    n = SIZES.scores
    by = {"by": "site"} if slices > 1 else {}

    def check(answer: Any) -> None:
        assert len(answer) in (slices, slices + 1)

    read = ["label", *columns.values(), *by.values()]
    contestants = {"aliquot": lambda: aq.evaluate(predictions_file(slices, n), y_true="label", **columns, **by)}
    if slices > 1 and "y_score" not in columns:
        contestants["duckdb, accuracy alone"] = lambda: baselines.duckdb_evaluate(predictions_file(slices, n))
        contestants["polars, accuracy alone"] = lambda: baselines.polars_evaluate(predictions_file(slices, n))
    return Group(
        f"evaluate {short(n)} {' and '.join(columns)} in Parquet, {slices} slices",
        n,
        check,
        contestants,
        {"floor: decode the columns": lambda: baselines.decode_columns(predictions_file(slices, n), read)},
        headline=slices == 100 and "y_score" not in columns,
    )


GROUPS = [
    evaluate(1, y_pred="guess"),
    evaluate(100, y_pred="guess"),
    evaluate(100, y_pred="guess", y_score="score"),
    evaluate(SIZES.scores // 100, y_pred="guess"),
]


@each_contestant(GROUPS)
def bench_evaluate_predictions(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)

"""Stratified samples of tables in memory."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from pytest_benchmark.fixture import BenchmarkFixture

import aliquot as aq
import baselines
import data
from floors import read_memory
from groups import Group, each_contestant, measure, short

FRACTION = 0.2


def has_share(rows: int, off: int) -> Callable[[Any], None]:
    """A check that a fifth of the rows, but for ``off`` of them, are drawn."""

    def check(answer: Any) -> None:
        if isinstance(answer, pa.Table) and answer.column_names == ["test"]:
            answer = answer["test"]  # flags of all rows
        drawn = len(answer) if len(answer) < rows else int(np.count_nonzero(answer))
        assert abs(drawn - rows * FRACTION) <= off

    return check


def sample_in_strata() -> Group:
    """A share of each of 100 strata, by largest remainder. The peers round each stratum by itself, and sort."""
    table = data.table()
    labels = table.select(["qty"])
    return Group(
        f"a fifth of {short(len(table))} in 100 strata",
        len(table),
        has_share(len(table), 100),
        {
            "aliquot": lambda: aq.sample(labels, fraction=FRACTION, strata="qty", rng=next(data.SEEDS)),
            "duckdb, window": lambda: baselines.duckdb_stratified(table, "qty", FRACTION),
            "polars, shuffle over": lambda: baselines.polars_stratified(data.polars_table(), "qty", FRACTION),
            "pandas, groupby sample": lambda: baselines.pandas_stratified(data.pandas_table(), "qty", FRACTION),
        },
        {"floor: read the strata": lambda: read_memory(labels)},
        headline=True,
    )


GROUPS = [sample_in_strata()]


@each_contestant(GROUPS)
def bench_sample_strata(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)

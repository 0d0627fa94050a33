"""Parts for the rows of a stream, and for ids."""

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

PARTS = {"train": 0.8, "test": 0.2}


def splits(rows: int, off: float) -> Callable[[Any], None]:
    """A check that a fifth of the rows, but for ``off`` of them, are in the smaller part."""

    def check(answer: Any) -> None:
        if isinstance(answer, pa.Table):
            answer = answer["test"]
        if isinstance(answer, pa.DictionaryArray):
            answer = answer.indices
        flags = np.asarray(answer)
        # Some give flags, one the rows themselves.
        small = len(flags) if len(flags) < rows else int(np.count_nonzero(flags))
        assert abs(small - rows / 5) <= off

    return check


def assign_rows() -> Group:
    """All rows in one stratum. What numpy does is not exact."""
    table = data.table()
    return Group(
        f"split a stream of {short(len(table))}",
        len(table),
        splits(len(table), 6 * np.sqrt(len(table))),
        {
            "aliquot": lambda: aq.Splitter(PARTS, rng=data.SEED).assign(table),
            "numpy, a coin a row": lambda: baselines.numpy_coins(len(table), 0.2),
        },
    )


def assign_in_strata() -> Group:
    """Exact shares in each of 100 strata. The peers hold everything and sort."""
    table = data.table()
    return Group(
        f"split a stream of {short(len(table))} in 100 strata",
        len(table),
        splits(len(table), 100),
        {
            "aliquot": lambda: aq.Splitter(PARTS, strata="qty", rng=data.SEED).assign(table),
            "duckdb, window": lambda: baselines.duckdb_stratified(table, "qty", 0.2),
            "polars, shuffle over": lambda: baselines.polars_stratified(data.polars_table(), "qty", 0.2),
            "pandas, groupby sample": lambda: baselines.pandas_stratified(data.pandas_table(), "qty", 0.2),
        },
        {"floor: read the strata": lambda: read_memory(table.select(["qty"]))},
    )


def assign_ids(kind: str) -> Group:
    """By a hash of an id, as an integer or as text."""
    table = data.ids(kind)
    return Group(
        f"split {short(len(table))} ids by hash, {kind}",
        len(table),
        splits(len(table), 6 * np.sqrt(len(table))),
        {
            "aliquot": lambda: aq.Splitter(PARTS, key="id", rng=data.SEED).assign(table),
            "duckdb, hash % 10": lambda: baselines.duckdb_hashed(table, "id", 2),
            "polars, hash % 10": lambda: baselines.polars_hashed(data.polars_ids(kind), "id", 2),
            "pandas, hash_array % 10": lambda: baselines.pandas_hashed(data.pandas_ids(kind), "id", 2),
        },
        {"floor: read the ids": lambda: read_memory(table)},
    )


GROUPS = [assign_rows(), assign_in_strata(), assign_ids("int64"), assign_ids("string")]


@each_contestant(GROUPS)
def bench_split_stream(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)

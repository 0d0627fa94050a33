"""Stratified samples of tables in memory, and the codes that ids become first."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from pytest_benchmark.fixture import BenchmarkFixture

import aliquot as aq
import baselines
import data
from aliquot._codes import Codebook
from data import SIZES
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


def has_codes(rows: int, many: int) -> Callable[[Any], None]:
    """A check that there is a code for each row, and for each user another."""

    def check(answer: Any) -> None:
        assert len(answer) == rows
        assert len(np.unique(answer)) == many

    return check


def code_ids(kind: str, rows: int, many: int) -> Group:
    """A small integer for each id: what strata, groups and labels are to everything that counts them."""

    def users() -> pa.Array:
        return data.users(kind, rows, many)

    return Group(
        f"codes of {short(rows)} ids of {short(many)} users, {kind}",
        rows,
        has_codes(rows, many),
        {
            "aliquot": lambda: Codebook(["user"]).encode([users()]),
            "pyarrow, dictionary_encode": lambda: baselines.pyarrow_codes(users()),
            "pandas, factorize": lambda: baselines.pandas_codes(data.pandas_users(kind, rows, many)),
            "polars, categories": lambda: baselines.polars_codes(data.polars_users(kind, rows, many)),
            "duckdb, distinct and join": lambda: baselines.duckdb_codes(pa.table({"user_id": users()})),
        },
        {"floor: read the ids": lambda: read_memory(pa.table({"user_id": users()}))},
    )


CODED = [code_ids(kind, SIZES.coded[0], many) for kind in ("string", "int64") for many in SIZES.coded[1]]
GROUPS = [sample_in_strata(), *CODED]


@each_contestant(GROUPS)
def bench_sample_strata(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)

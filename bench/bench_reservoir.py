"""Samples of streams whose length is not known."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import aliquot as aq
import baselines
import data
import floors
import numpy as np
import pyarrow as pa
from data import SEED, SIZES
from groups import Group, are_row_numbers, each_contestant, has_length, measure, short
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture


def _reservoir_of(batches: Iterable[pa.RecordBatch], k: int) -> aq.Reservoir:
    reservoir = aq.Reservoir(k, rng=SEED)
    for batch in batches:
        reservoir.update(batch)
    return reservoir


def _rows_of_stream(n: int, k: int) -> NDArray[np.int64]:
    reservoir = _reservoir_of(data.batches_of_rows_alone(n), k)
    return reservoir.result(row_number="row")["row"].to_numpy()


def stream_row_numbers(k: int, n: int) -> Group:
    """k of n rows in batches without columns: the sampler alone, and what not knowing n costs it."""
    return Group(
        f"stream {short(k)} of {short(n)}",
        n,
        are_row_numbers(k, n),
        {
            "aliquot": lambda: _rows_of_stream(n, k),
            "aliquot, n known": lambda: aq.sample_indices(n, k, rng=SEED),
            "numpy, a key a row": lambda: baselines.numpy_reservoir(data.batches_of_rows_alone(n), k),
        },
    )


@cache
def _quiet(reservoir: type) -> Any:
    """A reservoir that has seen so many rows that a batch hardly ever has one that enters."""
    ...


def update_quietly(rows: int) -> Group:
    ...


def sample_batches(k: int) -> Group:
    """k rows of a table in memory. Ours sees it batch by batch; the peers, but for DuckDB, reach any row at once."""
    return Group(
        f"sample {short(k)} of {short(SIZES.table_rows)} in batches",
        SIZES.table_rows,
        has_length(k),
        {
            "aliquot": lambda: _reservoir_of(data.table().to_batches(), k).result(),
            "aliquot, n known": lambda: aq.sample(data.table(), k, rng=SEED),
            "duckdb reservoir": lambda: baselines.duckdb_reservoir(data.table(), k),
            "polars sample": lambda: baselines.polars_sample(data.polars_table(), k),
            "pandas sample": lambda: baselines.pandas_sample(data.pandas_table(), k),
            "pyarrow take": lambda: baselines.pyarrow_take(data.table(), k),
        },
        {
            "floor: read the bytes": lambda: floors.read_memory(data.table()),
            "floor: take": lambda: floors.take(data.table(), k),
        },
    )

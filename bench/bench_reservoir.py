"""Samples of streams whose length is not known."""

from collections.abc import Callable, Iterable
from functools import cache
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

import aliquot as aq
import baselines
import data
import floors
from data import SEED, SEEDS, SIZES
from groups import Group, are_row_numbers, each_contestant, has_length, measure, short

ENTERING_PER_BATCH = 0.01
"""Rows expected to enter, at most, where none should."""


def _reservoir_of(batches: Iterable[pa.RecordBatch], k: int) -> aq.Reservoir:
    reservoir = aq.Reservoir(k, rng=next(SEEDS))
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
            "aliquot, n known": lambda: aq.sample_indices(n, k, rng=next(SEEDS)),
            "numpy, a key a row": lambda: baselines.numpy_reservoir(data.batches_of_rows_alone(n), k),
        },
        headline=k == 100_000,
    )


@cache
def _quiet(kind: Callable[[], Any]) -> Any:
    """A reservoir that has seen so many rows that hardly any batch has one that enters."""
    reservoir = kind()
    for batch in repeat(data.string_batch(data.BATCH_ROWS), SIZES.quiet_rows // data.BATCH_ROWS):
        reservoir.update(batch)
    return reservoir


def _ours() -> aq.Reservoir:
    return aq.Reservoir(SIZES.quiet_draws, rng=SEED)


def _numpys() -> baselines.NumpyReservoir:
    return baselines.NumpyReservoir(SIZES.quiet_draws)


def update_quietly(rows: int) -> Group:
    """One batch of 200-byte strings of which no row enters: what a sampler costs a pipeline for most of its life."""

    def update(kind: Callable[[], Any]) -> Any:
        reservoir = _quiet(kind)
        reservoir.update(data.string_batch(rows))
        return reservoir

    def check(reservoir: Any) -> None:
        assert reservoir.threshold * rows < ENTERING_PER_BATCH

    return Group(
        f"update {short(SIZES.quiet_draws)} with {short(rows)} that do not enter",
        rows,
        check,
        {"aliquot": lambda: update(_ours), "numpy, a key a row": lambda: update(_numpys)},
        {"floor: read the bytes": lambda: floors.read_memory(data.string_batch(rows))},
    )


def sample_batches(k: int) -> Group:
    """k rows of a table whose batches stream by."""
    return Group(
        f"sample {short(k)} of {short(SIZES.table_rows)} in batches",
        SIZES.table_rows,
        has_length(k),
        {
            "aliquot": lambda: _reservoir_of(data.table().to_batches(), k).result(),
            "duckdb reservoir": lambda: baselines.duckdb_reservoir(data.table(), k),
        },
        {"floor: read the bytes": lambda: floors.read_memory(data.table())},
        row_bytes=20,
        headline=k == 1_000,
    )


def sample_table(k: int) -> Group:
    """k rows of a table in memory, in the batches that it came in, or in one."""
    return Group(
        f"sample {short(k)} of {short(SIZES.table_rows)} in memory",
        SIZES.table_rows,
        has_length(k),
        {
            "aliquot": lambda: aq.sample(data.table(), k, rng=next(SEEDS)),
            "aliquot, one batch": lambda: aq.sample(data.table_in_one(), k, rng=next(SEEDS)),
            "polars sample, one batch": lambda: baselines.polars_sample(data.polars_table(), k),
            "pandas sample, one batch": lambda: baselines.pandas_sample(data.pandas_table(), k),
            "pyarrow take": lambda: baselines.pyarrow_take(data.table(), k),
        },
        {"floor: take": lambda: floors.take(data.table(), k)},
        headline=k == 1_000,
    )


STREAMS = [stream_row_numbers(k, SIZES.stream_rows) for k in SIZES.stream_draws]
UPDATES = [update_quietly(SIZES.quiet_batch_rows)]
SAMPLES = [kind(k) for kind in (sample_batches, sample_table) for k in SIZES.table_draws]
GROUPS = [*STREAMS, *UPDATES, *SAMPLES]


@each_contestant(STREAMS)
def bench_stream_row_numbers(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)


@each_contestant(UPDATES)
def bench_update_quietly(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)


@each_contestant(SAMPLES)
def bench_sample_batches(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)

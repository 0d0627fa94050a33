"""Samples of a Parquet file of six columns."""

import os

from pytest_benchmark.fixture import BenchmarkFixture

import aliquot as aq
import baselines
import floors
from data import SEEDS, SIZES, parquet_file
from groups import Group, each_contestant, has_length, measure, short


def sample_parquet(k: int) -> Group:
    """k rows, all columns, from a file in the page cache."""
    return Group(
        f"sample {short(k)} of {short(SIZES.file_rows)} in Parquet",
        SIZES.file_rows,
        has_length(k),
        {
            "aliquot": lambda: aq.sample(parquet_file(), k, rng=next(SEEDS)),
            "duckdb using sample": lambda: baselines.duckdb_parquet(parquet_file(), k),
            "polars read, sample": lambda: baselines.polars_parquet(parquet_file(), k),
            "pyarrow read, take": lambda: baselines.pyarrow_parquet(parquet_file(), k),
        },
        {"floor: read the file": lambda: floors.read_file(parquet_file())},
        row_bytes=lambda: os.path.getsize(parquet_file()) / SIZES.file_rows,
        headline=k == 1_000,
    )


GROUPS = [sample_parquet(k) for k in SIZES.file_draws]


@each_contestant(GROUPS)
def bench_sample_parquet(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)

"""Samples and rows by number of Parquet files of six columns."""

import os

import numpy as np
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

import aliquot as aq
import baselines
import floors
from data import SEEDS, SIZES, many_files, paged_file, parquet_file
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


def take_paged(codec: str, k: int, *, index: bool) -> Group:
    """k rows by number from a file of small pages that are listed, or of large ones that are not."""

    def files() -> tuple[str, ...]:
        return (paged_file(codec, index=index),)

    def rows() -> NDArray[np.int64]:
        return aq.sample_indices(SIZES.paged_rows, k, rng=next(SEEDS))

    what = f"{codec}, {'page index' if index else 'large pages'}"
    return Group(
        f"take {short(k)} of {short(SIZES.paged_rows)}, {what}",
        SIZES.paged_rows,
        has_length(k),
        {
            "aliquot": lambda: aq.take_rows(files(), rows()),
            "aliquot, pages copied": lambda: baselines.copied_rows(files(), rows()),
            "duckdb file_row_number": lambda: baselines.duckdb_rows(files(), rows()),
            "duckdb using sample": lambda: baselines.duckdb_parquet(files()[0], k),
            "polars row index": lambda: baselines.polars_rows(files(), rows()),
            "pyarrow row groups": lambda: baselines.pyarrow_rows(files(), rows()),
            "pyarrow read, take": lambda: baselines.pyarrow_parquet(files()[0], k),
        },
        {
            "floor: read the pages": lambda: floors.hit_pages(files(), SIZES.paged_rows, k).read(),
            "floor: and decompress": lambda: floors.hit_pages(files(), SIZES.paged_rows, k).read_and_decompress(),
        },
    )


def take_from_many(k: int) -> Group:
    """k rows by number from many files."""
    n = SIZES.links * SIZES.paged_rows

    def rows() -> NDArray[np.int64]:
        return aq.sample_indices(n, k, rng=next(SEEDS))

    return Group(
        f"take {short(k)} of {short(n)} in {SIZES.links} files",
        n,
        has_length(k),
        {
            "aliquot": lambda: aq.take_rows(many_files(), rows()),
            "duckdb, file by file": lambda: baselines.duckdb_rows(many_files(), rows()),
            "polars row index": lambda: baselines.polars_rows(many_files(), rows()),
            "pyarrow row groups": lambda: baselines.pyarrow_rows(many_files(), rows()),
        },
        {
            "floor: read the pages": lambda: floors.hit_pages(many_files(), n, k).read(),
            "floor: and decompress": lambda: floors.hit_pages(many_files(), n, k).read_and_decompress(),
        },
    )


GROUPS = [
    *(sample_parquet(k) for k in SIZES.file_draws),
    *(take_paged("zstd", k, index=True) for k in SIZES.file_draws),
    take_paged("snappy", 1_000, index=False),
    *(take_from_many(k) for k in SIZES.file_draws[:2]),
]


@each_contestant(GROUPS)
def bench_sample_parquet(benchmark: BenchmarkFixture, group: Group, name: str) -> None:
    measure(benchmark, group, name)

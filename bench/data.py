"""The sizes that are measured, and the data of those sizes."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

SEED = 7
SEEDS = count(SEED)
"""One for each draw that is timed: with the same one again, branch predictors learn small samples by heart."""
BATCH_ROWS = 65_536
STRING_BYTES = 200
DISTINCT_NAMES = 50_000
ROW_GROUP_ROWS = 1_000_000


@dataclass(frozen=True)
class Sizes:
    """Rows to sample from, and rows to draw."""

    draws: tuple[tuple[int, int], ...]
    """Pairs k, n."""
    far_draw: tuple[int, int]
    """A pair k, n that is set beside the peers' k of n / 10."""
    stream_rows: int
    stream_draws: tuple[int, ...]
    quiet_rows: int
    """Rows a reservoir has seen before its updates are timed: so many that hardly any row enters any more."""
    quiet_batch_rows: int
    quiet_draws: int
    table_rows: int
    table_draws: tuple[int, ...]
    weights: int
    """Rows with weights, in memory."""
    weighted_draws: tuple[int, ...]
    sketch_weights: int
    """Rows for the peer that takes them one by one."""
    tables: tuple[int, ...]
    """Outcomes of alias tables."""
    outcomes: int
    """Draws from each."""
    file_rows: int
    file_draws: tuple[int, ...]
    paged_rows: int
    """Of a file whose pages are read, written in each way."""
    links: int
    """To that file, which make one large data set."""
    scores: int
    """Rows with a label and a score, in memory."""
    splits: tuple[tuple[int, int], ...]
    """Pairs of rows and classes."""
    grouped: tuple[int, int, int]
    """Rows, groups, classes."""
    coded: tuple[int, tuple[int, ...]]
    """Rows with the id of a user, and of how many users."""


FULL = Sizes(
    draws=(
        (1_000, 10**6),
        (100_000, 10**6),
        (1_000, 10**9),
        (100_000, 10**9),
        (1_000_000, 10**9),
        (10_000_000, 10**9),
        (1_000, 10**12),
        (1_000_000, 10**12),
    ),
    far_draw=(1_000_000, 10**9),
    stream_rows=10**9,
    stream_draws=(1_000, 100_000, 1_000_000),
    quiet_rows=10**9,
    quiet_batch_rows=10_000,
    quiet_draws=100,
    table_rows=4_000_000,
    table_draws=(1_000, 100_000),
    weights=50_000_000,
    weighted_draws=(1_000, 100_000, 1_000_000),
    sketch_weights=1_000_000,
    tables=(10, 1_000, 100_000, 1_000_000, 10_000_000, 100_000_000),
    outcomes=4_000_000,
    file_rows=50_000_000,
    file_draws=(20, 1_000, 100_000),
    paged_rows=20_000_000,
    links=50,
    scores=10_000_000,
    splits=((10_000_000, 10), (10_000_000, 1_000_000), (5_000, 10)),
    grouped=(400_000, 20_000, 10),
    coded=(10_000_000, (50_000, 1_000_000)),
)

SMALL = Sizes(
    draws=((10, 10**3), (100, 10**6), (100, 10**12)),
    far_draw=(100, 10**6),
    stream_rows=10**6,
    stream_draws=(10, 1_000),
    quiet_rows=10**7,
    quiet_batch_rows=1_000,
    quiet_draws=10,
    table_rows=100_000,
    table_draws=(10, 1_000),
    weights=200_000,
    weighted_draws=(10, 1_000),
    sketch_weights=10_000,
    tables=(10, 1_000, 100_000),
    outcomes=10_000,
    file_rows=100_000,
    file_draws=(20, 1_000),
    paged_rows=100_000,
    links=3,
    scores=50_000,
    splits=((50_000, 10), (20_000, 2_000), (5_000, 10)),
    grouped=(4_000, 200, 10),
    coded=(20_000, (500, 2_000)),
)

SIZES = SMALL if os.environ.get("ALIQUOT_BENCH_SMALL") == "1" else FULL


@cache
def _batch_of_rows_alone(rows: int) -> pa.RecordBatch:
    return pa.record_batch({"nothing": pa.nulls(rows)}).select([])


def batches_of_rows_alone(rows: int) -> Iterator[pa.RecordBatch]:
    """Batches without columns: what passes is a row count, so that the cost is that of the sampler alone."""
    whole, rest = divmod(rows, BATCH_ROWS)
    yield from repeat(_batch_of_rows_alone(BATCH_ROWS), whole)
    if rest:
        yield _batch_of_rows_alone(rest)


@cache
def string_batch(rows: int) -> pa.RecordBatch:
    """Rows so wide that touching the ones that do not enter would show."""
    digits = np.random.default_rng(SEED).integers(ord("0"), ord("9") + 1, (rows, STRING_BYTES), np.uint8)
    return pa.record_batch({"text": pa.array(digits.view(f"S{STRING_BYTES}").ravel().astype(str))})


def _rows(first: int, rows: int) -> pa.Table:
    """Rows ``first`` and on of the six columns; seeded by position, so that any piece can be made alone."""
    rng = np.random.default_rng((SEED, first))
    names = pa.array([f"item-{i:06d}" for i in range(DISTINCT_NAMES)])
    return pa.table(
        {
            "id": np.arange(first, first + rows),
            "amount": rng.lognormal(3, 1, rows),
            "qty": rng.integers(0, 100, rows, np.int32),
            "name": names.take(pa.array(rng.integers(0, DISTINCT_NAMES, rows))),
            "ts": pa.array(rng.integers(1_600_000_000_000_000, 1_700_000_000_000_000, rows), pa.timestamp("us")),
            "flag": rng.random(rows) < 0.3,
        }
    )


@cache
def weights(kind: str, rows: int) -> NDArray[np.float64]:
    """Weights whose spread a sampler may suffer from; sorted ones lower its threshold to the last row."""
    rng = np.random.default_rng(SEED)
    if kind == "lognormal":
        return rng.lognormal(0, 2, rows)
    if kind == "pareto":
        return rng.pareto(1.1, rows) + 1
    drawn = rng.random(rows)
    if kind == "sorted":
        drawn.sort()
    if kind == "one giant":
        drawn[rows // 2] = 1e9
    return drawn


@cache
def scored(kind: str, rows: int) -> tuple[NDArray[np.bool_], NDArray[np.floating]]:
    """Labels, and scores that have to do with them: "float32", "float64", or of three digits, "rounded"."""
    rng = np.random.default_rng(SEED)
    y_true = rng.random(rows) < 0.3
    logits = rng.normal(np.where(y_true, 1.0, -1.0), 1.5)
    scores = 1 / (1 + np.exp(-logits))
    if kind == "float64":
        return y_true, scores
    return y_true, (np.round(scores, 3) if kind == "rounded" else scores).astype(np.float32)


@cache
def labels(rows: int, classes: int) -> NDArray[np.int64]:
    """Classes of about the same size, each with at least two rows, as scikit-learn will have them."""
    made = np.random.default_rng(SEED).integers(0, classes, rows)
    made[: 2 * classes] = np.arange(2 * classes) % classes
    return made


@cache
def names_of_labels(rows: int, classes: int) -> pa.Array:
    """The same as strings."""
    return pa.array(labels(rows, classes)).cast(pa.string())


@cache
def users(kind: str, rows: int, many: int) -> pa.Array:
    """Ids of so many users in any order, in a type of Arrow: numbers far apart, or names of twelve bytes."""
    of_rows = labels(rows, many)
    if kind == "string":
        return pa.array([f"user-{i:07}" for i in range(many)]).take(pa.array(of_rows))
    return pa.array(of_rows * 1_000_003)


@cache
def pandas_users(kind: str, rows: int, many: int) -> pd.Series:
    """``users`` as their peer holds them."""
    return users(kind, rows, many).to_pandas()


@cache
def polars_users(kind: str, rows: int, many: int) -> pl.Series:
    """``users`` as their peer holds them."""
    return pl.Series("user", users(kind, rows, many))


@cache
def table() -> pa.Table:
    """Numbers in memory: three columns, in batches that each have their own, as from a reader."""
    starts = range(0, SIZES.table_rows, BATCH_ROWS)
    return pa.concat_tables(
        _rows(first, min(BATCH_ROWS, SIZES.table_rows - first)).select(["id", "amount", "qty"]) for first in starts
    )


@cache
def table_in_one() -> pa.Table:
    """The same in one chunk, as some of the peers have it."""
    return table().combine_chunks()


@cache
def polars_table() -> pl.DataFrame:
    """``table`` as its peer holds it; in one chunk, as the peer likes it best."""
    return pl.DataFrame(table()).rechunk()


@cache
def pandas_table() -> pd.DataFrame:
    """``table`` as its peer holds it."""
    return table().to_pandas()


@cache
def ids(kind: str) -> pa.Table:
    """The ids of ``table`` in a type of Arrow."""
    return pa.table({"id": table()["id"].cast(kind)})


@cache
def polars_ids(kind: str) -> pl.DataFrame:
    """``ids`` as its peer holds them."""
    return pl.DataFrame(ids(kind)).rechunk()


@cache
def pandas_ids(kind: str) -> pd.DataFrame:
    """``ids`` as its peer holds them."""
    return ids(kind).to_pandas()


def folder() -> Path:
    """Where files are kept for later runs."""
    folder = Path(os.environ.get("ALIQUOT_BENCH_DIR") or Path(tempfile.gettempdir(), "aliquot-bench"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _written(name: str, rows: int, start: int = 0, **options: Any) -> str:
    """Path of a file of all six columns and the rows from ``start`` on, written once."""
    path = folder() / f"{name}-{rows}.parquet"
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        # Renamed when whole, so that a run cut short leaves nothing that looks like the file.
        unfinished = path.with_suffix(f".{os.getpid()}")
        with pq.ParquetWriter(unfinished, _rows(0, 0).schema, **options) as writer:
            for first in range(0, rows, ROW_GROUP_ROWS):
                writer.write_table(_rows(start + first, min(ROW_GROUP_ROWS, rows - first)))
        unfinished.rename(path)
    return str(path)


@cache
def parquet_file() -> str:
    """A large file, as pyarrow writes it, but for zstd."""
    return _written("six-columns", SIZES.file_rows, compression="zstd")


@cache
def paged_file(codec: str, *, index: bool) -> str:
    """A file of a codec, with or without a page index; without one, pages are as large as their bytes allow."""
    pages = {} if index else {"max_rows_per_page": ROW_GROUP_ROWS}
    name = f"{codec}-{'index' if index else 'no-index'}"
    return _written(name, SIZES.paged_rows, compression=codec, write_page_index=index, **pages)


def large_files(rows: int) -> list[str]:
    """Paths of a data set that stands on disk row for row, in files with page indexes."""
    size = min(rows, FULL.paged_rows)
    options = {"compression": "zstd", "write_page_index": True}
    return [
        _written(f"rows-{rows}/{first:011}", min(size, rows - first), first, **options)
        for first in range(0, rows, size)
    ]


@cache
def small_files(count: int) -> tuple[str, ...]:
    """Paths of files of 100,000 rows, as pyarrow writes them."""
    rows = SMALL.file_rows
    return tuple(_written(f"small/{start:011}", rows, start) for start in range(0, count * rows, rows))


@cache
def many_files() -> tuple[str, ...]:
    """Paths of one file, over and over: a data set larger than this disk may hold."""
    target = paged_file("zstd", index=True)
    to = folder() / f"{Path(target).stem}-links"
    to.mkdir(exist_ok=True)
    links = [to / f"{i:03}.parquet" for i in range(SIZES.links)]
    for link in links:
        if not link.is_symlink():
            link.symlink_to(target)
    return tuple(map(str, links))


@cache
def labelled(kind: str, classes: int, n: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """True and predicted labels of a classifier that is right four times in five, in a type of NumPy."""
    rng = np.random.default_rng(SEED)
    y_true = rng.integers(0, classes, n)
    y_pred = np.where(rng.random(n) < 0.8, y_true, rng.integers(0, classes, n))
    return y_true.astype(kind), y_pred.astype(kind)


@cache
def predictions_file(slices: int, n: int) -> str:
    """A Parquet file of labels, predictions, scores and slices, beside a column that nobody asks for."""
    path = folder() / f"predictions-{slices}-{n}.parquet"
    if not path.exists():
        rng = np.random.default_rng(SEED)
        y_true, y_pred = labelled("int64", 2, n)
        columns = {"label": y_true, "guess": y_pred, "score": rng.random(n, np.float32)}
        table = pa.table(columns | {"site": rng.integers(0, slices, n), "unused": rng.random(n)})
        unfinished = path.with_suffix(f".{os.getpid()}")
        pq.write_table(table, unfinished, row_group_size=ROW_GROUP_ROWS, compression="zstd")
        unfinished.rename(path)
    return str(path)

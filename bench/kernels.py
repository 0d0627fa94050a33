"""Every kernel by name, with one call of it: what the instruction gate counts and ``bench/gate.py`` compares.

A new kernel is a new line in KERNELS, then ``make bench-record``. Only numpy, pyarrow and aliquot are imported, as all
of it runs under valgrind.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

import aliquot as aq
from aliquot import _rng
from aliquot._codes import Codebook
from aliquot._compression import Scratch
from aliquot._kernels.gather import gather
from aliquot._kernels.hashing import column_keys
from aliquot._kernels.parquet_footer import Footer
from aliquot._kernels.parquet_pages import Pages
from aliquot._kernels.parquet_pick import Picker

ROWS = 1 << 18
BATCH = 10_000
SEED = 7
KEY = _rng.key_of(SEED)


@dataclass(frozen=True)
class Kernel:
    """One task, and what its cost is divided by."""

    name: str
    rows: int
    make: Callable[[], Callable[[], Any]]
    """Makes the data, and gives the call that is measured."""
    compiled_by: str | None = None
    """The package whose version makes the code, if it is not built with aliquot."""


@cache
def random() -> NDArray[np.float64]:
    """As many numbers in [0, 1) as there are rows."""
    return np.random.default_rng(SEED).random(ROWS)


@cache
def weights() -> NDArray[np.float64]:
    """Weights of some spread."""
    return np.exp(2 * np.random.default_rng(SEED).standard_normal(ROWS))


@cache
def batches(columns: int) -> list[pa.RecordBatch]:
    """All rows in batches of ``BATCH``, with their weights or without any column."""
    table = pa.record_batch({"w": weights()})
    return [table.slice(first, BATCH).select(["w"][:columns]) for first in range(0, ROWS, BATCH)]


def updates(columns: int, k: int, **options: Any) -> None:
    """A reservoir over all batches."""
    reservoir = aq.Reservoir(k, rng=SEED, **options)
    for batch in batches(columns):
        reservoir.update(batch)


def quiet_update() -> Callable[[], Any]:
    """A reservoir that has seen so many rows that none of the next batch enters."""
    reservoir = aq.Reservoir(100, rng=SEED)
    nothing = pa.record_batch({"nothing": pa.nulls(1 << 20)}).select([])
    for _ in range(1000):
        reservoir.update(nothing)
    return partial(reservoir.update, nothing.slice(0, BATCH))


@cache
def parquet_bytes() -> bytes:
    """A file of 20 row groups of 4 columns, each of some 20 pages."""
    sink = io.BytesIO()
    table = pa.table({name: random() for name in "abcd"})
    pq.write_table(table, sink, row_group_size=ROWS // 20, data_page_size=5000, use_dictionary=False)
    return sink.getvalue()


def parse_footer() -> Footer:
    """The footer of the file."""
    data = parquet_bytes()
    return Footer(data[-8 - int.from_bytes(data[-8:-4], "little") : -8])


def walk_pages() -> Callable[[], Any]:
    """Find the pages of one column chunk by their headers."""
    footer, data = parse_footer(), parquet_bytes()

    def walk() -> int:
        pages = Pages(footer, [0], [0], len(data))
        assert pages.walk(0, data[pages.next(0) : pages.extent(0)[1]])
        return pages.count(0)

    return walk


def pick_rows() -> Callable[[], Any]:
    """Every 500th row of a column of words that hardly repeat, in pages of zstd."""
    sink = io.BytesIO()
    words = pa.array(np.random.default_rng(SEED).integers(0, 10**6, ROWS).astype(str))
    pq.write_table(pa.table({"word": words}), sink, compression="zstd", data_page_size=20_000, use_dictionary=False)
    data, rows = sink.getvalue(), np.arange(0, ROWS, 500)
    footer = Footer(data[-8 - int.from_bytes(data[-8:-4], "little") : -8])
    cuts, scratch = np.array([0, len(rows)]), Scratch()

    def pick() -> Picker:
        pages = Pages(footer, [0], [0], len(data))
        assert pages.walk(0, data[pages.next(0) : pages.extent(0)[1]])
        pages.find(np.array([0]), rows, cuts)
        picker = Picker(pages, 0)
        assert picker.pick(rows, cuts, [(0, data)], -1, 0, scratch.page, scratch.dictionary)
        return picker

    return pick


def codes_of_words() -> Callable[[], Any]:
    """Codes of words of which each is there five times."""
    words = pa.array(np.random.default_rng(SEED).integers(0, ROWS // 5, ROWS).astype(str))
    return lambda: Codebook(["word"]).encode([words])


def hash_of(values: pa.Array) -> Callable[[], Any]:
    """Keys of a column by value."""
    return partial(column_keys, values, KEY)


@cache
def labels(seed: int) -> NDArray[np.int64]:
    """One of ten labels a row."""
    return np.random.default_rng(seed).integers(0, 10, ROWS)


def score_labels() -> None:
    """A confusion matrix of all rows."""
    aq.ConfusionMatrix(labels=range(10)).update(labels(1), labels(2))


def area(bins: int | None) -> float:
    """The area under the curve of all rows."""
    curve = aq.BinaryCurve(bins=bins)
    curve.update(labels(1) < 3, random())
    return curve.roc_auc()


def assign_parts() -> Any:
    """Parts of a stream, exact in ten strata."""
    batch = pa.record_batch({"label": labels(1)})
    return aq.Splitter({"train": 0.8, "test": 0.2}, strata="label", rng=SEED).assign(batch)


def assign_by_hash() -> Any:
    """Parts of ids, for good."""
    batch = pa.record_batch({"id": np.arange(ROWS)})
    return aq.Splitter({"train": 0.8, "test": 0.2}, key="id", rng=SEED).assign(batch)


def split(**options: Any) -> Callable[[], Any]:
    """Row numbers of two parts."""
    return partial(aq.split_indices, ROWS, {"train": 0.8, "test": 0.2}, rng=SEED, **options)


def users() -> NDArray[np.int64]:
    """One of many ids a row."""
    return np.random.default_rng(SEED).integers(0, ROWS // 20, ROWS)


def gather_rows() -> Callable[[], Any]:
    """Every 16th row of a table of numbers, flags and words in 27 batches."""
    words = pa.array(labels(1).astype(str))
    table = pa.record_batch({"number": random(), "flag": labels(1) < 3, "word": words})
    cut = [table.slice(first, BATCH) for first in range(0, ROWS, BATCH)]
    return partial(gather, cut, np.arange(0, ROWS, 16))


KERNELS = [
    Kernel("row numbers, 256k of 1G", ROWS, lambda: partial(aq.sample_indices, 10**9, ROWS, rng=SEED)),
    Kernel("row numbers, replaced", ROWS, lambda: partial(aq.sample_indices, ROWS, ROWS, replace=True, rng=SEED)),
    Kernel("reservoir, stream of rows", ROWS, lambda: partial(updates, 0, 1000)),
    Kernel("reservoir, weighted stream", ROWS, lambda: partial(updates, 1, 1000, weights="w")),
    Kernel("reservoir, one update of which nothing enters", 1, quiet_update),
    Kernel("weighted, successive", ROWS, lambda: partial(aq.sample_indices, ROWS, 1000, weights=weights(), rng=SEED)),
    Kernel(
        "weighted, priority",
        ROWS,
        lambda: partial(aq.sample_indices, ROWS, 1000, weights=weights(), design="priority", rng=SEED),
    ),
    Kernel("alias, build", ROWS, lambda: partial(aq.AliasTable, weights())),
    Kernel("alias, draw of 1k outcomes", ROWS, lambda: partial(aq.AliasTable(weights()[:1000]).draw, ROWS, rng=SEED)),
    Kernel("gather, three columns", ROWS // 16, gather_rows),
    Kernel("hash, int64", ROWS, lambda: hash_of(pa.array(np.arange(ROWS)))),
    Kernel("hash, float64", ROWS, lambda: hash_of(pa.array(weights()))),
    Kernel("hash, string", ROWS, lambda: hash_of(pa.array(np.arange(ROWS).astype(str)))),
    Kernel("hash, dictionary", ROWS, lambda: hash_of(pa.array(np.arange(ROWS) % 50).dictionary_encode())),
    Kernel("parquet, footer, a column chunk", 80, lambda: parse_footer),
    Kernel("parquet, walk, a page", 20, walk_pages),
    Kernel("parquet, pick, a row of 500", ROWS // 500, pick_rows),
    Kernel("codes, 50k words", ROWS, codes_of_words),
    Kernel("strata, 1k of 256k", ROWS, lambda: partial(aq.sample_indices, ROWS, 1000, strata=labels(1), rng=SEED)),
    Kernel("confusion matrix, 10 labels", ROWS, lambda: score_labels),
    Kernel("curve, exact", ROWS, lambda: partial(area, None)),
    Kernel("curve, 1k bins", ROWS, lambda: partial(area, 1000)),
    Kernel("splitter, 10 strata", ROWS, lambda: assign_parts),
    Kernel("splitter, by hash of int64", ROWS, lambda: assign_by_hash),
    Kernel("split, rows alone", ROWS, lambda: split(), "numba"),
    Kernel("split, 10 strata", ROWS, lambda: split(strata=labels(1)), "numba"),
    Kernel("split, 13k strata", ROWS, lambda: split(strata=users()), "numba"),
    Kernel("split, groups", ROWS, lambda: split(groups=users()), "numba"),
    Kernel("folds, 10 strata", ROWS, lambda: partial(aq.fold_indices, ROWS, 5, strata=labels(1), rng=SEED), "numba"),
]

"""The least that the same work could cost: touching the bytes, making the random numbers, moving the rows."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow.fs import LocalFileSystem

from aliquot._compression import Whole
from aliquot._files import FilePart
from aliquot._kernels.parquet_pick import Picker
from aliquot._kernels.parquet_text import Text
from aliquot.footers import Layout
from aliquot.pages import Rows, plan_columns
from aliquot.ranges import Ranges
from baselines import by_file
from data import SEED

CHUNK_BYTES = 8 << 20
SNAPPY = 1
"""Parquet's number of that codec."""
_GENERATOR = np.random.default_rng(SEED)


@cache
def _words(count: int) -> NDArray[np.float64]:
    return np.empty(count)


@cache
def _sorted_rows(n: int, k: int) -> pa.Array:
    return pa.array(np.sort(_GENERATOR.choice(n, k, replace=False)))


def read_memory(data: pa.Table | pa.RecordBatch) -> int:
    """Sum the bytes of every column as 8-byte words: what any pass over the values costs."""
    arrays = (chunk for column in data.columns for chunk in getattr(column, "chunks", [column]))
    buffers = (buffer for array in arrays for buffer in array.buffers() if buffer is not None)
    return sum(int(np.frombuffer(buffer, np.int64, buffer.size // 8).sum()) for buffer in buffers)


def read_file(path: str) -> int:
    """Copy the bytes of a file out of the page cache, and count them."""
    chunk = memoryview(bytearray(CHUNK_BYTES))
    total = 0
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(chunk):
            total += count
    return total


def fill_random(count: int) -> None:
    """Make one random number for each row to draw, in memory that is there already."""
    _GENERATOR.random(out=_words(count))


def take(source: pa.Table, k: int) -> pa.Table:
    """Gather rows whose numbers are known."""
    return source.take(_sorted_rows(len(source), k))


def read_and_number(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Read every label, and write every row's number to fresh memory."""
    labels.sum()
    return np.arange(len(labels))


@cache
def _places(n: int, k: int) -> NDArray[np.int64]:
    return _GENERATOR.integers(0, n, k)


@cache
def _cells(n: int) -> NDArray[np.int64]:
    return np.ones(n, np.int64)


def read_random(n: int, k: int) -> NDArray[np.int64]:
    """Gather k of n words of 8 bytes from places that are known."""
    return _cells(n).take(_places(n, k))


class HitPages:
    """The bytes of the pages that hold some rows of all columns, to be read and decompressed and nothing else."""

    def __init__(self, files: Sequence[str], rows: NDArray[np.int64]) -> None:
        self.reads: list[tuple[str, int, int]] = []
        self.pages: list[tuple[int, bytes, int]] = []
        for path, wanted in by_file(rows, files):
            self._find(FilePart(LocalFileSystem(), path), wanted)

    def _find(self, file: FilePart, rows: NDArray[np.int64]) -> None:
        layout = Layout(file)
        names = list(layout.leaves)
        ends = np.cumsum([0, *layout.group_rows])

        def record(codec: int, data: Any, size: int) -> None:
            self.pages.append((codec, bytes(data), size))

        texts = Text(Whole(), record), Text(Whole(), record)
        with ThreadPoolExecutor(1) as pool, Ranges(file, pool, gap=0) as source:
            for group, (first, last) in enumerate(pairwise(np.searchsorted(rows, ends))):
                if first == last:
                    continue
                wanted = Rows.of([rows[first:last] - ends[group]])
                plan = plan_columns(source, layout, [group], names, wanted)
                for column in range(len(names)):
                    self.reads += [(file.path, start, end - start) for start, end in plan.stretches(column, 0)]
                    picker = Picker(plan.pages, column)
                    picker.pick(wanted.positions, wanted.cuts, source.kept, source.descriptor, 0, *texts)

    def read(self) -> int:
        """Copy them out of the page cache, into memory that is there already."""
        scratch = memoryview(bytearray(max(size for _, _, size in self.reads)))
        with ExitStack() as stack:
            paths = {path for path, _, _ in self.reads}
            files = {path: stack.enter_context(open(path, "rb", buffering=0)) for path in paths}
            return sum(os.preadv(files[path].fileno(), [scratch[:size]], at) for path, at, size in self.reads)

    def read_and_decompress(self) -> int:
        """The same, and take all of them out of their compression, by as many threads as there are processors."""
        self.read()
        of_thread = threading.local()

        def decompress(page: tuple[int, bytes, int]) -> int:
            codec, data, size = page
            if codec == SNAPPY:  # into memory that is there already, which its codec in pyarrow is slower without
                if not hasattr(of_thread, "text"):
                    of_thread.text = Text(Whole())
                return size if of_thread.text.open(codec, data, size) and of_thread.text.reach(size) else 0
            return len(pa.Codec("zstd").decompress(data, size)) if codec else size

        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            return sum(pool.map(decompress, self.pages))


@cache
def hit_pages(files: tuple[str, ...], rows_there: int, k: int) -> HitPages:
    """Those of k rows, drawn once."""
    return HitPages(files, np.sort(_GENERATOR.choice(rows_there, k, replace=False)))

"""The least that the same work could cost: touching the bytes, making the random numbers, moving the rows."""

from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data import SEED

CHUNK_BYTES = 8 << 20
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

"""Strings that repeat in NumPy arrays, as dictionaries: Arrow would make each row a string of its own."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot._codes import Codebook

STRETCH = 2**15
"""Rows that are looked at together, which stay in the cache."""

FEW = 1 / 8
"""At most so many different values a row: of more, Arrow's own way is as quick."""


def as_dictionary(values: NDArray[Any]) -> pa.Array | None:
    """An array of strings or objects, in one dimension, as a dictionary column; None if values seldom repeat."""
    if values.itemsize == 0 or isinstance(values, np.ma.MaskedArray):
        return None
    book = Codebook(["rows"])
    codes = np.empty(len(values), np.int32)
    first: list[NDArray[np.int64]] = []
    for start in range(0, len(values), STRETCH):
        rows = np.ascontiguousarray(values[start : start + STRETCH])
        known, end = len(book), start + len(rows)
        codes[start:end] = of_rows = book.encode([_as_bytes(rows)])
        if len(book) > FEW * end:
            return None
        if len(book) > known:
            places = np.empty(len(book) - known, np.int64)
            fresh = np.flatnonzero(of_rows >= known)[::-1]
            places[of_rows[fresh] - known] = start + fresh  # of the rows of one value, the first is written last
            first.append(places)
    return pa.DictionaryArray.from_arrays(codes, as_arrow(values[np.concatenate(first)])) if first else None


def as_arrow(values: NDArray[Any]) -> pa.Array:
    """The same in Arrow, row by row; of strings, which Arrow else cuts at a NUL, from Python's."""
    return pa.array(values.tolist() if values.dtype.kind in "UT" else values)


def _as_bytes(rows: NDArray[Any]) -> pa.Array:
    """Strings as characters, four bytes each or, if that is enough, one; of objects, where they are."""
    if rows.dtype.kind == "U":
        characters = rows.view(np.uint32).reshape(len(rows), -1)
        rows = (characters.astype(np.uint8) if characters.max() < 256 else characters).view(np.uint8)
    kind = pa.binary(rows.nbytes // len(rows))
    return pa.Array.from_buffers(kind, len(rows), [None, pa.foreign_buffer(rows.ctypes.data, rows.nbytes, rows)])

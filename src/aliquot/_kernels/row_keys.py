"""The keys of rows: hashes of their numbers, 64 bits of which the upper half is quick to make."""

from typing import Any

import numpy as np

from aliquot._kernels._numba import kernel, mix64

BLOCK = 1024
"""Rows hashed at once: their words stay in the first level of cache."""
ROW = 2**32 - 1
"""The bits of a packed row that are its number."""


@kernel
def mix32(x: Any) -> Any:
    """A bijection of 32-bit words with low bias, that of csrc/aliquot/weighted.hpp (C. Wellons 2018)."""
    x ^= x >> np.uint32(16)
    x = np.uint32(x * np.uint32(0x21F0AAAD))
    x ^= x >> np.uint32(15)
    x = np.uint32(x * np.uint32(0xD35A2D97))
    x ^= x >> np.uint32(15)
    return x


@kernel
def upper_key(row: Any, add: Any, flip: Any) -> Any:
    """The upper half of a row's key: the sum of two bijections, in which values repeat as they do at random."""
    return np.uint32(mix32(np.uint32(row + add)) + mix32(np.uint32(row ^ flip)))


@kernel
def lower_key(packed: Any, low_key: Any) -> Any:
    """The lower half of the key of a packed row, as in csrc/aliquot/weighted.hpp."""
    return mix64(low_key + (packed & np.uint64(0xFFFFFFFF))) >> np.uint64(32)


@kernel
def make_keys(rows: Any, key: Any, keys: Any) -> None:
    """Put the keys of rows into ``keys``; all are uint64, so that there is one to compile."""
    for i in range(len(rows)):
        keys[i] = key_of(rows[i], key)


@kernel
def key_of(row: Any, key: Any) -> Any:
    """The key of one row."""
    packed = pack(row, np.uint32(key[0]), np.uint32(key[1]))
    return packed & ~np.uint64(ROW) | lower_key(packed, key[2])


@kernel
def pack(row: Any, add: Any, flip: Any) -> Any:
    """The upper half of a row's key, and below it the row's number."""
    return np.uint64(upper_key(np.uint32(row), add, flip)) << np.uint64(32) | np.uint64(row)

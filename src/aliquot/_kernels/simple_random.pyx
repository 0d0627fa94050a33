"""Simple random samples of row numbers: by size, by threshold, with replacement."""

from libc.stdint cimport int64_t, uint64_t
from libcpp.memory cimport unique_ptr, make_unique
from libcpp.utility cimport move
from libcpp.vector cimport vector

from aliquot._kernels.random cimport as_seed_key, const_double, seed_key, span

import numpy as np


cdef tuple as_arrays(const vector[keyed_row]& found):
    rows = np.empty(found.size(), np.int64)
    keys = np.empty(found.size())
    cdef int64_t[::1] rows_view = rows
    cdef double[::1] keys_view = keys
    for i in range(found.size()):
        rows_view[i] = found[i].row
        keys_view[i] = found[i].key
    return rows, keys


def select_rows(const uint64_t[::1] seed, int64_t n, int64_t k):
    """The k of n rows with the smallest keys: row numbers, int64, ascending, and their keys, float64."""
    cdef seed_key key = as_seed_key(seed)
    cdef vector[keyed_row] found
    with nogil:  # works on its own copy of the seed
        found = move(select_rows_(key, n, k))
    return as_arrays(found)


def draw_ranks(const uint64_t[::1] seed, int64_t n, size_t size, uint64_t stream=0):
    """Which row of a simple random sample each draw with replacement is, by rank of its key, and how many differ.

    Strata have streams of their own.
    """
    ranks = np.empty(size, np.int64)
    cdef int64_t[::1] view = ranks
    cdef int64_t distinct = 0
    if size > 0:
        distinct = draw_ranks_(as_seed_key(seed), stream, n, span[int64_t](&view[0], size))
    return ranks, distinct


def draw_weighted_ranks(
    const uint64_t[::1] seed, const double[::1] weights, double total, size_t size, uint64_t stream=0
):
    """The same in proportion to weight, given the weights in order of the keys and their sum over all rows."""
    ranks = np.empty(size, np.int64)
    cdef int64_t[::1] view = ranks
    cdef int64_t distinct = 0
    if size > 0:
        distinct = draw_weighted_ranks_(
            as_seed_key(seed),
            stream,
            span[const_double](&weights[0], weights.shape[0]),
            total,
            span[int64_t](&view[0], size),
        )
    return ranks, distinct


cdef class RowsBelow:
    """The rows whose key is at most a threshold, found in row order."""

    cdef unique_ptr[uniform_keys] keys

    def __cinit__(self, const uint64_t[::1] seed, int64_t start=0):
        self.keys = make_unique[uniform_keys](as_seed_key(seed), start)

    def seek(self, int64_t row):
        """Go on from ``row``."""
        self.keys.get().seek(row)

    def next(self, int64_t n, double threshold):
        """Those among the next n rows: numbers, int64, ascending, and keys, float64. The threshold must not rise."""
        cdef rows_below below
        below.threshold = threshold
        cdef uniform_keys* keys = self.keys.get()
        with nogil:  # one thread at a time owns this object
            keys.advance(keys.next() + n, below)
        return as_arrays(below.found)

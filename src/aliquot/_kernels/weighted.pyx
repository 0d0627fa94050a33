"""Rows by number and weight: those whose keys are below a threshold."""

from libc.stdint cimport int64_t, uint64_t
from libcpp.vector cimport vector

from aliquot._kernels.random cimport as_seed_key, const_double, seed_key, span

import numpy as np


cdef extern from "aliquot/weighted.hpp" namespace "aliquot" nogil:
    cdef enum class weighted_design "aliquot::weighted_design"(int):
        successive
        priority

    cdef cppclass positions_below:
        double threshold
        vector[int64_t] found

    cdef struct candidate:
        double key
        int64_t row
        int64_t slot

    int64_t select_weighted_ "aliquot::select_weighted"(
        const seed_key&, span[const_double], weighted_design, size_t, vector[candidate]&) except +

    int64_t offer_weighted(const seed_key&, int64_t, span[const_double], weighted_design, positions_below&) except +


def select_weighted(const uint64_t[::1] seed, const double[::1] weights, size_t k, bint priority):
    """The k + 1 rows with the smallest keys, or all of positive weight: numbers, int64, ascending, and keys, float64.

    And the position of the first weight that is none, or -1.
    """
    cdef seed_key key = as_seed_key(seed)
    cdef weighted_design design = weighted_design.priority if priority else weighted_design.successive
    cdef vector[candidate] selected
    cdef int64_t bad = -1
    cdef size_t n = weights.shape[0]
    if n:
        with nogil:  # works on its own copy of the seed; the caller's buffer is held by the memoryview
            bad = select_weighted_(key, span[const_double](&weights[0], n), design, k, selected)
    rows = np.empty(selected.size(), np.int64)
    keys = np.empty(selected.size())
    cdef int64_t[::1] rows_view = rows
    cdef double[::1] keys_view = keys
    for i in range(selected.size()):
        rows_view[i] = selected[i].row
        keys_view[i] = selected[i].key
    return rows, keys, bad


def rows_below(const uint64_t[::1] seed, int64_t first_row, const double[::1] weights, double threshold):
    """Positions, int64, ascending, of the rows with v / weight at most ``threshold``, v uniform in [0, 1).

    And that of the first weight that is none, or -1.
    """
    cdef seed_key key = as_seed_key(seed)
    cdef positions_below below
    below.threshold = threshold
    cdef int64_t bad = -1
    cdef size_t n = weights.shape[0]
    if n:
        with nogil:  # works on its own copy of the seed; the caller's buffer is held by the memoryview
            bad = offer_weighted(key, first_row, span[const_double](&weights[0], n), weighted_design.priority, below)
    positions = np.empty(below.found.size(), np.int64)
    cdef int64_t[::1] view = positions
    for i in range(below.found.size()):
        view[i] = below.found[i]
    return positions, bad

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

    int64_t offer_weighted(const seed_key&, int64_t, span[const_double], weighted_design, positions_below&) except +


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

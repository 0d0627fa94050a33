from libc.stdint cimport int64_t, uint64_t
from libcpp.vector cimport vector

from aliquot._kernels.random cimport const_double, seed_key, span


cdef extern from "aliquot/simple_random.hpp" namespace "aliquot" nogil:
    cdef struct keyed_row:
        double key
        int64_t row

    cdef cppclass rows_below:
        double threshold
        vector[keyed_row] found

    cdef cppclass uniform_keys:
        uniform_keys(const seed_key&, int64_t)
        int64_t next()
        void seek(int64_t)
        void advance(int64_t, rows_below&) except +

    vector[keyed_row] select_rows_ "aliquot::select_rows"(const seed_key&, int64_t, int64_t) except +
    int64_t draw_ranks_ "aliquot::draw_ranks"(const seed_key&, uint64_t, int64_t, span[int64_t])
    int64_t draw_weighted_ranks_ "aliquot::draw_weighted_ranks"(
        const seed_key&, uint64_t, span[const_double], double, span[int64_t]) except +

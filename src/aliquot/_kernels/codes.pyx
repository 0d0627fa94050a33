"""Dense codes for the values of columns."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.memory cimport unique_ptr, make_unique
from libcpp.optional cimport optional
from libcpp.vector cimport vector

from aliquot._kernels.hashing cimport ArrowArray, ArrowSchema, column
from aliquot._kernels.random cimport as_seed_key, const_double, seed_key, span

import numpy as np

ctypedef const int32_t const_int32_t


cdef extern from "aliquot/codes.hpp" namespace "aliquot" nogil:
    cdef cppclass codebook:
        codebook(const seed_key&)
        int32_t size()
        void encode(const column&, cbool, span[int32_t], vector[int64_t]&) except +
        void combine(span[const_int32_t], span[int32_t], vector[int64_t]&) except +
        void truncate(int32_t) except +

cdef extern from "aliquot/code_sums.hpp" namespace "aliquot" nogil:
    void add_counts_ "aliquot::add_counts"(span[const_int32_t], span[int64_t])
    void add_sums_ "aliquot::add_sums"(span[const_int32_t], span[const_double], span[double], span[double])


def add_counts(const int32_t[::1] codes, int64_t[::1] counts):
    """Add one to the count of every code; -1 is none. The others are below ``len(counts)``."""
    cdef size_t n = codes.shape[0]
    if n and counts.shape[0]:
        with nogil:  # the memoryviews hold the arrays
            add_counts_(span[const_int32_t](&codes[0], n), span[int64_t](&counts[0], counts.shape[0]))


def add_sums(const int32_t[::1] codes, const double[::1] values, double[::1] sums, double[::1] rests):
    """Add each value to the sum of its code, and what rounding leaves over to ``rests``."""
    cdef size_t n = codes.shape[0]
    cdef size_t strata = sums.shape[0]
    if n and strata:
        with nogil:  # as above
            add_sums_(
                span[const_int32_t](&codes[0], n),
                span[const_double](&values[0], n),
                span[double](&sums[0], strata),
                span[double](&rests[0], strata),
            )


cdef class ValueCodes:
    """Codes 0, 1, 2, ... of values in order of first appearance. Calls give the positions of new values, ascending."""

    cdef unique_ptr[codebook] book

    def __cinit__(self, const uint64_t[::1] seed):
        self.book = make_unique[codebook](as_seed_key(seed))

    def __len__(self):
        return self.book.get().size()

    def encode(self, values, bint same_dictionary):
        """The code, int32, of each row of an Arrow array, and the positions of new ones; None for an unknown type."""
        schema_capsule, array_capsule = values.__arrow_c_array__()
        cdef ArrowSchema* schema = <ArrowSchema*> PyCapsule_GetPointer(schema_capsule, "arrow_schema")
        cdef ArrowArray* array = <ArrowArray*> PyCapsule_GetPointer(array_capsule, "arrow_array")
        cdef optional[column] view = column.view(array[0], schema[0])
        if not view.has_value() or view.value().is_dictionary() and not is_plain(view.value().dictionary()):
            return None
        codes = np.empty(view.value().length(), np.int32)
        cdef int32_t[::1] codes_view = codes
        cdef vector[int64_t] fresh
        cdef codebook* book = self.book.get()
        if codes.size:
            with nogil:  # the capsules hold the column, and one thread at a time owns this object
                book.encode(view.value(), same_dictionary, span[int32_t](&codes_view[0], codes_view.shape[0]), fresh)
        return codes, as_positions(fresh)

    def combine(self, const int32_t[::1] more, int32_t[::1] codes):
        """Give each pair of codes, one of ``codes`` and one of ``more``, one code, in ``codes``; positions of new ones.

        The arrays are of one shape.
        """
        cdef vector[int64_t] fresh
        cdef codebook* book = self.book.get()
        cdef size_t n = codes.shape[0]
        if n:
            with nogil:  # as above; the memoryviews hold the arrays
                book.combine(span[const_int32_t](&more[0], n), span[int32_t](&codes[0], n), fresh)
        return as_positions(fresh)

    def truncate(self, int32_t count):
        """Forget all codes from ``count`` on."""
        self.book.get().truncate(count)


cdef bint is_plain(optional[column] values):
    return values.has_value() and not values.value().is_dictionary()


cdef object as_positions(const vector[int64_t]& fresh):
    positions = np.empty(fresh.size(), np.int64)
    cdef int64_t[::1] view = positions
    for i in range(fresh.size()):
        view[i] = fresh[i]
    return positions

from libc.stdint cimport int64_t
from libcpp.optional cimport optional


cdef extern from "aliquot/arrow_abi.h" nogil:
    cdef struct ArrowArray:
        pass
    cdef struct ArrowSchema:
        pass

cdef extern from "aliquot/column.hpp" namespace "aliquot" nogil:
    cdef cppclass column:
        @staticmethod
        optional[column] view(const ArrowArray&, const ArrowSchema&)
        int64_t length()
        bint is_dictionary()
        optional[column] dictionary()

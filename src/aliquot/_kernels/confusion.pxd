from libc.stdint cimport int32_t, int64_t, uint32_t
from libcpp.memory cimport unique_ptr
from libcpp.optional cimport optional

from aliquot._kernels.hashing cimport column


cdef extern from "aliquot/confusion.hpp" namespace "aliquot" nogil:
    cdef cppclass code_window:
        code_window(int64_t, uint32_t)

    cdef cppclass labelled_rows:
        labelled_rows(const column&, const column&, const int32_t*)


cdef class Rows:
    cdef object held
    cdef optional[column] y_true
    cdef optional[column] y_pred
    cdef const double[::1] weights
    cdef const double* weight
    cdef const int32_t[::1] slices
    cdef unique_ptr[labelled_rows] view

from libc.stdint cimport int64_t, uint8_t
from libcpp cimport bool as bool_t
from libcpp.memory cimport unique_ptr
from libcpp.vector cimport vector

from aliquot._kernels.parquet_footer cimport (
    byte_span, column_chunk, column_statistics, leaf_column, parquet_footer,
)
from aliquot._kernels.parquet_pages cimport Pages, file_ranges, page_header
from aliquot._kernels.parquet_text cimport Text, page_text, room
from aliquot._kernels.random cimport const_int64_t, span


cdef extern from "aliquot/parquet_pick.hpp" namespace "aliquot" nogil:
    bool_t may_pick(const parquet_footer&, const column_chunk&)

    cdef cppclass value_picker:
        value_picker(const leaf_column&)
        bool_t fits()
        bool_t fits(const page_header&)
        bool_t has_dictionary()
        bool_t set_dictionary(page_text&, int64_t) except +
        size_t levels_apart(const page_header&)
        void forget_dictionary()
        bool_t pick(const page_header&, byte_span, page_text&, span[const_int64_t], int64_t) except +
        vector[uint8_t] page() except +
        bool_t pick_constant(const column_statistics&, int64_t, int64_t) except +
        int64_t num_rows()
        size_t size()


cdef class Picker:
    cdef Pages pages
    cdef size_t column
    cdef size_t leaf
    cdef unique_ptr[value_picker] values
    cdef vector[uint8_t] page
    cdef readonly int64_t bytes_read

    cdef bint pick_all(
        self, size_t at, span[const_int64_t] rows, file_ranges* file, int64_t gap, Text text, Text of_dictionary
    ) except -1 nogil

    cdef bint load_dictionary(self, size_t at, file_ranges* file, Text text) except -1 nogil

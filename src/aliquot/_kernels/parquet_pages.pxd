from libc.stdint cimport int64_t, uint8_t
from libcpp cimport bool as bool_t
from libcpp.vector cimport vector

from aliquot._kernels.parquet_footer cimport Footer, byte_span, column_chunk
from aliquot._kernels.parquet_text cimport room
from aliquot._kernels.random cimport const_int64_t, span


cdef extern from "aliquot/parquet_thrift.hpp" namespace "aliquot::thrift" nogil:
    enum class status:
        good
        truncated
        malformed

cdef extern from "aliquot/parquet_pages.hpp" namespace "aliquot" nogil:
    cdef cppclass data_page:
        int64_t offset
        int64_t size
        int64_t first_row

    cdef cppclass segment:
        int64_t base
        byte_span bytes

    ctypedef const segment const_segment "const aliquot::segment"

    cdef cppclass page_table:
        page_table()
        page_table(const column_chunk&, int64_t, int64_t)
        bool_t fits()
        int64_t first()
        int64_t end()
        int64_t next()
        int64_t num_rows()
        int64_t rows_of(size_t)
        int64_t dictionary_end()
        const vector[data_page]& pages()
        bool_t load(byte_span) except +
        status walk(const segment&) except +

    vector[int64_t] hit_pages(const page_table&, span[const_int64_t], span[int64_t]) except +

    cdef cppclass page_run:
        int64_t begin
        int64_t end
        size_t end_hit

    page_run page_run_from(const page_table&, span[const_int64_t], size_t, int64_t)

    cdef cppclass page_header:
        int64_t compressed
        int64_t uncompressed
        int64_t num_values
        int64_t encoding
        bool_t is_compressed
        size_t size
        bool_t in_codes()

    bool_t page_in(const page_table&, size_t, const segment&, byte_span&, page_header&)
    bool_t dictionary_in(byte_span, byte_span&, page_header&)

cdef extern from "aliquot/parquet_ranges.hpp" namespace "aliquot" nogil:
    cdef cppclass file_ranges:
        file_ranges(span[const_segment], int)
        byte_span get(int64_t, int64_t, room&) except +
        int64_t count()


cdef vector[segment] segments_of(list parts) except *

cdef span[const_int64_t] slice_of(const int64_t[::1] rows, const int64_t[::1] cuts, size_t group) noexcept nogil

cdef check_cuts(const int64_t[::1] rows, const int64_t[::1] cuts, size_t groups)


cdef class Pages:
    cdef readonly Footer footer
    cdef readonly object leaves
    cdef readonly tuple shape
    cdef int64_t limit
    cdef vector[const column_chunk*] chunks
    cdef vector[page_table] tables
    cdef vector[vector[int64_t]] hits
    cdef vector[vector[int64_t]] row_places

    cdef page_table* table(self, size_t at) except NULL

    cdef bint has_index(self, size_t at) except -1

    cdef int64_t bytes_hit(self, size_t at) noexcept

    cdef shaped(self, list values, kind)

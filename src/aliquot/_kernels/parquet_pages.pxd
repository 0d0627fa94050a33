from libc.stdint cimport int64_t, uint8_t
from libcpp cimport bool as bool_t
from libcpp.memory cimport unique_ptr
from libcpp.string_view cimport string_view
from libcpp.vector cimport vector

from aliquot._kernels.random cimport const_int64_t, span


cdef extern from "aliquot/parquet_thrift.hpp" namespace "aliquot::thrift" nogil:
    cppclass byte_span "aliquot::thrift::bytes":
        byte_span()
        byte_span(const uint8_t*, size_t)
        const uint8_t* data()
        size_t size()

    enum class status:
        good
        truncated
        malformed

cdef extern from "aliquot/parquet_footer.hpp" namespace "aliquot" nogil:
    cdef cppclass extent:
        pass

    cdef cppclass leaf_column:
        extent element
        extent name
        int64_t physical
        bool_t flat

    cdef cppclass column_chunk:
        extent encodings
        int64_t physical
        int64_t codec
        int64_t num_values
        int64_t compressed
        int64_t uncompressed
        int64_t dictionary_page
        int64_t start()
        int64_t index_offset
        int64_t index_length
        bool_t elsewhere
        bool_t encrypted

    cdef cppclass parquet_footer:
        vector[uint8_t] text
        vector[leaf_column] leaves
        vector[column_chunk] chunks
        vector[int64_t] group_rows
        extent schema
        extent notes
        extent created_by
        bool_t has_arrow_schema
        string_view at(const extent&)
        byte_span bytes_at(const extent&)

    cppclass column_statistics:
        pass

    column_statistics statistics_of(const parquet_footer&, const column_chunk&)

    bool_t parse_footer(parquet_footer&) except +

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


cdef byte_span as_span(const uint8_t[::1] data) noexcept

cdef vector[segment] segments_of(list parts) except *

cdef bint same_kind(Pages a, Pages b)


cdef class Footer:
    cdef parquet_footer footer

    cdef const column_chunk* chunk(self, size_t group, size_t leaf) except NULL


cdef class Pages:
    cdef Footer footer
    cdef const column_chunk* chunk
    cdef size_t leaf
    cdef unique_ptr[page_table] table
    cdef vector[int64_t] hits
    cdef vector[int64_t] row_places
    cdef readonly object index_range
    cdef readonly bint fits

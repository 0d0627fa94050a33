from libc.stdint cimport int64_t, uint8_t
from libcpp cimport bool as bool_t
from libcpp.string_view cimport string_view
from libcpp.vector cimport vector


cdef extern from "aliquot/parquet_thrift.hpp" namespace "aliquot::thrift" nogil:
    cppclass byte_span "aliquot::thrift::bytes":
        byte_span()
        byte_span(const uint8_t*, size_t)
        const uint8_t* data()
        size_t size()

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


cdef byte_span as_span(const uint8_t[::1] data) noexcept

cdef bytes as_bytes(string_view text)

cdef bint same_kind(Footer a, size_t leaf, Footer b, size_t other)


cdef class Footer:
    cdef parquet_footer footer

    cdef const column_chunk* chunk(self, size_t group, size_t leaf) except NULL

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

    enum class status:
        good
        truncated
        malformed

cdef extern from "aliquot/parquet_footer.hpp" namespace "aliquot" nogil:
    cdef cppclass extent:
        pass

    cdef cppclass leaf_column:
        extent name
        bool_t flat

    cdef cppclass column_chunk:
        int64_t num_values
        int64_t compressed
        int64_t uncompressed
        int64_t dictionary_page
        int64_t index_offset
        int64_t index_length
        bool_t elsewhere
        bool_t encrypted

    cdef cppclass parquet_footer:
        vector[uint8_t] text
        vector[leaf_column] leaves
        vector[column_chunk] chunks
        vector[int64_t] group_rows
        extent created_by
        bool_t has_arrow_schema
        string_view at(const extent&)

    bool_t parse_footer(parquet_footer&) except +

cdef extern from "aliquot/parquet_pages.hpp" namespace "aliquot" nogil:
    cdef cppclass data_page:
        int64_t offset
        int64_t size

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
        int64_t dictionary_end()
        const vector[data_page]& pages()
        bool_t load(byte_span) except +
        status walk(const segment&) except +

    vector[int64_t] hit_pages_ "aliquot::hit_pages"(const page_table&, span[const_int64_t], span[int64_t]) except +

cdef extern from "aliquot/parquet_mini.hpp" namespace "aliquot" nogil:
    cdef cppclass mini_file_ "aliquot::mini_file":
        mini_file_()
        int64_t num_rows
        bool_t in_codes
        bool_t in_values
        bool_t in_deltas
        size_t body()

    bool_t add_pages(mini_file_&, const page_table&, span[const_int64_t], span[const_segment]) except +
    bool_t add_dictionary(mini_file_&, byte_span) except +
    vector[uint8_t] mini_tail(
        const mini_file_&, const parquet_footer&, const leaf_column&, string_view, const column_chunk&, string_view
    ) except +
    void write_mini(const mini_file_&, byte_span, span[uint8_t])


cdef class Footer:
    cdef parquet_footer footer

    cdef const column_chunk* chunk(self, size_t group, size_t leaf) except NULL


cdef class Pages:
    cdef Footer footer
    cdef const column_chunk* chunk
    cdef size_t leaf
    cdef unique_ptr[page_table] table
    cdef mini_file_ mini
    cdef list segments
    cdef readonly object index_range
    cdef readonly bint fits

from libc.stdint cimport int64_t, uint8_t
from libcpp cimport bool as bool_t
from libcpp.string_view cimport string_view
from libcpp.vector cimport vector

from aliquot._kernels.parquet_footer cimport Footer, byte_span
from aliquot._kernels.parquet_pages cimport Pages, const_segment, page_table
from aliquot._kernels.random cimport const_int64_t, span


cdef extern from "aliquot/parquet_mini.hpp" namespace "aliquot" nogil:
    cdef cppclass mini_pages:
        mini_pages()
        vector[byte_span] parts
        int64_t num_rows
        int64_t uncompressed
        bool_t in_codes
        bool_t in_values
        bool_t in_deltas
        size_t size()

    cdef cppclass mini_column:
        const mini_pages* pages
        byte_span element
        string_view name
        int64_t physical
        int64_t codec
        byte_span encodings

    ctypedef const mini_column const_mini_column "const aliquot::mini_column"

    byte_span plain_encodings

    bool_t add_pages(mini_pages&, const page_table&, span[const_int64_t], span[const_segment]) except +
    bool_t add_dictionary(mini_pages&, byte_span) except +
    vector[uint8_t] mini_tail(span[const_mini_column], string_view, string_view) except +
    void write_mini(span[const_mini_column], byte_span, span[uint8_t])


cdef class MiniFile:
    cdef Pages pages
    cdef size_t at
    cdef mini_pages mini
    cdef list segments


cdef mini_column column_of(Pages pages, size_t at, const mini_pages* mini)

cdef bytes mini_file(vector[mini_column]& columns, Footer footer, bytes arrow_schema)

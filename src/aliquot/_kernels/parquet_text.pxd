from libc.stdint cimport int64_t, uint8_t
from libcpp cimport bool as bool_t

from aliquot._kernels.parquet_footer cimport byte_span


cdef extern from "aliquot/parquet_text.hpp" namespace "aliquot" nogil:
    cdef cppclass room:
        uint8_t* bytes(size_t) except +

    cdef cppclass page_text:
        page_text()
        page_text(byte_span)
        size_t size()
        size_t there()
        const uint8_t* data()
        bool_t reach(size_t) except +
        bool_t at(size_t, size_t) except +

cdef extern from "aliquot/parquet_text.hpp" namespace "aliquot::copies" nogil:
    const size_t slack

cdef extern from "aliquot/parquet_snappy.hpp" namespace "aliquot::snappy" nogil:
    const size_t snappy_ratio "aliquot::snappy::largest_ratio"

    cdef cppclass snappy_block "aliquot::snappy::block"(page_text):
        bool_t open(byte_span, uint8_t*, size_t)

cdef extern from "aliquot/parquet_zstd.hpp" namespace "aliquot::zstd" nogil:
    const size_t zstd_ratio "aliquot::zstd::largest_ratio"

    cdef cppclass zstd_frame "aliquot::zstd::frame"(page_text):
        bool_t open(byte_span, uint8_t*, size_t)


cdef class Text:
    cdef page_text* text
    cdef page_text plain
    cdef snappy_block snappy
    cdef zstd_frame zstd
    cdef object whole
    cdef object watch
    cdef bint is_watched
    cdef object source
    cdef room made
    cdef room read

    cdef bint take(self, int64_t codec, byte_span data, size_t size) except -1 nogil

    cdef bint take_whole(self, const uint8_t[::1] found) except -1

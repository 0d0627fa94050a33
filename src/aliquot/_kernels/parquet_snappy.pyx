"""Pages without snappy's compression, in memory that is there already."""

from libc.stdint cimport uint8_t
from libcpp cimport bool as bool_t

from aliquot._kernels.parquet_pages cimport as_span, byte_span
from aliquot._kernels.random cimport span


cdef extern from "aliquot/parquet_snappy.hpp" namespace "aliquot::snappy" nogil:
    const size_t largest_ratio
    bool_t decompress_block "aliquot::snappy::decompress"(byte_span, span[uint8_t])


LARGEST_RATIO = largest_ratio


def decompress(const uint8_t[::1] data, uint8_t[::1] out):
    """Fill ``out``: False unless the data is sound and of just that size."""
    cdef byte_span block = as_span(data)
    cdef span[uint8_t] room
    cdef bool_t sound
    if out.shape[0]:
        room = span[uint8_t](&out[0], out.shape[0])
    with nogil:  # the caller holds both
        sound = decompress_block(block, room)
    return sound

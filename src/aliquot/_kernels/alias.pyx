"""Alias tables as two arrays of words, which their Python owner holds."""

from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t

from aliquot._kernels.random cimport as_seed_key, const_double, seed_key, span

import numpy as np

ctypedef const uint16_t const_uint16_t
ctypedef const uint64_t const_uint64_t

cdef extern from "<span>" namespace "std" nogil:
    span[T] as_span "std::span"[T](T*, size_t)

cdef extern from "aliquot/alias_build.hpp" namespace "aliquot" nogil:
    cdef cppclass alias_table "aliquot::alias_table<uint64_t>":
        alias_table(span[const_uint64_t], span[const_uint64_t])

    cdef cppclass narrow_table "aliquot::alias_table<uint16_t>":
        narrow_table(span[const_uint16_t], span[const_uint16_t])

    cdef cppclass float_weights:
        float_weights(span[const_double], size_t)

    cdef cppclass integer_weights:
        integer_weights(span[const_uint64_t], size_t)

    cdef cppclass wide_weights:
        wide_weights(span[const_uint64_t], size_t)

    void build_alias[Word, Weights](const Weights&, size_t, span[Word], span[Word], size_t) except +
    void alias_probabilities(const alias_table&, span[double]) except +
    void count_alias(const narrow_table&, span[uint64_t])
    int further_bits

cdef extern from "aliquot/alias_draw.hpp" namespace "aliquot" nogil:
    cdef enum class alias_multiply(int):
        by_32_bits
        by_64_bits

    void draw_alias[Out](
        const alias_table&, alias_multiply, const seed_key&, uint64_t, span[Out], size_t
    ) except +

FURTHER_BITS = further_bits

ctypedef fused word:
    uint16_t
    uint64_t

ctypedef fused weight:
    double
    uint64_t

ctypedef fused outcome:
    int32_t
    uint32_t
    int64_t


cdef alias_table* new_table(const uint64_t[::1] cells, const uint64_t[::1] rests) except NULL:
    cdef size_t n = cells.shape[0]
    return new alias_table(span[const_uint64_t](&cells[0], n), span[const_uint64_t](&rests[0], n))


def build(const weight[::1] weights, size_t largest, word[::1] cells, word[::1] rests, size_t threads):
    """Fill both tables, as long as there are weights: finite, none negative, the one at ``largest`` above zero."""
    cdef size_t n = weights.shape[0]
    with nogil:  # the views hold the arrays, and those of the table are not yet anybody else's
        if weight is double:
            build_alias(
                float_weights(span[const_double](&weights[0], n), largest),
                largest, as_span(&cells[0], n), as_span(&rests[0], n), threads,
            )
        else:
            build_alias(
                integer_weights(span[const_uint64_t](&weights[0], n), largest),
                largest, as_span(&cells[0], n), as_span(&rests[0], n), threads,
            )


def build_wide(
    const uint64_t[:, ::1] weights, size_t largest, uint64_t[::1] cells, uint64_t[::1] rests, size_t threads
):
    """The same for integers of 128 bits, as rows of a low and a high word."""
    cdef size_t n = weights.shape[0]
    cdef const uint64_t* first = &weights[0, 0]
    with nogil:  # as in build
        build_alias(
            wide_weights(span[const_uint64_t](first, 2 * n), largest),
            largest, as_span(&cells[0], n), as_span(&rests[0], n), threads,
        )


def probabilities(const uint64_t[::1] cells, const uint64_t[::1] rests):
    """The probability, float64, of each outcome."""
    out = np.empty(cells.shape[0])
    cdef double[::1] view = out
    cdef alias_table* table = new_table(cells, rests)
    try:
        with nogil:  # nobody writes to a table that is built
            alias_probabilities(table[0], as_span(&view[0], view.shape[0]))
    finally:
        del table
    return out


def draw(
    const uint64_t[::1] cells, const uint64_t[::1] rests, const uint64_t[::1] seed, uint64_t first, outcome[::1] out,
    size_t threads, bint wide,
):
    """Fill ``out`` with outcomes number ``first``, a multiple of 2**16, and on of the seed's sequence.

    ``wide`` must be true for 2**32 outcomes and more, and changes no draw for fewer.
    """
    cdef seed_key key = as_seed_key(seed)
    cdef alias_multiply multiply = alias_multiply.by_64_bits if wide else alias_multiply.by_32_bits
    cdef alias_table* table = new_table(cells, rests)
    try:
        if out.shape[0] > 0:
            with nogil:  # nobody writes to a table that is built; ``out`` is the caller's to lend
                draw_alias(table[0], multiply, key, first, as_span(&out[0], out.shape[0]), threads)
    finally:
        del table


def count_narrow(const uint16_t[::1] cells, const uint16_t[::1] rests):
    """How often each outcome of a 16-bit table comes up, uint64, when it is fed everything. For the tests.

    Of the n * 2**(16 + FURTHER_BITS) cases there are.
    """
    cdef size_t n = cells.shape[0]
    counts = np.zeros(n, np.uint64)
    cdef uint64_t[::1] view = counts
    cdef narrow_table* table = new narrow_table(
        span[const_uint16_t](&cells[0], n), span[const_uint16_t](&rests[0], n)
    )
    with nogil:  # as in probabilities
        count_alias(table[0], as_span(&view[0], n))
    del table
    return counts

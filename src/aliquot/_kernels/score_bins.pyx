"""Rankings in bins of scores; what a ranking is, and whose the arrays are, is as in ``ranking``."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from aliquot._kernels.random cimport span

ctypedef const uint64_t const_uint64_t

cdef extern from "<span>" namespace "std" nogil:
    span[const_uint64_t] keys_span "std::span<const uint64_t>"(const uint64_t*, size_t)

cdef extern from "aliquot/score_bins.hpp" namespace "aliquot" nogil:
    cdef struct mass_format:
        int unit
        int limbs

    cdef cppclass ranking_room[Key]:
        pass

    int finest_level "aliquot::score_bins::finest"
    ranking_room[uint64_t] write_ranking(uint64_t*, uint64_t*, uint32_t*, mass_format)
    size_t bin_rows_ "aliquot::bin_rows"(
        span[const_uint64_t], const uint8_t*, const double*, int, const ranking_room[uint64_t]&
    ) except +
    int highest_level(span[const_uint64_t], int, size_t)
    size_t join_bins_ "aliquot::join_bins"(size_t, int, const ranking_room[uint64_t]&)

FINEST = finest_level
"""The level at which every score is a bin of its own."""


cdef ranking_room[uint64_t] room_of(uint64_t[::1] first, uint64_t[::1] last, uint32_t[:, :, ::1] masses, int unit):
    cdef mass_format form
    form.unit, form.limbs = unit, <int> masses.shape[2]
    return write_ranking(&first[0], &last[0], &masses[0, 0, 0], form)


def bin_rows(
    const uint64_t[::1] keys, const uint8_t[::1] labels, const double[::1] weights,
    uint64_t[::1] first, uint64_t[::1] last, uint32_t[:, :, ::1] masses, int unit, int level,
):
    """As ``ranking.rank``, of rows in bins of a level; or 0 where sorting them first is better."""
    cdef ranking_room[uint64_t] room = room_of(first, last, masses, unit)
    cdef size_t size
    with nogil:  # as in ranking.rank
        size = bin_rows_(keys_span(&keys[0], keys.shape[0]), &labels[0], &weights[0], level, room)
    return size


def join_bins(uint64_t[::1] first, uint64_t[::1] last, uint32_t[:, :, ::1] masses, int level, size_t most):
    """Write a ranking over itself, in at most ``most`` bins; return its size, and its level, at most ``level``."""
    cdef ranking_room[uint64_t] room = room_of(first, last, masses, 0)
    cdef size_t size = first.shape[0]
    with nogil:  # as in ranking.rank
        level = highest_level(keys_span(&first[0], size), level, most)
        size = join_bins_(size, level, room)
    return size, level

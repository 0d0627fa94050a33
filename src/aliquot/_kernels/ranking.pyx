"""Rows to rankings, rankings to areas and curves.

Here a ranking is four things: ``first``, uint32 or uint64 of shape (m,), the keys of scores in descending order;
``last``, None, or the keys of each bin's lowest score; ``masses``, uint32 of shape (m, 2, limbs), what the positive and
the negative rows weigh, in units of 2**unit; and ``unit``. None of the arrays is written to once it is made. The
address of a view's first element is null for a view of None.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from aliquot._kernels.random cimport span

import numpy as np

ctypedef const int32_t const_int32_t

cdef extern from "<span>" namespace "std" nogil:
    span[T] as_span "std::span"[T](T*, size_t)
    span[const_int32_t] codes_span "std::span<const int32_t>"(const int32_t*, size_t)

cdef extern from "aliquot/ranking_slices.hpp" namespace "aliquot" nogil:
    cdef struct mass_format:
        int unit
        int limbs

    cdef cppclass ranking_view[Key]:
        pass

    cdef cppclass ranking_room[Key]:
        pass

    cdef struct precision_area:
        double low, middle, high

    cdef struct mass_totals:
        double positive, negative

    cdef cppclass pair_masses[Number]:
        Number low, high, positive, negative

    ranking_view[Key] view_ranking[Key](size_t, const Key*, const Key*, const uint32_t*, mass_format)
    ranking_room[Key] write_ranking[Key](Key*, Key*, uint32_t*, mass_format)
    size_t room_bytes[Key](const Key*, size_t, int)
    size_t rank_rows[Key](
        const Key*, size_t, const uint8_t*, const double*, uint8_t*, size_t, const ranking_room[Key]&
    ) except +
    size_t merge_rankings[Key](const ranking_view[Key]&, const ranking_view[Key]&, const ranking_room[Key]&)
    pair_masses[uint64_t] count_pairs[Key](const ranking_view[Key]&)
    pair_masses[double] weigh_pairs[Key](const ranking_view[Key]&) except +
    precision_area average_precision_ "aliquot::average_precision"[Key](const ranking_view[Key]&) except +
    mass_totals total_masses(const uint32_t*, size_t, mass_format) except +
    void cumulate_ "aliquot::cumulate"[Key](const ranking_view[Key]&, double*, double*) except +
    void rank_slices_ "aliquot::rank_slices"[Key](
        span[const_int32_t], const Key*, const uint8_t*, const double*, mass_format, size_t, span[double], span[double]
    ) except +

ctypedef fused key:
    uint32_t
    uint64_t

cdef mass_format format_of(int unit, Py_ssize_t limbs) noexcept nogil:
    cdef mass_format made
    made.unit = unit
    made.limbs = <int> limbs
    return made


def rank(
    const key[::1] keys, const uint8_t[::1] labels, const double[::1] weights,
    key[::1] first, uint32_t[:, :, ::1] masses, int unit, size_t threads,
):
    """Write the ranking of fewer than 2**32 rows to the front of ``first`` and ``masses``; return its size.

    ``first`` and ``masses`` have room for as many; ``weights``, none of them 0, may be None. Whatever the number of
    threads, the same is written.
    """
    cdef size_t n = keys.shape[0]
    cdef uint8_t[::1] room = np.empty(
        0 if weights is None else room_bytes(&keys[0], n, <int> masses.shape[2]), np.uint8)
    cdef size_t size
    with nogil:  # the views hold the arrays; those written to are the caller's to lend
        size = rank_rows(
            &keys[0], n, &labels[0], &weights[0], &room[0], threads,
            write_ranking(&first[0], <key*> NULL, &masses[0, 0, 0], format_of(unit, masses.shape[2])))
    return size


def merge(
    const key[::1] first, const key[::1] last, const uint32_t[:, :, ::1] masses, int unit,
    const key[::1] other_first, const key[::1] other_last, const uint32_t[:, :, ::1] other_masses, int other_unit,
    int new_unit, int limbs,
):
    """``first``, ``last`` and ``masses`` of two rankings as one, in a unit that is at most theirs."""
    cdef size_t n = first.shape[0] + other_first.shape[0]
    kind = np.uint32 if key is uint32_t else np.uint64
    cdef key[::1] to_first = np.empty(n, kind)
    cdef key[::1] to_last = None if last is None and other_last is None else np.empty(n, kind)
    cdef uint32_t[:, :, ::1] to_masses = np.empty((n, 2, limbs), np.uint32)
    cdef size_t size
    with nogil:  # as in rank
        size = merge_rankings(
            view_ranking(first.shape[0], &first[0], &last[0], &masses[0, 0, 0], format_of(unit, masses.shape[2])),
            view_ranking(
                other_first.shape[0], &other_first[0], &other_last[0], &other_masses[0, 0, 0],
                format_of(other_unit, other_masses.shape[2])),
            write_ranking(&to_first[0], &to_last[0], &to_masses[0, 0, 0], format_of(new_unit, limbs)))
    return cut(to_first.base, size), None if to_last is None else cut(to_last.base, size), cut(to_masses.base, size)


cdef cut(array, size_t size):
    """The first of an array's rows, without the room for more if that is much."""
    return array[:size] if 2 * size > array.shape[0] else array[:size].copy()


def pairs(const key[::1] first, const key[::1] last, const uint32_t[:, :, ::1] masses, int unit):
    """Twice the mass of pairs in the right order, at least and at most, and the masses of positive and negative rows.

    Whole numbers for masses of one limb, else float64 as shares of the whole.
    """
    cdef mass_format form = format_of(unit, masses.shape[2])
    cdef pair_masses[uint64_t] counted
    cdef pair_masses[double] weighed
    if masses.shape[2] == 1:
        with nogil:  # a ranking never changes
            counted = count_pairs(view_ranking(first.shape[0], &first[0], &last[0], &masses[0, 0, 0], form))
        return counted.low, counted.high, counted.positive, counted.negative
    with nogil:  # as above
        weighed = weigh_pairs(view_ranking(first.shape[0], &first[0], &last[0], &masses[0, 0, 0], form))
    return weighed.low, weighed.high, weighed.positive, weighed.negative


def totals(const uint32_t[:, :, ::1] masses, int unit):
    """What all positive and all negative rows weigh, as the last of ``cumulate``."""
    cdef mass_totals all
    with nogil:  # as in pairs
        all = total_masses(&masses[0, 0, 0], masses.shape[0], format_of(unit, masses.shape[2]))
    return all.positive, all.negative


def average_precision(const key[::1] first, const key[::1] last, const uint32_t[:, :, ::1] masses, int unit):
    """At least, with each bin as one score, and at most. NaN without positive rows."""
    cdef mass_format form = format_of(unit, masses.shape[2])
    cdef precision_area area
    with nogil:  # as in pairs
        area = average_precision_(view_ranking(first.shape[0], &first[0], &last[0], &masses[0, 0, 0], form))
    return area.low, area.middle, area.high


def cumulate(const key[::1] first, const key[::1] last, const uint32_t[:, :, ::1] masses, int unit):
    """The masses, float64, of positive and of negative rows from the highest score down to each entry's end."""
    cdef mass_format form = format_of(unit, masses.shape[2])
    cdef double[::1] positive = np.empty(first.shape[0])
    cdef double[::1] negative = np.empty(first.shape[0])
    with nogil:  # as in pairs
        cumulate_(view_ranking(first.shape[0], &first[0], &last[0], &masses[0, 0, 0], form), &positive[0], &negative[0])
    return positive.base, negative.base


def rank_slices(
    const int32_t[::1] codes, const key[::1] keys, const uint8_t[::1] labels, const double[::1] weights,
    int unit, int limbs, size_t slices, size_t threads,
):
    """The area under the ROC curve and the average precision, float64 of shape (slices,), of the rows of each slice.

    ``codes`` are 0 to slices - 1; the rest is as ``_scored_rows.read_rows`` gives it, for all rows at once, batches put
    one after the other, and ``unit`` and ``limbs`` are its ``MassRange.format``. Rows are put in order of slices first.
    Exact, ties included; NaN for an area that has rows of one label only, or a precision without positive rows.
    """
    cdef double[::1] areas = np.empty(slices)
    cdef double[::1] precisions = np.empty(slices)
    cdef size_t n = keys.shape[0]
    with nogil:  # as in rank
        rank_slices_(
            codes_span(&codes[0], n), &keys[0], &labels[0], &weights[0], format_of(unit, limbs), threads,
            as_span(&areas[0], slices), as_span(&precisions[0], slices))
    return areas.base, precisions.base

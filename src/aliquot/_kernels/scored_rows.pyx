"""Labels, scores and weights out of Arrow columns, as rows to be ranked."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libcpp cimport bool as bool_t
from libcpp.optional cimport optional

from aliquot._kernels.hashing cimport ArrowArray, ArrowSchema, column
from aliquot._kernels.random cimport const_double, span

import numpy as np

cdef extern from "<span>" namespace "std" nogil:
    span[const_double] as_span "std::span<const double>"(const double*, size_t)

cdef extern from "aliquot/scored_rows.hpp" namespace "aliquot" nogil:
    cdef struct negative_labels:
        bool_t zero
        bool_t minus_one

    cdef struct weight_range:
        int lowest
        int highest

    int64_t read_labels_ "aliquot::read_labels"(const column&, uint8_t*, negative_labels&)
    int64_t read_scores_ "aliquot::read_scores"[Key](const column&, Key*)
    int64_t drop_weightless_ "aliquot::drop_weightless"[Key](
        span[const_double], Key*, uint8_t*, double*, weight_range&)

cdef extern from "aliquot/radix_sort.hpp" namespace "aliquot" nogil:
    float narrow_score "aliquot::score_of<float>"(uint32_t)
    double wide_score "aliquot::score_of<double>"(uint64_t)

ctypedef fused key:
    uint32_t
    uint64_t


cdef optional[column] view_column(capsules) except *:
    """A view that lasts as long as the capsules of ``__arrow_c_array__``."""
    schema, array = capsules
    return column.view(
        (<ArrowArray*> PyCapsule_GetPointer(array, "arrow_array"))[0],
        (<ArrowSchema*> PyCapsule_GetPointer(schema, "arrow_schema"))[0],
    )


def read_labels(values, uint8_t[::1] labels):
    """Fill ``labels`` with 1 for 1 and true, else 0, of an Arrow array of numbers or booleans without nulls.

    Returns the first row that is none of 1, 0 and -1, or -1; whether there are zeros, as far as that; and minus ones.
    """
    capsules = values.__arrow_c_array__()
    cdef optional[column] view = view_column(capsules)
    cdef negative_labels seen
    cdef int64_t bad
    seen.zero = seen.minus_one = False
    with nogil:  # the capsules hold the column; ``labels`` is not yet anybody else's
        bad = read_labels_(view.value(), &labels[0], seen)
    return bad, seen.zero, seen.minus_one


def read_scores(values, key[::1] keys):
    """Fill ``keys`` from an Arrow array of float32, or of float64 if they are 64 bits wide, without nulls.

    Returns the first row that is NaN, or -1.
    """
    capsules = values.__arrow_c_array__()
    cdef optional[column] view = view_column(capsules)
    cdef int64_t bad
    with nogil:  # as in read_labels
        bad = read_scores_(view.value(), &keys[0])
    return bad


def drop_weightless(const double[::1] given, key[::1] keys, uint8_t[::1] labels, double[::1] weights):
    """Move rows that weigh something to the front, their weights too; return how many they are.

    And the lowest and the highest exponent of two in their weights. Or, for a weight that is none, -1 less its row.
    """
    cdef size_t n = given.shape[0]
    cdef weight_range found
    cdef int64_t kept
    with nogil:  # the views hold the arrays, which are not yet anybody else's
        kept = drop_weightless_(as_span(&given[0], n), &keys[0], &labels[0], &weights[0], found)
    return kept, found.lowest, found.highest


def scores(const key[::1] keys):
    """The scores, float32 or float64, of keys of 32 or 64 bits."""
    out = np.empty(keys.shape[0], np.float32 if key is uint32_t else np.float64)
    cdef float[::1] narrow
    cdef double[::1] wide
    cdef Py_ssize_t i
    if key is uint32_t:
        narrow = out
        for i in range(keys.shape[0]):
            narrow[i] = narrow_score(keys[i])
    else:
        wide = out
        for i in range(keys.shape[0]):
            wide[i] = wide_score(keys[i])
    return out

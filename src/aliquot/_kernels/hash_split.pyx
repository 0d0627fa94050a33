"""Parts of rows by the value of a column."""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport int32_t, uint64_t
from libcpp.optional cimport optional
from libcpp.string_view cimport string_view
from libcpp.vector cimport vector

from aliquot._kernels.hashing cimport column, hashable_column
from aliquot._kernels.random cimport as_seed_key, const_double, seed_key, span

import numpy as np

ctypedef const string_view const_string_view


cdef extern from "aliquot/hash_split.hpp" namespace "aliquot" nogil:
    cdef cppclass hash_splitter:
        hash_splitter(const seed_key&, span[const_string_view], span[const_double]) except +
        void assign(const column&, span[int32_t]) except +


def column_parts(values, const uint64_t[::1] seed, names, const double[::1] shares):
    """The part, int32, of each row of an Arrow array; None for a type that has no hash. Names are a list of bytes."""
    schema_capsule, array_capsule = values.__arrow_c_array__()
    cdef optional[column] view = hashable_column(schema_capsule, array_capsule)
    if not view.has_value():
        return None
    cdef vector[string_view] views
    for name in names:
        views.push_back(string_view(PyBytes_AS_STRING(name), <size_t> len(name)))
    parts = np.empty(view.value().length(), np.int32)
    cdef int32_t[::1] parts_view = parts
    cdef hash_splitter* splitter = new hash_splitter(
        as_seed_key(seed),
        span[const_string_view](<const_string_view*> views.data(), views.size()),
        span[const_double](&shares[0], shares.shape[0]),
    )
    try:
        if parts.size:
            with nogil:  # the capsules hold the column, the caller the names
                splitter.assign(view.value(), span[int32_t](&parts_view[0], parts_view.shape[0]))
    finally:
        del splitter
    return parts

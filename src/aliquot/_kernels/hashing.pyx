"""Keys by the value of a column."""

from libc.stdint cimport uint64_t
from libcpp.optional cimport optional

from aliquot._kernels.random cimport as_seed_key, seed_key, span

import numpy as np


cdef extern from "aliquot/hashing.hpp" namespace "aliquot" nogil:
    cdef cppclass value_hash:
        value_hash(const seed_key&)

    void hash_column(const value_hash&, const column&, span[double]) except +


def column_keys(values, const uint64_t[::1] seed):
    """The key, float64, of each row of an Arrow array; None for a type that has no hash."""
    schema_capsule, array_capsule = values.__arrow_c_array__()
    cdef optional[column] view = hashable_column(schema_capsule, array_capsule)
    if not view.has_value():
        return None
    keys = np.empty(view.value().length())
    cdef double[::1] keys_view = keys
    cdef seed_key key = as_seed_key(seed)
    if keys.size:
        with nogil:  # the capsules hold the column
            hash_column(value_hash(key), view.value(), span[double](&keys_view[0], keys_view.shape[0]))
    return keys

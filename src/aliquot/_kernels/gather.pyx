"""Rows of record batches picked into one."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t, uintptr_t
from libcpp.optional cimport optional
from libcpp.vector cimport vector

from aliquot._kernels.random cimport span

import pyarrow as pa

ctypedef const int64_t const_int64
ctypedef ArrowArray* array_pointer
ctypedef const array_pointer const_array_pointer
ctypedef const stretch const_stretch
ctypedef const flat_layout const_layout


cdef extern from "aliquot/gather.hpp" namespace "aliquot" nogil:
    cdef struct ArrowArray "ArrowArray":
        void (*release)(ArrowArray*)

    cdef struct ArrowSchema "ArrowSchema":
        pass

    cdef struct stretch:
        size_t batch

    cdef struct flat_layout:
        pass

    cdef enum gathered "aliquot::gathered":
        whole "aliquot::gathered::whole"
        too_long "aliquot::gathered::too_long"

    optional[vector[stretch]] stretches_of(span[const_int64], span[const_int64]) except +
    optional[vector[flat_layout]] layouts_of(const ArrowSchema&) except +
    gathered gather_ "aliquot::gather"(
        span[const_int64],
        span[const_int64],
        span[const_stretch],
        span[const_array_pointer],
        span[const_layout],
        ArrowArray&,
    ) except +


def lies_flat(schema):
    """Whether rows of batches of this schema can be gathered."""
    capsule = schema.__arrow_c_schema__()
    return layouts_of((<ArrowSchema*> PyCapsule_GetPointer(capsule, "arrow_schema"))[0]).has_value()


def gather(list batches, const int64_t[::1] rows):
    """A record batch of rows of consecutive batches of one schema, at least one; in any order, repeats allowed.

    None if a column does not lie flat, or its dictionary is not the same memory in all batches that rows are in.
    OverflowError if strings are too long together for their offsets; IndexError for a row that is not there.
    """
    cdef vector[int64_t] starts = [0]
    for batch in batches:
        starts.push_back(starts.back() + <int64_t> batch.num_rows)
    cdef span[const_int64] wanted = span[const_int64](&rows[0] if rows.shape[0] else NULL, rows.shape[0])
    cdef span[const_int64] bounds = span[const_int64](starts.data(), starts.size())
    cdef optional[vector[stretch]] found = stretches_of(wanted, bounds)
    if not found.has_value():
        raise IndexError(f"rows: must be from 0 to below the {starts.back()} rows there are")
    cdef vector[stretch] stretches = found.value()
    cdef size_t at = stretches.front().batch if stretches.size() else 0
    schema, array = batches[at].__arrow_c_array__()
    cdef optional[vector[flat_layout]] layouts = layouts_of(
        (<ArrowSchema*> PyCapsule_GetPointer(schema, "arrow_schema"))[0]
    )
    if not layouts.has_value():
        return None
    held = [array]  # the capsules of the batches that rows are in
    cdef vector[array_pointer] arrays = vector[array_pointer](len(batches), <array_pointer> NULL)
    arrays[at] = <ArrowArray*> PyCapsule_GetPointer(array, "arrow_array")
    cdef stretch part
    for part in stretches:
        at = part.batch
        if arrays[at] == NULL:
            array = batches[at].__arrow_c_array__()[1]
            held.append(array)
            arrays[at] = <ArrowArray*> PyCapsule_GetPointer(array, "arrow_array")
    cdef gathered outcome
    cdef ArrowArray out
    out.release = NULL
    try:
        with nogil:  # ``held`` keeps the columns, and nobody else knows ``out``
            outcome = gather_(
                wanted,
                bounds,
                span[const_stretch](stretches.data(), stretches.size()),
                span[const_array_pointer](arrays.data(), arrays.size()),
                span[const_layout](layouts.value().data(), layouts.value().size()),
                out,
            )
        if outcome == too_long:
            raise OverflowError("strings: must be shorter together than their offsets can tell")
        if outcome != whole:
            return None
        # With the schema as it is, as names with a zero byte would be cut on their way through C.
        return pa.RecordBatch._import_from_c(<uintptr_t> &out, batches[0].schema)
    finally:
        if out.release != NULL:
            out.release(&out)

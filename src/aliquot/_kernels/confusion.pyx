"""Counts of pairs of classes, in each slice of the rows, read from Arrow columns in place."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint32_t
from libcpp.memory cimport make_unique, unique_ptr
from libcpp.optional cimport optional

from aliquot._kernels.hashing cimport ArrowArray, ArrowSchema, column

import numpy as np


cdef extern from "aliquot/confusion.hpp" namespace "aliquot" nogil:
    cdef cppclass dense_counts:
        dense_counts(const code_window&, uint32_t) except +
        void add(int64_t, int64_t, int64_t, int64_t)
        void copy_to(int64_t*)
        int64_t count(const labelled_rows&, int64_t, int64_t)
        int64_t uncount(const labelled_rows&, int64_t, int64_t)

    uint32_t max_dense_width
    size_t max_dense_cells

MAX_DENSE_WIDTH = max_dense_width
MAX_DENSE_CELLS = max_dense_cells


cdef class Rows:
    """Two columns of one length without nulls, of integers, whole floats or booleans; weights and slices, one a row.

    None for no weights, and for rows that are all of slice 0.
    """

    def __init__(self, y_true, y_pred, const double[::1] weights, const int32_t[::1] slices):
        self.held = y_true.__arrow_c_array__(), y_pred.__arrow_c_array__()
        self.y_true = column_of(self.held[0])
        self.y_pred = column_of(self.held[1])
        self.weights, self.slices = weights, slices
        if weights is not None and weights.shape[0]:
            self.weight = &weights[0]
        cdef const int32_t* of_rows = NULL
        if slices is not None and slices.shape[0]:
            of_rows = &slices[0]
        self.view = make_unique[labelled_rows](self.y_true.value(), self.y_pred.value(), of_rows)


cdef optional[column] column_of(tuple capsules):
    cdef ArrowSchema* schema = <ArrowSchema*> PyCapsule_GetPointer(capsules[0], "arrow_schema")
    cdef ArrowArray* array = <ArrowArray*> PyCapsule_GetPointer(capsules[1], "arrow_array")
    return column.view(array[0], schema[0])


cdef class DenseCounts:
    """Counts of all cells of a window of at most MAX_DENSE_WIDTH classes, and MAX_DENSE_CELLS in all slices.

    One thread at a time uses one.
    """

    cdef unique_ptr[dense_counts] counts
    cdef int64_t base
    cdef uint32_t width
    cdef uint32_t slices

    def __init__(self, int64_t base, uint32_t width, uint32_t slices):
        self.base, self.width, self.slices = base, width, slices
        self.counts = make_unique[dense_counts](code_window(base, width), slices)

    def count(self, Rows rows, int64_t begin, int64_t end):
        """Count rows [begin, end). Returns ``end``, or an earlier row, before which all are counted: soon after it,
        before a block ends, comes a value outside the window.
        """
        cdef dense_counts* counts = self.counts.get()
        with nogil:  # the capsules and views hold the columns, and one thread at a time owns this object
            begin = counts.count(rows.view.get()[0], begin, end)
        return begin

    def uncount(self, Rows rows, int64_t begin, int64_t end):
        """Take rows back. Returns ``end``, or the first that was never counted, and then nothing is taken back."""
        cdef dense_counts* counts = self.counts.get()
        with nogil:  # as above
            begin = counts.uncount(rows.view.get()[0], begin, end)
        return begin

    def add(
        self, const int64_t[::1] true, const int64_t[::1] predicted, const int64_t[::1] counts, parts,
        const int64_t[::1] slices,
    ):
        """Add rows to cells, given by the classes' integers and slices; ``parts`` is for SparseCounts."""
        for i in range(counts.shape[0]):
            self.counts.get().add(true[i], predicted[i], slices[i], counts[i])

    def table(self):
        """The rows of all cells: int64 of shape (slices, width, width)."""
        counts = np.empty((self.slices, self.width, self.width), np.int64)
        cdef int64_t[:, :, ::1] view = counts
        self.counts.get().copy_to(&view[0, 0, 0])
        return counts

    def cells(self):
        """The cells with rows: integers of both classes, and rows; None; and slices. All int64, in their order.

        The order is by slice, then true class, then predicted.
        """
        rows = self.table().ravel()
        at = np.flatnonzero(rows)
        pairs, predicted = np.divmod(at, self.width)
        slices, true = np.divmod(pairs, self.width)
        return true + self.base, predicted + self.base, rows[at], None, slices

"""Counts of pairs of classes, in each slice of the rows, read from Arrow columns in place."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libcpp.memory cimport make_unique, unique_ptr
from libcpp.optional cimport optional
from libcpp.vector cimport vector

from aliquot._kernels.hashing cimport ArrowArray, ArrowSchema, column

import numpy as np


cdef extern from "aliquot/confusion.hpp" namespace "aliquot" nogil:
    cdef struct code_window:
        int64_t base
        uint32_t width

    cdef cppclass labelled_rows:
        labelled_rows(const column&, const column&, const int32_t*)

    cdef cppclass dense_counts:
        dense_counts(const code_window&, uint32_t) except +
        void add(size_t, int64_t)
        size_t used()
        void list(int64_t*, int64_t*, int64_t*, int64_t*)
        int64_t count(const labelled_rows&, int64_t, int64_t)
        int64_t uncount(const labelled_rows&, int64_t, int64_t)

    uint32_t max_dense_width
    size_t max_dense_cells

cdef extern from "aliquot/confusion_sparse.hpp" namespace "aliquot" nogil:
    cdef struct cell_key:
        uint64_t pair
        uint32_t slice

    cdef struct listed_cell:
        cell_key key
        int64_t count

    cdef struct listed_part:
        size_t cell
        double value

    cdef cppclass sparse_counts:
        sparse_counts(const code_window&, bint) except +
        void add(const cell_key&, int64_t, double) except +
        int64_t count(const labelled_rows&, const double*, int64_t, int64_t) except +
        int64_t uncount(const labelled_rows&, const double*, int64_t, int64_t) except +
        void list(vector[listed_cell]&, vector[listed_part]&) except +

MAX_DENSE_WIDTH = max_dense_width
MAX_DENSE_CELLS = max_dense_cells


cdef class Rows:
    """Two columns of one length without nulls, of integers, whole floats or booleans; weights and slices, one a row.

    None for no weights, and for rows that are all of slice 0.
    """

    cdef object held
    cdef optional[column] y_true
    cdef optional[column] y_pred
    cdef const double[::1] weights
    cdef const double* weight
    cdef const int32_t[::1] slices
    cdef unique_ptr[labelled_rows] view

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
    cdef code_window window

    def __init__(self, int64_t base, uint32_t width, uint32_t slices):
        self.window = code_window(base, width)
        self.counts = make_unique[dense_counts](self.window, slices)

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
        cdef size_t width = self.window.width
        for i in range(counts.shape[0]):
            self.counts.get().add(
                (<size_t> slices[i] * width + <size_t> (true[i] - self.window.base)) * width
                + <size_t> (predicted[i] - self.window.base),
                counts[i],
            )

    def cells(self):
        """The cells with rows: integers of both classes, and rows; None; and slices. All int64, in their order.

        The order is by slice, then true class, then predicted.
        """
        cdef dense_counts* counts = self.counts.get()
        arrays = np.empty((4, counts.used()), np.int64)
        cdef int64_t[:, ::1] view = arrays
        if view.shape[1]:
            counts.list(&view[0, 0], &view[1, 0], &view[2, 0], &view[3, 0])
        slices, true, predicted, rows = arrays
        return true, predicted, rows, None, slices


cdef class SparseCounts:
    """Counts of the cells that come up in a window of any width, with exact sums of weights if the rows have them.

    Calls are those of DenseCounts.
    """

    cdef unique_ptr[sparse_counts] counts
    cdef int64_t base
    cdef bint weighted

    def __init__(self, int64_t base, uint32_t width, bint weighted):
        self.base = base
        self.weighted = weighted
        self.counts = make_unique[sparse_counts](code_window(base, width), weighted)

    def count(self, Rows rows, int64_t begin, int64_t end):
        """Count rows [begin, end). Returns ``end``, or the first row with a value outside the window."""
        cdef sparse_counts* counts = self.counts.get()
        with nogil:  # as in DenseCounts
            begin = counts.count(rows.view.get()[0], rows.weight, begin, end)
        return begin

    def uncount(self, Rows rows, int64_t begin, int64_t end):
        """Take rows back. Returns ``end``, or the first that was never counted, and then nothing is taken back."""
        cdef sparse_counts* counts = self.counts.get()
        with nogil:  # as above
            begin = counts.uncount(rows.view.get()[0], rows.weight, begin, end)
        return begin

    def add(
        self, const int64_t[::1] true, const int64_t[::1] predicted, const int64_t[::1] counts, parts,
        const int64_t[::1] slices,
    ):
        """Add rows to cells, given by the classes' integers and slices; and, as ``cells`` gives them, their weights."""
        cdef sparse_counts* into = self.counts.get()
        cdef const int64_t[::1] owners
        cdef const double[::1] values
        for i in range(counts.shape[0]):
            into.add(self.key_of(true[i], predicted[i], slices[i]), counts[i], 0.0)
        if parts is not None:
            owners, values = parts
            for i in range(owners.shape[0]):
                at = owners[i]
                into.add(self.key_of(true[at], predicted[at], slices[at]), 0, values[i])

    def cells(self):
        """As those of DenseCounts; if there are weights, with two arrays for None.

        They hold the doubles that the weights are exact sums of: of which cell, int64, and the double.
        """
        cdef vector[listed_cell] cells
        cdef vector[listed_part] parts
        self.counts.get().list(cells, parts)
        arrays = np.empty((4, cells.size()), np.int64)
        cdef int64_t[:, ::1] view = arrays
        for i in range(cells.size()):
            view[0, i] = self.base + <int64_t> (cells[i].key.pair >> 32)
            view[1, i] = self.base + <int64_t> <uint32_t> cells[i].key.pair
            view[2, i] = cells[i].count
            view[3, i] = cells[i].key.slice
        true, predicted, counts, slices = arrays
        owners, values = np.empty(parts.size(), np.int64), np.empty(parts.size())
        cdef int64_t[::1] owners_view = owners
        cdef double[::1] values_view = values
        for i in range(parts.size()):
            owners_view[i] = parts[i].cell
            values_view[i] = parts[i].value
        return true, predicted, counts, (owners, values) if self.weighted else None, slices

    cdef cell_key key_of(self, int64_t true, int64_t predicted, int64_t of_slice):
        return cell_key(<uint64_t> (true - self.base) << 32 | <uint64_t> (predicted - self.base), <uint32_t> of_slice)

"""Counts of pairs of classes, read from Arrow columns in place."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libcpp.memory cimport make_unique, unique_ptr
from libcpp.optional cimport optional
from libcpp.vector cimport vector

from aliquot._kernels.hashing cimport ArrowArray, ArrowSchema, column

import numpy as np


cdef extern from "aliquot/confusion.hpp" namespace "aliquot" nogil:
    cdef struct code_window:
        int64_t base
        uint32_t width

    cdef cppclass dense_counts:
        dense_counts(const code_window&) except +
        size_t size()
        int64_t operator[](size_t)
        void add(size_t, int64_t)
        int64_t count(const column&, const column&, int64_t, int64_t)
        int64_t uncount(const column&, const column&, int64_t, int64_t)

    uint32_t max_dense_width

cdef extern from "aliquot/confusion_sparse.hpp" namespace "aliquot" nogil:
    cdef struct listed_cell:
        uint64_t key
        int64_t count

    cdef struct listed_part:
        size_t cell
        double value

    cdef cppclass sparse_counts:
        sparse_counts(const code_window&, bint) except +
        void add(uint64_t, int64_t, double) except +
        int64_t count(const column&, const column&, const double*, int64_t, int64_t) except +
        int64_t uncount(const column&, const column&, const double*, int64_t, int64_t) except +
        void list(vector[listed_cell]&, vector[listed_part]&) except +

MAX_DENSE_WIDTH = max_dense_width


cdef class Rows:
    """Two columns of one length without nulls, of integers, whole floats or booleans; weights, one a row, or None."""

    cdef object held
    cdef optional[column] y_true
    cdef optional[column] y_pred
    cdef const double[::1] weights
    cdef const double* weight

    def __init__(self, y_true, y_pred, weights):
        self.held = y_true.__arrow_c_array__(), y_pred.__arrow_c_array__()
        self.y_true = column_of(self.held[0])
        self.y_pred = column_of(self.held[1])
        self.weight = NULL
        if weights is not None and len(weights):
            self.weights = weights
            self.weight = &self.weights[0]


cdef optional[column] column_of(tuple capsules):
    cdef ArrowSchema* schema = <ArrowSchema*> PyCapsule_GetPointer(capsules[0], "arrow_schema")
    cdef ArrowArray* array = <ArrowArray*> PyCapsule_GetPointer(capsules[1], "arrow_array")
    return column.view(array[0], schema[0])


cdef class DenseCounts:
    """Counts of all cells of a window of at most MAX_DENSE_WIDTH classes. One thread at a time uses one."""

    cdef unique_ptr[dense_counts] counts
    cdef code_window window

    def __init__(self, int64_t base, uint32_t width):
        self.window = code_window(base, width)
        self.counts = make_unique[dense_counts](self.window)

    def count(self, Rows rows, int64_t begin, int64_t end):
        """Count rows [begin, end). Returns ``end``, or an earlier row, before which all are counted: soon after it,
        before a block ends, comes a value outside the window.
        """
        cdef dense_counts* counts = self.counts.get()
        with nogil:  # the capsules hold the columns, and one thread at a time owns this object
            begin = counts.count(rows.y_true.value(), rows.y_pred.value(), begin, end)
        return begin

    def uncount(self, Rows rows, int64_t begin, int64_t end):
        """Take rows back. Returns ``end``, or the first that was never counted, and then nothing is taken back."""
        cdef dense_counts* counts = self.counts.get()
        with nogil:  # as above
            begin = counts.uncount(rows.y_true.value(), rows.y_pred.value(), begin, end)
        return begin

    def add(self, const int64_t[::1] true, const int64_t[::1] predicted, const int64_t[::1] counts, parts):
        """Add rows to cells, given by the classes' integers; ``parts`` is for SparseCounts."""
        for i in range(counts.shape[0]):
            self.counts.get().add(
                <size_t> (true[i] - self.window.base) * self.window.width + <size_t> (predicted[i] - self.window.base),
                counts[i],
            )

    def cells(self):
        """The cells with rows, by true class and then predicted: integers of both classes, and rows, int64; None."""
        cdef dense_counts* counts = self.counts.get()
        cdef size_t cell
        everything = np.empty(counts.size(), np.int64)
        cdef int64_t[::1] view = everything
        for cell in range(counts.size()):
            view[cell] = counts[0][cell]
        found = np.flatnonzero(everything)
        return (
            found // self.window.width + self.window.base,
            found % self.window.width + self.window.base,
            everything[found],
            None,
        )


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
        with nogil:  # the capsules hold the columns, the rows their weights; one thread at a time owns this object
            begin = counts.count(rows.y_true.value(), rows.y_pred.value(), rows.weight, begin, end)
        return begin

    def uncount(self, Rows rows, int64_t begin, int64_t end):
        """Take rows back. Returns ``end``, or the first that was never counted, and then nothing is taken back."""
        cdef sparse_counts* counts = self.counts.get()
        with nogil:  # as above
            begin = counts.uncount(rows.y_true.value(), rows.y_pred.value(), rows.weight, begin, end)
        return begin

    def add(self, const int64_t[::1] true, const int64_t[::1] predicted, const int64_t[::1] counts, parts):
        """Add rows to cells, given by the classes' integers; and, as ``cells`` gives them, what their weights sum."""
        cdef sparse_counts* into = self.counts.get()
        cdef const int64_t[::1] owners
        cdef const double[::1] values
        for i in range(counts.shape[0]):
            into.add(self.key_of(true[i], predicted[i]), counts[i], 0.0)
        if parts is not None:
            owners, values = parts
            for i in range(owners.shape[0]):
                into.add(self.key_of(true[owners[i]], predicted[owners[i]]), 0, values[i])

    def cells(self):
        """The cells with rows, by true class and then predicted: integers of both classes, and rows, int64.

        And, unless there are no weights, two arrays of the doubles that the weights are exact sums of: of which cell,
        int64, and the double.
        """
        cdef vector[listed_cell] cells
        cdef vector[listed_part] parts
        self.counts.get().list(cells, parts)
        keys, counts = np.empty(cells.size(), np.uint64), np.empty(cells.size(), np.int64)
        cdef uint64_t[::1] keys_view = keys
        cdef int64_t[::1] counts_view = counts
        for i in range(cells.size()):
            keys_view[i] = cells[i].key
            counts_view[i] = cells[i].count
        order = np.argsort(keys)
        keys, counts = keys[order], counts[order]
        true = (keys >> np.uint64(32)).astype(np.int64) + self.base
        predicted = (keys & np.uint64(2**32 - 1)).astype(np.int64) + self.base
        if not self.weighted:
            return true, predicted, counts, None
        owners, values = np.empty(parts.size(), np.int64), np.empty(parts.size())
        cdef int64_t[::1] owners_view = owners
        cdef double[::1] values_view = values
        for i in range(parts.size()):
            owners_view[i] = parts[i].cell
            values_view[i] = parts[i].value
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return true, predicted, counts, (place[owners], values)

    cdef uint64_t key_of(self, int64_t true, int64_t predicted):
        return <uint64_t> (true - self.base) << 32 | <uint64_t> (predicted - self.base)

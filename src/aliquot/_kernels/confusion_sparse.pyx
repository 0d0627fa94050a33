"""Counts of pairs of classes that come up, of many classes or of weighted rows."""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libcpp.memory cimport make_unique, unique_ptr
from libcpp.vector cimport vector

from aliquot._kernels.confusion cimport code_window, labelled_rows, Rows

import numpy as np


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

"""The state of a reservoir but for its rows: keys, row numbers, slots and the threshold."""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libcpp.memory cimport unique_ptr, make_unique

from aliquot._kernels.random cimport as_seed_key, const_double, const_int64_t, seed_key, span

import numpy as np


cdef extern from "aliquot/reservoir.hpp" namespace "aliquot" nogil:
    cdef struct candidate:
        double key
        int64_t row
        int64_t slot

    cdef enum class weighted_design "aliquot::weighted_design"(int):
        successive
        priority

    cdef cppclass reservoir:
        reservoir(int64_t, const seed_key&, int64_t)
        int64_t next_row()
        void seek(int64_t)
        void stage(int64_t, const uint8_t*) except +
        void stage(span[const_double], span[const_int64_t], const candidate&) except +
        void stage(span[const_double]) except +
        int64_t stage(span[const_double], weighted_design) except +
        span[candidate] staged()
        void commit(int64_t) except +
        void discard()
        span[candidate] kept()
        const candidate& first_out()


class BadWeightError(ValueError):
    """A weight is negative, infinite or NaN, at this position."""


cdef class ReservoirState:
    """A bottom-k sample whose rows the caller stores. ``stage_*`` tells which rows of a batch may enter, as positions,
    ascending, or None; ``commit`` takes them in; ``discard`` leaves everything as it was before."""

    cdef unique_ptr[reservoir] state

    def __cinit__(self, int64_t k, const uint64_t[::1] seed, int64_t start=0):
        self.state = make_unique[reservoir](k, as_seed_key(seed), start)

    @property
    def next_row(self):
        return self.state.get().next_row()

    def seek(self, int64_t row):
        """Go on from ``row``."""
        self.state.get().seek(row)

    def stage_rows(self, int64_t n, const uint8_t[::1] passes=None):
        """The next n rows, or those of them whose byte in ``passes`` is not zero."""
        cdef reservoir* state = self.state.get()
        cdef const uint8_t* mask = &passes[0] if passes is not None and n > 0 else NULL
        with nogil:  # one thread at a time owns this object; the caller's buffer is held by the memoryview
            state.stage(n, mask)
        return self.staged_positions()

    def stage_keys(self, const double[::1] keys):
        """The next rows, under these keys."""
        cdef reservoir* state = self.state.get()
        cdef span[const_double] view = span[const_double](&keys[0] if keys.shape[0] else NULL, keys.shape[0])
        with nogil:  # as above
            state.stage(view)
        return self.staged_positions()

    def stage_weights(self, const double[::1] weights, bint priority):
        """The next rows, under keys by these weights. ValueError with the position of the first that is no weight."""
        cdef reservoir* state = self.state.get()
        cdef span[const_double] view = span[const_double](&weights[0] if weights.shape[0] else NULL, weights.shape[0])
        cdef weighted_design design = weighted_design.priority if priority else weighted_design.successive
        cdef int64_t bad
        with nogil:  # as above
            bad = state.stage(view, design)
        if bad >= 0:
            raise BadWeightError(bad)
        return self.staged_positions()

    def stage_kept(self, const double[::1] keys, const int64_t[::1] rows, double first_out_key, int64_t first_out_row):
        """Rows that another state kept, every one of them before its ``first_out``."""
        cdef candidate first_out
        first_out.key = first_out_key
        first_out.row = first_out_row
        first_out.slot = 0
        cdef size_t n = keys.shape[0]
        self.state.get().stage(
            span[const_double](&keys[0] if n else NULL, n), span[const_int64_t](&rows[0] if n else NULL, n), first_out
        )
        return self.staged_positions()

    cdef object staged_positions(self):
        cdef span[candidate] staged = self.state.get().staged()
        if staged.size() == 0:
            return None
        positions = np.empty(staged.size(), np.int64)
        cdef int64_t[::1] view = positions
        for i in range(staged.size()):
            view[i] = staged[i].slot
        return positions

    def commit(self, int64_t first_slot):
        """Take in what is staged; its rows are stored, in order, from ``first_slot`` on."""
        self.state.get().commit(first_slot)

    def discard(self):
        """Forget what is staged."""
        self.state.get().discard()

    def kept(self):
        """Row numbers, int64, ascending, keys, float64, and slots, int64, of the rows kept."""
        cdef span[candidate] kept = self.state.get().kept()
        rows = np.empty(kept.size(), np.int64)
        keys = np.empty(kept.size())
        slots = np.empty(kept.size(), np.int64)
        cdef int64_t[::1] rows_view = rows
        cdef double[::1] keys_view = keys
        cdef int64_t[::1] slots_view = slots
        for i in range(kept.size()):
            rows_view[i] = kept[i].row
            keys_view[i] = kept[i].key
            slots_view[i] = kept[i].slot
        return rows, keys, slots

    def renumber(self):
        """Say that the kept rows are stored anew, in slots 0, 1, 2, ... by row number."""
        cdef span[candidate] kept = self.state.get().kept()
        for i in range(kept.size()):
            kept[i].slot = i

    def first_out(self):
        """Key and row number of the first row that is out: the (k+1)-th smallest; infinite if there is none."""
        self.state.get().kept()
        return self.state.get().first_out().key, self.state.get().first_out().row

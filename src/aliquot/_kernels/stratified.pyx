"""The state of a stratified sample but for its rows: keys, row numbers, slots, strata and thresholds."""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libcpp.memory cimport unique_ptr, make_unique

from aliquot._kernels.random cimport as_seed_key, const_double, const_int64_t, seed_key, span

import numpy as np

ctypedef const int32_t const_int32_t


cdef extern from "aliquot/stratified.hpp" namespace "aliquot" nogil:
    cdef struct candidate:
        double key
        int64_t row
        int64_t slot

    cdef struct stratum_candidate:
        double key
        int64_t row
        int64_t slot
        int32_t code

    ctypedef const stratum_candidate const_candidate "const aliquot::stratum_candidate"

    cdef enum class weighted_design "aliquot::weighted_design"(int):
        successive
        priority

    cdef cppclass stratified_reservoir:
        stratified_reservoir(const seed_key&, int64_t)
        int64_t next_row()
        void seek(int64_t)
        void reserve(size_t) except +
        void grow(size_t) except +
        void stage(span[const_int32_t], span[const_double], weighted_design) except +
        void stage(span[const_int32_t], span[const_double]) except +
        void stage(span[const_int32_t], span[const_double], span[const_int64_t]) except +
        span[const_candidate] staged()
        void commit(int64_t, int64_t) except +
        void discard()
        void lower(int32_t, const candidate&)
        const candidate& limit(int32_t)
        void cut(span[const_int64_t])
        span[stratum_candidate] items()


cdef class StratifiedState:
    """The rows with the smallest keys of each stratum, which the caller stores. ``stage_*`` tells which rows of a batch
    may enter, as positions, ascending; ``commit`` takes them in; ``discard`` leaves everything as it was before. Strata
    are codes, int32, and -1 for a row that is not of the population."""

    cdef unique_ptr[stratified_reservoir] state
    cdef size_t strata

    def __cinit__(self, const uint64_t[::1] seed, int64_t start=0):
        self.state = make_unique[stratified_reservoir](as_seed_key(seed), start)

    @property
    def next_row(self):
        return self.state.get().next_row()

    def seek(self, int64_t row):
        """Go on from ``row``."""
        self.state.get().seek(row)

    def grow(self, size_t strata):
        """Make room for this many strata."""
        self.state.get().grow(strata)
        self.strata = max(strata, self.strata)

    def reserve(self, size_t rows):
        """Make room for this many rows at once."""
        self.state.get().reserve(rows)

    def stage_weights(self, const int32_t[::1] codes, const double[::1] weights, bint priority):
        """The next rows, under keys by these weights, which are good."""
        cdef stratified_reservoir* state = self.state.get()
        cdef weighted_design design = weighted_design.priority if priority else weighted_design.successive
        cdef size_t n = codes.shape[0]
        if n:
            with nogil:  # one thread at a time owns this object; the memoryviews hold the caller's arrays
                state.stage(span[const_int32_t](&codes[0], n), span[const_double](&weights[0], n), design)
        return self.staged_positions()

    def stage_keys(self, const int32_t[::1] codes, const double[::1] keys):
        """The next rows, under these keys."""
        cdef stratified_reservoir* state = self.state.get()
        cdef size_t n = codes.shape[0]
        if n:
            with nogil:  # as above
                state.stage(span[const_int32_t](&codes[0], n), span[const_double](&keys[0], n))
        return self.staged_positions()

    def stage_kept(self, const int32_t[::1] codes, const double[::1] keys, const int64_t[::1] rows):
        """Rows that another state kept."""
        cdef size_t n = codes.shape[0]
        if n:
            self.state.get().stage(
                span[const_int32_t](&codes[0], n), span[const_double](&keys[0], n), span[const_int64_t](&rows[0], n)
            )
        return self.staged_positions()

    cdef object staged_positions(self):
        cdef span[const_candidate] staged = self.state.get().staged()
        positions = np.empty(staged.size(), np.int64)
        cdef int64_t[::1] view = positions
        for i in range(staged.size()):
            view[i] = staged[i].slot
        return positions

    def commit(self, int64_t first_slot, int64_t rows):
        """Take in what is staged of this many rows; it is stored, in order, from ``first_slot`` on."""
        self.state.get().commit(first_slot, rows)

    def discard(self):
        """Forget what is staged."""
        self.state.get().discard()

    def cut(self, const int64_t[::1] most):
        """Keep at most ``most[code]`` rows of each stratum: row numbers, int64, ascending, keys, float64, slots, int64,
        and codes, int32."""
        cdef stratified_reservoir* state = self.state.get()
        cdef size_t strata = most.shape[0]
        if strata:
            with nogil:  # as above
                state.cut(span[const_int64_t](&most[0], strata))
        cdef span[stratum_candidate] items = state.items()
        rows = np.empty(items.size(), np.int64)
        keys = np.empty(items.size())
        slots = np.empty(items.size(), np.int64)
        codes = np.empty(items.size(), np.int32)
        cdef int64_t[::1] rows_view = rows
        cdef double[::1] keys_view = keys
        cdef int64_t[::1] slots_view = slots
        cdef int32_t[::1] codes_view = codes
        for i in range(items.size()):
            rows_view[i] = items[i].row
            keys_view[i] = items[i].key
            slots_view[i] = items[i].slot
            codes_view[i] = items[i].code
            items[i].slot = i
        return rows, keys, slots, codes

    def lower(self, const int32_t[::1] codes, const double[::1] keys, const int64_t[::1] rows):
        """Let nothing at or beyond these keys and rows into these strata any more."""
        cdef candidate out
        for i in range(codes.shape[0]):
            out.key, out.row, out.slot = keys[i], rows[i], 0
            self.state.get().lower(codes[i], out)

    def limits(self):
        """Key, float64, and row number, int64, of the first row that is out of each stratum; infinite for none."""
        keys = np.empty(self.strata)
        rows = np.empty(self.strata, np.int64)
        cdef double[::1] keys_view = keys
        cdef int64_t[::1] rows_view = rows
        for i in range(self.strata):
            keys_view[i] = self.state.get().limit(i).key
            rows_view[i] = self.state.get().limit(i).row
        return keys, rows

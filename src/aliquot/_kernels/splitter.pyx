"""Parts of the rows of a stream: schedules for each stratum, or hashes of a column."""

from libc.stdint cimport int32_t, int64_t, uint16_t, uint64_t
from libcpp.memory cimport unique_ptr, make_unique

from aliquot._kernels.random cimport as_seed_key, const_int64_t, generator, seed_key, span

import numpy as np

ctypedef const int32_t const_int32_t
ctypedef const uint16_t const_uint16_t
ctypedef const uint64_t const_uint64_t


cdef extern from "aliquot/splitter.hpp" namespace "aliquot" nogil:
    cdef cppclass splitter:
        splitter(const seed_key&, span[const_uint64_t]) except +
        size_t strata()
        void grow(size_t) except +
        void assign(span[const_int32_t], span[int32_t]) except +
        void assign(span[int32_t]) except +
        int64_t seen(size_t)
        void before_page(size_t, span[int64_t])
        void restore(size_t, int64_t, span[const_int64_t]) except +

    cdef cppclass schedule_book:
        schedule_book(span[const_uint64_t], generator&) except +
        span[const_uint16_t] pages()


cdef class SplitterState:
    """Assigns rows to parts whose shares are integers over their sum, at most 2**56, in each stratum by itself."""

    cdef unique_ptr[splitter] state
    cdef size_t parts

    def __cinit__(self, const uint64_t[::1] seed, const uint64_t[::1] shares):
        self.parts = shares.shape[0]
        self.state = make_unique[splitter](as_seed_key(seed), span[const_uint64_t](&shares[0], self.parts))

    def assign(self, const int32_t[::1] codes, size_t strata):
        """The part, int32, of each of the next rows by the codes of their strata, all below ``strata``."""
        cdef size_t n = codes.shape[0]
        parts = np.empty(n, np.int32)
        cdef int32_t[::1] view = parts
        cdef splitter* state = self.state.get()
        state.grow(strata)
        if n:
            with nogil:  # one thread at a time owns this object; the memoryviews hold the arrays
                state.assign(span[const_int32_t](&codes[0], n), span[int32_t](&view[0], n))
        return parts

    def assign_rows(self, size_t n):
        """The part, int32, of each of the next n rows of the only stratum."""
        parts = np.empty(n, np.int32)
        cdef int32_t[::1] view = parts
        cdef splitter* state = self.state.get()
        state.grow(1)
        if n:
            with nogil:  # as above
                state.assign(span[int32_t](&view[0], n))
        return parts

    def save(self):
        """Rows seen of each stratum, int64, and rows of each part before its page, int64 of shape (strata, parts)."""
        cdef size_t strata = self.state.get().strata()
        seen = np.empty(strata, np.int64)
        before = np.empty((strata, self.parts), np.int64)
        cdef int64_t[::1] seen_view = seen
        cdef int64_t[:, ::1] before_view = before
        for code in range(strata):
            seen_view[code] = self.state.get().seen(code)
            self.state.get().before_page(code, span[int64_t](&before_view[code, 0], self.parts))
        return seen, before

    def restore(self, const int64_t[::1] seen, const int64_t[:, ::1] before):
        """Go on, from nothing, where ``save`` said."""
        self.state.get().grow(seen.shape[0])
        for code in range(seen.shape[0]):
            self.state.get().restore(code, seen[code], span[const_int64_t](&before[code, 0], self.parts))


def schedules(const uint64_t[::1] seed, const uint64_t[::1] shares):
    """A book: the part, uint16 of shape (schedules, rows), of each row by each schedule. For the tests."""
    cdef generator* random = new generator(as_seed_key(seed), 0)
    cdef unique_ptr[schedule_book] book
    try:
        book = make_unique[schedule_book](span[const_uint64_t](&shares[0], shares.shape[0]), random[0])
    finally:
        del random
    cdef span[const_uint16_t] pages = book.get().pages()
    parts = np.empty(pages.size(), np.uint16)
    cdef uint16_t[::1] view = parts
    for i in range(pages.size()):
        view[i] = pages[i]
    return parts.reshape(-1, int(np.sum(shares)))

"""Functions that other compiled code calls through their addresses, in ``__pyx_capi__``."""

from libc.stdint cimport int64_t, uint64_t

from aliquot._kernels.random cimport as_seed_key, seed_key

import numpy as np


cdef extern from "aliquot/jit.hpp" namespace "aliquot" nogil:
    cdef cppclass state_words "std::array<std::uint64_t, 4>":
        uint64_t operator[](size_t)

    cdef cppclass generator:
        const state_words& state()

    generator first_generator(const seed_key&)
    int64_t draw_one_ "aliquot::draw_one"(const uint64_t*, const uint64_t*, int64_t, uint64_t*)
    int64_t below_one_ "aliquot::below_one"(int64_t, uint64_t*)
    double uniform_one_ "aliquot::uniform_one"(uint64_t*)


def first_state(const uint64_t[::1] seed):
    """The state, uint64 of shape (4,), of the generator that a seed begins with."""
    state = np.empty(4, np.uint64)
    cdef uint64_t[::1] view = state
    for i in range(4):
        view[i] = first_generator(as_seed_key(seed)).state()[i]
    return state


cdef api int64_t draw_one(const uint64_t* cells, const uint64_t* rests, int64_t n, uint64_t* state) noexcept nogil:
    return draw_one_(cells, rests, n, state)


cdef api int64_t below_one(int64_t n, uint64_t* state) noexcept nogil:
    return below_one_(n, state)


cdef api double uniform_one(uint64_t* state) noexcept nogil:
    return uniform_one_(state)

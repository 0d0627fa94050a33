"""The random bits themselves, for the tests that freeze them and for nothing else."""

from libc.stdint cimport uint64_t

import numpy as np


cdef seed_key as_seed_key(const uint64_t[::1] words):
    cdef seed_key key
    for i in range(4):
        key[i] = words[i]
    return key


def words(const uint64_t[::1] seed, uint64_t id, size_t size):
    """The first ``size`` words, uint64, of the generator that belongs to ``id``."""
    out = np.empty(size, np.uint64)
    cdef uint64_t[::1] view = out
    cdef generator *random = new generator(as_seed_key(seed), id)
    try:
        for i in range(size):
            view[i] = random.next()
    finally:
        del random
    return out


def exponentials(const uint64_t[::1] seed, uint64_t id, size_t size):
    """The first ``size`` exponential variates, float64, of the generator that belongs to ``id``."""
    out = np.empty(size)
    cdef double[::1] view = out
    cdef generator *random = new generator(as_seed_key(seed), id)
    try:
        for i in range(size):
            view[i] = exponential(random[0])
    finally:
        del random
    return out


def exponentials_of(const uint64_t[::1] words):
    """The exponential variate, float64, that belongs to each uniform word."""
    out = np.empty(words.shape[0])
    cdef double[::1] view = out
    for i in range(words.shape[0]):
        view[i] = exponential_of(words[i])
    return out


def minus_logs(const double[::1] values):
    """-log of each value in (0, 1]."""
    out = np.empty(values.shape[0])
    cdef double[::1] view = out
    for i in range(values.shape[0]):
        view[i] = minus_log(values[i])
    return out

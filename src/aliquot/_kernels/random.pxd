from libc.stdint cimport int64_t, uint64_t


cdef extern from "<span>" namespace "std" nogil:
    cdef cppclass span[T]:
        span()
        span(T*, size_t)
        T* data()
        size_t size()
        T& operator[](size_t)

ctypedef const double const_double
ctypedef const int64_t const_int64_t


cdef extern from "aliquot/random.hpp" namespace "aliquot" nogil:
    cdef cppclass seed_key:
        uint64_t& operator[](size_t)

    cdef cppclass generator:
        generator(const seed_key&, uint64_t)
        uint64_t next "operator()"()

    double exponential(generator&)
    double exponential_of(uint64_t)
    double minus_log(double)


cdef seed_key as_seed_key(const uint64_t[::1] words)

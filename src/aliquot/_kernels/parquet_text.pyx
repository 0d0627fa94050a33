"""The text of a page, taken out of its compression as far as it is asked for."""

from libc.stdint cimport int64_t, uint8_t
from libcpp cimport bool as bool_t

from aliquot._kernels.parquet_footer cimport as_span, byte_span

cdef enum:
    NONE = 0
    SNAPPY = 1
    ZSTD = 6


cdef class Text:
    """One page after the other, in memory that is used again.

    Fresh memory costs the system about as much as filling it. ``whole(codec, data, size)`` gives pages that only come
    as a whole, or None; ``watch``, if any, is told the same of every page.
    """

    def __cinit__(self, whole, watch=None):
        self.whole = whole
        self.watch = watch
        self.is_watched = watch is not None
        self.text = &self.plain

    def open(self, int64_t codec, const uint8_t[::1] data, size_t size):
        """Take a page that claims to hold ``size`` bytes: whether there may be as many. The last one is gone."""
        self.source = data
        return self.take(codec, as_span(data), size)

    @property
    def there(self):
        """Bytes that are there, from the first on."""
        return self.text.there()

    def part(self, size_t begin, size_t end):
        """Bytes of the page; None if it has no such bytes, or is damaged in those that were made for them."""
        cdef bool_t found
        if end < begin:
            return None
        with nogil:  # one thread at a time owns this object, which holds the page
            found = self.text.at(begin, end - begin)
        return (<const char*> self.text.data())[begin:end] if found else None

    def reach(self, size_t end):
        """Make the page as far as ``end``: whether that could be done."""
        cdef bool_t found
        with nogil:  # as above
            found = self.text.reach(end)
        return found

    cdef bint take(self, int64_t codec, byte_span data, size_t size) except -1 nogil:
        """The same of bytes that somebody else holds."""
        if self.is_watched:
            with gil:
                self.watch(codec, as_view(data), size)
        self.plain = page_text()
        self.text = &self.plain
        if codec == NONE or data.size() == 0:
            self.plain = page_text(data)
            return data.size() == size
        if codec == SNAPPY:
            if size > data.size() * snappy_ratio or not self.snappy.open(data, self.made.bytes(size + slack), size):
                return False
            self.text = &self.snappy
            return True
        if codec == ZSTD and size <= data.size() * zstd_ratio:
            if self.zstd.open(data, self.made.bytes(size + slack), size):
                self.text = &self.zstd
                return True
        with gil:
            return self.take_whole(self.whole(codec, as_view(data), size))

    cdef bint take_whole(self, const uint8_t[::1] found) except -1:
        """Take a page that is there."""
        if found is None:
            return False
        self.source = found
        self.plain = page_text(as_span(found))
        return True


cdef as_view(byte_span data):
    return <const uint8_t[:data.size()]> <uint8_t*> data.data() if data.size() else memoryview(b"")

"""The text of a page, taken out of its compression as far as it is asked for."""

from libc.stdint cimport int64_t, uint8_t
from libcpp cimport bool as bool_t
from libcpp.memory cimport make_unique

from aliquot._kernels.parquet_pages cimport as_span, byte_span

NONE = 0
SNAPPY = 1
ZSTD = 6


cdef class Text:
    """One page after the other, in memory that is used again.

    Fresh memory costs the system about as much as filling it. ``whole(codec, data, size)`` gives pages that only come
    as a whole, or None.
    """

    def __cinit__(self, whole):
        self.whole = whole
        self.room = bytearray()
        self.hold(b"")

    def open(self, int64_t codec, const uint8_t[::1] data, size_t size):
        """Take a page that claims to hold ``size`` bytes: whether there may be as many. The last one is gone."""
        cdef byte_span block = as_span(data)
        self.hold(b"")
        if codec == NONE or block.size() == 0:
            return self.hold(data) and block.size() == size
        if codec == SNAPPY:
            self.text = &self.snappy
            self.source = data
            return size <= block.size() * snappy_ratio and self.snappy.open(block, self.room_for(size), size)
        if codec == ZSTD and size <= block.size() * zstd_ratio and self.zstd.open(block, self.room_for(size), size):
            self.text = &self.zstd
            self.source = data
            return True
        found = self.whole(codec, data, size)
        return found is not None and self.hold(found)

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

    cdef bint hold(self, const uint8_t[::1] data):
        """Take a page as it is."""
        self.source = data
        self.plain = make_unique[page_text](as_span(data))
        self.text = self.plain.get()
        return True

    cdef uint8_t* room_for(self, size_t size) except NULL:
        """Memory for so many bytes and what may be written behind them."""
        if <size_t> len(self.room) < size + slack:
            self.room = bytearray(size + slack)
        return <uint8_t*> <char*> self.room

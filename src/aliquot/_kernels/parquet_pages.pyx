"""Parquet below the level at which pyarrow reads it: footers and the pages of column chunks."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t
from libcpp cimport bool as bool_t
from libcpp.memory cimport make_unique
from libcpp.string_view cimport string_view

from aliquot._kernels.random cimport const_int64_t, span

import numpy as np


cdef byte_span as_span(const uint8_t[::1] data) noexcept:
    """Bytes that somebody else holds."""
    return byte_span(&data[0], data.shape[0]) if data.shape[0] else byte_span()


cdef vector[segment] segments_of(list parts) except *:
    """Parts of a file, (first byte, bytes), that somebody else holds."""
    cdef vector[segment] out
    cdef segment part
    for base, data in parts:
        part.base = base
        part.bytes = as_span(data)
        out.push_back(part)
    return out


cdef bytes as_bytes(string_view text):
    return PyBytes_FromStringAndSize(text.data(), text.size())


cdef class Footer:
    """The footer of one file, from the bytes of its FileMetaData."""

    def __cinit__(self, bytes text):
        cdef const uint8_t* begin = <const uint8_t*> PyBytes_AS_STRING(text)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
        cdef bool_t sound
        with nogil:  # nobody else has this object yet, and the caller holds the text
            self.footer.text.assign(begin, begin + size)
            sound = parse_footer(self.footer)
        if not sound:
            raise ValueError("must be a readable Parquet file, got a damaged footer")

    @property
    def group_rows(self):
        """Rows of each row group, int64."""
        return np.array(self.footer.group_rows, np.int64)

    @property
    def has_arrow_schema(self):
        """Whether the writer left an Arrow schema, which says more of types than Parquet can."""
        return self.footer.has_arrow_schema

    @property
    def created_by(self):
        return as_bytes(self.footer.at(self.footer.created_by))

    @property
    def described(self):
        """All that it says of what the columns of its file are."""
        cdef const parquet_footer* all = &self.footer
        return as_bytes(all.at(all.schema)), as_bytes(all.at(all.notes)), as_bytes(all.at(all.created_by))

    def leaves(self):
        """Of each leaf: the name of the column of the table it belongs to, and whether it is that column."""
        return [
            (as_bytes(self.footer.at(leaf.name)).decode(errors="replace"), leaf.flat) for leaf in self.footer.leaves
        ]

    def sizes(self, size_t group, size_t leaf):
        """Of one column chunk: values, bytes as written, bytes before compression, whether it says it has codes."""
        cdef const column_chunk* chunk = self.chunk(group, leaf)
        return chunk.num_values, chunk.compressed, chunk.uncompressed, chunk.dictionary_page > 0

    def start(self, size_t group, size_t leaf):
        """Where a column chunk begins in the file, by its own account."""
        return self.chunk(group, leaf).start()

    cdef const column_chunk* chunk(self, size_t group, size_t leaf) except NULL:
        if leaf >= self.footer.leaves.size() or group >= self.footer.group_rows.size():
            raise IndexError(f"group, leaf: must be of this file, got {group}, {leaf}")
        return &self.footer.chunks[group * self.footer.leaves.size() + leaf]


cdef class Pages:
    """The pages of one flat column chunk. ``limit`` is where in the file all of them have ended.

    ``fits`` is false for a chunk whose pages only an ordinary reader may find.
    """

    def __cinit__(self, Footer footer, size_t group, size_t leaf, int64_t limit):
        self.footer = footer
        self.chunk = footer.chunk(group, leaf)
        self.leaf = leaf
        self.table = make_unique[page_table](self.chunk[0], footer.footer.group_rows[group], limit)
        cdef int64_t at = self.chunk.index_offset
        cdef int64_t size = self.chunk.index_length
        self.index_range = (at, size) if at > 0 and 0 < size <= limit - at else None
        self.fits = (
            footer.footer.leaves[leaf].flat
            and not (self.chunk.elsewhere or self.chunk.encrypted)
            and self.table.get().fits()
        )

    @property
    def extent(self):
        """First byte of the column chunk and the one after its last."""
        return self.table.get().first(), self.table.get().end()

    @property
    def dictionary_extent(self):
        """Where the dictionary page is, and before its start or end nothing else."""
        return self.table.get().first(), self.table.get().dictionary_end()

    @property
    def next(self):
        """Where in the file ``walk`` goes on."""
        return self.table.get().next()

    def load(self, const uint8_t[::1] index):
        """Take the pages from an OffsetIndex; whether that could be done."""
        return self.table.get().load(as_span(index))

    def walk(self, const uint8_t[::1] window):
        """Find pages by their headers in bytes of the file from ``next`` on: True once all are found.

        False if more bytes are wanted, None if there is no way to find them.
        """
        cdef segment here
        here.base = self.table.get().next()
        here.bytes = as_span(window)
        cdef status found
        with nogil:  # one thread at a time owns this object
            found = self.table.get().walk(here)
        return None if found == status.malformed else found == status.good

    def __len__(self):
        return self.table.get().pages().size()

    def find(self, const int64_t[::1] rows):
        """Find the pages that hold these rows, ascending: what is said below of hits is said of them."""
        self.hits.clear()
        self.row_places.resize(rows.shape[0])
        if rows.shape[0] == 0:
            return
        if rows[0] < 0 or rows[rows.shape[0] - 1] >= self.table.get().num_rows():
            raise IndexError("rows: must be in the row group, got others")
        with nogil:  # as above
            self.hits = hit_pages(
                self.table.get()[0],
                span[const_int64_t](&rows[0], rows.shape[0]),
                span[int64_t](self.row_places.data(), self.row_places.size()),
            )

    @property
    def num_hits(self):
        """Pages hit."""
        return self.hits.size()

    @property
    def places(self):
        """The position of each row found among the rows of the pages hit, int64."""
        return np.array(self.row_places, np.int64)

    @property
    def hit_bytes(self):
        """Bytes of the pages hit."""
        cdef int64_t total = 0
        for hit in self.hits:
            total += self.table.get().pages()[hit].size
        return total

    def stretches(self, int64_t gap):
        """Pages hit, as (first byte, the one after the last), joined where at most ``gap`` bytes lie between two."""
        cdef span[const_int64_t] hits = span[const_int64_t](self.hits.data(), self.hits.size())
        cdef page_run here
        out = []
        while here.end_hit < hits.size():
            here = page_run_from(self.table.get()[0], hits, here.end_hit, gap)
            out.append((here.begin, here.end))
        return out


cdef bint same_kind(Pages a, Pages b):
    """Whether two columns, maybe of two files, are described alike, and by the same writer."""
    cdef const parquet_footer* left = &a.footer.footer
    cdef const parquet_footer* right = &b.footer.footer
    if a.footer is b.footer:
        return a.leaf == b.leaf
    return (
        as_bytes(left.at(left.leaves[a.leaf].element)) == as_bytes(right.at(right.leaves[b.leaf].element))
        and left.has_arrow_schema == right.has_arrow_schema
        and as_bytes(left.at(left.created_by)) == as_bytes(right.at(right.created_by))
    )

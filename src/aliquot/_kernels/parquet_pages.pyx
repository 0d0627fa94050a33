"""Parquet below the level at which pyarrow reads it: footers, the pages of column chunks, files of a few pages."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t
from libcpp cimport bool as bool_t
from libcpp.memory cimport make_unique
from libcpp.string_view cimport string_view
from libcpp.utility cimport move
from libcpp.vector cimport vector

from aliquot._kernels.random cimport const_int64_t, span

import re

import numpy as np


MAGIC_BYTES = 4

OLD_DELTAS = re.compile(rb"parquet-mr version 1\.[0-7]\.")
"""Writers whose DELTA_BYTE_ARRAY pages go on from the page before (PARQUET-246)."""


cdef byte_span as_span(bytes data) noexcept:
    return byte_span(<const uint8_t*> PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


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

    def leaves(self):
        """Of each leaf: the name of the column of the table it belongs to, and whether it is that column."""
        return [
            (as_bytes(self.footer.at(leaf.name)).decode(errors="replace"), leaf.flat) for leaf in self.footer.leaves
        ]

    def sizes(self, size_t group, size_t leaf):
        """Of one column chunk: values, bytes as written, bytes before compression, whether it says it has codes."""
        cdef const column_chunk* chunk = self.chunk(group, leaf)
        return chunk.num_values, chunk.compressed, chunk.uncompressed, chunk.dictionary_page > 0

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

    def load(self, bytes index):
        """Take the pages from an OffsetIndex; whether that could be done."""
        return self.table.get().load(as_span(index))

    def walk(self, bytes window):
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

    def hits(self, const int64_t[::1] rows):
        """The pages that hold these rows, ascending, and the position of each row among the rows of these pages."""
        places = np.empty(rows.shape[0], np.int64)
        if rows.shape[0] == 0:
            return places, places
        if rows[0] < 0 or rows[rows.shape[0] - 1] >= self.table.get().num_rows():
            raise IndexError("rows: must be in the row group, got others")
        cdef int64_t[::1] view = places
        cdef vector[int64_t] found
        with nogil:  # as above
            found = move(hit_pages_(
                self.table.get()[0],
                span[const_int64_t](&rows[0], rows.shape[0]),
                span[int64_t](&view[0], view.shape[0]),
            ))
        return np.array(found, np.int64), places

    def __len__(self):
        return self.table.get().pages().size()

    def extents(self, const int64_t[::1] hits):
        """First byte of each of these pages and the one after its last, (n, 2)."""
        out = np.empty((hits.shape[0], 2), np.int64)
        cdef int64_t[:, ::1] view = out
        cdef const vector[data_page]* pages = &self.table.get().pages()
        for i in range(hits.shape[0]):
            if hits[i] < 0 or <size_t> hits[i] >= pages.size():
                raise IndexError(f"hits: must be pages, got {hits[i]}")
            view[i, 0] = pages[0][hits[i]].offset
            view[i, 1] = pages[0][hits[i]].offset + pages[0][hits[i]].size
        return out

    def gather(self, const int64_t[::1] hits, list segments):
        """Take the pages out of segments, (first byte, bytes), both ascending: whether they need the dictionary page.

        None if a page is not what its place says, or cannot be read without the page before.
        """
        cdef vector[segment] parts
        cdef segment part
        for base, data in segments:
            part.base = base
            part.bytes = as_span(data)
            parts.push_back(part)
        self.segments = segments  # the mini file refers to their bytes
        self.mini = mini_pages()
        cdef bool_t found
        with nogil:  # as above
            found = add_pages(
                self.mini,
                self.table.get()[0],
                span[const_int64_t](&hits[0], hits.shape[0]),
                span[const_segment](parts.data(), parts.size()),
            )
        if not found or (self.mini.in_deltas and OLD_DELTAS.match(self.footer.created_by)):
            return None
        return bool(self.mini.in_codes)

    @property
    def all_in_codes(self):
        """Whether the pages gathered hold no values, only codes of them."""
        return not self.mini.in_values

    def mini_file(self, bytes dictionary, bytes arrow_schema):
        """A Parquet file of the pages gathered; None if ``dictionary``, unless empty, is no dictionary page."""
        if PyBytes_GET_SIZE(dictionary) and not add_dictionary(self.mini, as_span(dictionary)):
            return None
        cdef vector[mini_column] columns
        columns.push_back(self.column(&self.mini))
        return mini_file(columns, self.footer, arrow_schema)

    cdef mini_column column(self, const mini_pages* pages):
        """This column of a mini file, with pages as they stand in the file."""
        cdef const parquet_footer* footer = &self.footer.footer
        cdef const leaf_column* leaf = &footer.leaves[self.leaf]
        cdef mini_column out
        out.pages = pages
        out.element = footer.bytes_at(leaf.element)
        out.name = footer.at(leaf.name)
        out.physical = self.chunk.physical
        out.codec = self.chunk.codec
        out.encodings = footer.bytes_at(self.chunk.encodings)
        return out


cdef bytes mini_file(vector[mini_column]& columns, Footer footer, bytes arrow_schema):
    """A Parquet file of these columns, of one file with this footer."""
    cdef span[const_mini_column] all = span[const_mini_column](columns.data(), columns.size())
    cdef vector[uint8_t] tail = mini_tail(
        all,
        footer.footer.at(footer.footer.created_by),
        string_view(PyBytes_AS_STRING(arrow_schema), PyBytes_GET_SIZE(arrow_schema)),
    )
    cdef size_t size = MAGIC_BYTES + tail.size()
    for i in range(columns.size()):
        size += columns[i].pages.size()
    cdef bytes out = PyBytes_FromStringAndSize(NULL, size)
    cdef uint8_t* begin = <uint8_t*> PyBytes_AS_STRING(out)
    with nogil:  # nobody else has these bytes yet
        write_mini(all, byte_span(tail.data(), tail.size()), span[uint8_t](begin, size))
    return out

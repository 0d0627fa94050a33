"""Parquet files in memory, of a few pages."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libcpp cimport bool as bool_t
from libcpp.string_view cimport string_view
from libcpp.vector cimport vector

from aliquot._kernels.parquet_footer cimport Footer, as_span, byte_span, column_chunk, leaf_column, parquet_footer
from aliquot._kernels.parquet_pages cimport Pages, const_segment, segment, segments_of
from aliquot._kernels.random cimport const_int64_t, span

import re


MAGIC_BYTES = 4

OLD_DELTAS = re.compile(rb"parquet-mr version 1\.[0-7]\.")
"""Writers whose DELTA_BYTE_ARRAY pages go on from the page before (PARQUET-246)."""


cdef class MiniFile:
    """The pages hit of one column chunk, by its number, copied."""

    def __cinit__(self, Pages pages, size_t at):
        pages.table(at)
        self.pages = pages
        self.at = at

    def gather(self, list segments):
        """Take the pages out of segments, (first byte, bytes), both ascending: whether they need the dictionary page.

        None if a page is not what its place says, or cannot be read without the page before.
        """
        cdef vector[segment] parts = segments_of(segments)
        self.segments = segments  # the file is made of their bytes
        self.mini = mini_pages()
        cdef bool_t found
        with nogil:  # one thread at a time owns these objects
            found = add_pages(
                self.mini,
                self.pages.tables[self.at],
                span[const_int64_t](self.pages.hits[self.at].data(), self.pages.hits[self.at].size()),
                span[const_segment](parts.data(), parts.size()),
            )
        if not found or (self.mini.in_deltas and OLD_DELTAS.match(self.pages.footer.created_by)):
            return None
        return bool(self.mini.in_codes)

    @property
    def all_in_codes(self):
        """Whether the pages gathered hold no values, only codes of them."""
        return not self.mini.in_values

    def file(self, const uint8_t[::1] dictionary, bytes arrow_schema):
        """A Parquet file of the pages gathered; None if ``dictionary``, unless empty, is no dictionary page."""
        if dictionary.shape[0] and not add_dictionary(self.mini, as_span(dictionary)):
            return None
        cdef vector[mini_column] columns
        columns.push_back(column_of(self.pages, self.at, &self.mini))
        return mini_file(columns, self.pages.footer, arrow_schema)


cdef mini_column column_of(Pages pages, size_t at, const mini_pages* mini):
    """A column of a mini file, with pages as they stand in its own."""
    cdef const parquet_footer* footer = &pages.footer.footer
    cdef size_t number = pages.leaves[at % <size_t> pages.shape[1]]
    cdef const leaf_column* leaf = &footer.leaves[number]
    cdef const column_chunk* chunk = pages.chunks[at]
    cdef mini_column out
    out.pages = mini
    out.element = footer.bytes_at(leaf.element)
    out.name = footer.at(leaf.name)
    out.physical = chunk.physical
    out.codec = chunk.codec
    out.encodings = footer.bytes_at(chunk.encodings)
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

"""Parquet footers below the level at which pyarrow reads them."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libcpp cimport bool as bool_t
from libcpp.string_view cimport string_view

import numpy as np


cdef byte_span as_span(const uint8_t[::1] data) noexcept:
    """Bytes that somebody else holds."""
    return byte_span(&data[0], data.shape[0]) if data.shape[0] else byte_span()


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

    def compressed(self):
        """Bytes of each column chunk, int64 of shape (row groups, leaves)."""
        out = np.array([chunk.compressed for chunk in self.footer.chunks], np.int64)
        return out.reshape(self.footer.group_rows.size(), self.footer.leaves.size())

    def start(self, size_t group, size_t leaf):
        """Where a column chunk begins in the file, by its own account."""
        return self.chunk(group, leaf).start()

    cdef const column_chunk* chunk(self, size_t group, size_t leaf) except NULL:
        if leaf >= self.footer.leaves.size() or group >= self.footer.group_rows.size():
            raise IndexError(f"group, leaf: must be of this file, got {group}, {leaf}")
        return &self.footer.chunks[group * self.footer.leaves.size() + leaf]


cdef bint same_kind(Footer a, size_t leaf, Footer b, size_t other):
    """Whether two columns, maybe of two files, are described alike, and by the same writer."""
    if a is b:
        return leaf == other
    return (
        as_bytes(a.footer.at(a.footer.leaves[leaf].element)) == as_bytes(b.footer.at(b.footer.leaves[other].element))
        and a.footer.has_arrow_schema == b.footer.has_arrow_schema
        and a.created_by == b.created_by
    )

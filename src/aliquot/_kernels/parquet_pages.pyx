"""The pages of column chunks, below the level at which pyarrow reads Parquet."""

from libc.stdint cimport int64_t, uint8_t
from libcpp.memory cimport make_unique, unique_ptr

from aliquot._kernels.parquet_footer cimport Footer, as_span, column_chunk
from aliquot._kernels.parquet_text cimport room
from aliquot._kernels.random cimport const_int64_t, span

import numpy as np


cdef vector[segment] segments_of(list parts) except *:
    """Parts of a file, (first byte, bytes), that somebody else holds."""
    cdef vector[segment] out
    cdef segment part
    for base, data in parts:
        part.base = base
        part.bytes = as_span(data)
        out.push_back(part)
    return out


cdef span[const_int64_t] slice_of(const int64_t[::1] rows, const int64_t[::1] cuts, size_t group) noexcept nogil:
    """The rows of one row group, where the cuts are sound."""
    cdef int64_t size = cuts[group + 1] - cuts[group]
    return span[const_int64_t](&rows[cuts[group]], size) if size > 0 else span[const_int64_t]()


cdef check_cuts(const int64_t[::1] rows, const int64_t[::1] cuts, size_t groups):
    """IndexError unless the cuts are those of all rows by row group."""
    cdef bint sound = <size_t> cuts.shape[0] == groups + 1 and cuts[0] == 0 and cuts[groups] == rows.shape[0]
    for i in range(cuts.shape[0] - 1):
        sound = sound and cuts[i] <= cuts[i + 1]
    if not sound:
        raise IndexError("cuts: must divide the rows among the row groups, got others")


cdef class Pages:
    """The pages of some columns in some row groups of one file: of column chunks, numbered row group by row group.

    ``leaves`` are the columns, negative where only an ordinary reader may find the pages. ``limit`` is where in the
    file all pages have ended. Arrays are of shape (row groups, columns).
    """

    def __cinit__(self, Footer footer, groups, leaves, int64_t limit):
        cdef const column_chunk* chunk
        self.footer = footer
        self.leaves = leaves
        self.shape = len(groups), len(leaves)
        self.limit = limit
        self.chunks.assign(len(groups) * len(leaves), NULL)
        self.tables.resize(self.chunks.size())
        self.hits.resize(self.chunks.size())
        self.row_places.resize(self.chunks.size())
        cdef size_t at = 0
        cdef int64_t unclaimed = limit  # column chunks that claim one stretch could list its pages once for each
        for group in groups:
            for leaf in leaves:
                if leaf >= 0:
                    chunk = self.chunks[at] = footer.chunk(group, leaf)
                    is_here = footer.footer.leaves[<size_t> leaf].flat and not (chunk.elsewhere or chunk.encrypted)
                    if is_here and chunk.compressed <= unclaimed:
                        unclaimed -= chunk.compressed
                        self.tables[at] = page_table(chunk[0], footer.footer.group_rows[<size_t> group], limit)
                at += 1

    @property
    def fits(self):
        """Whether the pages may be found."""
        return self.shaped([table.fits() for table in self.tables], np.bool_)

    @property
    def num_pages(self):
        return self.shaped([table.pages().size() for table in self.tables], np.int64)

    @property
    def num_hits(self):
        """Pages hit."""
        return self.shaped([hits.size() for hits in self.hits], np.int64)

    @property
    def hit_bytes(self):
        """Bytes of the pages hit."""
        return self.shaped([self.bytes_hit(at) for at in range(self.tables.size())], np.int64)

    @property
    def dictionary_bytes(self):
        """Bytes before the first page, where the dictionary page is."""
        return self.shaped([table.dictionary_end() - table.first() for table in self.tables], np.int64)

    def extent(self, size_t at):
        """First byte of a column chunk and the one after its last."""
        return self.table(at).first(), self.table(at).end()

    def dictionary_extent(self, size_t at):
        """Where the dictionary page is, and before its start or end nothing else."""
        return self.table(at).first(), self.table(at).dictionary_end()

    def index_extents(self, const int64_t[::1] numbers):
        """Where the OffsetIndexes of column chunks are, if there are any: (first byte, the one after the last)."""
        cdef size_t at
        return sorted([
            (self.chunks[at].index_offset, self.chunks[at].index_offset + self.chunks[at].index_length)
            for at in numbers if self.has_index(at)
        ])

    def load(self, const int64_t[::1] numbers, list segments):
        """Take pages from OffsetIndexes, out of segments: 1 for each that is sound, -1 if not, 0 if there is none."""
        cdef vector[segment] parts = segments_of(segments)
        cdef unique_ptr[file_ranges] known = make_unique[file_ranges](
            span[const_segment](parts.data(), parts.size()), -1
        )
        cdef signed char[::1] out = np.zeros(len(numbers), np.int8)
        cdef room memory
        cdef const column_chunk* chunk
        cdef byte_span index
        cdef bint sound
        for i in range(<size_t> len(numbers)):
            if not self.has_index(numbers[i]):
                continue
            chunk = self.chunks[numbers[i]]
            with nogil:  # one thread at a time owns this object, and the caller holds the segments
                index = known.get().get(chunk.index_offset, chunk.index_offset + chunk.index_length, memory)
                sound = self.tables[numbers[i]].load(index)
            out[i] = 1 if sound else -1
        return np.asarray(out)

    def count(self, size_t at):
        return self.table(at).pages().size()

    def next(self, size_t at):
        """Where in the file ``walk`` goes on."""
        return self.table(at).next()

    def walk(self, size_t at, const uint8_t[::1] window):
        """Find pages by their headers in bytes of the file from ``next`` on: True once all are found.

        False if more bytes are wanted, None if there is no way to find them.
        """
        cdef page_table* table = self.table(at)
        cdef segment here
        here.base = table.next()
        here.bytes = as_span(window)
        cdef status found
        with nogil:  # as above
            found = table.walk(here)
        return None if found == status.malformed else found == status.good

    def find(self, const int64_t[::1] numbers, const int64_t[::1] rows, const int64_t[::1] cuts):
        """Find the pages hit: of rows, ascending, ``cuts[i]`` to ``cuts[i + 1]`` of which are of row group ``i``."""
        cdef span[const_int64_t] own
        cdef page_table* table
        cdef size_t at
        check_cuts(rows, cuts, self.shape[0])
        for at in numbers:
            table = self.table(at)
            self.hits[at].clear()
            own = slice_of(rows, cuts, at // <size_t> self.shape[1])
            if own.size() and (own[0] < 0 or own[own.size() - 1] >= table.num_rows()):
                raise IndexError("rows: must be in the row group, got others")
            self.row_places[at].resize(own.size())
            with nogil:  # as above
                self.hits[at] = hit_pages(table[0], own, span[int64_t](self.row_places[at].data(), own.size()))

    def places(self, size_t at):
        """The position of each row found among the rows of the pages hit, int64."""
        self.table(at)
        return np.array(self.row_places[at], np.int64)

    def stretches(self, size_t at, int64_t gap):
        """Pages hit, as (first byte, the one after the last), joined where at most ``gap`` bytes lie between two."""
        cdef const page_table* table = self.table(at)
        cdef span[const_int64_t] hits = span[const_int64_t](self.hits[at].data(), self.hits[at].size())
        cdef page_run here
        out = []
        while here.end_hit < hits.size():
            here = page_run_from(table[0], hits, here.end_hit, gap)
            out.append((here.begin, here.end))
        return out

    cdef page_table* table(self, size_t at) except NULL:
        if at >= self.tables.size():
            raise IndexError(f"number: must be of a column chunk, got {at}")
        return &self.tables[at]

    cdef bint has_index(self, size_t at) except -1:
        self.table(at)
        cdef const column_chunk* chunk = self.chunks[at]
        return chunk != NULL and chunk.index_offset > 0 and 0 < chunk.index_length <= self.limit - chunk.index_offset

    cdef int64_t bytes_hit(self, size_t at) noexcept:
        cdef int64_t total = 0
        for hit in self.hits[at]:
            total += self.tables[at].pages()[hit].size
        return total

    cdef shaped(self, list values, kind):
        return np.array(values, kind).reshape(self.shape)

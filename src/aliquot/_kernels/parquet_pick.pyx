"""Values of single rows out of Parquet pages, without decoding the rows between them."""

from libc.stdint cimport int64_t
from libcpp.memory cimport make_unique, unique_ptr
from libcpp.vector cimport vector

from aliquot._kernels.parquet_mini cimport column_of, mini_column, mini_file, mini_pages, plain_encodings
from aliquot._kernels.parquet_footer cimport byte_span, same_kind, statistics_of
from aliquot._kernels.parquet_pages cimport (
    Pages, check_cuts, const_segment, dictionary_in, file_ranges, page_header, page_in, page_run, page_run_from,
    page_table, segment, segments_of, slice_of,
)
from aliquot._kernels.parquet_text cimport Text
from aliquot._kernels.random cimport const_int64_t, span


cdef class Picker:
    """The values of some rows of one column, counted among those of ``pages``: row group by row group."""

    def __cinit__(self, Pages pages, size_t column):
        if column >= <size_t> pages.shape[1] or pages.leaves[column] < 0:
            raise IndexError(f"column: must be one that is not nested, got {column}")
        self.pages = pages
        self.column = column
        self.leaf = pages.leaves[column]
        self.values = make_unique[value_picker](pages.footer.footer.leaves[self.leaf])

    @property
    def fits(self):
        """Whether single values of such a column can be picked."""
        cdef size_t columns = self.pages.shape[1]
        if not self.values.get().fits():
            return False
        for at in range(self.column, self.pages.chunks.size(), columns):
            if self.pages.chunks[at].physical != self.pages.footer.footer.leaves[self.leaf].physical:
                return False
            if not may_pick(self.pages.footer.footer, self.pages.chunks[at][0]):
                return False
        return True

    @property
    def size(self):
        """Bytes picked."""
        return self.values.get().size()

    def pick(
        self,
        const int64_t[::1] rows,
        const int64_t[::1] cuts,
        list known,
        int descriptor,
        int64_t gap,
        Text page,
        Text of_dictionary,
    ):
        """Pick the rows for which pages were found out of a file of which segments, (first byte, bytes), are known.

        Others are read by the descriptor, unless it is -1, and with them what lies between pages that are at most
        ``gap`` bytes apart. Data pages are taken into ``page``, one after the other, and the dictionary page into
        ``of_dictionary``. False where a page has to be left to an ordinary reader: then nothing else may be asked.
        """
        cdef vector[segment] parts = segments_of(known)
        cdef unique_ptr[file_ranges] file = make_unique[file_ranges](
            span[const_segment](parts.data(), parts.size()), descriptor
        )
        cdef size_t columns = self.pages.shape[1]
        cdef size_t groups = self.pages.shape[0]
        cdef bint good = True
        cdef size_t i
        check_cuts(rows, cuts, groups)
        with nogil:  # one thread at a time owns these objects, and the caller holds what is known
            for i in range(groups):
                good = good and self.pick_all(
                    i * columns + self.column, slice_of(rows, cuts, i), file.get(), gap, page, of_dictionary
                )
                self.values.get().forget_dictionary()
        self.bytes_read = file.get().count()
        return good

    def pick_constant(self):
        """Pick one row if statistics say that all rows of the first row group hold the same: whether they do."""
        return self.values.get().pick_constant(
            statistics_of(self.pages.footer.footer, self.pages.chunks[self.column][0]),
            self.pages.chunks[self.column].physical,
            self.pages.chunks[self.column].num_values,
        )

    cdef bint pick_all(
        self, size_t at, span[const_int64_t] rows, file_ranges* file, int64_t gap, Text text, Text of_dictionary
    ) except -1 nogil:
        """Those of one row group."""
        cdef const page_table* table = &self.pages.tables[at]
        cdef value_picker* values = self.values.get()
        cdef span[const_int64_t] hits = span[const_int64_t](self.pages.hits[at].data(), self.pages.hits[at].size())
        cdef size_t first = 0
        cdef size_t last
        cdef page_run here
        cdef segment read
        cdef byte_span page
        cdef byte_span levels
        cdef page_header head
        cdef size_t apart
        cdef size_t hit
        cdef int64_t start
        read.base = 0
        for i in range(hits.size()):
            if i >= here.end_hit:
                here = page_run_from(table[0], hits, i, gap)
                read.base = here.begin
                read.bytes = file.get(here.begin, here.end, text.read)
            hit = hits[i]
            if not page_in(table[0], hit, read, page, head) or not values.fits(head):
                return False
            if head.in_codes() and not values.has_dictionary() and not self.load_dictionary(at, file, of_dictionary):
                return False
            apart = values.levels_apart(head)
            if <int64_t> apart > head.compressed or <int64_t> apart > head.uncompressed:
                return False
            levels = byte_span(page.data() + head.size, apart)
            if not text.take(
                self.pages.chunks[at].codec if head.is_compressed else 0,
                byte_span(page.data() + head.size + apart, head.compressed - apart),
                head.uncompressed - apart,
            ):
                return False
            start = table.pages()[hit].first_row
            last = first
            while last < rows.size() and rows[last] < start + table.rows_of(hit):
                last += 1
            if not values.pick(
                head, levels, text.text[0], span[const_int64_t](rows.data() + first, last - first), start
            ):
                return False
            first = last
        return first == rows.size()

    cdef bint load_dictionary(self, size_t at, file_ranges* file, Text text) except -1 nogil:
        cdef const page_table* table = &self.pages.tables[at]
        cdef byte_span page
        cdef page_header head
        if table.dictionary_end() <= table.first():
            return False
        if not dictionary_in(file.get(table.first(), table.dictionary_end(), text.read), page, head):
            return False
        cdef byte_span body = byte_span(page.data() + head.size, page.size() - head.size)
        return (
            text.take(self.pages.chunks[at].codec, body, head.uncompressed)
            and self.values.get().set_dictionary(text.text[0], head.num_values)
        )

    def continues(self, Picker other):
        """Whether a page of what this one has picked may follow one of the other's: columns of one type in all."""
        return same_kind(self.pages.footer, self.leaf, other.pages.footer, other.leaf)


def picked_file(list columns, bytes arrow_schema):
    """A Parquet file of what was picked: of each column, one picker after the other; as many rows of each column."""
    cdef vector[mini_pages] mini
    cdef vector[mini_column] described
    cdef mini_column column
    cdef Picker each
    mini.resize(len(columns))
    for i, pickers in enumerate(columns):
        for each in pickers:
            each.page = each.values.get().page()
            mini[i].parts.push_back(byte_span(each.page.data(), each.page.size()))
            mini[i].num_rows += each.values.get().num_rows()
            mini[i].uncompressed += each.page.size()
        each = pickers[0]
        column = column_of(each.pages, each.column, &mini[i])
        column.codec = 0
        column.encodings = plain_encodings
        described.push_back(column)
    return mini_file(described, (<Picker> columns[0][0]).pages.footer, arrow_schema)

"""Values of single rows out of Parquet pages, without decoding the rows between them."""

from libc.stdint cimport int64_t
from libcpp.memory cimport make_unique, unique_ptr
from libcpp.vector cimport vector

from aliquot._kernels.parquet_mini cimport column_of, mini_column, mini_file, mini_pages, plain_encodings
from aliquot._kernels.parquet_pages cimport (
    Pages, byte_span, const_segment, dictionary_in, page_header, page_in, page_run, page_run_from, page_table,
    same_kind, segment, segments_of, statistics_of,
)
from aliquot._kernels.parquet_text cimport Text
from aliquot._kernels.random cimport const_int64_t, span


cdef class Picker:
    """The values of some rows of one column, ``pages`` of which are known."""

    def __cinit__(self, Pages pages):
        self.pages = pages
        self.values = make_unique[value_picker](pages.footer.footer.leaves[pages.leaf])

    @property
    def fits(self):
        """Whether single values of such a column can be picked."""
        return self.values.get().fits() and (
            self.pages.chunk.physical == self.pages.footer.footer.leaves[self.pages.leaf].physical
        )

    @property
    def size(self):
        """Bytes picked."""
        return self.values.get().size()

    def pick(
        self, const int64_t[::1] rows, list known, int descriptor, int64_t gap, Text page, Text of_dictionary
    ):
        """Pick these rows, for which pages were found, out of a file of which segments, (first byte, bytes), are known.

        Others are read by the descriptor, unless it is -1, and with them what lies between pages that are at most
        ``gap`` bytes apart. Data pages are taken into ``page``, one after the other, and the dictionary page into
        ``of_dictionary``. False where a page has to be left to an ordinary reader: then nothing else may be asked.
        """
        cdef vector[segment] parts = segments_of(known)
        cdef unique_ptr[file_ranges] file = make_unique[file_ranges](
            span[const_segment](parts.data(), parts.size()), descriptor
        )
        cdef bint good
        with nogil:  # one thread at a time owns these objects, and the caller holds what is known
            good = self.pick_all(
                span[const_int64_t](&rows[0], rows.shape[0]) if rows.shape[0] else span[const_int64_t](),
                file.get(),
                gap,
                page,
                of_dictionary,
            )
        self.bytes_read = file.get().count()
        self.values.get().forget_dictionary()
        return good

    def pick_constant(self):
        """Pick one row if statistics say that all rows hold the same: whether they do."""
        return self.values.get().pick_constant(
            statistics_of(self.pages.footer.footer, self.pages.chunk[0]),
            self.pages.chunk.physical,
            self.pages.chunk.num_values,
        )

    cdef bint pick_all(
        self, span[const_int64_t] rows, file_ranges* file, int64_t gap, Text text, Text of_dictionary
    ) except -1 nogil:
        cdef const page_table* table = self.pages.table.get()
        cdef value_picker* values = self.values.get()
        cdef span[const_int64_t] hits = span[const_int64_t](self.pages.hits.data(), self.pages.hits.size())
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
        if not may_pick(self.pages.footer.footer, self.pages.chunk[0]):
            return False
        for i in range(hits.size()):
            if i >= here.end_hit:
                here = page_run_from(table[0], hits, i, gap)
                read.base = here.begin
                read.bytes = file.get(here.begin, here.end, text.read)
            hit = hits[i]
            if not page_in(table[0], hit, read, page, head) or not values.fits(head):
                return False
            if head.in_codes() and not values.has_dictionary() and not self.load_dictionary(file, of_dictionary):
                return False
            apart = values.levels_apart(head)
            if <int64_t> apart > head.compressed or <int64_t> apart > head.uncompressed:
                return False
            levels = byte_span(page.data() + head.size, apart)
            if not text.take(
                self.pages.chunk.codec if head.is_compressed else 0,
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

    cdef bint load_dictionary(self, file_ranges* file, Text text) except -1 nogil:
        cdef const page_table* table = self.pages.table.get()
        cdef byte_span page
        cdef page_header head
        if table.dictionary_end() <= table.first():
            return False
        if not dictionary_in(file.get(table.first(), table.dictionary_end(), text.read), page, head):
            return False
        cdef byte_span body = byte_span(page.data() + head.size, page.size() - head.size)
        return (
            text.take(self.pages.chunk.codec, body, head.uncompressed)
            and self.values.get().set_dictionary(text.text[0], head.num_values)
        )

    def continues(self, Picker other):
        """Whether a page of what this one has picked may follow one of the other's: columns of one type in all."""
        return same_kind(self.pages, other.pages)


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
        column = column_of(each.pages, &mini[i])
        column.codec = 0
        column.encodings = plain_encodings
        described.push_back(column)
    return mini_file(described, (<Picker> columns[0][0]).pages.footer, arrow_schema)

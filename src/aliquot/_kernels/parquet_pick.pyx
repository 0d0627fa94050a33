"""Values of single rows out of Parquet pages, without decoding the rows between them."""

from libc.stdint cimport int64_t, uint8_t
from libcpp.memory cimport make_unique
from libcpp.vector cimport vector

from aliquot._kernels.parquet_mini cimport column_of, mini_column, mini_file, mini_pages, plain_encodings
from aliquot._kernels.parquet_pages cimport (
    Pages, as_span, byte_span, dictionary_in, page_header, page_in, same_kind, segment, statistics_of,
)
from aliquot._kernels.parquet_text cimport Text
from aliquot._kernels.random cimport const_int64_t, span


cdef bint open_text(Text text, int64_t codec, byte_span body, int64_t size) except -1:
    """Begin with a page: whether it can be had."""
    return text.open(codec, <const uint8_t[:body.size()]> <uint8_t*> body.data() if body.size() else b"", size)


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

    def pick(self, const int64_t[::1] rows, list segments, Text page, dictionary, Text of_dictionary):
        """Pick these rows, for which pages were found, out of segments, (first byte, bytes), that hold these pages.

        Data pages are taken into ``page``, one after the other, and the dictionary page into ``of_dictionary``;
        ``dictionary()`` gives bytes that begin with it. False where a page has to be left to an ordinary reader: then
        nothing else may be asked.
        """
        cdef bint good = self.pick_all(rows, segments, page, dictionary, of_dictionary)
        self.values.get().forget_dictionary()
        self.dictionary = None
        return good

    def pick_constant(self):
        """Pick one row if statistics say that all rows hold the same: whether they do."""
        return self.values.get().pick_constant(
            statistics_of(self.pages.footer.footer, self.pages.chunk[0]),
            self.pages.chunk.physical,
            self.pages.chunk.num_values,
        )

    cdef bint pick_all(
        self, const int64_t[::1] rows, list segments, Text text, dictionary, Text of_dictionary
    ) except -1:
        cdef Py_ssize_t at = 0
        cdef Py_ssize_t first = 0
        cdef Py_ssize_t last
        cdef segment here
        cdef byte_span page
        cdef byte_span levels
        cdef page_header head
        cdef int64_t offset
        cdef int64_t start
        cdef int64_t end
        cdef size_t apart
        cdef bint good
        for hit in self.pages.hits:
            offset = self.pages.table.get().pages()[hit].offset
            start = self.pages.table.get().pages()[hit].first_row
            end = start + self.pages.table.get().rows_of(hit)
            while at < len(segments) and segments[at][0] + len(segments[at][1]) <= offset:
                at += 1
            if at == len(segments):
                return False
            here.base = segments[at][0]
            here.bytes = as_span(segments[at][1])
            if not page_in(self.pages.table.get()[0], hit, here, page, head) or not self.values.get().fits(head):
                return False
            if head.in_codes() and not self.values.get().has_dictionary():
                if not self.load_dictionary(dictionary(), of_dictionary):
                    return False
            apart = self.values.get().levels_apart(head)
            if <int64_t> apart > head.compressed or <int64_t> apart > head.uncompressed:
                return False
            levels = byte_span(page.data() + head.size, apart)
            if not open_text(
                text,
                self.pages.chunk.codec if head.is_compressed else 0,
                byte_span(page.data() + head.size + apart, head.compressed - apart),
                head.uncompressed - apart,
            ):
                return False
            last = first
            while last < rows.shape[0] and rows[last] < end:
                last += 1
            with nogil:  # one thread at a time owns these objects, and the buffers are held here
                good = self.values.get().pick(
                    head, levels, text.text[0], span[const_int64_t](&rows[first], last - first), start
                )
            if not good:
                return False
            first = last
        return first == rows.shape[0]

    cdef bint load_dictionary(self, const uint8_t[::1] data, Text text) except -1:
        cdef byte_span page
        cdef page_header head
        if not dictionary_in(as_span(data), page, head):
            return False
        self.dictionary = data  # of which the text may be a part
        body = byte_span(page.data() + head.size, page.size() - head.size)
        if not open_text(text, self.pages.chunk.codec, body, head.uncompressed):
            return False
        return self.values.get().set_dictionary(text.text[0], head.num_values)

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

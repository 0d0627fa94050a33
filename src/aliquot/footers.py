"""Footers of Parquet files: read in one go, kept while there is room, compared when rows are read."""

import base64
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from aliquot._arrow import remembered
from aliquot._files import FilePart
from aliquot._kernels.parquet_footer import Footer
from aliquot.ranges import Ranges, Segment

TAIL_BYTES = 65_536
"""Read at first from the end of a file, as pyarrow does: most footers fit, and often the page index before them."""

CHECKED_BYTES = 4096
"""Of the end of a file, read again with its rows: it says where the last row group is, behind all others."""

LARGEST_FOOTER = 128 << 20
"""Bytes; what is parsed of a footer takes at most twelve times as much. pyarrow's own limits lie below."""

KEPT_BYTES = 64 << 20
"""Of footers that are kept: those of thousands of files, but for very wide ones."""


@dataclass(frozen=True)
class ParquetPart:
    """What the footer of one file says, and where its rows stand in the source."""

    file: FilePart
    size: int
    modified_ns: int | None
    group_rows: NDArray[np.int64] = field(repr=False)
    schema: pa.Schema = field(repr=False)
    footer_bytes: int = 0

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """The first row of each row group, and the one after the last."""
        return np.cumsum([0, *self.group_rows])

    @property
    def num_rows(self) -> int:
        return int(self.bounds[-1])

    @cached_property
    def kinds(self) -> dict[str, pa.DataType]:
        """The types of the columns."""
        return dict(zip(self.schema.names, self.schema.types, strict=True))


class Layout:
    """What the footer of one file says, parsed once for all its row groups."""

    def __init__(self, file: FilePart) -> None:
        with Ranges(file) as source:
            size = source.size()
            tail = source.read_as_it_is(max(size - TAIL_BYTES, 0), size)
            length = int.from_bytes(tail[-8:-4], "little")
            if len(tail) < 12 or tail[-4:] != b"PAR1" or length > size - 12:
                raise ValueError("must be a readable Parquet file, got no footer at its end")
            if length > LARGEST_FOOTER:
                raise ValueError(f"must have a footer of at most {LARGEST_FOOTER} bytes, got {length}")
            if length + 8 > len(tail):
                tail = source.read_as_it_is(size - length - 8, size)
        self.file = file
        self.end: Segment = (size - len(tail), tail)
        self.tail: bytes = tail[-length - 8 :]
        self.start = size - length - 8
        self.footer = Footer(self.tail[:-8])
        self.group_rows = self.footer.group_rows
        self.leaves: dict[str, list[int]] = defaultdict(list)
        self._column_bytes: dict[str, NDArray[np.int64]] = {}  # of those asked for, in each row group
        self._flat = []
        for i, (name, is_flat) in enumerate(self.footer.leaves()):
            self.leaves[name].append(i)
            self._flat.append(is_flat)

    @cached_property
    def metadata(self) -> pq.FileMetaData:
        """The same as pyarrow wants it."""
        return pq.read_metadata(pa.BufferReader(self.tail))

    def flat_leaf(self, name: str) -> int:
        """The leaf that is this column; -1 if it is nested."""
        leaves = self.leaves.get(name, [])
        return leaves[0] if len(leaves) == 1 and self._flat[leaves[0]] else -1

    @cached_property
    def _compressed(self) -> NDArray[np.int64]:
        return self.footer.compressed()

    def bytes_of(self, groups: Sequence[int], names: Sequence[str]) -> NDArray[np.int64]:
        """Bytes of whole columns of row groups, of shape (row groups, columns)."""
        for name in names:
            if name not in self._column_bytes:
                self._column_bytes[name] = self._compressed[:, self.leaves.get(name, [])].sum(axis=1)
        of_names = np.array([self._column_bytes[name] for name in names], np.int64)
        return of_names.reshape(len(names), len(self.group_rows)).T[groups]

    def unread_bytes(self, groups: Sequence[int], names: Iterable[str]) -> int:
        """Bytes of whole columns of row groups, but for those that came along with the footer."""
        there = self.end[0]
        leaves = [leaf for name in names for leaf in self.leaves.get(name, [])]
        return sum(
            max(min(self.footer.sizes(group, leaf)[1], there - self.footer.start(group, leaf)), 0)
            for group in groups
            for leaf in leaves
        )

    def arrow_schema(self, schema: pa.Schema) -> bytes:
        """What makes pyarrow read a file of these columns as these types, where the file had such a thing."""
        if not self.footer.has_arrow_schema:
            return b""
        return _as_stored(schema)

    def check_same(self, source: Ranges) -> None:
        """ValueError if the file, opened again, ends otherwise."""
        tail = self.tail[-CHECKED_BYTES:]
        size = self.start + len(self.tail)
        if source.size() != size or source.read_as_it_is(size - len(tail), size) != tail:
            raise ValueError("must not change while it is read, got another footer")


@remembered
def _as_stored(schema: pa.Schema) -> bytes:
    return base64.b64encode(schema.serialize())


class Layouts:
    """The layouts of files, each read again if it had to make room."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Layout] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def add(self, layout: Layout) -> None:
        """Keep a layout, and forget the oldest where all are too large."""
        with self._lock:
            if layout.file.path not in self._kept:
                self._kept[layout.file.path] = layout
                self._bytes += len(layout.end[1])
            while self._bytes > KEPT_BYTES and len(self._kept) > 1:
                self._bytes -= len(self._kept.popitem(last=False)[1].end[1])

    def of(self, part: ParquetPart) -> Layout:
        """The layout of a file, whose rows may not have changed."""
        layout = self._kept.get(part.file.path)
        if layout is None:
            layout = Layout(part.file)
            if not np.array_equal(layout.group_rows, part.group_rows):
                raise ValueError("must not change while it is read, got another row count")
            self.add(layout)
        return layout


def check_unchanged(part: ParquetPart) -> None:
    """ValueError if a file is not as large or as old as it was."""
    size, modified_ns = part.file.stamp()
    if (size, modified_ns) != (part.size, part.modified_ns):
        raise ValueError(
            f"{part.file.path}: must not change while it is read, got {size} bytes for {part.size}, or another "
            "modification time"
        )


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Say in which file reading went wrong."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: must be there, got no such file") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        if reason[0].startswith(("must ", path)):
            raise ValueError(f"{path}: {reason[0]}" if reason[0].startswith("must ") else reason[0]) from error
        raise ValueError(f"{path}: must be a readable Parquet file, got {reason[0]}") from error

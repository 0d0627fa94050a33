"""Rows of a row group from the pages that hold them, one flat column at a time.

The pages are copied into a Parquet file in memory, which pyarrow decodes like any other.
"""

import base64
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._files import FilePart
from aliquot._kernels.parquet_pages import Footer, Pages

TAIL_BYTES = 65_536
"""Read at first from the end of a file, as pyarrow does: most footers fit."""

HEADER_BYTES = 512
"""Read at first for a page header: most fit, but for statistics of long strings."""

WINDOW_BYTES = 131_072
"""Read to find the headers of small pages."""

SMALL_PAGE = 16_384
"""Pages of fewer bytes are hopped over in windows: a read call costs about what copying 16 KiB does."""

LOCAL_GAP = 16_384
"""Bytes between two pages that are read along rather than skipped, for the same reason."""

REMOTE_GAP = 1_048_576
"""The same where a request takes tens of milliseconds, in which a connection carries about this much."""

DECODED_ROWS = 65_536
"""Rows decoded at a time."""


class Bytes:
    """The bytes of an open file, counted as they are read."""

    def __init__(self, handle: pa.NativeFile, filesystem: pafs.FileSystem) -> None:
        self._handle = handle
        self._held: tuple[int, bytes] = (0, b"")
        self.is_local = isinstance(filesystem, pafs.LocalFileSystem)
        self.count = 0

    def read(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` to ``end``."""
        base, held = self._held
        if base <= start and end <= base + len(held):
            return held[start - base : end - base]
        found: bytes = self._handle.read_at(end - start, start)
        if len(found) != end - start:
            raise ValueError(f"must be a readable Parquet file, got {len(found)} for {end - start} bytes at {start}")
        self.count += len(found)
        return found

    def hold(self, start: int, end: int) -> None:
        """Read bytes once for all reads between these ends."""
        self._held = start, self.read(start, end)


class Layout:
    """What the footer of one file says, parsed once for all its row groups."""

    def __init__(self, file: FilePart) -> None:
        with file.open() as handle:
            size = handle.size()
            tail = handle.read_at(min(size, TAIL_BYTES), max(size - TAIL_BYTES, 0))
            length = int.from_bytes(tail[-8:-4], "little")
            if len(tail) < 12 or tail[-4:] != b"PAR1" or length > size - 12:
                raise ValueError("must be a readable Parquet file, got no footer at its end")
            if length + 8 > len(tail):
                tail = handle.read_at(length + 8, size - length - 8)
        self.tail = tail[-length - 8 :]
        self.start = size - length - 8
        self.footer = Footer(self.tail[:-8])
        self.group_rows = self.footer.group_rows
        self.leaves: dict[str, list[int]] = defaultdict(list)
        self._flat = []
        for i, (name, is_flat) in enumerate(self.footer.leaves()):
            self.leaves[name].append(i)
            self._flat.append(is_flat)
        self._arrow_schemas: dict[str, bytes] = {}

    def flat_leaf(self, name: str) -> int | None:
        """The leaf that is this column, if it is not nested."""
        leaves = self.leaves.get(name, [])
        return leaves[0] if len(leaves) == 1 and self._flat[leaves[0]] else None

    def arrow_schema(self, name: str, kind: pa.DataType) -> bytes:
        """What makes pyarrow read a file of this column as this type, where the file had such a thing."""
        if not self.footer.has_arrow_schema:
            return b""
        if name not in self._arrow_schemas:
            serialized = pa.schema([pa.field(name, kind)]).serialize()
            self._arrow_schemas[name] = base64.b64encode(serialized)
        return self._arrow_schemas[name]


LARGEST_SHARE = 0.9
"""Of a column chunk's bytes in hit pages, above which the whole is read."""


def worth_reading(hit_bytes: int, chunk_bytes: int) -> bool:
    """Whether hit pages are read, rather than the whole column chunk the ordinary way."""
    return hit_bytes <= LARGEST_SHARE * chunk_bytes


def read_column(
    source: Bytes, layout: Layout, group: int, name: str, kind: pa.DataType, rows: _arrow.Positions
) -> pa.Array | None:
    """These rows of a column of a row group, ascending, repeats allowed; None where only an ordinary read serves."""
    leaf = layout.flat_leaf(name)
    if leaf is None:
        return None
    pages = Pages(layout.footer, group, leaf, layout.start)
    if not pages.fits or not _find_pages(source, pages):
        return None
    hits, places = pages.hits(rows)
    extents = pages.extents(hits)
    first, last = pages.extent
    if not worth_reading(int((extents[:, 1] - extents[:, 0]).sum()), last - first):
        return None
    gap = LOCAL_GAP if source.is_local else REMOTE_GAP
    segments = [(start, source.read(start, end)) for start, end in coalesce(extents, gap)]
    in_codes = pages.gather(hits, segments)
    if in_codes is None:
        return None
    dictionary = source.read(*pages.dictionary_extent) if in_codes else b""
    mini = pages.mini_file(dictionary, layout.arrow_schema(name, kind))
    if mini is None:
        return None
    stay_coded = pages.all_in_codes and (pa.types.is_string(kind) or pa.types.is_large_string(kind))
    try:
        return _decode(mini, name, kind, places, stay_coded)
    except (pa.ArrowException, OSError, ValueError):
        return None  # the ordinary way may know better, or says what is wrong


def coalesce(extents: NDArray[np.int64], gap: int) -> list[tuple[int, int]]:
    """Ascending stretches of bytes as fewer, joined where at most ``gap`` bytes lie between two."""
    apart = np.flatnonzero(extents[1:, 0] - extents[:-1, 1] > gap)
    starts = extents[np.concatenate(([0], apart + 1)), 0]
    ends = extents[np.concatenate((apart, [len(extents) - 1])), 1]
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _find_pages(source: Bytes, pages: Pages) -> bool:
    if pages.index_range is not None:
        at, size = pages.index_range
        return pages.load(source.read(at, at + size))
    end = pages.extent[1]
    if not source.is_local:
        source.hold(*pages.extent)
        return bool(pages.walk(source.read(*pages.extent)))
    size = HEADER_BYTES
    while True:
        at, known = pages.next, len(pages)
        found = pages.walk(source.read(at, min(at + size, end)))
        if found is not False:
            return bool(found)
        if pages.next == at:
            size *= 8
        else:
            size = WINDOW_BYTES if pages.next - at < SMALL_PAGE * (len(pages) - known) else HEADER_BYTES


def _decode(mini: bytes, name: str, kind: pa.DataType, places: _arrow.Positions, stay_coded: bool) -> pa.Array | None:
    """The values at these places of the one column of a file in memory."""
    file = pq.ParquetFile(pa.BufferReader(mini), read_dictionary=[name] if stay_coded else None)
    schema = pa.schema([(name, kind)])
    taken: list[pa.RecordBatch] = []
    start = 0
    for batch in file.iter_batches(DECODED_ROWS, use_threads=False):
        first, last = np.searchsorted(places, [start, start + batch.num_rows])
        if last > first:
            column = _arrow.take(batch.column(0), places[first:last] - start)
            if stay_coded and pa.types.is_dictionary(column.type):
                column = column.dictionary_decode().cast(kind)
            if column.type != kind:
                return None
            taken.append(_arrow.with_own_dictionaries(pa.RecordBatch.from_arrays([column], schema=schema)))
        start += batch.num_rows
    joined = _arrow.consolidate(taken, schema)
    return joined[0].column(0) if len(joined) == 1 and len(joined[0]) == len(places) else None

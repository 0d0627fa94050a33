"""Rows of a row group from the pages that hold them, of flat columns.

Values are picked out of pages and written, as plain as can be, into a Parquet file in memory, which pyarrow decodes as
any other, as it knows what they mean. Pages of encodings in which no value stands by itself are copied whole into such
a file.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._kernels.parquet_mini import MiniFile
from aliquot._kernels.parquet_pages import Pages
from aliquot._kernels.parquet_pick import Picker, picked_file
from aliquot.footers import Layout
from aliquot.plan import GroupsPlan, Way, choose
from aliquot.ranges import Ranges, Segment

HEADER_BYTES = 512
"""Read at first for a page header: most fit, but for statistics of long strings."""

WINDOW_BYTES = 131_072
"""Read to find the headers of small pages."""

SMALL_PAGE = 16_384
"""Pages of fewer bytes are hopped over in windows: a read call costs about what copying 16 KiB does."""

LONGEST_CONSTANT = 1024
"""Bytes of a value that stands for all rows of a row group: longer ones are read, as a batch of them takes memory."""

DECODED_ROWS = 65_536
"""Rows decoded at a time."""


@dataclass(frozen=True)
class Rows:
    """Positions in their row groups, ascending: from ``cuts[i]`` to ``cuts[i + 1]`` those of the i-th row group."""

    positions: _arrow.Positions
    cuts: NDArray[np.int64]

    @classmethod
    def of(cls, groups: Sequence[_arrow.Positions]) -> "Rows":
        """Those of each row group."""
        return cls(np.concatenate(groups), np.cumsum([0, *map(len, groups)]))

    def alone(self, i: int) -> "Rows":
        """Those of one of the row groups."""
        return Rows.of([self.positions[self.cuts[i] : self.cuts[i + 1]]])

    def __len__(self) -> int:
        return len(self.positions)


def plan_columns(source: Ranges, layout: Layout, groups: Sequence[int], names: Sequence[str], rows: Rows) -> GroupsPlan:
    """How these rows are come by, column by column: at most indexes and headers are read."""
    group_rows = layout.group_rows[groups][:, None]
    counts = np.diff(rows.cuts)
    plan = GroupsPlan(
        names,
        np.full((len(groups), len(names)), Way.SCAN, np.int8),
        layout.bytes_of(groups, names),
        Pages(layout.footer, groups, [layout.flat_leaf(name) for name in names], layout.start),
    )
    wanted = plan.pages.fits & (
        choose(counts[:, None], group_rows, 0.0) == Way.PAGES
    )  # else they do, wherever they are
    numbers = np.flatnonzero(wanted)
    if not len(numbers):
        return plan
    listed = plan.pages.load(numbers, source.peek_all(plan.pages.index_extents(numbers)))
    found = numbers[listed == 1].tolist()
    for at in numbers[listed == 0].tolist():
        group = at // len(names)
        if choose(counts[group], layout.group_rows[groups[group]], 1.0) != Way.PAGES:
            continue  # where they may be anywhere, the headers could be read for nothing
        if not source.is_local:
            plan.ways.flat[at] = Way.CHUNK
        elif _walk(source, plan.pages, at):
            found.append(at)
    found = np.array(found, np.int64)
    plan.pages.find(found, rows.positions, rows.cuts)
    ways = choose(counts[:, None], group_rows, plan.pages.hit_bytes / np.maximum(plan.chunk_bytes, 1))
    plan.ways.flat[found] = ways.flat[found]
    return plan


def read_columns(
    source: Ranges, layout: Layout, plan: GroupsPlan, kinds: dict[str, pa.DataType], rows: Rows
) -> tuple[dict[str, Picker], dict[str, pa.Array]]:
    """The planned columns whose pages could be read: what was picked of them, or else them.

    Of several row groups it is all columns, picked, or none. For those in neither only an ordinary read serves.
    """
    found: dict[str, pa.Array] = {}
    pickers: dict[str, Picker] = {}
    segments = source.kept
    numbers = range(plan.ways.size)
    if not source.is_local:  # all at once, as each turn costs a wait; so does a page that asks for its dictionary
        segments = source.read_all(
            sorted(each for at in numbers for each in plan.stretches(at, source.gap) + plan.dictionary(at))
        )
    scanned = (plan.ways == Way.SCAN).any(axis=0)
    for at in np.flatnonzero(plan.ways == Way.CHUNK).tolist():
        scanned[at % len(plan.names)] |= not _locate(plan.pages, at, segments, rows)
    fitting = {
        name: picker
        for column, name in enumerate(plan.names)
        if not scanned[column] and (picker := Picker(plan.pages, column)).fits
    }
    several = len(plan.ways) > 1
    if several and len(fitting) < len(plan.names):
        return {}, {}
    for column, name in enumerate(plan.names):
        if name in fitting and _pick(source, fitting[name], segments, rows):
            pickers[name] = fitting[name]
        elif several:
            return {}, {}  # and what was read counts when it is read again
        elif not scanned[column]:
            copied = _copied(source, layout, plan, column, kinds[name], segments)
            if copied is not None:
                found[name] = copied
    source.count_more(sum(picker.bytes_read for picker in pickers.values()))
    return pickers, found


def _walk(source: Ranges, pages: Pages, at: int) -> bool:
    """Find pages of a column chunk by hopping from header to header."""
    first, end = pages.extent(at)
    size = HEADER_BYTES if end - first > SMALL_PAGE else SMALL_PAGE
    known = 0
    while True:
        start = pages.next(at)
        found = pages.walk(at, source.peek(start, min(start + size, end)))
        if found is not False:
            return bool(found)
        known, before = pages.count(at), known
        if pages.next(at) == start:
            size *= 8
        else:
            size = WINDOW_BYTES if pages.next(at) - start < SMALL_PAGE * (known - before) else HEADER_BYTES


def _locate(pages: Pages, at: int, segments: list[Segment], rows: Rows) -> bool:
    """Find the pages of a column chunk that hold the rows by all pages themselves; whether that could be done."""
    if not pages.walk(at, _cut(segments, *pages.extent(at))):
        return False
    pages.find(np.array([at]), rows.positions, rows.cuts)
    return True


def _pick(source: Ranges, picker: Picker, segments: list[Segment], rows: Rows) -> bool:
    """Pick the values of a column at its rows; whether they can be picked one by one."""
    page, dictionary = source.scratch.page, source.scratch.dictionary
    try:
        return picker.pick(rows.positions, rows.cuts, segments, source.descriptor, source.gap, page, dictionary)
    except (pa.ArrowException, OSError):
        return False


def decode_picked(
    layout: Layout, columns: dict[str, list[Picker]], kinds: dict[str, pa.DataType], num_rows: int
) -> dict[str, pa.Array]:
    """Columns of values that were picked, of each by one picker after the other, as many as could be decoded."""
    if not columns:
        return {}
    schema = pa.schema([(name, kinds[name]) for name in columns])
    try:
        file = pq.ParquetFile(pa.BufferReader(picked_file(list(columns.values()), layout.arrow_schema(schema))))
        table = file.read(use_threads=False)
    except (pa.ArrowException, OSError, ValueError):
        return {}
    found = {name: column.combine_chunks() for name, column in zip(table.column_names, table.columns, strict=True)}
    return {name: column for name, column in found.items() if column.type == kinds[name] and len(column) == num_rows}


def constant(layout: Layout, group: int, name: str, kind: pa.DataType) -> pa.Array | None:
    """One row of a column, if by the statistics of a row group all its rows are the same."""
    leaf = layout.flat_leaf(name)
    if leaf < 0 or pa.types.is_floating(kind):
        return None
    pages = Pages(layout.footer, [group], [leaf], layout.start)
    picker = Picker(pages, 0)
    if not pages.fits.all() or not picker.fits or not picker.pick_constant():
        return None
    if picker.size > LONGEST_CONSTANT:
        return None
    return decode_picked(layout, {name: [picker]}, {name: kind}, 1).get(name)


def _copied(
    source: Ranges, layout: Layout, plan: GroupsPlan, column: int, kind: pa.DataType, segments: list[Segment]
) -> pa.Array | None:
    """The rows of one column of one row group out of segments that hold its pages, which are copied."""
    mini = MiniFile(plan.pages, column)
    if source.is_local:
        segments = source.read_all(plan.stretches(column, source.gap))
    in_codes = mini.gather(segments)
    if in_codes is None:
        return None
    name = plan.names[column]
    dictionary: bytes | memoryview = b""
    if in_codes:
        start, end = plan.pages.dictionary_extent(column)
        dictionary = _cut(segments, start, end) or source.read(start, end)
    copied = mini.file(dictionary, layout.arrow_schema(pa.schema([(name, kind)])))
    if copied is None:
        return None
    stay_coded = mini.all_in_codes and (pa.types.is_string(kind) or pa.types.is_large_string(kind))
    try:
        return _decode(copied, name, kind, plan.pages.places(column), stay_coded)
    except (pa.ArrowException, OSError, ValueError):
        return None  # the ordinary way may know better, or says what is wrong


def _cut(segments: Sequence[Segment], start: int, end: int) -> bytes | memoryview:
    """Bytes of the file out of the segment that holds them; empty if none does."""
    for base, data in segments:
        if base <= start and end <= base + len(data):
            return data[start - base : end - base]
    return b""


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

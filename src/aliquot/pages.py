"""Rows of a row group from the pages that hold them, of flat columns.

Values are picked out of pages and written, as plain as can be, into a Parquet file in memory, which pyarrow decodes as
any other, as it knows what they mean. Pages of encodings in which no value stands by itself are copied whole into such
a file.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aliquot import _arrow
from aliquot._kernels.parquet_mini import MiniFile
from aliquot._kernels.parquet_pages import Pages
from aliquot._kernels.parquet_pick import Picker, picked_file
from aliquot.footers import Layout
from aliquot.plan import ColumnPlan, Way, choose
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


def plan_columns(
    source: Ranges, layout: Layout, group: int, names: Sequence[str], rows: _arrow.Positions
) -> list[ColumnPlan]:
    """How these rows of a row group, ascending, are come by, column by column: at most indexes and headers are read."""
    group_rows = int(layout.group_rows[group])
    plans = [ColumnPlan(name, Way.SCAN, layout.bytes_of(group, name)) for name in names]
    if choose(len(rows), group_rows, 0.0) is Way.SCAN:  # wherever they are
        return plans
    found = {plan.name: _pages(layout, group, plan.name) for plan in plans}
    listed = _load_indexes(source, [pages for pages in found.values() if pages is not None])
    for plan in plans:
        pages = found[plan.name]
        if pages is None or not listed.get(pages, True):
            continue
        if pages not in listed:
            if choose(len(rows), group_rows, 1.0) is Way.SCAN:
                continue  # wherever they may be: to know it would be to read the headers for nothing
            if not source.is_local:
                plan.pages, plan.way = pages, Way.CHUNK
                continue
            if not _walk(source, pages):
                continue
        plan.pages = pages
        pages.find(rows)
        first, last = pages.extent
        plan.way = choose(len(rows), group_rows, pages.hit_bytes / (last - first))
    return plans


def read_columns(
    source: Ranges, layout: Layout, plans: Sequence[ColumnPlan], kinds: dict[str, pa.DataType], rows: _arrow.Positions
) -> tuple[dict[str, Picker], dict[str, pa.Array]]:
    """The planned columns whose pages could be read: what was picked of them, or else them.

    For those that are in neither only an ordinary read serves.
    """
    found = {}
    pickers = {}
    segments = source.kept
    if not source.is_local:  # all at once, as each turn costs a wait; so does a page that asks for its dictionary
        segments = source.read_all(
            sorted(each for plan in plans for each in plan.stretches(source.gap) + plan.dictionary)
        )
    for plan in plans:
        if plan.way is Way.SCAN or not _locate(plan, segments, rows):
            continue
        picker = _pick(source, plan, segments, rows)
        if picker is not None:
            pickers[plan.name] = picker
            continue
        column = _copied(source, layout, plan, kinds[plan.name], segments)
        if column is not None:
            found[plan.name] = column
    return pickers, found


def _pages(layout: Layout, group: int, name: str) -> Pages | None:
    """The pages of a column of a row group, to be found; None if only an ordinary reader can."""
    leaf = layout.flat_leaf(name)
    pages = None if leaf is None else Pages(layout.footer, group, leaf, layout.start)
    return pages if pages is not None and pages.fits else None


def _load_indexes(source: Ranges, found: Sequence[Pages]) -> dict[Pages, bool]:
    """Those that have an OffsetIndex, and whether it is sound."""
    ranges = {pages: pages.index_range for pages in found if pages.index_range is not None}
    segments = source.read_all(sorted((at, at + size) for at, size in ranges.values()))
    return {pages: pages.load(_cut(segments, at, at + size)) for pages, (at, size) in ranges.items()}


def _walk(source: Ranges, pages: Pages) -> bool:
    """Find pages by hopping from header to header."""
    first, end = pages.extent
    size = HEADER_BYTES if end - first > SMALL_PAGE else SMALL_PAGE
    while True:
        at, known = pages.next, len(pages)
        found = pages.walk(source.peek(at, min(at + size, end)))
        if found is not False:
            return bool(found)
        if pages.next == at:
            size *= 8
        else:
            size = WINDOW_BYTES if pages.next - at < SMALL_PAGE * (len(pages) - known) else HEADER_BYTES


def _locate(plan: ColumnPlan, segments: list[Segment], rows: _arrow.Positions) -> bool:
    """Whether it is known which pages hold the rows, if need be from all pages themselves."""
    assert plan.pages is not None
    if plan.way is Way.CHUNK:
        if not plan.pages.walk(_cut(segments, *plan.pages.extent)):
            return False
        plan.pages.find(rows)
    return True


def _pick(source: Ranges, plan: ColumnPlan, segments: list[Segment], rows: _arrow.Positions) -> Picker | None:
    """The values of a column at its rows; None if they cannot be picked one by one, or not without a closer look."""
    assert plan.pages is not None
    picker = Picker(plan.pages)
    if not picker.fits:
        return None
    scratch = source.scratch
    try:
        good = picker.pick(rows, segments, source.descriptor, source.gap, scratch.page, scratch.dictionary)
    except (pa.ArrowException, OSError):
        good = False
    if not good:
        return None  # and what was read of it counts when it is read again
    source.count_more(picker.bytes_read)
    return picker


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
    pages = None if pa.types.is_floating(kind) else _pages(layout, group, name)
    picker = None if pages is None else Picker(pages)
    if picker is None or not picker.fits or not picker.pick_constant():
        return None
    if picker.size > LONGEST_CONSTANT:
        return None
    return decode_picked(layout, {name: [picker]}, {name: kind}, 1).get(name)


def _dictionary(source: Ranges, pages: Pages, segments: list[Segment]) -> bytes | memoryview:
    """Bytes that begin with the dictionary page, if there is one."""
    start, end = pages.dictionary_extent
    return _cut(segments, start, end) or source.read(start, end)


def _copied(
    source: Ranges, layout: Layout, plan: ColumnPlan, kind: pa.DataType, segments: list[Segment]
) -> pa.Array | None:
    """The rows of one column out of segments that hold its pages, which are copied."""
    pages = plan.pages
    assert pages is not None
    mini = MiniFile(pages)
    if source.is_local:
        segments = source.read_all(plan.stretches(source.gap))
    in_codes = mini.gather(segments)
    if in_codes is None:
        return None
    dictionary = _dictionary(source, pages, segments) if in_codes else b""
    copied = mini.file(dictionary, layout.arrow_schema(pa.schema([(plan.name, kind)])))
    if copied is None:
        return None
    stay_coded = mini.all_in_codes and (pa.types.is_string(kind) or pa.types.is_large_string(kind))
    try:
        return _decode(copied, plan.name, kind, pages.places, stay_coded)
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

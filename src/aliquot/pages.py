"""Rows of a row group from the pages that hold them, of flat columns.

Values are picked out of pages and written, as plain as can be, into a Parquet file in memory, which pyarrow decodes as
any other, as it knows what they mean. Pages of encodings in which no value stands by itself are copied whole into such
a file.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aliquot import _arrow
from aliquot._compression import Decompress
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

DECODED_ROWS = 65_536
"""Rows decoded at a time."""


def plan_columns(
    source: Ranges, layout: Layout, group: int, names: Sequence[str], rows: _arrow.Positions
) -> list[ColumnPlan]:
    """How these rows of a row group, ascending, are come by, column by column: at most indexes and headers are read."""
    group_rows = int(layout.group_rows[group])
    if choose(len(rows), group_rows, 0.0) is Way.SCAN:  # wherever they are
        return [ColumnPlan(name, Way.SCAN, layout.bytes_of(group, name)) for name in names]
    found = {name: _pages(layout, group, name) for name in names}
    listed = _load_indexes(source, layout, [pages for pages in found.values() if pages is not None])
    plans = []
    for name, pages in found.items():
        plan = ColumnPlan(name, Way.SCAN, layout.bytes_of(group, name))
        plans.append(plan)
        if pages is None or (pages in listed and not listed[pages]):
            continue
        if pages not in listed:
            if not source.is_local:
                if choose(len(rows), group_rows, 1.0) is Way.PAGES:
                    plan.pages, plan.way = pages, Way.CHUNK
                continue
            if not _walk(source, pages):
                continue
        plan.pages = pages
        plan.hits, plan.places = pages.hits(rows)
        extents = pages.extents(plan.hits)
        first, last = pages.extent
        plan.way = choose(len(rows), group_rows, int((extents[:, 1] - extents[:, 0]).sum()) / (last - first))
    return plans


def read_columns(
    source: Ranges, layout: Layout, plans: Sequence[ColumnPlan], kinds: dict[str, pa.DataType], rows: _arrow.Positions
) -> dict[str, pa.Array]:
    """The planned columns whose pages could be read and decoded. For the others only an ordinary read serves."""
    found = {}
    pickers = {}
    # From a store all at once, as each turn costs a wait; from a disk in turns, as each column takes memory.
    for turn in [[plan] for plan in plans] if source.is_local else [plans]:
        extents = np.concatenate([plan.extents for plan in turn])
        if not source.is_local:  # dictionaries come along, as to wait for a page to ask for them costs more
            extents = np.concatenate([extents, *(plan.dictionary_extents for plan in turn)])
        segments = source.read_all(extents[np.argsort(extents[:, 0])])
        for plan in turn:
            if plan.way is Way.SCAN or not _locate(plan, segments, rows):
                continue
            picker = _pick(source, plan, segments, rows)
            if picker is not None:
                pickers[plan.name] = picker
                continue
            column = _copied(source, layout, plan, kinds[plan.name], segments)
            if column is not None:
                found[plan.name] = column
    return found | _decode_picked(layout, pickers, kinds, len(rows))


def _pages(layout: Layout, group: int, name: str) -> Pages | None:
    """The pages of a column of a row group, to be found; None if only an ordinary reader can."""
    leaf = layout.flat_leaf(name)
    pages = None if leaf is None else Pages(layout.footer, group, leaf, layout.start)
    return pages if pages is not None and pages.fits else None


def _load_indexes(source: Ranges, layout: Layout, found: Sequence[Pages]) -> dict[Pages, bool]:
    """Those that have an OffsetIndex, and whether it is sound."""
    ranges = {pages: pages.index_range for pages in found if pages.index_range is not None}
    extents = np.array([(at, at + size) for at, size in ranges.values()], np.int64).reshape(-1, 2)
    in_order = extents[np.lexsort((extents[:, 1], extents[:, 0]))]
    came_with_footer = len(extents) == 0 or in_order[0, 0] >= layout.end[0]
    segments = [layout.end] if came_with_footer else source.read_all(in_order)
    return {pages: pages.load(_cut(segments, at, at + size)) for pages, (at, size) in ranges.items()}


def _walk(source: Ranges, pages: Pages) -> bool:
    """Find pages by hopping from header to header."""
    end = pages.extent[1]
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


def _locate(plan: ColumnPlan, segments: list[Segment], rows: _arrow.Positions) -> bool:
    """Whether it is known which pages hold the rows, if need be from all pages themselves."""
    assert plan.pages is not None
    if plan.way is Way.CHUNK:
        if not plan.pages.walk(_cut(segments, *plan.pages.extent)):
            return False
        plan.hits, plan.places = plan.pages.hits(rows)
    return True


def _pick(source: Ranges, plan: ColumnPlan, segments: list[Segment], rows: _arrow.Positions) -> Picker | None:
    """The values of a column at its rows; None if they cannot be picked one by one, or not without a closer look."""
    assert plan.pages is not None
    picker = Picker(plan.pages)
    dictionary = partial(_dictionary, source, plan.pages, segments)
    try:
        good = picker.fits and picker.pick(plan.hits, rows, segments, Decompress(), dictionary)
    except (pa.ArrowException, OSError):
        return None
    return picker if good else None


def _decode_picked(
    layout: Layout, pickers: dict[str, Picker], kinds: dict[str, pa.DataType], num_rows: int
) -> dict[str, pa.Array]:
    """Columns of values that were picked."""
    if not pickers:
        return {}
    schema = pa.schema([(name, kinds[name]) for name in pickers])
    try:
        file = pq.ParquetFile(pa.BufferReader(picked_file(list(pickers.values()), layout.arrow_schema(schema))))
        table = file.read(use_threads=False)
    except (pa.ArrowException, OSError, ValueError):
        return {}
    columns = {name: column.combine_chunks() for name, column in zip(table.column_names, table.columns, strict=True)}
    return {name: column for name, column in columns.items() if column.type == kinds[name] and len(column) == num_rows}


def _dictionary(source: Ranges, pages: Pages, segments: list[Segment]) -> bytes:
    """Bytes that begin with the dictionary page, if there is one."""
    start, end = pages.dictionary_extent
    return _cut(segments, start, end) or source.read(start, end)


def _copied(
    source: Ranges, layout: Layout, plan: ColumnPlan, kind: pa.DataType, segments: list[Segment]
) -> pa.Array | None:
    """The rows of one column out of segments that hold its pages, which are copied."""
    pages = plan.pages
    assert pages is not None
    in_codes = pages.gather(plan.hits, segments)
    if in_codes is None:
        return None
    dictionary = _dictionary(source, pages, segments) if in_codes else b""
    mini = pages.mini_file(dictionary, layout.arrow_schema(pa.schema([(plan.name, kind)])))
    if mini is None:
        return None
    stay_coded = pages.all_in_codes and (pa.types.is_string(kind) or pa.types.is_large_string(kind))
    try:
        return _decode(mini, plan.name, kind, plan.places, stay_coded)
    except (pa.ArrowException, OSError, ValueError):
        return None  # the ordinary way may know better, or says what is wrong


def _cut(segments: Sequence[Segment], start: int, end: int) -> bytes:
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

"""Rows of one row group of a Parquet file, or all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aliquot import _arrow
from aliquot._kernels.parquet_pick import Picker
from aliquot.footers import Layout, ParquetPart
from aliquot.pages import decode_picked, plan_columns, read_columns
from aliquot.plan import ColumnPlan
from aliquot.ranges import Ranges

BATCH_ROWS = 65_536
"""Rows decoded at a time, so that a reader holds the compressed row group and little more."""


@dataclass(frozen=True)
class Unit:
    """One row group and the number of its first row in the source."""

    part: ParquetPart
    group: int
    start: int
    num_rows: int


@dataclass(frozen=True)
class Read:
    """What was read of a row group, how many bytes pyarrow read for it, beside the source's, and how it was planned.

    ``pickers``, if there are any, hold the rows of all columns, in place of batches.
    """

    batches: list[pa.RecordBatch]
    bytes: int
    plans: list[ColumnPlan]
    pickers: dict[str, Picker] = field(default_factory=dict)


def read_rows(
    source: Ranges,
    layout: Layout,
    unit: Unit,
    columns: Sequence[str],
    rows: _arrow.Positions | None,
    *,
    ordinary: bool = False,
    coded: Sequence[str] = (),
) -> Read:
    """Columns of one row group of one file: all rows, or those at positions ``rows`` in it.

    If all, those of ``coded`` come as dictionaries, where that is quicker.
    The one place that reads rows of Parquet. Holds the row group's compressed columns and a batch at a time.
    """
    if rows is None or len(rows) == 0 or ordinary:
        size = layout.unread_bytes(unit.group, columns)
        return Read(_read_whole(source, layout, unit, columns, rows, coded), size, [])
    kinds = unit.part.kinds
    plans = plan_columns(source, layout, unit.group, columns, rows)
    pickers, found = read_columns(source, layout, plans, kinds, rows)
    if len(pickers) == len(columns):
        return Read([], 0, plans, pickers)
    found |= decode_picked(layout, {name: [picker] for name, picker in pickers.items()}, kinds, len(rows))
    others = [name for name in columns if name not in found]
    if not others:
        return Read([batch_of(found, unit.part)], 0, plans)
    batches = _read_whole(source, layout, unit, others, rows)
    if found:
        batches = _beside(batches, found, pa.schema([(name, kinds[name]) for name in columns]))
    return Read(batches, layout.unread_bytes(unit.group, others), plans)


def batch_of(columns: dict[str, pa.Array], part: ParquetPart) -> pa.RecordBatch:
    """Columns of a file as a batch."""
    kinds = part.kinds
    return pa.RecordBatch.from_arrays(
        list(columns.values()), schema=pa.schema([(name, kinds[name]) for name in columns])
    )


def _beside(batches: list[pa.RecordBatch], found: dict[str, pa.Array], schema: pa.Schema) -> list[pa.RecordBatch]:
    """Batches of some columns and the others, whole, as batches of all."""
    out = []
    start = 0
    for batch in batches:
        columns = [
            found[name].slice(start, batch.num_rows) if name in found else batch.column(name) for name in schema.names
        ]
        out.append(pa.RecordBatch.from_arrays(columns, schema=schema))
        start += batch.num_rows
    return out


def _read_whole(
    source: Ranges,
    layout: Layout,
    unit: Unit,
    columns: Sequence[str],
    rows: _arrow.Positions | None,
    coded: Sequence[str] = (),
) -> list[pa.RecordBatch]:
    """Columns of a row group decoded whole, and the rows taken from them."""
    if rows is None:
        return list(decoded_batches(source, layout, unit, columns, coded))
    taken = []
    start = 0
    kinds = unit.part.kinds
    schema = pa.schema([(name, kinds[name]) for name in columns])
    for batch in decoded_batches(source, layout, unit, columns, columns):
        first, last = np.searchsorted(rows, [start, start + batch.num_rows])
        if last > first:
            picked = _arrow.take_rows(batch, rows[first:last] - start)
            taken.append(_arrow.with_own_dictionaries(_arrow.in_schema(picked, schema)))
        start += batch.num_rows
    return _arrow.consolidate(taken, schema)


def decoded_batches(
    source: Ranges, layout: Layout, unit: Unit, columns: Sequence[str], coded: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Columns of a row group decoded whole, a batch at a time; strings of ``coded`` left in codes, if it is quicker.

    ValueError if pyarrow reads other than the footer says, as it does of some files of its own.
    """
    kinds = unit.part.kinds
    coded = [name for name in coded if _stays_coded(layout, unit.group, name, kinds[name])]
    file = pq.ParquetFile(
        source.handle, metadata=layout.metadata, read_dictionary=coded, pre_buffer=not source.is_local
    )
    found = 0
    for batch in file.iter_batches(BATCH_ROWS, row_groups=[unit.group], columns=list(columns), use_threads=False):
        found += batch.num_rows
        yield batch.select(columns)
    if found != unit.num_rows:
        raise ValueError(f"must be a readable Parquet file, got {found} for {unit.num_rows} rows of a row group")


def _stays_coded(layout: Layout, group: int, name: str, kind: pa.DataType) -> bool:
    """Whether a column of strings is best left in codes until its rows are taken: 15 for 38 ns a row, measured.

    Only if all its pages are in codes, as pyarrow else builds a dictionary (ten times slower). The footer does not
    say so, but plain strings would take 4 bytes and themselves, and codes seldom take 3.
    """
    leaf = layout.flat_leaf(name)
    if leaf is None or "." in name or not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return False  # a dot may lead into a nested column
    values, _, uncompressed, in_codes = layout.footer.sizes(group, leaf)
    return in_codes and uncompressed <= 3 * values

"""Rows of row groups of a Parquet file, or all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aliquot import _arrow
from aliquot._kernels.parquet_pick import Picker
from aliquot._progress import Progress
from aliquot._source import Pick
from aliquot.footers import Layout, ParquetPart
from aliquot.pages import Rows, decode_picked, plan_columns, read_columns
from aliquot.plan import GroupsPlan
from aliquot.ranges import Ranges

BATCH_ROWS = 65_536
"""Rows decoded at a time, so that a reader holds the compressed row group and little more."""

UNIT_ROWS = 65_536
"""Rows wanted of a unit, but for those of its last row group: fewer are read at once, for which Python takes 0.3 ms."""

UNIT_BYTES = 32 << 20
"""The same in bytes of the file: rows may be wide, and several units wait to be decoded."""

PICKED_ROWS = 1 << 22
"""Rows of a file of which it is asked at once which are picked: the positions take 32 MB at most."""


@dataclass(frozen=True)
class Unit:
    """Row groups of one file, the number of their first row in the source, and the rows wanted, if not all."""

    part: ParquetPart
    groups: Sequence[int]
    start: int
    rows: Rows | None = None

    @property
    def num_rows(self) -> int:
        """Of the row groups."""
        return int(self.part.group_rows[self.groups].sum())

    def __len__(self) -> int:
        """Rows wanted."""
        return self.num_rows if self.rows is None else len(self.rows)

    def alone(self) -> list["Unit"]:
        """The row groups, each by itself."""
        rows = self.rows
        first = self.start - int(self.part.bounds[self.groups[0]])
        return [
            Unit(self.part, [group], first + int(self.part.bounds[group]), None if rows is None else rows.alone(i))
            for i, group in enumerate(self.groups)
        ]


def units_picked(part: ParquetPart, start: int, pick: Pick, most: int, progress: Progress) -> Iterator[Unit]:
    """Row groups of a file that hold rows picked, at most so many at once. Row ``start`` of all is the file's first."""
    bounds = part.bounds
    found: dict[int, _arrow.Positions] = {}
    enough = min(UNIT_ROWS, UNIT_BYTES * part.num_rows // part.size)
    group = wanted = 0
    while group < len(part.group_rows):
        first = int(bounds[group])
        after = max(int(bounds.searchsorted(first + PICKED_ROWS, "right")) - 1, group + 1)
        passed = int(bounds[after]) - first
        positions = pick(start + first, passed)
        if len(positions):
            cuts = positions.searchsorted(bounds[group : after + 1] - first)
            for i in np.flatnonzero(cuts[1:] > cuts[:-1]).tolist():
                found[group + i] = positions[cuts[i] : cuts[i + 1]] - (bounds[group + i] - first)
                wanted += int(cuts[i + 1] - cuts[i])
                passed -= int(part.group_rows[group + i])
                if len(found) == most or wanted >= enough:
                    yield _unit(part, start, found)
                    found, wanted = {}, 0
        progress.advance(passed)
        group = after
    if found:
        yield _unit(part, start, found)


def _unit(part: ParquetPart, start: int, found: dict[int, _arrow.Positions]) -> Unit:
    groups = list(found)
    return Unit(part, groups, start + int(part.bounds[groups[0]]), Rows.of(list(found.values())))


@dataclass(frozen=True)
class Read:
    """What was read, how many bytes pyarrow read for it, beside the source's, and how it was planned.

    ``pickers``, if there are any, hold the rows of all columns, in place of batches.
    """

    batches: list[pa.RecordBatch]
    bytes: int
    plans: list[GroupsPlan]
    pickers: dict[str, Picker] = field(default_factory=dict)


def read_rows(
    source: Ranges,
    layout: Layout,
    unit: Unit,
    columns: Sequence[str],
    *,
    ordinary: bool = False,
    decoded: bool = False,
    coded: Sequence[str] = (),
) -> Read:
    """Columns of row groups of one file: the rows wanted.

    ``ordinary``: by pyarrow alone. ``decoded``: in batches, even if they could be picked. If all are wanted, those of
    ``coded`` come as dictionaries, where that is quicker. The one place that reads rows of Parquet. Holds a row group's
    compressed columns and a batch at a time, beside the rows wanted.
    """
    if unit.rows is None or ordinary:
        batches = [batch for each in unit.alone() for batch in _read_whole(source, layout, each, columns, coded)]
        return Read(batches, layout.unread_bytes(unit.groups, columns), [])
    kinds = unit.part.kinds
    plan = plan_columns(source, layout, unit.groups, columns, unit.rows)
    pickers, found = read_columns(source, layout, plan, kinds, unit.rows)
    if len(pickers) == len(columns) and not decoded:
        return Read([], 0, [plan], pickers)
    if len(unit.groups) > 1:
        reads = [read_rows(source, layout, each, columns, decoded=True) for each in unit.alone()]
        return Read(
            [batch for read in reads for batch in read.batches],
            sum(read.bytes for read in reads),
            [plan for read in reads for plan in read.plans],
        )
    found |= decode_picked(layout, {name: [picker] for name, picker in pickers.items()}, kinds, len(unit.rows))
    others = [name for name in columns if name not in found]
    if not others:
        return Read([batch_of(found, unit.part)], 0, [plan])
    batches = _read_whole(source, layout, unit, others)
    if found:
        batches = _beside(batches, found, pa.schema([(name, kinds[name]) for name in columns]))
    return Read(batches, layout.unread_bytes(unit.groups, others), [plan])


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
    coded: Sequence[str] = (),
) -> list[pa.RecordBatch]:
    """Columns of a row group decoded whole, and the rows taken from them."""
    if unit.rows is None:
        return list(decoded_batches(source, layout, unit, columns, coded))
    rows = unit.rows.positions
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
    (group,) = unit.groups
    coded = [name for name in coded if _stays_coded(layout, group, name, kinds[name])]
    file = pq.ParquetFile(
        source.handle, metadata=layout.metadata, read_dictionary=coded, pre_buffer=not source.is_local
    )
    found = 0
    for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=list(columns), use_threads=False):
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
    if leaf < 0 or "." in name or not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return False  # a dot may lead into a nested column
    values, _, uncompressed, in_codes = layout.footer.sizes(group, leaf)
    return in_codes and uncompressed <= 3 * values

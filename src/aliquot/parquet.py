"""Parquet files as one source of rows.

Footers give the counts, and only the row groups that hold wanted rows are read.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aliquot import _arrow
from aliquot._compression import Scratch
from aliquot._files import FilePart, find_files, partition_fields
from aliquot._progress import Progress
from aliquot._source import Consumer, Pick, Source, Span
from aliquot._threads import in_order, processors
from aliquot.footers import Layout, Layouts, ParquetPart, check_unchanged, naming
from aliquot.pages import constant, decode_picked, plan_columns
from aliquot.plan import GroupsPlan, Plan
from aliquot.ranges import REMOTE_READS, Ranges
from aliquot.row_groups import BATCH_ROWS, Read, Unit, batch_of, decoded_batches, read_rows, units_picked
from aliquot.where import Where

FOOTER_READERS = 8
"""Footers read at once: they wait for the disk or the network more than for a core."""

REMOTE_GROUPS = 8
"""Row groups read at once from a store, for the same reason."""

UNITS_A_WORKER = 4
"""Units of row groups there are for each worker at least, if there are as many row groups, so that none waits long."""

DECODED_UNITS = 64
"""Units whose values are decoded at once, if none of them takes part otherwise: pyarrow takes 0.3 ms to begin."""

DECODED_BYTES = 32 << 20
"""Of values that wait to be decoded with those of other row groups."""

Waiting: TypeAlias = tuple[Unit, Read]
"""Row groups, and what was picked of them."""

T = TypeVar("T")
U = TypeVar("U")
C = TypeVar("C", bound=Consumer)


def open_paths(paths: Any) -> "Parquet":
    """The Parquet files that paths, directories, globs or URIs name, as one source."""
    return Parquet(find_files(paths))


def open_fragments(dataset: Any) -> "Parquet | None":
    """The Parquet files of a pyarrow dataset, with the partition values that it found; None if it has no files."""
    import pyarrow.dataset as ds

    files = [
        FilePart(dataset.filesystem, fragment.path, ds.get_partition_keys(fragment.partition_expression))
        for fragment in dataset.get_fragments()
    ]
    return Parquet(files) if files else None


class Parquet(Source):
    """Rows of Parquet files, in the order of the files given."""

    def __init__(self, files: Sequence[FilePart], gap: int | None = None) -> None:
        self._gap = gap
        self._layouts = Layouts()
        self._requests = ThreadPoolExecutor(REMOTE_READS)
        self._scratch = Scratch()
        self._schemas: dict[tuple[bytes, ...], pa.Schema] = {}  # by what footers say of them, most often the same
        first = self._read_footer(files[0])
        self._partitions = partition_fields(files, first.schema)
        self._file_schema = first.schema
        self.schema = first.schema
        for each in self._partitions:
            self.schema = self.schema.append(each)
        with ThreadPoolExecutor(FOOTER_READERS) as pool:
            rest = list(pool.map(self._read_like_first, files[1:]))
        self._parts = [first, *rest]
        self._is_local = all(file.is_local for file in files)
        self._starts = np.cumsum([0] + [part.num_rows for part in self._parts])
        self.num_rows = int(self._starts[-1])
        self.bytes_read = sum(part.footer_bytes for part in self._parts)
        self.plan: Plan | None = None
        """Of the rows fetched so far."""

    def scan(self, columns: Sequence[str], where: Where | None, progress: Progress) -> Iterator[Span]:
        return self._spans(partial(self._read, columns=columns), where, progress)

    def survey(
        self, columns: Sequence[str], where: Where | None, progress: Progress, coded: Sequence[str] = ()
    ) -> Iterator[Span]:
        return self._spans(partial(self._read, columns=columns, by_statistics=True, coded=coded), where, progress)

    def _spans(self, read_unit: Callable[[Unit], Read], where: Where | None, progress: Progress) -> Iterator[Span]:
        for unit, read in self._in_order(read_unit, self._units(where, progress)):
            start = unit.start
            for batch in read.batches:
                yield start, batch
                start += batch.num_rows
            self.rows_read += unit.num_rows
            self.bytes_read += read.bytes
            progress.advance(unit.num_rows)

    def consume(self, columns: Sequence[str], new: Callable[[], C], progress: Progress) -> list[C]:
        idle: list[C] = []

        def work(unit: Unit) -> int:
            # A batch is consumed where it was decoded, while it is in the cache.
            try:
                state = idle.pop()
            except IndexError:
                state = new()
            start = unit.start
            with closing(self._decode(unit, columns)) as batches:
                for batch in batches:
                    state.update(batch, start)
                    start += batch.num_rows
            idle.append(state)
            layout = self._layouts.of(unit.part)
            return layout.unread_bytes(unit.groups, self._stored(columns))

        for unit, size in self._in_order(work, self._units(None, progress)):
            self.rows_read += unit.num_rows
            self.bytes_read += size
            progress.advance(unit.num_rows)
        return idle or [new()]

    def fetch(self, pick: Pick, columns: Sequence[str], progress: Progress) -> Iterator[pa.RecordBatch]:
        self.plan = self._new_plan(columns)
        waiting: list[Waiting] = []
        held = 0  # bytes, of what waits
        for unit, read in self._in_order(lambda unit: self._read(unit, columns), self._picked(pick, progress)):
            self.plan.add(len(unit), len(unit.groups), read.plans)
            self.rows_read += unit.num_rows
            self.bytes_read += read.bytes
            if waiting and (held >= DECODED_BYTES or not self._joins(waiting, unit, read)):
                yield from self._decoded(waiting, columns)
                waiting, held = [], 0
            if read.pickers:
                waiting.append((unit, read))
                held += sum(picker.size for picker in read.pickers.values())
            else:
                yield from read.batches
            progress.advance(unit.num_rows)
        if waiting:
            yield from self._decoded(waiting, columns)

    def _joins(self, waiting: list[Waiting], unit: Unit, read: Read) -> bool:
        """Whether what was picked of row groups can be decoded together with what waits for it."""
        first, other = waiting[0]
        return (
            bool(read.pickers)
            and len(waiting) < DECODED_UNITS
            and (not self._partitions or unit.part is first.part)
            and all(picker.continues(other.pickers[name]) for name, picker in read.pickers.items())
        )

    def _decoded(self, waiting: list[Waiting], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows of row groups of which all columns were picked."""
        first = waiting[0][0].part
        count = sum(len(unit) for unit, _ in waiting)
        pickers = {name: [read.pickers[name] for _, read in waiting] for name in waiting[0][1].pickers}
        with naming(first.file.path):
            found = decode_picked(self._layouts.of(first), pickers, first.kinds, count)
        if len(found) == len(pickers):
            yield _complete(batch_of(found, first), self._of_partition(first), self._schema_of(columns))
            return
        for unit, _ in waiting:  # the ordinary way may know better, or says what is wrong
            read = self._read(unit, columns, ordinary=True)
            self.bytes_read += read.bytes
            yield from read.batches

    def explain(self, pick: Pick, columns: Sequence[str]) -> Plan:
        """What ``fetch`` would read. Of the files, page indexes and page headers are read."""

        def planned(unit: Unit) -> GroupsPlan:
            assert unit.rows is not None
            with naming(unit.part.file.path):
                layout = self._layouts.of(unit.part)
                with self._ranges(layout) as source:
                    return plan_columns(source, layout, unit.groups, self._stored(columns), unit.rows)

        plan = self._new_plan(columns)
        for unit, part in self._in_order(planned, self._picked(pick, Progress(None))):
            plan.add(len(unit), len(unit.groups), [part])
        return plan

    def _new_plan(self, columns: Sequence[str]) -> Plan:
        groups = sum(len(part.group_rows) for part in self._parts)
        return Plan(self._stored(columns), groups, sum(part.size for part in self._parts))

    def _picked(self, pick: Pick, progress: Progress) -> Iterator[Unit]:
        """Row groups that hold rows picked, and these."""
        most = self._groups_a_unit()
        for part, start in zip(self._parts, self._starts.tolist(), strict=False):
            yield from units_picked(part, start, pick, most, progress)

    def _groups_a_unit(self) -> int:
        """Row groups that are read at once at most: of a store one, of which several are under way."""
        if not self._is_local:
            return 1
        groups = sum(len(part.group_rows) for part in self._parts)
        return max(groups // (self._workers() * UNITS_A_WORKER), 1)

    def _stored(self, columns: Sequence[str]) -> list[str]:
        """Those columns that stand in the files."""
        in_path = {field.name for field in self._partitions}
        return [name for name in columns if name not in in_path]

    def facts(self) -> dict[str, Any]:
        files = [
            {"path": part.file.path, "size": part.size, "mtime": part.modified_ns and part.modified_ns / 1e9}
            for part in self._parts
        ]
        return {**super().facts(), "source": files, "plan": None if self.plan is None else self.plan.facts()}

    def inspect(self) -> list[tuple[str, int, int, int]]:
        """Path, size in bytes, rows and row groups of each file."""
        return [(part.file.path, part.size, part.num_rows, len(part.group_rows)) for part in self._parts]

    def _read_like_first(self, file: FilePart) -> ParquetPart:
        """A footer, checked against the schema that the first file sets; columns may come in another order."""
        part = self._read_footer(file)
        if part.schema is self._file_schema:
            return part
        for expected in self._file_schema:
            at = part.schema.get_all_field_indices(expected.name)
            if len(at) != 1:
                raise ValueError(
                    f"{file.path}: must have the columns of the first file, got no column {expected.name!r}"
                )
            found = part.schema.field(at[0])
            if found.type != expected.type:
                raise ValueError(
                    f"{file.path}: must have the column types of the first file, "
                    f"got {found.type} for {expected.type} in {expected.name!r}"
                )
        return ParquetPart(
            part.file, part.size, part.modified_ns, part.group_rows, self._file_schema, part.footer_bytes
        )

    def _units(self, where: Where | None, progress: Progress) -> Iterator[Unit]:
        for part, start in zip(self._parts, self._starts, strict=False):
            groups: Sequence[int] = range(len(part.group_rows))
            if where is not None and where.fits_statistics:
                groups = self._groups_passing(part, where)
            progress.advance(part.num_rows - int(part.group_rows[list(groups)].sum()))
            for group in groups:
                yield Unit(part, [group], int(start + part.bounds[group]))

    def _groups_passing(self, part: ParquetPart, where: Where) -> Sequence[int]:
        """Row groups in which, by statistics and partition, a row may pass."""
        import pyarrow.dataset as ds

        known = pa.compute.scalar(True)
        for each in self._partitions:
            value = part.file.partition[each.name]
            column = pa.compute.field(each.name)
            known &= column.is_null() if value is None else column == pa.scalar(value).cast(each.type)
        fragment = ds.ParquetFileFormat().make_fragment(part.file.path, part.file.filesystem, known)
        try:
            return [group.id for group in fragment.subset(where.expression, schema=self.schema).row_groups]
        except pa.ArrowException:
            return range(len(part.group_rows))  # statistics of a type that does not compare: the rows will tell

    def _read_footer(self, file: FilePart) -> ParquetPart:
        size, modified_ns = file.stamp()
        with naming(file.path):
            layout = Layout(file)
            self._layouts.add(layout)
            described = layout.footer.described
            schema = self._schemas.get(described)
            if schema is None:
                schema = pq.ParquetFile(pa.BufferReader(layout.tail)).schema_arrow
                names = schema.names
                if len(set(names)) < len(names):
                    twice = next(name for name in names if names.count(name) > 1)
                    raise ValueError(f"must have columns of different names, got {twice!r} twice")
                self._schemas[described] = schema
            return ParquetPart(file, size, modified_ns, layout.group_rows, schema, len(layout.end[1]))

    def _ranges(self, layout: Layout) -> Ranges:
        return Ranges(layout.file, self._requests, self._gap, self._scratch, [layout.end])

    def _schema_of(self, columns: Sequence[str]) -> pa.Schema:
        return pa.schema([self.schema.field(name) for name in columns], self.schema.metadata)

    def _read(
        self,
        unit: Unit,
        columns: Sequence[str],
        *,
        ordinary: bool = False,
        by_statistics: bool = False,
        coded: Sequence[str] = (),
    ) -> Read:
        """Columns of row groups, all their rows or those wanted.

        ``ordinary``: by pyarrow alone. ``by_statistics``: but for columns of which statistics say all. ``coded``: as
        for ``survey``.
        """
        same = self._of_partition(unit.part)
        stored = self._stored(columns)
        if by_statistics:
            with naming(unit.part.file.path):
                same |= self._constants(unit, stored)
            stored = [name for name in stored if name not in same]
        if stored:
            try:
                with naming(unit.part.file.path):
                    layout = self._layouts.of(unit.part)
                    with self._ranges(layout) as source:
                        check = source.soon(partial(layout.check_same, source))
                        read = read_rows(
                            source,
                            layout,
                            unit,
                            stored,
                            ordinary=ordinary,
                            coded=[name for name in stored if name in coded],
                        )
                        check()
                        counted = read.bytes + source.count
            finally:
                check_unchanged(unit.part)  # which explains better what went wrong, if anything did
        else:
            read, counted = Read(_rows_alone(len(unit)), 0, []), 0
        schema = self._schema_of(columns) if read.batches else pa.schema([])
        return replace(read, bytes=counted, batches=[_complete(batch, same, schema) for batch in read.batches])

    def _decode(self, unit: Unit, columns: Sequence[str]) -> Generator[pa.RecordBatch]:
        """Columns of one row group, a batch at a time; strings as dictionaries, where that is quicker."""
        same, stored = self._of_partition(unit.part), self._stored(columns)
        if not stored:
            yield from (_complete(batch, same, self._schema_of(columns)) for batch in _rows_alone(unit.num_rows))
            return
        try:
            with naming(unit.part.file.path):
                layout = self._layouts.of(unit.part)
                with self._ranges(layout) as source:
                    check = source.soon(partial(layout.check_same, source))
                    for batch in decoded_batches(source, layout, unit, stored, stored):
                        yield _complete(batch, same, self._schema_of(columns))
                    check()
        finally:
            check_unchanged(unit.part)  # as in _read

    def _constants(self, unit: Unit, columns: Sequence[str]) -> dict[str, pa.Array]:
        """One row of each column that holds the same in all rows of a row group, by its statistics."""
        layout, kinds = self._layouts.of(unit.part), unit.part.kinds
        (group,) = unit.groups
        found = {name: constant(layout, group, name, kinds[name]) for name in columns}
        return {name: value for name, value in found.items() if value is not None}

    def _of_partition(self, part: ParquetPart) -> dict[str, pa.Array]:
        """One row of each column that stands in the path."""
        return {each.name: pa.array([part.file.partition[each.name]]).cast(each.type) for each in self._partitions}

    def _in_order(self, work: Callable[[T], U], tasks: Iterable[T]) -> Iterator[tuple[T, U]]:
        """Tasks and results of ``work``, which reads, in the order of the tasks."""
        return in_order(work, tasks, self._workers())

    def _workers(self) -> int:
        workers = min(processors(), 8)
        return workers if self._is_local else max(workers, REMOTE_GROUPS)


def _rows_alone(count: int) -> list[pa.RecordBatch]:
    """Batches of so many rows, without columns."""
    starts = range(0, count, BATCH_ROWS) or [0]
    return [_arrow.empty_columns(min(BATCH_ROWS, count - start), pa.schema([])) for start in starts]


def _complete(batch: pa.RecordBatch, same: dict[str, pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    """A batch as read, with the columns that are the same in each row, in the order of the schema.

    Columns of strings may be dictionaries of them.
    """
    if len(schema) == 0:
        return batch.replace_schema_metadata(schema.metadata)
    first = np.zeros(batch.num_rows if same else 0, np.int64)
    arrays = [_arrow.take(same[name], first) if name in same else batch.column(name) for name in schema.names]
    fields = [field.with_type(array.type) for field, array in zip(schema, arrays, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, schema.metadata))

"""Parquet files as one source of rows.

Footers give the counts, and only the row groups that hold wanted rows are read.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aliquot import _arrow
from aliquot._files import FilePart, find_files, partition_fields
from aliquot._progress import Progress
from aliquot._source import Pick, Source, Span
from aliquot.footers import Layout, Layouts, ParquetPart, check_unchanged, naming
from aliquot.pages import plan_columns, read_columns
from aliquot.plan import ColumnPlan, Plan
from aliquot.ranges import REMOTE_READS, Ranges, is_local
from aliquot.where import Where

BATCH_ROWS = 65_536
"""Rows decoded at a time, so that a reader holds the compressed row group and little more."""

FOOTER_READERS = 8
"""Footers read at once: they wait for the disk or the network more than for a core."""

REMOTE_GROUPS = 8
"""Row groups read at once from a store, for the same reason."""

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Unit:
    """One row group and the number of its first row in the source."""

    part: ParquetPart
    group: int
    start: int
    num_rows: int


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
        first = self._read_footer(files[0])
        self._partitions = partition_fields(files, first.schema)
        self._file_schema = first.schema
        self.schema = first.schema
        for each in self._partitions:
            self.schema = self.schema.append(each)
        with ThreadPoolExecutor(FOOTER_READERS) as pool:
            rest = list(pool.map(self._read_like_first, files[1:]))
        self._parts = [first, *rest]
        self._starts = np.cumsum([0] + [part.num_rows for part in self._parts])
        self.num_rows = int(self._starts[-1])
        self.bytes_read = sum(part.footer_bytes for part in self._parts)
        self.plan: Plan | None = None
        """Of the rows fetched so far."""

    def scan(self, columns: Sequence[str], where: Where | None, progress: Progress) -> Iterator[Span]:
        for unit, read in self._in_order(lambda unit: self._read(unit, columns, None), self._units(where, progress)):
            start = unit.start
            for batch in read.batches:
                yield start, batch
                start += batch.num_rows
            self.rows_read += unit.num_rows
            self.bytes_read += read.bytes
            progress.advance(unit.num_rows)

    def fetch(self, pick: Pick, columns: Sequence[str], progress: Progress) -> Iterator[pa.RecordBatch]:
        self.plan = self._new_plan(columns)
        tasks = self._picked(pick, progress)
        for (unit, rows), read in self._in_order(lambda task: self._read(task[0], columns, task[1]), tasks):
            yield from read.batches
            self.plan.add(len(rows), read.plans)
            self.rows_read += unit.num_rows
            self.bytes_read += read.bytes
            progress.advance(unit.num_rows)

    def explain(self, pick: Pick, columns: Sequence[str]) -> Plan:
        """What ``fetch`` would read. Of the files, page indexes and page headers are read."""

        def planned(task: tuple[Unit, _arrow.Positions]) -> list[ColumnPlan]:
            unit, rows = task
            with naming(unit.part.file.path):
                layout = self._layouts.of(unit.part)
                with Ranges(unit.part.file, self._requests, self._gap) as source:
                    return plan_columns(source, layout, unit.group, self._stored(columns), rows)

        plan = self._new_plan(columns)
        for (_, rows), plans in self._in_order(planned, self._picked(pick, Progress(None))):
            plan.add(len(rows), plans)
        return plan

    def _new_plan(self, columns: Sequence[str]) -> Plan:
        groups = sum(len(part.group_rows) for part in self._parts)
        return Plan(self._stored(columns), groups, sum(part.size for part in self._parts))

    def _picked(self, pick: Pick, progress: Progress) -> Iterator[tuple[Unit, _arrow.Positions]]:
        """Row groups that hold rows picked, and the positions of these in them."""
        for unit in self._units(None, progress):
            positions = pick(unit.start, unit.num_rows)
            if len(positions):
                yield unit, positions
            else:
                progress.advance(unit.num_rows)

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
            starts = int(start) + np.cumsum([0, *part.group_rows])
            progress.advance(part.num_rows - int(part.group_rows[list(groups)].sum()))
            for group in groups:
                yield Unit(part, group, int(starts[group]), int(part.group_rows[group]))

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
        info = file.info()
        with naming(file.path):
            layout = Layout(file)
            self._layouts.add(layout)
            schema = pq.ParquetFile(pa.BufferReader(layout.tail)).schema_arrow
            names = schema.names
            twice = (
                next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
            )
            if twice is not None:
                raise ValueError(f"must have columns of different names, got {twice!r} twice")
            return ParquetPart(file, info.size, info.mtime_ns, layout.group_rows, schema, len(layout.tail) - 8)

    def _read(self, unit: Unit, columns: Sequence[str], rows: _arrow.Positions | None) -> "_Read":
        """Columns of one row group, all its rows or those at positions ``rows``."""
        stored = self._stored(columns)
        if stored:
            try:
                with naming(unit.part.file.path):
                    layout = self._layouts.of(unit.part)
                    with Ranges(unit.part.file, self._requests, self._gap) as source:
                        same = source.soon(partial(layout.check_same, source))
                        read = read_rows(source, layout, unit, stored, rows)
                        same()
            finally:
                check_unchanged(unit.part)  # which explains better what went wrong, if anything did
        else:
            count = unit.num_rows if rows is None else len(rows)
            read = _Read([_arrow.empty_columns(count, pa.schema([]))], 0, [])
        schema = pa.schema([self.schema.field(name) for name in columns], self.schema.metadata)
        return replace(read, batches=[self._complete(batch, unit.part, schema) for batch in read.batches])

    def _complete(self, batch: pa.RecordBatch, part: ParquetPart, schema: pa.Schema) -> pa.RecordBatch:
        """A batch as read, with the columns that stand in the path, in the order asked for."""
        if len(schema) == 0:
            return batch.replace_schema_metadata(schema.metadata)
        constant = {each.name: each.type for each in self._partitions}
        arrays = [
            pa.repeat(pa.scalar(part.file.partition[name]).cast(constant[name]), batch.num_rows)
            if name in constant
            else batch.column(name)
            for name in schema.names
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _in_order(self, work: Callable[[T], U], tasks: Iterable[T]) -> Iterator[tuple[T, U]]:
        """Tasks and results of ``work``, in the order of the tasks, a few ahead of the reader."""
        workers = min(len(os.sched_getaffinity(0)), 8)
        if not all(is_local(part.file) for part in self._parts):
            workers = max(workers, REMOTE_GROUPS)
        pending: deque[tuple[T, Future[U]]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            try:
                for task in tasks:
                    pending.append((task, pool.submit(work, task)))
                    if len(pending) > workers:
                        task, result = pending.popleft()
                        yield task, result.result()
                while pending:
                    task, result = pending.popleft()
                    yield task, result.result()
            finally:
                for _, result in pending:
                    result.cancel()


@dataclass(frozen=True)
class _Read:
    """What was read of a row group, how many bytes that took, and how it was planned."""

    batches: list[pa.RecordBatch]
    bytes: int
    plans: list[ColumnPlan]


def read_rows(
    source: Ranges, layout: Layout, unit: Unit, columns: Sequence[str], rows: _arrow.Positions | None
) -> _Read:
    """Columns of one row group of one file: all rows, or those at positions ``rows`` in it.

    The one place that decodes Parquet. Holds the row group's compressed columns and a batch at a time.
    """
    kinds = dict(zip(unit.part.schema.names, unit.part.schema.types, strict=True))
    if rows is None or len(rows) == 0:
        size = sum(layout.bytes_of(unit.group, name) for name in columns)
        return _Read(_read_whole(source, layout, unit, columns, rows), size, [])
    plans = plan_columns(source, layout, unit.group, columns, rows)
    found = read_columns(source, layout, plans, kinds, rows)
    others = [name for name in columns if name not in found]
    schema = pa.schema([(name, kinds[name]) for name in columns])
    if not others:
        batch = pa.RecordBatch.from_arrays([found[name] for name in columns], schema=schema)
        return _Read([batch], source.count, plans)
    batches = _read_whole(source, layout, unit, others, rows)
    if found:
        batches = _beside(batches, found, schema)
    return _Read(batches, source.count + sum(layout.bytes_of(unit.group, name) for name in others), plans)


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
    source: Ranges, layout: Layout, unit: Unit, columns: Sequence[str], rows: _arrow.Positions | None
) -> list[pa.RecordBatch]:
    """Columns of a row group decoded whole, and the rows taken from them."""
    kinds = dict(zip(unit.part.schema.names, unit.part.schema.types, strict=True))
    coded = [] if rows is None else [name for name in columns if _stays_coded(layout, unit.group, name, kinds[name])]
    file = pq.ParquetFile(
        source.handle, metadata=layout.metadata, read_dictionary=coded, pre_buffer=not source.is_local
    )
    batches = file.iter_batches(BATCH_ROWS, row_groups=[unit.group], columns=list(columns), use_threads=False)
    if rows is None:
        whole = [batch.select(columns) for batch in batches]
        _check_count(whole, unit.num_rows)
        return whole
    taken = []
    start = 0
    schema = pa.schema([(name, kinds[name]) for name in columns])
    for batch in batches:
        first, last = np.searchsorted(rows, [start, start + batch.num_rows])
        if last > first:
            picked = _arrow.take_rows(batch.select(columns), rows[first:last] - start)
            taken.append(_arrow.with_own_dictionaries(_decoded(picked, schema)))
        start += batch.num_rows
    _check_count(taken, len(rows))
    return _arrow.consolidate(taken, schema)


def _check_count(batches: Sequence[pa.RecordBatch], num_rows: int) -> None:
    """ValueError if pyarrow read other than the footer says, as it does of some files of its own."""
    found = sum(batch.num_rows for batch in batches)
    if found != num_rows:
        raise ValueError(f"must be a readable Parquet file, got {found} for {num_rows} rows of a row group")


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


def _decoded(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        column if column.type == kind else column.dictionary_decode().cast(kind)
        for column, kind in zip(batch.columns, schema.types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)

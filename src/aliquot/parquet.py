"""Parquet files as one source of rows.

Footers give the counts, and only the row groups that hold wanted rows are read.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._files import FilePart, find_files, partition_fields
from aliquot._progress import Progress
from aliquot._source import Pick, Source, Span
from aliquot.pages import Bytes, Layout, read_column
from aliquot.where import Where

BATCH_ROWS = 65_536
"""Rows decoded at a time, so that a reader holds the compressed row group and little more."""

FOOTER_READERS = 8
"""Footers read at once: they wait for the disk or the network more than for a core."""

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class ParquetPart:
    """What the footer of one file says, and where its rows stand in the source."""

    file: FilePart
    size: int
    modified_ns: int | None
    group_rows: NDArray[np.int64] = field(repr=False)
    schema: pa.Schema = field(repr=False)
    footer_bytes: int = 0

    @property
    def num_rows(self) -> int:
        return int(self.group_rows.sum())


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

    def __init__(self, files: Sequence[FilePart]) -> None:
        first = _read_footer(files[0])
        self._partitions = partition_fields(files, first.schema)
        self._file_schema = first.schema
        self.schema = first.schema
        for each in self._partitions:
            self.schema = self.schema.append(each)
        with ThreadPoolExecutor(FOOTER_READERS) as pool:
            rest = list(pool.map(self._read_like_first, files[1:]))
        self._parts = [first, *rest]
        self._footers: dict[str, _Footer] = {}
        self._starts = np.cumsum([0] + [part.num_rows for part in self._parts])
        self.num_rows = int(self._starts[-1])
        self.bytes_read = sum(part.footer_bytes for part in self._parts)

    def scan(self, columns: Sequence[str], where: Where | None, progress: Progress) -> Iterator[Span]:
        units = self._units(where, progress)
        reads = _in_order(lambda unit: (unit, self._read(unit, columns, None)), units)
        for unit, (batches, size) in self._checked(reads):
            start = unit.start
            for batch in batches:
                yield start, batch
                start += batch.num_rows
            self.rows_read += unit.num_rows
            self.bytes_read += size
            progress.advance(unit.num_rows)

    def fetch(self, pick: Pick, columns: Sequence[str], progress: Progress) -> Iterator[pa.RecordBatch]:
        def wanted() -> Iterator[tuple[Unit, _arrow.Positions]]:
            for unit in self._units(None, progress):
                positions = pick(unit.start, unit.num_rows)
                if len(positions):
                    yield unit, positions
                else:
                    progress.advance(unit.num_rows)

        reads = _in_order(lambda task: (task[0], self._read(task[0], columns, task[1])), wanted())
        for unit, (batches, size) in self._checked(reads):
            yield from batches
            self.rows_read += unit.num_rows
            self.bytes_read += size
            progress.advance(unit.num_rows)

    def describe(self) -> object:
        return [
            {"path": part.file.path, "size": part.size, "mtime": part.modified_ns and part.modified_ns / 1e9}
            for part in self._parts
        ]

    def inspect(self) -> list[tuple[str, int, int, int]]:
        """Path, size in bytes, rows and row groups of each file."""
        return [(part.file.path, part.size, part.num_rows, len(part.group_rows)) for part in self._parts]

    def _read_like_first(self, file: FilePart) -> ParquetPart:
        """A footer, checked against the schema that the first file sets; columns may come in another order."""
        part = _read_footer(file)
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

    def _read(
        self, unit: Unit, columns: Sequence[str], rows: _arrow.Positions | None
    ) -> tuple[list[pa.RecordBatch], int]:
        """Columns of one row group, all its rows or those at positions ``rows``; and how many bytes that took."""
        in_path = {field.name for field in self._partitions}
        stored = [name for name in columns if name not in in_path]
        if stored:
            try:
                batches, size = read_rows(self._footer(unit.part), unit.group, stored, rows)
            except ValueError:
                _check_unchanged(unit.part)  # which explains it better
                raise
        else:
            count = unit.num_rows if rows is None else len(rows)
            batches, size = [_arrow.empty_columns(count, pa.schema([]))], 0
        schema = pa.schema([self.schema.field(name) for name in columns], self.schema.metadata)
        return [self._complete(batch, unit.part, schema) for batch in batches], size

    def _footer(self, part: ParquetPart) -> "_Footer":
        """The footer of a file while its row groups are read: a few are kept, as thousands might not fit."""
        footer = self._footers.get(part.file.path)
        if footer is None:
            footer = _Footer(part)
            while len(self._footers) > FOOTER_READERS:
                self._footers.pop(next(iter(self._footers)), None)
            self._footers[part.file.path] = footer
        return footer

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

    def _checked(self, reads: Iterable[tuple[Unit, T]]) -> Iterator[tuple[Unit, T]]:
        """The same reads; an error once a file turns out to have changed since its footer was read."""
        part = None
        for unit, read in reads:
            if part is not None and part is not unit.part:
                _check_unchanged(part)
            part = unit.part
            yield unit, read
        if part is not None:
            _check_unchanged(part)


class _Footer:
    """The footer of one file, parsed once for all its row groups."""

    def __init__(self, part: ParquetPart) -> None:
        self.part = part
        with _naming(part.file.path):
            self.layout = Layout(part.file)
            if not np.array_equal(self.layout.group_rows, part.group_rows):
                raise ValueError("must not change while it is read, got another row count")

    @cached_property
    def metadata(self) -> pq.FileMetaData:
        """The same as pyarrow wants it."""
        return pq.read_metadata(pa.BufferReader(self.layout.tail))

    def bytes_of(self, group: int, columns: Sequence[str]) -> int:
        """Bytes of whole columns of a row group."""
        layout = self.layout
        return sum(layout.footer.sizes(group, leaf)[1] for name in columns for leaf in layout.leaves.get(name, []))


def read_rows(
    footer: _Footer, group: int, columns: Sequence[str], rows: _arrow.Positions | None
) -> tuple[list[pa.RecordBatch], int]:
    """Columns of one row group of one file: all rows, or those at positions ``rows`` in it; and the bytes it took.

    The one place that decodes Parquet. Holds the row group's compressed columns and a batch at a time.
    """
    part = footer.part
    with _naming(part.file.path), part.file.open() as handle:
        kinds = dict(zip(part.schema.names, part.schema.types, strict=True))
        if rows is None or len(rows) == 0:
            return _read_whole(footer, handle, group, columns, rows), footer.bytes_of(group, columns)
        source = Bytes(handle, part.file.filesystem)
        found = {name: read_column(source, footer.layout, group, name, kinds[name], rows) for name in columns}
        others = [name for name, column in found.items() if column is None]
        schema = pa.schema([(name, kinds[name]) for name in columns])
        if not others:
            return [pa.RecordBatch.from_arrays(list(found.values()), schema=schema)], source.count
        batches = _read_whole(footer, handle, group, others, rows)
        if len(others) < len(columns):
            batches = _beside(batches, found, schema)
        return batches, source.count + footer.bytes_of(group, others)


def _beside(
    batches: list[pa.RecordBatch], found: dict[str, pa.Array | None], schema: pa.Schema
) -> list[pa.RecordBatch]:
    """Batches of some columns and the others, whole, as batches of all."""
    out = []
    start = 0
    for batch in batches:
        columns = [
            batch.column(name) if column is None else column.slice(start, batch.num_rows)
            for name, column in found.items()
        ]
        out.append(pa.RecordBatch.from_arrays(columns, schema=schema))
        start += batch.num_rows
    return out


def _read_whole(
    footer: _Footer, handle: pa.NativeFile, group: int, columns: Sequence[str], rows: _arrow.Positions | None
) -> list[pa.RecordBatch]:
    """Columns of a row group decoded whole, and the rows taken from them."""
    part = footer.part
    kinds = dict(zip(part.schema.names, part.schema.types, strict=True))
    file = pq.ParquetFile(
        handle,
        metadata=footer.metadata,
        read_dictionary=[]
        if rows is None
        else [name for name in columns if _stays_coded(footer.layout, group, name, kinds[name])],
        pre_buffer=not isinstance(part.file.filesystem, pafs.LocalFileSystem),
    )
    batches = file.iter_batches(BATCH_ROWS, row_groups=[group], columns=list(columns), use_threads=False)
    if rows is None:
        return [batch.select(columns) for batch in batches]
    taken = []
    start = 0
    schema = pa.schema([(name, kinds[name]) for name in columns])
    for batch in batches:
        first, last = np.searchsorted(rows, [start, start + batch.num_rows])
        if last > first:
            picked = _arrow.take_rows(batch.select(columns), rows[first:last] - start)
            taken.append(_arrow.with_own_dictionaries(_decoded(picked, schema)))
        start += batch.num_rows
    return _arrow.consolidate(taken, schema)


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


def _read_footer(file: FilePart) -> ParquetPart:
    info = file.info()
    with _naming(file.path):
        layout = Layout(file)
        parquet = pq.ParquetFile(pa.BufferReader(layout.tail))
        names = parquet.schema_arrow.names
        twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
        if twice is not None:
            raise ValueError(f"must have columns of different names, got {twice!r} twice")
        size = len(layout.tail) - 8
        return ParquetPart(file, info.size, info.mtime_ns, layout.group_rows, parquet.schema_arrow, size)


def _check_unchanged(part: ParquetPart) -> None:
    info = part.file.info()
    if (info.size, info.mtime_ns) != (part.size, part.modified_ns):
        raise ValueError(
            f"{part.file.path}: must not change while it is read, got {info.size} bytes for {part.size}, or another "
            "modification time"
        )


@contextmanager
def _naming(path: str) -> Iterator[None]:
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


def _in_order(work: Callable[[T], U], tasks: Iterable[T]) -> Iterator[U]:
    """Results of ``work`` in the order of the tasks, a few ahead of the reader."""
    workers = min(len(os.sched_getaffinity(0)), 8)
    pending: deque[Future[U]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for task in tasks:
                pending.append(pool.submit(work, task))
                if len(pending) > workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()

"""What samples are taken from: rows in Arrow memory, in a stream, or in Parquet files (parquet.py).

A source knows its schema and numbers its rows from 0. One that can be read again knows its row count; a stream does
not.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa

from aliquot import _arrow
from aliquot._checks import describe
from aliquot._kernels.gather import lies_flat
from aliquot._progress import Progress
from aliquot._source import Source, Span, check_within, difference
from aliquot.where import Where


class Memory(Source):
    """Record batches in memory."""

    num_rows: int

    def __init__(self, batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> None:
        self.schema = schema
        self._batches = batches
        self.num_rows = sum(batch.num_rows for batch in batches)

    def scan(self, columns: Sequence[str], where: Where | None, progress: Progress) -> Iterator[Span]:
        start = 0
        for batch in self._selected(columns):
            yield start, batch
            start += batch.num_rows
            self._count(batch.num_rows, progress)

    def take(self, rows: _arrow.Positions, columns: Sequence[str], progress: Progress) -> list[pa.RecordBatch]:
        batches = list(self._selected(columns))
        if not batches or not lies_flat(batches[0].schema):
            return super().take(rows, columns, progress)
        check_within(rows, self.num_rows)
        self._count(self.num_rows, progress)
        return _arrow.permute(batches, rows)

    def _selected(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        whole = list(columns) == self.schema.names  # not selected by name, as a name may be there twice
        return (batch if whole else batch.select(columns) for batch in self._batches)

    def _count(self, rows: int, progress: Progress) -> None:
        self.rows_read += rows
        progress.advance(rows)

    def _own(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        return rows  # over the dictionaries of the table, which is there anyway


class Stream(Source):
    """Record batches that can be read once."""

    def __init__(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> None:
        self.schema = schema
        self._batches = batches

    def scan(self, columns: Sequence[str], where: Where | None, progress: Progress) -> Iterator[Span]:
        start = 0
        whole = list(columns) == self.schema.names
        for batch in self._batches:
            _check_schema(batch, self.schema, start)
            yield start, batch if whole else batch.select(columns)
            start += batch.num_rows
            self.rows_read += batch.num_rows
            progress.advance(batch.num_rows)


def _check_schema(batch: pa.RecordBatch, schema: pa.Schema, start: int) -> None:
    if not batch.schema.equals(schema):
        raise ValueError(f"source: must keep its schema, got {difference(batch.schema, schema)} at row {start}")


def open_source(source: Any) -> Source:
    """The source behind whatever a caller passes.

    Raises
    ------
    TypeError
        For an object that gives no Arrow data and is no path.
    FileNotFoundError
        For a path that matches nothing.
    ValueError
        For a file that is not readable Parquet or does not fit the others.
    """
    if isinstance(source, Source):
        return source
    if isinstance(source, str | os.PathLike) or _is_list_of_paths(source):
        from aliquot.parquet import open_paths

        return open_paths(source)
    if isinstance(source, pa.Table):
        return Memory(source.to_batches() or _batch_without_rows(source), source.schema)
    if isinstance(source, pa.RecordBatch):
        return Memory([source], source.schema)
    if isinstance(source, list | tuple) and source and all(isinstance(each, pa.RecordBatch) for each in source):
        return _open_batches(source)
    if isinstance(source, pa.RecordBatchReader):
        return Stream(source, source.schema)
    if _is_from(source, "pyarrow._dataset", "Dataset") or _is_from(source, "pyarrow.dataset", "Dataset"):
        return _open_dataset(source)
    if _is_from(source, "pyarrow.parquet", "ParquetFile") or _is_from(source, "pyarrow.parquet.core", "ParquetFile"):
        return Stream(source.iter_batches(), source.schema_arrow)
    if _is_from(source, "polars", "LazyFrame"):
        return _open_lazy_frame(source)
    if _is_from(source, "polars", "DataFrame") or _is_from(source, "pandas", "DataFrame"):
        return _open_frame(source)
    try:
        if hasattr(source, "__arrow_c_stream__"):
            reader = pa.RecordBatchReader.from_stream(source)
            return Stream(reader, reader.schema)
        if hasattr(source, "__arrow_c_array__"):
            return open_source(pa.record_batch(source))
    except pa.ArrowInvalid as error:
        raise TypeError(f"source: must be rows with columns, got {type(source).__name__}: {error}") from error
    if isinstance(source, Iterable) and not isinstance(source, bytes | dict) and not hasattr(source, "read"):
        return _open_iterable(source)
    raise TypeError(
        "source: must be Parquet paths, Arrow data (anything with __arrow_c_stream__ or __arrow_c_array__) or an "
        f"iterable of record batches, got {describe(source)}"
    )


def as_batches(data: Any, name: str = "batch") -> tuple[list[pa.RecordBatch], pa.Schema]:
    """The batches of one piece of Arrow data, and their schema. TypeError for what is none, by the argument's name."""
    if isinstance(data, pa.RecordBatch):
        return [data], data.schema
    if isinstance(data, pa.Table):
        return data.to_batches() or _batch_without_rows(data), data.schema
    try:
        if hasattr(data, "__arrow_c_stream__"):
            data = pa.RecordBatchReader.from_stream(data)
        elif hasattr(data, "__arrow_c_array__"):
            return as_batches(pa.record_batch(data), name)
    except pa.ArrowInvalid as error:
        raise TypeError(f"{name}: must be rows with columns, got {type(data).__name__}: {error}") from error
    if isinstance(data, pa.RecordBatchReader):
        return as_batches(data.read_all(), name)
    raise TypeError(f"{name}: must be a RecordBatch, a Table or other Arrow data, got {describe(data)}")


def _batch_without_rows(table: pa.Table) -> list[pa.RecordBatch]:
    # A table of rows without columns has no chunks to make batches of.
    return [_arrow.empty_columns(table.num_rows, table.schema)] if table.num_columns == 0 else []


def _is_list_of_paths(source: object) -> bool:
    return (
        isinstance(source, list | tuple)
        and len(source) > 0
        and all(isinstance(each, str | os.PathLike) for each in source)
    )


def _is_from(source: object, module: str, name: str) -> bool:
    """Whether an object is of a class of a library that may not be installed, and need not be imported to know."""
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(source, kind)


def _open_batches(batches: Sequence[pa.RecordBatch]) -> Source:
    """Batches that are all there: they can be read again."""
    schema, start = batches[0].schema, 0
    for batch in batches:
        _check_schema(batch, schema, start)
        start += batch.num_rows
    return Memory(batches, schema)


def _open_iterable(source: Iterable[Any]) -> Source:
    items = iter(source)
    first = next(items, None)
    if first is None:
        raise ValueError("source: must give at least one batch to tell its schema, got none")
    if isinstance(first, str | os.PathLike):
        paths = [first, *items]
        if not _is_list_of_paths(paths):
            raise TypeError(f"source: must be paths or record batches, not both, got {describe(paths)}")
        return open_source(paths)
    batches, schema = as_batches(first, "source")
    return Stream(chain(batches, chain.from_iterable(as_batches(each, "source")[0] for each in items)), schema)


def _open_frame(frame: Any) -> Source:
    try:
        return open_source(pa.table(frame))
    except (
        pa.ArrowException,
        ValueError,
        TypeError,
    ) as error:  # as for objects of several types, or names that are twice
        raise ValueError(f"source: must be a frame that Arrow can hold, got {str(error).splitlines()[0]}") from error


def _open_lazy_frame(frame: Any) -> Source:
    if not hasattr(frame, "collect_batches"):
        return open_source(frame.collect())
    schema = pa.table(frame.head(0).collect()).schema
    frames = frame.collect_batches(maintain_order=True)
    return Stream(chain.from_iterable(pa.table(each).to_batches() for each in frames), schema)


def _open_dataset(dataset: Any) -> Source:
    import pyarrow.dataset as ds

    plain = isinstance(dataset, ds.FileSystemDataset) and not getattr(dataset, "_scan_options", None)
    if plain and isinstance(dataset.format, ds.ParquetFileFormat):
        from aliquot.parquet import open_fragments

        source = open_fragments(dataset)
        if source is not None and source.schema.equals(dataset.schema):
            return source
    return Stream(dataset.to_batches(batch_readahead=2, fragment_readahead=1), dataset.schema)

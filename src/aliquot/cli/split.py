"""``aliquot split``."""

import argparse
import base64
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aliquot._progress import Progress
from aliquot._provenance import attach, facts_as_json
from aliquot._source import Source
from aliquot._threads import processors
from aliquot.cli.output import check_directory, whole_directory
from aliquot.cli.sample import open_argument
from aliquot.partition import Partition

FILE = "data.parquet"
MANIFEST = "manifest.json"
GROUP_ROWS = 131_072
GROUP_BYTES = 64 << 20
"""A part's rows are written as a row group once there are so many, or they take so much memory."""


def run(arguments: argparse.Namespace) -> None:
    """Split rows into a directory for each part."""
    check_directory("--to", arguments.to)
    asked = _asked(arguments.part)
    job = Partition(
        {name: _amount(name, text) for name, text in asked.items()},
        arguments.strata,
        arguments.groups,
        arguments.key,
        arguments.exact,
        arguments.rare,
        arguments.seed,
    )
    opened = job.open(open_argument(arguments.source))
    with Progress(sys.stderr.isatty() and not arguments.quiet) as progress, whole_directory(arguments.to) as directory:
        progress.start(opened.num_rows)
        files = _write_parts(job, opened, progress, directory)
        facts = job.facts(opened)
        for part, file in enumerate(files):
            file.close({**facts, "part": job.parts.names[part], "size": job.sizes[part]})
        with open(os.path.join(directory, MANIFEST), "w", encoding="utf-8") as manifest:
            json.dump(_manifest(job, opened, asked, facts, directory), manifest, indent=2, default=str)
            manifest.write("\n")
    if not arguments.quiet:
        print(summary(job, arguments.to), file=sys.stderr)


def summary(job: Partition, to: str) -> str:
    """A line on what was split, and how to split it again."""
    rows = ", ".join(
        f"{rows:,} rows to {os.path.join(to, name)}" for name, rows in zip(job.parts.names, job.sizes, strict=True)
    )
    unmet = f"; {len(job.unmet):,} wishes unmet, see {os.path.join(to, MANIFEST)}" if job.unmet else ""
    return f"{rows}; seed {job.seed}{unmet}"


def _write_parts(job: Partition, opened: Source, progress: Progress, directory: str) -> list["_PartFile"]:
    """Write the rows as they come; the files are still open."""
    with ExitStack() as always, ExitStack() as unfinished:
        # Encoding and compressing take as long as all else, and need no turn of the interpreter.
        writers = always.enter_context(ThreadPoolExecutor(processors()))
        files = []
        for name in job.parts.names:
            os.mkdir(os.path.join(directory, name))
            files.append(_PartFile(os.path.join(directory, name, FILE), opened.schema, writers))
            unfinished.callback(files[-1].abandon)
        for part, rows in job.run(opened, progress):
            files[part].write(rows)
        for file in files:
            file.settle()
        unfinished.pop_all()
    return files


class _PartFile:
    """The Parquet file of a part, written by row groups: one is held and one is being written."""

    def __init__(self, path: str, schema: pa.Schema, writers: Executor) -> None:
        self._schema = schema
        self._sink = pa.OSFile(path, "wb")
        self._writer: pq.ParquetWriter | None = None
        self._held: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0
        self._writers = writers
        self._writing: Future[None] | None = None

    def write(self, rows: pa.RecordBatch) -> None:
        """Take in the next rows."""
        self._held.append(rows)
        self._rows += rows.num_rows
        self._bytes += rows.nbytes
        if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self.settle()
            self._writing = self._writers.submit(self._write_group, *self._take_held())

    def settle(self) -> None:
        """Wait until what is being written is. What went wrong with it is raised."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def close(self, facts: dict[str, Any]) -> None:
        """Write what is held, and the provenance."""
        self._write_group(*self._take_held())
        assert self._writer is not None
        schema = attach(self._schema, facts)
        stored = base64.b64encode(schema.serialize())  # as pyarrow stores it
        self._writer.add_key_value_metadata({b"ARROW:schema": stored, **schema.metadata})
        self.abandon()

    def abandon(self) -> None:
        """Let go of the file."""
        if self._writing is not None:
            wait([self._writing])
        if self._writer is not None:
            self._writer.close()
        self._sink.close()

    def _take_held(self) -> tuple[pa.Table, int]:
        held = pa.Table.from_batches(self._held, self._schema).replace_schema_metadata()
        rows, self._held, self._rows, self._bytes = self._rows, [], 0, 0
        return held, rows

    def _write_group(self, rows: pa.Table, count: int) -> None:
        """Write a row group, as long as it has rows; the first one tells which columns have dictionaries."""
        if self._writer is None:
            # The schema that readers restore is added at the end, with the provenance.
            self._writer = pq.ParquetWriter(
                self._sink, rows.schema, compression="zstd", store_schema=False, use_dictionary=_repetitive(rows)
            )
        if count:
            self._writer.write_table(rows, row_group_size=count)


def _repetitive(rows: pa.Table) -> list[str]:
    """The leaves to write with dictionaries: those but the ones of whose values more than a quarter are new.

    To look these up takes a writer twice as long as to write them as they are, and hardly makes them smaller.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(rows.schema.empty_table(), sink)
    leaves = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    distinct = {
        field.name
        for field, column in zip(rows.schema, rows.columns, strict=True)
        if _is_counted(field.type) and 4 * pc.count_distinct(column, mode="all").as_py() > len(rows)
    }
    return [leaves.column(i).path for i in range(len(leaves)) if leaves.column(i).path not in distinct]


def _is_counted(kind: pa.DataType) -> bool:
    strings = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return pa.types.is_primitive(kind) or any(is_it(kind) for is_it in strings)


def _manifest(
    job: Partition, opened: Source, asked: dict[str, str], facts: dict[str, Any], directory: str
) -> dict[str, Any]:
    """What a reader of the directory may want to know of the split."""
    told: dict[str, Any] = json.loads(facts_as_json(facts))
    told["parts"] = {
        name: {
            "asked": asked[name],
            "rows": rows,
            "file": f"{name}/{FILE}",
            "bytes": os.path.getsize(os.path.join(directory, name, FILE)),
        }
        for name, rows in zip(job.parts.names, job.sizes, strict=True)
    }
    if job.counts is not None:
        told["strata"] = {
            "columns": job.counts.columns,
            "counts": [
                {"stratum": label, "rows": dict(zip(job.parts.names, rows, strict=True))}
                for label, rows in zip(job.counts.labels, job.counts.rows.tolist(), strict=True)
            ],
        }
    told["unmet"] = job.unmet
    told["fingerprint"] = _fingerprint(opened)
    return told


def _fingerprint(opened: Source) -> str:
    """A digest of what the source was: its files, their sizes and times, its schema."""
    text = json.dumps([opened.facts()["source"], str(opened.schema.remove_metadata())])
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _asked(texts: Sequence[str]) -> dict[str, str]:
    """What is asked for each part, as it was typed."""
    asked: dict[str, str] = {}
    for text in texts:
        name, _, amount = text.rpartition("=")
        if not name or not amount:
            raise ValueError(f"--part: must be NAME=SHARE, NAME=ROWS or NAME=rest, got {text!r}")
        # Readers of directories pass over names with _ and . in front, and take = for a column.
        if name.startswith((".", "_")) or any(letter in name for letter in "/\\=\0") or name == MANIFEST:
            raise ValueError(f"--part: must have a name that a directory can have, got {name!r}")
        if name in asked:
            raise ValueError(f"--part: must have names that differ, got {name!r} twice")
        asked[name] = amount
    return asked


def _amount(name: str, text: str) -> int | Fraction | None:
    """A share, rows, or None for the rest."""
    try:
        return None if text == "rest" else int(text) if text.isdecimal() else Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"--part: must be NAME=SHARE, NAME=ROWS or NAME=rest, got '{name}={text}'") from None

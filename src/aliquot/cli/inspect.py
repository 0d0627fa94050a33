"""``aliquot inspect``."""

import argparse
import os

import pyarrow as pa

from aliquot._provenance import KEY, provenance
from aliquot.cli.sample import megabytes, open_argument
from aliquot.parquet import open_paths


def run(arguments: argparse.Namespace) -> None:
    """Print what a data set holds, and where a sample comes from."""
    paths = arguments.source
    if paths == ["-"]:
        _print_stream(open_argument(paths))
        return
    if len(paths) == 1 and paths[0].endswith(".arrow"):
        _print_arrow_file(paths[0])
        return
    source = open_paths(paths)
    files = source.inspect()
    for path, size, rows, groups in files[:20]:
        print(f"{path}: {rows:,} rows in {groups:,} row groups, {megabytes(size)}")
    if len(files) > 20:
        print(f"... and {len(files) - 20:,} more files")
    if len(files) > 1:
        total = megabytes(sum(size for _, size, _, _ in files))
        print(
            f"{len(files):,} files: {source.num_rows:,} rows in {sum(file[3] for file in files):,} row groups, {total}"
        )
    _print_schema(source.schema)


def _print_stream(stream: pa.RecordBatchReader) -> None:
    rows = [batch.num_rows for batch in stream]
    print(f"-: {sum(rows):,} rows in {len(rows):,} batches")
    _print_schema(stream.schema)


def _print_arrow_file(path: str) -> None:
    if not os.path.isfile(path):
        raise FileNotFoundError(f"SOURCE: must be a file, got {path!r}")
    with pa.OSFile(path) as handle:
        try:
            file = pa.ipc.open_file(handle)
        except pa.ArrowInvalid as error:
            raise ValueError(f"{path}: must be a readable Arrow file, got {error}") from error
        rows = sum(file.get_batch(i).num_rows for i in range(file.num_record_batches))
        print(f"{path}: {rows:,} rows in {file.num_record_batches:,} batches, {megabytes(handle.size())}")
        _print_schema(file.schema)


def _print_schema(schema: pa.Schema) -> None:
    width = max((len(name) for name in schema.names), default=0)
    for field in schema:
        print(f"  {field.name:<{width}}  {field.type}{'' if field.nullable else ' not null'}")
    if KEY in (schema.metadata or {}):
        print("sample:")
        for name, value in provenance(schema).items():
            if name == "source" and isinstance(value, list):
                value = (
                    f"{len(value)} files: " + ", ".join(file["path"] for file in value[:3]) + ", ..." * (len(value) > 3)
                )
            print(f"  {name:<10}  {value}")

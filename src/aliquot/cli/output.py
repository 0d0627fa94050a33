"""Where rows go: a file or a directory that appears only when it is whole, or standard output."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyarrow as pa

from aliquot._arrow import without_views


def _parquet(table: pa.Table, sink: pa.NativeFile) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, sink, compression="zstd")


def _arrow(table: pa.Table, sink: pa.NativeFile) -> None:
    # One dictionary a column, as the file format cannot replace them.
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.unify_dictionaries())


def _csv(table: pa.Table, sink: pa.NativeFile) -> None:
    from pyarrow import csv

    for field in table.schema:
        if pa.types.is_nested(field.type):
            raise ValueError(
                f"{field.name}: must be of a type that CSV can hold, got {field.type}; write .parquet or .arrow"
            )
    csv.write_csv(without_views(table), sink)


WRITERS: dict[str, Callable[[pa.Table, pa.NativeFile], None]] = {".parquet": _parquet, ".arrow": _arrow, ".csv": _csv}


def check_output(output: str | None) -> None:
    """ValueError or FileNotFoundError for an output that cannot be written, before any work is done."""
    if output == "-" and sys.stdout is not None and sys.stdout.isatty():
        raise ValueError("-o: must be a file or a pipe for an Arrow stream, got - on a terminal")
    if output in (None, "-"):
        if sys.stdout is None:
            raise OSError("standard output: must be open, got none")
        return
    assert output is not None
    if os.path.splitext(output)[1] not in WRITERS:
        raise ValueError(f"-o: must end in {', '.join(WRITERS)} or be -, got {output!r}")
    check_file("-o", output)


def check_file(option: str, path: str) -> None:
    """ValueError or FileNotFoundError for a file that cannot be written, before any work is done."""
    if not path or os.path.isdir(path):
        raise ValueError(f"{option}: must be a file, got {f'the directory {path!r}' if path else repr(path)}")
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise FileNotFoundError(f"{option}: must be in a directory that is there, got {path!r}")


def write(table: pa.Table, output: str | None) -> None:
    """Write a table to a file by its ending, to standard output as an Arrow stream (-), or there as CSV (None)."""
    if output is None:
        _csv(table, pa.PythonFile(sys.stdout.buffer, "w"))
        sys.stdout.flush()
    elif output == "-":
        with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as writer:
            writer.write_table(table)
        sys.stdout.flush()
    else:
        fill = WRITERS[os.path.splitext(output)[1]]
        write_whole(output, lambda sink: fill(table, sink))


def write_whole(path: str, fill: Callable[[pa.NativeFile], None]) -> None:
    """Write beside the path and rename, so that no half-written file ever bears its name."""
    path = os.path.realpath(path)  # what a link leads to, not the link
    directory, name = os.path.split(path)
    partial = os.path.join(directory, f".{name[:200]}.{os.getpid()}.partial")
    try:
        with pa.OSFile(partial, "wb") as sink:
            fill(sink)
        os.replace(partial, path)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise


def check_directory(option: str, path: str) -> None:
    """ValueError or FileNotFoundError for a directory that cannot be made, before any work is done."""
    is_empty = os.path.isdir(path) and not os.path.islink(path) and not os.listdir(path)
    if not path or (os.path.lexists(path) and not is_empty):
        raise ValueError(f"{option}: must be a directory that is not there yet, or empty, got {path!r}")
    if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        raise FileNotFoundError(f"{option}: must be in a directory that is there, got {path!r}")


@contextmanager
def whole_directory(path: str) -> Iterator[str]:
    """A directory to fill, which is given the name ``path`` once it is whole, and goes if that does not come to be."""
    parent, name = os.path.split(os.path.abspath(path))
    partial = os.path.join(parent, f".{name[:200]}.{os.getpid()}.partial")
    os.mkdir(partial)
    try:
        yield partial
        _settle(partial)
        os.rename(partial, path)  # over an empty directory too, but over nothing else
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _settle(directory: str) -> None:
    """Have the disk hold all files before their directory gets its name, so that it is whole after a power failure."""
    for folder, _, names in os.walk(directory, topdown=False):
        for name in [*names, "."]:
            handle = os.open(os.path.join(folder, name), os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

"""Which files paths, directories, globs and URIs name, and what hive-style directory names say of their rows."""

import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.fs as pafs

SUFFIXES = (".parquet", ".parq", ".pq")
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class FilePart:
    """One file, and the values of the columns that stand in its path, as text unless pyarrow parsed them."""

    filesystem: pafs.FileSystem
    path: str
    partition: dict[str, Any] = field(default_factory=dict)

    def open(self) -> pa.NativeFile:
        """The file, for random access."""
        return self.filesystem.open_input_file(self.path)

    @cached_property
    def is_local(self) -> bool:
        """Whether it is on a disk of this machine, as far as pyarrow knows."""
        return isinstance(self.filesystem, pafs.LocalFileSystem)

    def stamp(self) -> tuple[int, int | None]:
        """Size, and modification time in nanoseconds, as they are now."""
        if self.is_local:  # without a detour, as this is asked for each row group
            try:
                found = os.stat(self.path)
            except FileNotFoundError:
                raise FileNotFoundError(f"{self.path}: must be there, got no such file") from None
            return found.st_size, found.st_mtime_ns
        info = self.filesystem.get_file_info(self.path)
        if info.type == pafs.FileType.NotFound:
            raise FileNotFoundError(f"{self.path}: must be there, got no such file")
        return info.size, info.mtime_ns


def find_files(source: Any) -> list[FilePart]:
    """The files that a path, or each of a list of paths, names: a list keeps its order, a directory or glob is sorted.

    Raises
    ------
    FileNotFoundError
        For a path that matches nothing.
    """
    paths = list(source) if isinstance(source, list | tuple) else [source]
    return [file for path in paths for file in _find(os.fspath(path))]


def partition_fields(files: Sequence[FilePart], schema: pa.Schema) -> list[pa.Field]:
    """The columns that stand in the paths and not in the files.

    int32 or int64 if all values are whole numbers, else string.
    """
    names = [name for file in files for name in file.partition]
    names = [name for name in dict.fromkeys(names) if name not in set(schema.names)]
    for file in files:
        for name in names:
            if name not in file.partition:
                raise ValueError(f"{file.path}: must stand below a directory {name}=..., got none")
    return [pa.field(name, _common_type([file.partition[name] for file in files])) for name in names]


def _common_type(values: Sequence[Any]) -> pa.DataType:
    there = {value for value in values if value is not None}
    if there and all(isinstance(value, int) or re.fullmatch(r"-?\d{1,18}", str(value), re.ASCII) for value in there):
        return pa.int32() if all(-(2**31) <= int(value) < 2**31 for value in there) else pa.int64()
    kinds = {pa.scalar(value).type for value in there}
    return kinds.pop() if len(kinds) == 1 else pa.string()


def _find(path: str) -> list[FilePart]:
    if "://" in path:
        head = path.split("*")[0].split("?")[0].split("[")[0]
        base = head if head == path else head.rsplit("/", 1)[0]
        filesystem, base = _open_store(base)
        path = base + path[len(head if head == path else head.rsplit("/", 1)[0]) :]
    else:
        filesystem = pafs.LocalFileSystem()
        if not os.path.exists(path) and glob.has_magic(path):
            matches = sorted(match for match in glob.glob(path, recursive=True) if os.path.isfile(match))
            return _matched([match for match in matches if not _is_hidden(match, path)], path, filesystem)
    try:
        info = filesystem.get_file_info(path)
    except pa.ArrowInvalid as error:  # no path at all, as "s3:"
        raise ValueError(f"source: must be a path or a URI, got {path!r}") from error
    if info.type == pafs.FileType.File:
        return [FilePart(filesystem, path)]
    if info.type == pafs.FileType.Directory:
        found = _below(filesystem, path)
        matches = [name for name in found if name.endswith(SUFFIXES)]
        return _matched(matches, path, filesystem, what="a directory with Parquet files")
    if glob.has_magic(path):
        matches = [
            name for name in _below(filesystem, _literal_head(path)) if _matches(name.split("/"), path.split("/"))
        ]
        return _matched(matches, path, filesystem)
    raise FileNotFoundError(f"source: must be a file, a directory or a pattern that matches some, got {path!r}")


def _open_store(uri: str) -> tuple[pafs.FileSystem, str]:
    """The file system that a URI names, pyarrow's own or else fsspec's, and the path in it."""
    try:
        return pafs.FileSystem.from_uri(uri)  # type: ignore[no-any-return]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as unknown:
        try:
            from fsspec.core import url_to_fs

            store, path = url_to_fs(uri)
        except (ImportError, ValueError):
            raise ValueError(f"source: must be a path or a URI of a known file system, got {uri!r}") from unknown
        return pafs.PyFileSystem(pafs.FSSpecHandler(store)), path


def _matched(
    matches: list[str], path: str, filesystem: pafs.FileSystem, what: str = "a pattern that matches files"
) -> list[FilePart]:
    if not matches:
        raise FileNotFoundError(f"source: must be {what}, got {path!r}")
    head = _literal_head(path)
    return [FilePart(filesystem, match, _partition(match[len(head) :])) for match in sorted(matches)]


def _below(filesystem: pafs.FileSystem, directory: str) -> list[str]:
    infos = filesystem.get_file_info(pafs.FileSelector(directory, recursive=True))
    return sorted(
        info.path for info in infos if info.type == pafs.FileType.File and not _is_hidden(info.path, directory)
    )


def _literal_head(path: str) -> str:
    """The directory above the first wildcard; the path itself if it has none."""
    parts = path.split("/")
    for i, part in enumerate(parts):
        if glob.has_magic(part):
            return "/".join(parts[:i])
    return path


def _is_hidden(path: str, below: str) -> bool:
    """Whether a name below a directory or pattern starts with _ or ., as markers and half-written files do."""
    return any(part.startswith(("_", ".")) and "=" not in part for part in path[len(_literal_head(below)) :].split("/"))


def _partition(path: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for part in path.split("/")[:-1]:
        name, equals, value = part.partition("=")
        if equals and name:
            values[unquote(name)] = None if value == NULL_PARTITION else unquote(value)
    return values


def _matches(parts: list[str], pattern: list[str]) -> bool:
    """Whether a path matches a glob, as the shell understands it: * within a name, ** across directories."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[i:], pattern[1:]) for i in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])

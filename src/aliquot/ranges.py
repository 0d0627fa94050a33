"""Stretches of bytes of a file: joined, counted, read one after the other from a disk or many at once from a store."""

import os
from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import islice, pairwise
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TypeAlias, TypeVar

import pyarrow as pa
import pyarrow.fs as pafs

from aliquot._compression import Scratch
from aliquot._files import FilePart

LOCAL_GAP = 16_384
"""Bytes between two stretches that are read along, not skipped: a read call costs about what copying them does."""

REMOTE_GAP = 1_048_576
"""The same where a request takes tens of milliseconds, in which a connection carries about this much."""

REMOTE_READS = 32
"""Requests under way at once: each waits for an answer, and none needs a core."""

REMOTE_PIECE = 8_388_608
"""Bytes of a request at most: a connection takes about a tenth of a second for them; several share a longer read."""

Stretch: TypeAlias = tuple[int, int]
"""The place of the first byte in the file, and that after the last."""

Segment: TypeAlias = tuple[int, bytes | memoryview]
"""The place of the first byte in the file, and the bytes."""

T = TypeVar("T")


class Ranges:
    """Reads stretches of one open file, in which nobody writes: no byte is read twice that was kept.

    ``pool``, if there is one, runs requests to a store side by side; a file on a disk is read in the caller's thread.
    ``gap`` is how many bytes between two stretches are read along. ``scratch`` is for those who pick values out of what
    is read. ``kept`` has been read before.
    """

    def __init__(
        self,
        file: FilePart,
        pool: Executor | None = None,
        gap: int | None = None,
        scratch: Scratch | None = None,
        kept: Sequence[Segment] = (),
    ) -> None:
        self.file = file
        self.is_local = file.is_local
        self.gap = gap if gap is not None else LOCAL_GAP if self.is_local else REMOTE_GAP
        self.scratch = scratch or Scratch()
        self.kept = list(kept)
        """Ascending and apart."""
        self._sizes: list[int] = []  # appended to by several threads, where adding to a number would lose some
        self._pool = pool
        # A Python file has one position, so that two reads of one handle take turns; others read anywhere at any time.
        self._shared = not isinstance(file.filesystem, pafs.PyFileSystem)
        self._handles: SimpleQueue[pa.NativeFile] = SimpleQueue()
        self._opened: list[pa.NativeFile] = []
        self.descriptor = -1
        """Of a file on a disk, read by the system itself: several calls of pyarrow take longer than most pages."""
        if self.is_local:
            self.descriptor = os.open(file.path, os.O_RDONLY)
        else:
            self._handles.put(self.handle)

    @property
    def count(self) -> int:
        """Bytes read so far, each once: not those of checks whether the file is what it was."""
        return sum(self._sizes)

    @property
    def handle(self) -> pa.NativeFile:
        """The file itself, for a reader that finds its own way."""
        if not self._opened:
            self._opened.append(self.file.open())
        return self._opened[0]

    def size(self) -> int:
        """Bytes of the file."""
        return os.fstat(self.descriptor).st_size if self.is_local else int(self.handle.size())

    def read(self, start: int, end: int) -> bytes | memoryview:
        """The bytes from ``start`` to ``end``."""
        parts = [data if data is not None else self._fetch(first, last) for first, last, data in self._cut(start, end)]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def peek(self, start: int, end: int) -> bytes | memoryview:
        """The same, kept for those who read these bytes again."""
        for first, last, data in list(self._cut(start, end)):
            if data is None:
                insort(self.kept, (first, self._fetch(first, last)), key=_place)
        return self.read(start, end)

    def read_as_it_is(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` to ``end`` as they are now, which do not count."""
        if self.is_local:
            found = os.pread(self.descriptor, end - start, start)
            while len(found) < end - start and (
                more := os.pread(self.descriptor, end - start - len(found), start + len(found))
            ):
                found += more  # of very long stretches the system gives a part
        elif self._shared:
            found = self.handle.read_at(end - start, start)
        else:
            handle = self._free_handle()
            try:
                found = handle.read_at(end - start, start)
            finally:
                self._handles.put(handle)
        if len(found) != end - start:
            raise ValueError(f"must be a readable Parquet file, got {len(found)} for {end - start} bytes at {start}")
        return found

    def _fetch(self, start: int, end: int) -> bytes:
        found = self.read_as_it_is(start, end)
        self.count_more(len(found))
        return found

    def read_all(self, stretches: Sequence[Stretch]) -> list[Segment]:
        """Segments that hold stretches of bytes, ascending, and little else."""
        joined = coalesce(stretches, self.gap)
        if self.is_local:
            return [(start, self.read(start, end)) for start, end in joined]
        cuts = [[*range(start, end, REMOTE_PIECE), end] for start, end in joined]
        found = iter(self.at_once([partial(self.read, *piece) for each in cuts for piece in pairwise(each)]))
        return [(each[0], b"".join(islice(found, len(each) - 1))) for each in cuts]

    def peek_all(self, stretches: Sequence[Stretch]) -> list[Segment]:
        """The same, kept if it is of a disk."""
        if not self.is_local:
            return self.read_all(stretches)
        return [(start, self.peek(start, end)) for start, end in coalesce(stretches, self.gap)]

    def _cut(self, start: int, end: int) -> Iterator[tuple[int, int, bytes | memoryview | None]]:
        """A stretch in pieces that were kept and pieces that were not."""
        if not self.kept or end <= self.kept[0][0]:
            yield start, end, None
            return
        place = max(bisect_right(self.kept, start, key=_place) - 1, 0)
        while start < end and place < len(self.kept):
            base, data = self.kept[place]
            if base >= end:
                break
            if base > start:
                yield start, base, None
                start = base
            last = min(end, base + len(data))
            if last > start:
                yield start, last, memoryview(data)[start - base : last - base]
                start = last
            place += 1
        if start < end:
            yield start, end, None

    def count_more(self, size: int) -> None:
        """So many bytes were read by others."""
        self._sizes.append(size)

    def at_once(self, reads: Sequence[Callable[[], T]]) -> list[T]:
        """The results of some reads, all under way at the same time where that saves waiting."""
        if self.is_local or self._pool is None or len(reads) < 2:
            return [read() for read in reads]
        return [future.result() for future in [self._pool.submit(read) for read in reads]]

    def soon(self, call: Callable[[], T]) -> Callable[[], T]:
        """What gives the result of a call, which may go on meanwhile where it waits for a store."""
        if self._pool is not None and not self.is_local:
            return self._pool.submit(call).result
        result = call()
        return lambda: result

    def _free_handle(self) -> pa.NativeFile:
        try:
            return self._handles.get_nowait()
        except Empty:
            self._opened.append(self.file.open())
            return self._opened[-1]

    def __enter__(self) -> "Ranges":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._opened:
            handle.close()
        if self.is_local:
            os.close(self.descriptor)


def coalesce(stretches: Iterable[Stretch], gap: int) -> list[Stretch]:
    """Ascending stretches of bytes as fewer, joined where at most ``gap`` bytes lie between two."""
    out: list[Stretch] = []
    for start, end in stretches:
        if out and start - out[-1][1] <= gap:
            out[-1] = out[-1][0], max(end, out[-1][1])
        else:
            out.append((start, end))
    return out


def _place(segment: Segment) -> int:
    return segment[0]

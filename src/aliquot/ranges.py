"""Stretches of bytes of a file: joined, counted, read one after the other from a disk or many at once from a store."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import islice, pairwise
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
from numpy.typing import NDArray

from aliquot._files import FilePart

LOCAL_GAP = 16_384
"""Bytes between two stretches that are read along, not skipped: a read call costs about what copying them does."""

REMOTE_GAP = 1_048_576
"""The same where a request takes tens of milliseconds, in which a connection carries about this much."""

REMOTE_READS = 32
"""Requests under way at once: each waits for an answer, and none needs a core."""

REMOTE_PIECE = 8_388_608
"""Bytes of a request at most: a connection takes about a tenth of a second for them; several share a longer read."""

Segment = tuple[int, bytes]
"""The place of the first byte in the file, and the bytes."""

T = TypeVar("T")


class Ranges:
    """Reads stretches of one open file.

    ``pool`` runs requests to a store side by side; a file on a disk is read in the caller's thread. ``gap`` is how many
    bytes between two stretches are read along.
    """

    def __init__(self, file: FilePart, pool: Executor, gap: int | None = None) -> None:
        self.file = file
        self.is_local = is_local(file)
        self.gap = gap if gap is not None else LOCAL_GAP if self.is_local else REMOTE_GAP
        self._sizes: list[int] = []  # appended to by several threads, where adding to a number would lose some
        self._pool = pool
        # A Python file has one position, so that two reads of one handle take turns; others read anywhere at any time.
        self._shared = not isinstance(file.filesystem, pafs.PyFileSystem)
        self._handles: SimpleQueue[pa.NativeFile] = SimpleQueue()
        self._opened = [file.open()]
        self._handles.put(self._opened[0])

    @property
    def count(self) -> int:
        """Bytes read so far."""
        return sum(self._sizes)

    @property
    def handle(self) -> pa.NativeFile:
        """The file itself, for a reader that finds its own way."""
        return self._opened[0]

    def read(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` to ``end``."""
        if self._shared:
            found: bytes = self.handle.read_at(end - start, start)
        else:
            handle = self._free_handle()
            try:
                found = handle.read_at(end - start, start)
            finally:
                self._handles.put(handle)
        if len(found) != end - start:
            raise ValueError(f"must be a readable Parquet file, got {len(found)} for {end - start} bytes at {start}")
        self._sizes.append(len(found))
        return found

    def read_all(self, extents: NDArray[np.int64]) -> list[Segment]:
        """Segments that hold stretches of bytes, (n, 2) and ascending, and little else."""
        if len(extents) == 0:
            return []
        joined = coalesce(extents, self.gap)
        if self.is_local:
            return [(start, self.read(start, end)) for start, end in joined]
        cuts = [[*range(start, end, REMOTE_PIECE), end] for start, end in joined]
        found = iter(self.at_once([partial(self.read, *piece) for each in cuts for piece in pairwise(each)]))
        return [(each[0], b"".join(islice(found, len(each) - 1))) for each in cuts]

    def at_once(self, reads: Sequence[Callable[[], T]]) -> list[T]:
        """The results of some reads, all under way at the same time where that saves waiting."""
        if self.is_local or len(reads) < 2:
            return [read() for read in reads]
        return [future.result() for future in [self._pool.submit(read) for read in reads]]

    def soon(self, call: Callable[[], T]) -> Callable[[], T]:
        """What gives the result of a call, which may go on meanwhile where it waits for a store."""
        if not self.is_local:
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


def is_local(file: FilePart) -> bool:
    """Whether a file is on a disk of this machine, as far as pyarrow knows."""
    return isinstance(file.filesystem, pafs.LocalFileSystem)


def coalesce(extents: NDArray[np.int64], gap: int) -> list[tuple[int, int]]:
    """Ascending stretches of bytes as fewer, joined where at most ``gap`` bytes lie between two."""
    apart = np.flatnonzero(extents[1:, 0] - extents[:-1, 1] > gap)
    starts = extents[np.concatenate(([0], apart + 1)), 0]
    ends = extents[np.concatenate((apart, [len(extents) - 1])), 1]
    return list(zip(starts.tolist(), ends.tolist(), strict=True))

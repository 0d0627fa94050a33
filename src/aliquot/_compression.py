"""What pages are taken out of their compression with: snappy and zstd as far as asked for, the rest by pyarrow."""

import threading
from typing import Any

import pyarrow as pa

from aliquot._kernels.parquet_text import Text

GZIP, ZSTD = 2, 6

CODECS = {GZIP: "gzip", ZSTD: "zstd"}
"""Parquet's numbers of the codecs whose output is sure to be of the size that was claimed, or an error.

Of others pyarrow cannot tell how much they filled of what it made room for.
"""

LARGEST_RATIO = 32_768
"""Bytes that one byte can stand for at most, in zstd; a page that claims more only wants the memory."""


class Whole:
    """``whole(codec, data, size)``: the page, or None if it cannot be had or is not of this size."""

    def __init__(self) -> None:
        self._codecs: dict[int, pa.Codec] = {}  # of each user its own, as they are not made for several threads

    def __call__(self, codec: int, data: memoryview, size: int) -> Any:
        if codec not in CODECS or size > len(data) * LARGEST_RATIO:
            return None
        if codec == GZIP and int.from_bytes(data[-4:], "little") != size:
            return None
        if codec not in self._codecs:
            self._codecs[codec] = pa.Codec(CODECS[codec])
        return memoryview(self._codecs[codec].decompress(data, size)).cast("B")


class Scratch(threading.local):
    """What each thread that reads and decompresses uses again for every column: memory, above all."""

    def __init__(self) -> None:
        self.page = Text(Whole())
        self.dictionary = Text(Whole())

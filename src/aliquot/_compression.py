"""Pages without their compression, by pyarrow's codecs."""

from typing import Any

import pyarrow as pa

CODECS = {1: "snappy", 2: "gzip", 6: "zstd"}
"""Parquet's numbers of the codecs whose output is sure to be of the size that was claimed, or an error.

Of others pyarrow cannot tell how much they filled of what it made room for.
"""

LARGEST_RATIO = 32_768
"""Bytes that one byte can stand for at most, in zstd; a page that claims more only wants the memory."""


class Decompress:
    """``decompress(codec, data, size)``: the page, or None if it cannot be had or is not of this size."""

    def __init__(self) -> None:
        self._codec: pa.Codec = None

    def __call__(self, codec: int, data: memoryview, size: int) -> Any:
        if codec == 0:
            return data if len(data) == size else None
        if codec not in CODECS or size > len(data) * LARGEST_RATIO:
            return None
        if codec == 1 and _snappy_size(data) != size:
            return None
        if codec == 2 and int.from_bytes(data[-4:], "little") != size:
            return None
        if self._codec is None:  # one for each user, as they are not made for several threads
            self._codec = pa.Codec(CODECS[codec])
        return memoryview(self._codec.decompress(data, size)).cast("B")


def _snappy_size(data: memoryview) -> int:
    """What snappy data says of its size: seven bits a byte, the last byte below 128."""
    size = 0
    for i, byte in enumerate(data[:5]):
        size |= (byte & 127) << 7 * i
        if byte < 128:
            return size
    return -1

"""States as bytes: a mark, a checksum, a JSON head, and the rows as an Arrow IPC stream."""

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

MARK = b"ALIQUOT\x00"
FORMAT = 1

_WORD = 8


def pack(kind: str, state: dict[str, Any], batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> bytes:
    """The bytes of a state of this kind."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    head = json.dumps({"kind": kind, **state}).encode()
    body = _word(len(head)) + head + bytes(sink.getvalue())
    return MARK + _word(FORMAT) + _word(len(body)) + _word(_check(FORMAT, body)) + body


def unpack(kind: str, data: bytes) -> tuple[dict[str, Any], list[pa.RecordBatch], pa.Schema]:
    """The state behind the bytes, once they are known to be whole.

    Raises
    ------
    TypeError
        If ``data`` is not bytes.
    ValueError
        If they are no state, of another kind, of a newer format, or damaged.
    """
    try:
        data = bytes(memoryview(data))
    except TypeError:
        raise TypeError(f"data: must be bytes, got {type(data).__name__}") from None
    if data[: len(MARK)] != MARK:
        raise ValueError("data: must be a state that aliquot saved, got other bytes")
    version, size, check = (_read(data, len(MARK) + i * _WORD) for i in range(3))
    if version > FORMAT:
        raise ValueError(f"data: must be of format {FORMAT} or before, got {version}: saved by a newer aliquot")
    body = data[len(MARK) + 3 * _WORD :]
    if len(body) != size or _check(version, body) != check:
        raise ValueError("data: must be whole, got bytes that do not match their checksum")
    rows = _WORD + _read(body, 0)
    state = json.loads(body[_WORD:rows])
    if state["kind"] != kind:
        raise ValueError(f"data: must be a saved {kind}, got a {state['kind']}")
    with pa.ipc.open_stream(body[rows:]) as reader:
        return state, list(reader), reader.schema


def to_text(table: pa.Table) -> str:
    """A small table as text, for the head of a state."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return base64.b85encode(sink.getvalue()).decode()


def from_text(text: str) -> pa.Table:
    """The table that ``to_text`` made text of."""
    with pa.ipc.open_stream(base64.b85decode(text)) as reader:
        return reader.read_all()


def _check(version: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(_word(version)))


def _word(value: int) -> bytes:
    return value.to_bytes(_WORD, "little")


def _read(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + _WORD], "little")

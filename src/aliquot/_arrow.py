"""Rows of Arrow batches: picked without pinning what was left, joined, put in another order.

pyarrow moves all rows; what it cannot pick from (string views, run-end encoding) takes a detour here.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Positions = NDArray[np.int64]

JOIN_BYTES = 2**30


def take(array: pa.Array, positions: Positions) -> pa.Array:
    """Rows of an array of any type, in the order of ``positions``, sharing no buffers with it but a dictionary."""
    kind = array.type
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return _take_views(array, positions)
    plain = _plain(kind)
    if plain == kind:
        return array.take(pa.array(positions))
    return _restore(_flatten(array, plain).take(pa.array(positions)), kind)


def take_rows(batch: pa.RecordBatch, positions: Positions) -> pa.RecordBatch:
    """Rows of a batch, in the order of ``positions``."""
    if batch.num_columns == 0 and len(positions) <= batch.num_rows:
        return batch.slice(0, len(positions))
    if batch.num_columns == 0:
        return empty_columns(len(positions), batch.schema)
    if _can_take(batch.schema):
        return batch.take(pa.array(positions))
    columns = [take(column, positions) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def take_sorted(batches: Sequence[pa.RecordBatch], rows: Positions) -> list[pa.RecordBatch]:
    """Rows of consecutive batches by ascending row number, repeats allowed."""
    ends = np.cumsum([0] + [batch.num_rows for batch in batches])
    cuts = np.searchsorted(rows, ends)
    return [
        take_rows(batch, rows[first:last] - start)
        for batch, start, first, last in zip(batches, ends, cuts, cuts[1:], strict=False)
        if last > first
    ]


def permute(batches: Sequence[pa.RecordBatch], order: Positions) -> list[pa.RecordBatch]:
    """Rows of consecutive batches in any order, repeats allowed."""
    if not batches:
        return []
    if np.all(order[1:] >= order[:-1]):
        return consolidate(take_sorted(batches, order), batches[0].schema)
    total = sum(batch.num_rows for batch in batches)
    row_bytes = sum(batch.nbytes for batch in batches) // max(total, 1) + 1
    pieces = []
    for piece in np.array_split(order, len(order) * row_bytes // JOIN_BYTES + 1):
        by_row = np.argsort(piece, kind="stable")
        rows = join(take_sorted(batches, piece[by_row]), batches[0].schema)
        place = np.empty_like(by_row)
        place[by_row] = np.arange(len(by_row))
        pieces.append(take_rows(rows, place))
    return pieces


def empty_columns(num_rows: int, schema: pa.Schema) -> pa.RecordBatch:
    """A batch of rows without columns."""
    return pa.RecordBatch.from_arrays([pa.nulls(num_rows)], ["_"]).select([]).replace_schema_metadata(schema.metadata)


def without_first(batch: pa.RecordBatch, count: int, schema: pa.Schema) -> pa.RecordBatch:
    """The batch without its first columns."""
    if len(schema) == 0:
        return empty_columns(batch.num_rows, schema)
    return pa.RecordBatch.from_arrays(batch.columns[count:], schema=schema)


def to_table(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """Batches as one table, copying nothing."""
    return pa.Table.from_batches(list(batches), schema)


def join(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    """Batches as one, copied, so that nothing else is kept alive."""
    if len(schema) == 0:
        return empty_columns(sum(batch.num_rows for batch in batches), schema)
    columns = [_concat([batch.column(i) for batch in batches], field) for i, field in enumerate(schema)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def consolidate(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> list[pa.RecordBatch]:
    """Batches as a few, of at most about JOIN_BYTES each: 32-bit offsets of a string column end at 2 GiB."""
    groups: list[list[pa.RecordBatch]] = [[]]
    size = 0
    for batch in batches:
        if size > 0 and size + batch.nbytes > JOIN_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(batch)
        size += batch.nbytes
    return [group[0] if len(group) == 1 else join(group, schema) for group in groups if group]


def with_own_dictionaries(batch: pa.RecordBatch, first: pa.RecordBatch | None) -> pa.RecordBatch:
    """The batch with dictionaries of no more than its own values, but where it shares those of ``first``."""
    if not has_dictionaries(batch.schema):
        return batch
    columns = [
        _shrink(column)
        if pa.types.is_dictionary(column.type) and not (first and _same_dictionary(column, first.column(i)))
        else column
        for i, column in enumerate(batch.columns)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _take_views(array: pa.Array, positions: Positions) -> pa.Array:
    """Rows of a string or binary view array: pick the 16-byte views, then copy the bytes they point to."""
    validity, views, *data = array.buffers()
    cells = pa.Array.from_buffers(pa.binary(16), len(array), [validity, views], offset=array.offset)
    picked = cells.take(pa.array(positions))
    shared = pa.Array.from_buffers(array.type, len(picked), [*picked.buffers()[:2], *data], offset=picked.offset)
    return shared.cast(_plain(array.type)).cast(array.type)


@lru_cache(maxsize=1024)
def _plain(kind: pa.DataType) -> pa.DataType:
    """The nearest type that pyarrow can pick rows from, the same one for most."""
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_run_end_encoded(kind):
        return _plain(kind.value_type)
    if pa.types.is_list(kind):
        return pa.list_(_plain_field(kind.value_field))
    if pa.types.is_large_list(kind):
        return pa.large_list(_plain_field(kind.value_field))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_plain_field(kind.value_field), kind.list_size)
    if pa.types.is_struct(kind):
        return pa.struct([_plain_field(field) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_plain_field(kind.key_field), _plain_field(kind.item_field), kind.keys_sorted)
    return kind


@lru_cache(maxsize=256)
def _can_take(schema: pa.Schema) -> bool:
    return all(_plain(kind) == kind for kind in schema.types)


def has_dictionaries(schema: pa.Schema) -> bool:
    """Whether a column holds codes into a dictionary."""
    return any(pa.types.is_dictionary(kind) for kind in schema.types)


def _plain_field(field: pa.Field) -> pa.Field:
    return field.with_type(_plain(field.type))


def _flatten(array: pa.Array, plain: pa.DataType) -> pa.Array:
    if pa.types.is_run_end_encoded(array.type):
        array = pc.run_end_decode(array)
    return array.cast(plain)


def _restore(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_run_end_encoded(kind):
        return pc.run_end_encode(array.cast(kind.value_type), run_end_type=kind.run_end_type)
    return array.cast(kind)


def _concat(arrays: list[pa.Array], field: pa.Field) -> pa.Array:
    if not arrays:
        return pa.nulls(0, field.type)
    if pa.types.is_dictionary(field.type) and not all(_same_dictionary(each, arrays[0]) for each in arrays[1:]):
        arrays = [_shrink(array) for array in arrays]
    try:
        return pa.concat_arrays(arrays)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{field.name}: must join into one array of type {field.type}, got {error}") from error


def _same_dictionary(a: pa.DictionaryArray, b: pa.DictionaryArray) -> bool:
    def place(array: pa.DictionaryArray) -> list[object]:
        values = array.dictionary
        return [len(values), values.offset, *(buffer and buffer.address for buffer in values.buffers())]

    return place(a) == place(b)


def _shrink(array: pa.DictionaryArray) -> pa.DictionaryArray:
    """The same values over a dictionary of just those, in its order; null values become null codes."""
    codes = array.indices
    if array.dictionary.null_count:
        nowhere = pa.array(np.flatnonzero(array.dictionary.is_null().to_numpy(zero_copy_only=False)))
        codes = pc.if_else(pc.is_in(codes.cast(pa.int64()), nowhere), pa.scalar(None, codes.type), codes)
    valid = codes.is_valid().to_numpy(zero_copy_only=False)
    used, places = np.unique(codes.drop_null().to_numpy(), return_inverse=True)
    renumbered = np.zeros(len(codes), array.type.index_type.to_pandas_dtype())
    renumbered[valid] = places
    return pa.DictionaryArray.from_arrays(
        pa.array(renumbered, array.type.index_type, mask=~valid),
        take(array.dictionary, used.astype(np.int64)),
        ordered=array.type.ordered,
    )

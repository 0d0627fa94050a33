"""Rows of Arrow batches: picked without pinning what was left, joined, put in another order.

A kernel moves rows of flat columns, out of many batches at once, and pyarrow all others; what neither can pick from
(string views inside of others, run-end encoding) takes a detour here.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, wraps
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot._kernels.gather import gather

Positions = NDArray[np.int64]
Kind = TypeVar("Kind", pa.DataType, pa.Schema)
Answer = TypeVar("Answer")

JOIN_BYTES = 2**30


def take(array: pa.Array, positions: Positions) -> pa.Array:
    """Rows of an array of any type, in the order of ``positions``, sharing no buffers with it but a dictionary."""
    kind = array.type
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        picked = gather([pa.record_batch([array], ["views"])], positions)
        assert picked is not None
        return picked.column(0)
    if pa.types.is_run_end_encoded(kind):
        return _take_runs(array, positions)
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return _take_list_views(array, positions)
    plain = _plain(kind)
    if plain == kind:
        return array.take(pa.array(positions))
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, take(array.storage, positions))
    return array.cast(plain).take(pa.array(positions)).cast(kind)


def take_rows(batch: pa.RecordBatch, positions: Positions) -> pa.RecordBatch:
    """Rows of a batch, in the order of ``positions``."""
    if batch.num_columns == 0 and len(positions) <= batch.num_rows:
        return batch.slice(0, len(positions))
    if batch.num_columns == 0:
        return empty_columns(len(positions), batch.schema)
    gathered = _gather([batch], positions)
    if gathered is not None and len(gathered) == 1:
        return gathered[0]
    if _can_take(batch.schema):
        return batch.take(pa.array(positions))
    columns = [take(column, positions) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def take_sorted(batches: Sequence[pa.RecordBatch], rows: Positions) -> list[pa.RecordBatch]:
    """Rows of consecutive batches by ascending row number, repeats allowed."""
    if not batches or len(rows) == 0:
        return []
    gathered = _gather(batches, rows)
    if gathered is not None:
        return gathered
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
    if len(batches) == 1:
        gathered = _gather(batches, order)
        if gathered is not None:
            return gathered
    if np.all(order[1:] >= order[:-1]):
        return consolidate(take_sorted(batches, order), batches[0].schema)
    total = sum(batch.num_rows for batch in batches)
    row_bytes = sum(batch.nbytes for batch in batches) // max(total, 1) + 1
    pieces = []
    for piece in np.array_split(order, len(order) * row_bytes // JOIN_BYTES + 1):
        by_row = np.argsort(piece, kind="stable")
        rows = take_sorted(batches, piece[by_row])
        place = np.empty_like(by_row)
        place[by_row] = np.arange(len(by_row))
        joined = consolidate(rows, batches[0].schema)
        if len(joined) == 1:
            pieces.append(take_rows(joined[0], place))
        else:  # dictionaries that do not fit together: row by row
            pieces += [each for row in place for each in take_sorted(joined, np.array([row]))]
    return pieces


def empty_columns(num_rows: int, schema: pa.Schema) -> pa.RecordBatch:
    """A batch of rows without columns."""
    return pa.RecordBatch.from_arrays([pa.nulls(num_rows)], ["_"]).select([]).replace_schema_metadata(schema.metadata)


def same_values(a: Sequence[pa.RecordBatch], b: Sequence[pa.RecordBatch]) -> bool:
    """Whether batches of one schema hold the same rows, NaN like NaN, over whatever dictionaries and cuts."""
    if not a or not b:
        return bool(sum(batch.num_rows for batch in a) == sum(batch.num_rows for batch in b))
    left: pa.Table = pa.Table.from_batches(a)
    right: pa.Table = pa.Table.from_batches(b)
    # pyarrow compares NaN as numbers do and dictionaries whole; their text is compared as text is.
    return not any(
        not x.equals(y) and repr(x.to_pylist()) != repr(y.to_pylist())
        for x, y in zip(left.columns, right.columns, strict=True)
    )


def without_first(batch: pa.RecordBatch, count: int) -> pa.RecordBatch:
    """The batch without its first columns."""
    schema = pa.schema(list(batch.schema)[count:], batch.schema.metadata)
    if len(schema) == 0:
        return empty_columns(batch.num_rows, schema)
    return pa.RecordBatch.from_arrays(batch.columns[count:], schema=schema)


def with_last(batch: pa.RecordBatch, name: str, column: pa.Array) -> pa.RecordBatch:
    """The batch with one more column."""
    schema = batch.schema.append(pa.field(name, column.type))
    return pa.RecordBatch.from_arrays([*batch.columns, column], schema=schema)


def without_last(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch without its last column."""
    schema = pa.schema(list(batch.schema)[:-1], batch.schema.metadata)
    if len(schema) == 0:
        return empty_columns(batch.num_rows, schema)
    return pa.RecordBatch.from_arrays(batch.columns[:-1], schema=schema)


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
    """Batches as a few, of at most about JOIN_BYTES each: 32-bit offsets of a string column end at 2 GiB.

    Batches stay apart whose dictionaries together have more values than the type of their codes can tell apart.
    """
    groups: list[list[pa.RecordBatch]] = [[]]
    size = 0
    for batch in batches:
        if size > 0 and size + batch.nbytes > JOIN_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(batch)
        size += batch.nbytes
    joined: list[pa.RecordBatch] = []
    for group in groups:
        try:
            joined += [join(group, schema)] if len(group) > 1 else group
        except pa.ArrowInvalid:
            joined += group
    return joined


def no_rows(schema: pa.Schema) -> pa.Table:
    """A table without rows, of any types: of unions pyarrow makes no empty_table."""
    return pa.table([pa.nulls(0, kind) for kind in schema.types], schema)


def decoded(values: pa.Array) -> pa.Array:
    """What the codes of a dictionary stand for; other values as they are."""
    if not pa.types.is_dictionary(values.type):
        return values
    plain = _plain(values.type.value_type)
    if plain != values.type.value_type:  # of views, which pyarrow does not decode
        values = pa.DictionaryArray.from_arrays(values.indices, values.dictionary.cast(plain))
    return values.dictionary_decode()


def without_views(table: pa.Table) -> pa.Table:
    """The same values with plain columns for string views and run-end encoded ones, which few functions know."""
    for i, field in enumerate(table.schema):
        column = table.column(i)
        if pa.types.is_dictionary(field.type):
            plain = pa.dictionary(field.type.index_type, _plain(field.type.value_type), field.type.ordered)
            if plain != field.type:
                chunks = [
                    pa.DictionaryArray.from_arrays(chunk.indices, chunk.dictionary.cast(plain.value_type))
                    for chunk in column.chunks
                ]
                table = table.set_column(i, field.with_type(plain), pa.chunked_array(chunks, plain))
        elif _plain(field.type) != field.type:
            if pa.types.is_run_end_encoded(field.type):
                column = pc.run_end_decode(column)
            table = table.set_column(i, field.with_type(_plain(field.type)), column.cast(_plain(field.type)))
    return table


def in_schema(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with plain columns where it has dictionaries of what the schema has."""
    if batch.schema.types == schema.types:
        return batch
    columns = [
        column if column.type == kind else decoded(column).cast(kind)
        for column, kind in zip(batch.columns, schema.types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def with_own_dictionaries(batch: pa.RecordBatch, first: pa.RecordBatch | None = None) -> pa.RecordBatch:
    """The batch with dictionaries of no more than its own values, but where it shares those of ``first``."""
    if not has_dictionaries(batch.schema):
        return batch
    columns = [
        column
        if first is not None
        and pa.types.is_dictionary(column.type)
        and at_same_place(column.dictionary, first.column(i).dictionary)
        else _shrink(column)
        for i, column in enumerate(batch.columns)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _gather(batches: Sequence[pa.RecordBatch], rows: Positions) -> list[pa.RecordBatch] | None:
    """Rows of consecutive batches as one batch, or more where strings are too long for one; None if pyarrow must."""
    try:
        gathered = gather(list(batches), np.ascontiguousarray(rows, np.int64))
    except OverflowError:
        first, second = (_gather(batches, half) for half in np.array_split(rows, 2))
        return None if first is None or second is None else first + second
    return None if gathered is None else [gathered]


def _take_list_views(array: pa.Array, positions: Positions) -> pa.Array:
    """Rows of a list view array with a copy of their own values, where pyarrow's share those of all rows."""
    views = array.take(pa.array(positions))
    valid = views.is_valid().to_numpy(zero_copy_only=False)
    sizes = np.where(valid, views.sizes.to_numpy(), 0).astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    inside = np.arange(sizes.sum()) - np.repeat(starts, sizes)
    values = take(array.values, np.repeat(views.offsets.to_numpy().astype(np.int64), sizes) + inside)
    index = views.offsets.type
    return type(array).from_arrays(
        pa.array(starts, index), pa.array(sizes, index), values, array.type, mask=pa.array(~valid)
    )


def _take_runs(array: pa.RunEndEncodedArray, positions: Positions) -> pa.Array:
    """Rows of a run-end encoded array, each a run of its own."""
    runs = np.searchsorted(array.run_ends.to_numpy(), positions + array.offset, side="right")
    ends = pa.array(np.arange(1, len(positions) + 1), array.type.run_end_type)
    return pa.RunEndEncodedArray.from_arrays(ends, take(array.values, runs), type=array.type)


def remembered(ask: Callable[[Kind], Answer]) -> Callable[[Kind], Answer]:
    """Remembers what is asked of types and schemas, but for those with a type of a user's own that has no hash."""
    known = lru_cache(maxsize=1024)(ask)

    @wraps(ask)
    def answer(kind: Kind) -> Answer:
        try:
            return known(kind)
        except TypeError:
            return ask(kind)

    return answer


@remembered
def _plain(kind: pa.DataType) -> pa.DataType:
    """The nearest type that pyarrow can pick rows from, the same one for most."""
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_run_end_encoded(kind):
        return _plain(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        plain = _plain(kind.storage_type)
        return kind if plain == kind.storage_type else plain
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


@remembered
def _can_take(schema: pa.Schema) -> bool:
    return not any(pa.types.is_list_view(kind) or _plain(kind) != kind for kind in schema.types)


@remembered
def has_dictionaries(schema: pa.Schema) -> bool:
    """Whether a column holds codes into a dictionary, at whatever depth."""
    return any(map(_holds_dictionary, schema.types))


def _plain_field(field: pa.Field) -> pa.Field:
    return field.with_type(_plain(field.type))


def _concat(arrays: list[pa.Array], field: pa.Field) -> pa.Array:
    if not arrays:
        return pa.nulls(0, field.type)
    if pa.types.is_dictionary(field.type) and not all(
        at_same_place(each.dictionary, arrays[0].dictionary) for each in arrays[1:]
    ):
        arrays = [_shrink(array) for array in arrays]
    return pa.concat_arrays(arrays)


def at_same_place(a: pa.Array, b: pa.Array) -> bool:
    """Whether two arrays of one type are over the same memory."""

    def place(array: pa.Array) -> list[int | None]:
        addresses = (None if buffer is None else buffer.address for buffer in array.buffers())
        return [len(array), array.offset, *addresses]

    return place(a) == place(b)


def _shrink(array: pa.Array) -> pa.Array:
    """The same values over dictionaries of just those, in their order; null values become null codes.

    ``array`` is as ``take`` gives it: at offset 0, with no values that are not its own.
    """
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _shrink_codes(array)
    if not _holds_dictionary(kind) or array.offset:
        return array
    if pa.types.is_struct(kind):
        fields = [_shrink(array.field(i)) for i in range(kind.num_fields)]
        return pa.StructArray.from_arrays(fields, fields=list(kind), mask=array.is_null())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return type(array).from_arrays(array.offsets, _shrink(array.values), type=kind, mask=array.is_null())
    return array


def _shrink_codes(array: pa.DictionaryArray) -> pa.DictionaryArray:
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


def _holds_dictionary(kind: pa.DataType) -> bool:
    nested = [kind.field(i).type for i in range(kind.num_fields)]
    return pa.types.is_dictionary(kind) or any(map(_holds_dictionary, nested))

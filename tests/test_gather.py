"""Rows gathered from batches of flat columns: what ``take`` of all of them at once gives, in memory of its own."""

import decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliquot import _arrow
from aliquot._kernels.gather import gather, lies_flat

COUNT = 200
NUMBERS = np.arange(COUNT)


def some_null(array):
    """The same with every seventh row null."""
    if pa.types.is_dictionary(array.type):
        codes = array.indices.to_numpy()
        return pa.DictionaryArray.from_arrays(
            pa.array(codes, array.type.index_type, mask=np.arange(len(codes)) % 7 == 3), array.dictionary
        )
    return pa.array([None if i % 7 == 3 else value for i, value in enumerate(array.to_pylist())], array.type)


FIXED = {
    **{str(kind): pa.array(NUMBERS % 100).cast(kind) for kind in (pa.int8(), pa.uint8(), pa.int16(), pa.uint16())},
    **{str(kind): pa.array(NUMBERS).cast(kind) for kind in (pa.int32(), pa.uint32(), pa.int64(), pa.uint64())},
    **{str(kind): pa.array(NUMBERS / 4).cast(kind) for kind in (pa.float16(), pa.float32(), pa.float64())},
    "bool": pa.array(NUMBERS % 3 == 0),
    "date32": pa.array(NUMBERS.astype(np.int32), pa.date32()),
    "date64": pa.array(NUMBERS * 86_400_000, pa.date64()),
    **{f"time {unit}": pa.array(NUMBERS.astype(np.int32), pa.time32(unit)) for unit in ("s", "ms")},
    **{f"time {unit}": pa.array(NUMBERS, pa.time64(unit)) for unit in ("us", "ns")},
    **{f"timestamp {unit}": pa.array(NUMBERS, pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")},
    "timestamp in a zone": pa.array(NUMBERS, pa.timestamp("us", "Europe/Berlin")),
    **{f"duration {unit}": pa.array(NUMBERS, pa.duration(unit)) for unit in ("s", "ms", "us", "ns")},
    "interval": pa.array([(i, 2 * i, 3 * i) for i in range(COUNT)], pa.month_day_nano_interval()),
    **{
        str(kind): pa.array([decimal.Decimal(i) for i in range(COUNT)], kind)
        for kind in (pa.decimal32(9, 0), pa.decimal64(18, 0), pa.decimal128(38, 0), pa.decimal256(76, 0))
    },
    "12 bytes": pa.array([b"%012d" % i for i in range(COUNT)], pa.binary(12)),
    "no bytes": pa.array([b""] * COUNT, pa.binary(0)),
    "uuid": pa.array([b"%016d" % i for i in range(COUNT)], pa.binary(16)).cast(pa.uuid()),
}
WORDS = pa.array([str(i) * (i % 9) for i in range(COUNT)])
STRINGS = {str(kind): WORDS.cast(kind) for kind in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())} | {
    "empty": pa.array([""] * COUNT)
}
VIEWS = {str(kind): WORDS.cast(kind) for kind in (pa.string_view(), pa.binary_view())}
CODES = {
    "codes of words": WORDS.dictionary_encode(),
    "codes of numbers": pa.DictionaryArray.from_arrays(pa.array(NUMBERS % 3, pa.uint8()), pa.array([0.5, None, 2.5])),
    "codes of views": pa.DictionaryArray.from_arrays(pa.array(NUMBERS % 2), VIEWS["string_view"][:2]),
}
COLUMNS = FIXED | STRINGS | VIEWS | CODES

NOT_FLAT = {
    "codes of lists": pa.DictionaryArray.from_arrays(pa.array(NUMBERS % 2), pa.array([[1], [2]])),
    "lists": pa.array([[i] for i in range(COUNT)]),
    "structs": pa.array([{"a": i} for i in range(COUNT)]),
    "nothing": pa.nulls(COUNT),
    "runs": pa.RunEndEncodedArray.from_arrays([100, COUNT], ["a", "b"]),
}


def cut(table, cuts):
    """Batches of a table, cut at these rows, each at an offset into memory that it shares."""
    bounds = [0, *sorted(cuts), table.num_rows]
    whole = table.combine_chunks().to_batches()[0]
    return [whole.slice(first, last - first) for first, last in zip(bounds, bounds[1:], strict=False)]


@pytest.mark.parametrize("name", COLUMNS)
def test_rows_of_every_flat_type(name):
    column = COLUMNS[name]
    rng = np.random.default_rng(7)
    for values in (column, some_null(column), column.slice(13), some_null(column).slice(13)):
        table = pa.table({"values": values})
        whole = values.to_pylist()
        for rows in (np.sort(rng.integers(0, len(values), 50)), rng.integers(0, len(values), 50), np.arange(0)):
            for cuts in ([], [20, 20, 21, 90], range(5, 150, 5)):
                gathered = gather(cut(table, cuts), rows)
                gathered.validate(full=True)
                assert gathered.schema == table.schema
                assert gathered.column(0).to_pylist() == [whole[row] for row in rows.tolist()]


@pytest.mark.parametrize("name", NOT_FLAT)
def test_other_types_are_left_to_others(name):
    batch = pa.record_batch({"flat": NUMBERS, "other": NOT_FLAT[name]})
    assert not lies_flat(batch.schema)
    assert gather([batch], NUMBERS) is None
    assert _arrow.take_rows(batch, NUMBERS[::-1]).column(1).to_pylist() == NOT_FLAT[name].to_pylist()[::-1]


@given(st.data())
def test_what_take_gives_whatever_the_batches(data):
    names = data.draw(st.lists(st.sampled_from(list(FIXED | STRINGS)), min_size=1, max_size=4))
    columns = [some_null(COLUMNS[name]) if data.draw(st.booleans()) else COLUMNS[name] for name in names]
    table = pa.table(columns, [f"column {i}" for i in range(len(columns))])
    batches = cut(table, data.draw(st.lists(st.integers(0, COUNT), max_size=5)))
    rows = np.array(data.draw(st.lists(st.integers(0, COUNT - 1), max_size=30)), np.int64)
    expected = table.take(pa.array(rows))
    assert pa.Table.from_batches([gather(batches, rows)]).equals(expected)
    assert pa.Table.from_batches(_arrow.permute(batches, rows), table.schema).equals(expected)
    assert pa.Table.from_batches(_arrow.take_sorted(batches, np.sort(rows)), table.schema).equals(
        table.take(pa.array(np.sort(rows)))
    )


def test_batches_over_dictionaries_that_differ_are_left_to_others():
    words = ["a", "b", "a"]
    batches = [pa.record_batch({"word": pa.array(words).dictionary_encode()}) for _ in range(2)]
    assert gather(batches, np.array([0, 1, 5])) is None
    assert gather(batches, np.array([3, 5])).column(0).to_pylist() == ["a", "a"]
    assert pa.Table.from_batches(_arrow.permute(batches, np.array([4, 0, 1])))["word"].to_pylist() == ["b", "a", "b"]


def test_strings_behind_null_views_are_not_looked_at():
    views = np.array([[2**30, 0, 77, 2**30], [1, ord("x"), 0, 0]], np.int32)
    array = pa.Array.from_buffers(pa.string_view(), 2, [pa.py_buffer(b"\2"), pa.py_buffer(views)])
    assert gather([pa.record_batch({"text": array})], np.array([0, 1, 0])).column(0).to_pylist() == [None, "x", None]


@pytest.mark.slow
def test_views_of_more_strings_than_a_buffer_holds():
    array = pa.array(["x" * 2**20, "short"], pa.string_view())
    rows = np.tile([0, 1], 2**11 + 5)
    gathered = gather([pa.record_batch({"text": array})], rows).column(0)
    gathered.validate(full=True)
    assert len(gathered.buffers()) == 4
    assert gathered[2**12].as_py() == array[0].as_py()
    assert gathered[2**12 + 1].as_py() == "short"


def test_names_and_metadata_of_fields_are_kept():
    field = pa.field("a\0b", pa.int64(), nullable=False, metadata={"unit": "kg"})
    batch = pa.record_batch([pa.array(NUMBERS)], schema=pa.schema([field], {"of": "the schema"}))
    gathered = gather([batch], NUMBERS[:3])
    assert gathered.schema.equals(batch.schema, check_metadata=True)


@pytest.mark.parametrize("row", [-1, COUNT, 2**62])
def test_a_row_that_is_not_there_is_an_error(row):
    with pytest.raises(IndexError, match=f"^rows: must be from 0 to below the {COUNT} rows there are$"):
        gather(cut(pa.table({"x": NUMBERS}), [50]), np.array([3, row]))


def test_strings_too_long_for_their_offsets_are_an_error():
    batch = pa.record_batch({"text": ["x" * 2**20]})
    with pytest.raises(OverflowError, match="^strings: must be shorter together than their offsets can tell$"):
        gather([batch], np.zeros(2**11, np.int64))


def test_strings_too_long_for_one_batch_go_to_more(monkeypatch):
    def gather_four(batches, rows):
        if len(rows) > 4:
            raise OverflowError
        return gather(batches, rows)

    monkeypatch.setattr(_arrow, "gather", gather_four)
    batches = cut(pa.table({"text": WORDS}), [30, 60])
    rows = np.array([1, 5, 31, 32, 33, 70, 71, 71, 199])
    taken = _arrow.take_sorted(batches, rows)
    assert [batch.num_rows for batch in taken] == [3, 2, 4]
    assert pa.Table.from_batches(taken)["text"].to_pylist() == WORDS.take(pa.array(rows)).to_pylist()
    shuffled = _arrow.permute(batches, rows[::-1])
    assert pa.Table.from_batches(shuffled)["text"].to_pylist() == WORDS.take(pa.array(rows[::-1])).to_pylist()


def test_memory_is_of_its_own():
    batch = pa.record_batch({"x": NUMBERS, "text": WORDS})
    theirs = {buffer.address for column in batch.columns for buffer in column.buffers() if buffer}
    for column in gather([batch], NUMBERS).columns:
        assert not theirs & {buffer.address for buffer in column.buffers() if buffer}


@settings(max_examples=5)
@given(st.integers(1, 4))
def test_columns_outlive_their_batch(columns):
    batch = gather([pa.record_batch({str(i): NUMBERS for i in range(columns)})], NUMBERS)
    last = batch.column(columns - 1)
    del batch
    assert last.to_pylist() == NUMBERS.tolist()

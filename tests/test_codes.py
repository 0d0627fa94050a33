"""Codes of values: dense, by first appearance, the same from batch to batch and whatever the type."""

import datetime
import decimal
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aliquot as aq
from aliquot._codes import Codebook
from aliquot._kernels.codes import add_counts, add_sums
from lost_views import lost_views


def codes_of(*columns, book=None):
    if book is None:
        book = Codebook([f"c{i}" for i in range(len(columns))])
    arrays = [each if isinstance(each, pa.Array) else pa.array(each) for each in columns]
    return book.encode(arrays).tolist()


def reference(rows):
    """Codes by a dict."""
    known = {}
    return [known.setdefault(row, len(known)) for row in rows]


FAR = 10**12

COLUMNS = {
    "small integers": pa.array([5, -3, 5, 0, None, 2047, -2048, 2048, None]),
    "large integers": pa.array([FAR, -FAR, FAR, 0, 2**63 - 1, -(2**63)]),
    "unsigned": pa.array([2**64 - 1, 2**63, 0, 2**64 - 1, 7], pa.uint64()),
    "booleans": pa.array([True, False, None, True]),
    "floats": pa.array([0.5, 1.0, -0.0, 0.0, 0.5, 1e300, 5e-324, -0.5]),
    "half floats": pa.array(np.array([0.5, 1, 0.5], np.float16)),
    "strings": pa.array(
        ["b", "", None, "a longer string than twelve bytes", "b", "", "a longer string than twelve byteS"]
    ),
    "large strings": pa.array(["x", "y", "x"], pa.large_string()),
    "string views": pa.array(["x", "a longer string than twelve bytes", "x"], pa.string_view()),
    "string views of nulls": lost_views([None, "x", None, "a longer string than twelve bytes", "x"]),
    "dictionary of string views": pa.DictionaryArray.from_arrays(
        pa.array([1, 0, None, 1]), pa.array(["x", "a longer string than twelve bytes"], pa.string_view())
    ),
    "binary": pa.array([b"\0", b"", b"\0\0", b"\0"]),
    "fixed binary": pa.array([b"ab", b"cd", b"ab"], pa.binary(2)),
    "dates": pa.array([datetime.date(2020, 1, 1), None, datetime.date(2020, 1, 1)]),
    "date64": pa.array([datetime.date(2020, 1, 1), None, datetime.date(2020, 1, 2)], pa.date64()),
    "timestamps": pa.array([1, 2, None, 1], pa.timestamp("ns", "UTC")),
    "times": pa.array([1, 2, None, 1], pa.time32("s")),
    "durations": pa.array([1, 2, None, 1], pa.duration("us")),
    "decimals": pa.array([decimal.Decimal("1.50"), decimal.Decimal("-2.25"), None, decimal.Decimal("1.50")]),
    "nulls": pa.nulls(3),
    "dictionary": pa.array(["b", "a", None, "b"]).dictionary_encode(),
    "dictionary of integers": pa.array([FAR, 1, FAR]).dictionary_encode(),
    "run ends": pa.RunEndEncodedArray.from_arrays([2, 3], ["x", "y"]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_every_type(name):
    column = COLUMNS[name]
    book = Codebook(["c"])
    rows = column.to_pylist()
    assert codes_of(column, book=book) == reference(rows)
    assert book.labels() == list(dict.fromkeys(rows))
    assert codes_of(column.slice(1), book=book) == reference(rows)[1:]
    assert len(book) == len({*rows})


def test_nan_is_one_value_and_null_another():
    nans = np.array([np.nan, 1.0, -np.nan, np.frombuffer(b"\x01\0\0\0\0\0\xf8\x7f")[0]])
    assert codes_of(pa.array(nans)) == [0, 1, 0, 0]
    assert codes_of(pa.array([float("nan"), None, 0.0, float("nan")])) == [0, 1, 2, 0]


@pytest.mark.parametrize("kind", [pa.int16(), pa.uint16(), pa.int64(), pa.uint64(), pa.float64()], ids=str)
def test_integers_have_their_codes_near_zero_and_far(kind):
    low, high = (0, 10_000) if kind in (pa.uint16(), pa.uint64()) else (-5000, 5000)
    numbers = pa.array(range(low, high), pa.int64()).cast(kind)
    book = Codebook(["c"])
    for _ in range(2):
        assert codes_of(numbers, book=book) == list(range(10_000))


def test_kinds_of_words_are_kept_apart():
    half = np.array([0.5]).view(np.int64)[0]
    book = Codebook(["c"])
    assert codes_of(pa.array([half, -1]), book=book) == [0, 1]
    assert codes_of(pa.array([0.5]), book=book) == [2]
    assert codes_of(pa.array([2**64 - 1], pa.uint64()), book=book) == [3]
    assert codes_of(pa.array([None], pa.int64()), book=book) == [4]
    assert codes_of(pa.array(["\0"]), book=book) == [5]


def test_widths_layouts_and_dictionaries_agree():
    book = Codebook(["c"])
    for kind in (pa.int8(), pa.uint8(), pa.int32(), pa.int64(), pa.uint64(), pa.float32(), pa.float64()):
        assert codes_of(pa.array([7, 1, None], kind), book=book) == [0, 1, 2]
    for kind in (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())):
        assert codes_of(pa.array(["x", None], kind), book=book) == [3, 2]


def test_units_of_time_agree():
    book = Codebook(["c"])
    assert codes_of(pa.array([1, 2, None], pa.timestamp("s")), book=book) == [0, 1, 2]
    assert codes_of(pa.array([2000, 1, 1000, None], pa.timestamp("ms", "UTC")), book=book) == [1, 3, 0, 2]
    assert codes_of(pa.array([10**6, 10**3], pa.timestamp("us")), book=book) == [0, 3]


def test_values_have_a_type_that_holds_all():
    book = Codebook(["c"])
    codes_of(pa.array([7], pa.int8()), book=book)
    codes_of(pa.array([FAR], pa.int64()), book=book)
    codes_of(pa.array([0.5]), book=book)
    assert book.labels() == [7, FAR, 0.5]


def test_codes_stay_the_same_under_other_dictionaries():
    book = Codebook(["c"])
    first = pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["a", "b", "unused"]))
    second = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array(["c", "b", "a"]))
    assert codes_of(first, book=book) == [0, 1]
    assert codes_of(second, book=book) == [2, 1, 0]
    assert codes_of(second.slice(1, 1), book=book) == [1]
    assert codes_of(first, book=book) == [0, 1]
    assert book.labels() == ["a", "b", "c"]


def test_a_dictionary_that_came_without_rows_is_looked_up_with_the_first():
    first, second = pa.array(["a", "b"]).dictionary_encode(), pa.array(["c", "b"]).dictionary_encode()
    book = Codebook(["c"])
    assert codes_of(first.slice(0, 0), book=book) == []
    assert codes_of(first, book=book) == [0, 1]
    assert codes_of(second.slice(0, 0), book=book) == []
    assert codes_of(second, book=book) == [2, 1]
    assert book.labels() == ["a", "b", "c"]


def test_equal_dictionaries_need_not_be_the_same_memory():
    book = Codebook(["c"])
    codes = pa.array([2, 0, 1, 0])
    for values in (["a", "b", None], ["a", "b", None], ["b", "a", None], ["a", "b", "d"]):
        column = pa.DictionaryArray.from_arrays(codes, pa.array(values))
        labels = column.to_pylist()
        assert [book.labels()[code] for code in codes_of(column, book=book)] == labels


def test_dictionaries_with_nulls_and_repeats():
    values = pa.array(["a", None, "a"])
    column = pa.DictionaryArray.from_arrays(pa.array([2, 1, None, 0]), values)
    assert codes_of(column) == [0, 1, 1, 0]


def test_combinations_are_values():
    a = ["x", "x", "y", None, "x"]
    b = [1, 2, 1, 1, 1]
    c = [True, True, False, None, True]
    book = Codebook(["a", "b", "c"])
    assert codes_of(a, b, c, book=book) == [0, 1, 2, 3, 0]
    assert book.labels() == [("x", 1, True), ("x", 2, True), ("y", 1, False), (None, 1, None)]
    assert book.labels(1, 3) == [("x", 2, True), ("y", 1, False)]


def test_unfit_types_are_refused_and_leave_no_trace():
    book = Codebook(["a", "b"])
    codes_of(["x"], [1], book=book)
    with pytest.raises(TypeError) as error:
        codes_of(["y"], pa.array([[1]]), book=book)
    assert str(error.value) == (
        "b: must be a column of numbers, strings, dates, times or dictionaries of these, got list<item: int64>"
    )
    assert len(book) == 1
    assert codes_of(["z"], [1], book=book) == [1]
    assert book.labels() == [("x", 1), ("z", 1)]


@pytest.mark.parametrize("count", [0, 1, 50, 199])
@pytest.mark.parametrize("value", [lambda i: f"value {i}", lambda i: i - 100, lambda i: i * 2.0**53, lambda i: i / 7])
def test_truncated_codes_are_given_again(count, value):
    rows = [value(i) for i in range(200)]
    book = Codebook(["c"])

    def encode(values):
        return [codes_of([value], book=book)[0] for value in values]

    assert encode(rows) == list(range(200))
    book.truncate(count)
    assert len(book) == count
    assert book.labels() == rows[:count]
    assert encode(reversed(rows[count:])) == list(range(count, 200))
    assert encode(rows[:count]) == list(range(count))


def test_a_million_values():
    values = np.random.default_rng(0).permutation(10**6)
    book = Codebook(["c"])
    for start in range(0, 10**6, 10**5):
        assert np.array_equal(book.encode([pa.array(values[start : start + 10**5])]), range(start, start + 10**5))
    assert np.array_equal(book.encode([pa.array(values)]), np.arange(10**6))
    assert np.array_equal(book.values()[0].to_numpy(), values)


@pytest.mark.parametrize("width", [8, 9, 36])
def test_a_million_strings(width):
    """Among so many, about a thousand pairs share all bits of the hash that are kept."""
    numbers = np.random.default_rng(width).permutation(10**6)
    values = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")
    book = Codebook(["c"])
    for start in range(0, 10**6, 3 * 10**5):
        batch = values.slice(start, 3 * 10**5)
        assert np.array_equal(book.encode([batch]), range(start, start + len(batch)))
    assert np.array_equal(book.encode([values.cast(pa.string_view())]), np.arange(10**6))
    assert book.values()[0].equals(values)
    book.truncate(10**5)
    again = np.append(np.arange(10**5 - 1, -1, -1), np.arange(10**5, 10**6))
    assert np.array_equal(book.encode([pa.concat_arrays([values.slice(0, 10**5)[::-1], values.slice(10**5)])]), again)


@pytest.mark.parametrize("size", [0, 7, 8, 9, 15, 16, 17, 33, 2**16 - 2, 2**16 - 1, 2**16, 2**17])
def test_strings_of_one_size_that_differ_in_any_byte_are_told_apart(size):
    same = b"\0" * size
    places = sorted({0, 1, 7, 8, 9, size // 2, size - 9, size - 8, size - 1} & {*range(size)})
    rows = [same, same + b"\0", *(same[:at] + b"\1" + same[at + 1 :] for at in places)]
    book = Codebook(["c"])
    for kind in (pa.binary(), pa.large_binary(), pa.binary_view()):
        assert codes_of(pa.array(rows, kind), book=book) == [*range(len(rows))]
    book.truncate(2)
    assert codes_of(pa.array(rows[::-1]), book=book) == [*range(2, len(rows)), 1, 0]
    assert book.labels() == [*rows[:2], *rows[:1:-1]]


def test_strings_of_long_common_beginnings_and_ends_are_told_apart():
    rows = [f"{'x' * 40}{i:03}{'y' * 40}" for i in range(1000)]
    book = Codebook(["c"])
    assert codes_of(pa.array(rows), book=book) == [*range(1000)]
    assert codes_of(pa.array(rows[::-1], pa.large_string()), book=book) == [*range(999, -1, -1)]


def test_dictionaries_of_many_values_in_any_order():
    rng = np.random.default_rng(2)
    values = pa.array([f"value number {i}" for i in range(5000)] + [None])
    book, seen = Codebook(["c"]), []
    for _ in range(3):
        indices = pa.array(rng.integers(0, 5001, 3000), mask=rng.random(3000) < 0.1)
        column = pa.DictionaryArray.from_arrays(indices, values.take(pa.array(rng.permutation(5001))))
        rows = column.slice(13).to_pylist()
        seen += rows
        assert codes_of(column.slice(13), book=book) == reference(seen)[-len(rows) :]
        assert codes_of(column.slice(13), book=book) == reference(seen)[-len(rows) :]


VALUES = st.one_of(st.none(), st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(VALUES, st.sampled_from(["", "a", "b", None])), max_size=60), st.data())
def test_codes_do_not_depend_on_batches(rows, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    book = Codebook(["a", "b"])
    codes = []
    for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        a = pa.array([row[0] for row in rows[start:end]], pa.int64())
        b = pa.array([row[1] for row in rows[start:end]], pa.string())
        codes += book.encode([a, b.dictionary_encode() if start % 2 else b]).tolist()
    assert codes == reference(rows)


def test_counts_and_sums_by_code():
    codes = np.array([0, 2, -1, 2, 0, 2], np.int32)
    counts = np.zeros(3, np.int64)
    add_counts(codes, counts)
    assert counts.tolist() == [2, 0, 3]
    sums, rests = np.zeros(3), np.zeros(3)
    add_sums(codes, np.array([1.0, 1e16, 5.0, 1.0, 2.0, -1e16]), sums, rests)
    assert (sums + rests).tolist() == [3.0, 0.0, 1.0]


@pytest.mark.parametrize("values", [3, 40, 250, 500])
@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int16(), pa.string())]
)
def test_strings_that_differ_in_one_byte_or_their_length_are_told_apart(values, kind):
    longest = ["abcdefghijklmnopqr"[:size] for size in range(19)]
    changed = [text[:at] + "-" + text[at + 1 :] for text in longest for at in range(len(text))]
    words = list(dict.fromkeys([*longest, *changed, *(f"{text}\0" for text in longest), *map(str, range(300))]))
    rng = np.random.default_rng(values)
    book, seen = Codebook(["c"]), []
    for _ in range(5):  # of these, the codes of the short are remembered
        rows = [words[i] for i in rng.choice(values, 500) % len(words)]
        seen += rows
        assert book.encode([as_kind(rows, kind)]).tolist() == reference(seen)[-500:]
    before = len(book)
    book.truncate(before // 2)
    rows = seen[::-1]
    kept = dict.fromkeys(list(dict.fromkeys(seen))[: before // 2])
    assert book.encode([as_kind(rows, kind)]).tolist() == reference([*kept, *rows])[len(kept) :]


def as_kind(rows, kind):
    return pa.array(rows).dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else pa.array(rows, kind)


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint64(), pa.int64(), pa.dictionary(pa.int32(), pa.int64())], ids=str)
def test_values_that_are_new_or_null_anywhere_among_known_ones_get_their_codes(kind):
    rng = np.random.default_rng(1)
    book, seen = Codebook(["c"]), []
    for size in range(1, 40):
        rows = rng.integers(0, size, 100).tolist()
        rows = [None if size % 3 == 0 and row == 1 else row for row in rows]
        seen += rows
        column = pa.array(rows, pa.int64())
        column = column.dictionary_encode() if pa.types.is_dictionary(kind) else column.cast(kind)
        assert book.encode([column.slice(7)]).tolist()[-10:] == reference([*seen[:-100], *rows[7:]])[-10:]
        seen[-100:] = rows[7:]


@pytest.mark.parametrize("strata", [None, "d"])
def test_dictionaries_of_no_bytes_may_have_buffers_or_not(strata):
    nothing, offsets = pa.py_buffer(b""), pa.py_buffer(bytes(8))
    dictionaries = [
        pa.Array.from_buffers(pa.string(), length, [validity, offsets, nothing])
        for length, validity in [(0, None), (0, nothing), (1, None), (1, pa.py_buffer(b"\1"))]
    ]
    for pair in product(dictionaries, repeat=2):
        reservoir = aq.Reservoir(3, strata=strata, rng=7)
        columns = [
            pa.DictionaryArray.from_arrays(pa.array([None, 0 if len(each) else None], pa.int32()), each)
            for each in pair * 2
        ]
        for column in columns:
            reservoir.update(pa.record_batch({"d": column}))
        values = [value for column in columns for value in column.to_pylist()]
        assert len(reservoir) == (sum(min(3, values.count(value)) for value in set(values)) if strata else 3)
        assert set(reservoir.result()["d"].to_pylist()) <= set(values)

"""Keys by value: golden, those of the reference, the same for equal values of unlike types."""

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

import laws
import reference
from aliquot import _rng
from aliquot._kernels import random
from aliquot.hashing import hash_keys
from lost_views import lost_views

SEED = _rng.key_of(7)


def keys(values, kind=None):
    return hash_keys(values if isinstance(values, pa.Array) else pa.array(values, kind), SEED, "id").tolist()


def expected(values):
    hashes = [reference.hash_value([int(word) for word in SEED], value) for value in values]
    return random.exponentials_of(np.array(hashes, np.uint64)).tolist()


def test_golden_keys():
    assert keys([7, None, -1]) == GOLDEN_INTEGERS
    assert keys(["a", "", "longer than eight bytes"]) == GOLDEN_STRINGS


GOLDEN_INTEGERS = [2.7663048822814544, 1.5168705305801893, 1.6365649370658744]
GOLDEN_STRINGS = [2.7497340876578265, 2.3041450167079325, 1.4270358641779648]


@pytest.mark.parametrize(
    "kind", [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.decimal128(9, 0)]
)
def test_numbers(kind):
    values = [0, 7, -7, 100, None]
    assert keys(values, kind) == expected(values)


@pytest.mark.parametrize("kind", [pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()])
def test_unsigned_numbers(kind):
    assert keys([0, 7, 200, None], kind) == expected([0, 7, 200, None])


def test_edges_of_64_bits():
    assert keys([2**63, 2**64 - 1, 2**63 - 1], pa.uint64()) == expected([2**63, 2**64 - 1, 2**63 - 1])
    assert keys([-(2**63), -1]) == expected([-(2**63), -1])
    assert len({*keys([2**64 - 1], pa.uint64()), *keys([-1])}) == 2
    assert keys([2.0**63, -(2.0**63), 2.0**64, 1e300]) == expected([2.0**63, -(2.0**63), 2.0**64, 1e300])


def test_fractions_zeros_and_nan():
    values = [0.5, -0.5, float("inf"), -float("inf"), float("nan")]
    assert keys(values) == expected(values)
    assert keys([-0.0]) == keys([0.0]) == keys([0])
    assert keys([False, True]) == keys([0, 1])


STRINGS = ["", "a", "ab", "12345678", "123456789", "x" * 100, "\0", "\0\0", "é", None]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()]
)
def test_strings(kind):
    assert keys(pa.array(STRINGS).cast(kind)) == expected(STRINGS)


def test_layouts_and_offsets():
    assert keys(pa.array(STRINGS).dictionary_encode()) == expected(STRINGS)
    assert keys(pa.array(STRINGS, pa.string_view()).slice(3, 4)) == expected(STRINGS[3:7])
    assert keys(lost_views(STRINGS)) == expected(STRINGS)
    assert keys(pa.array(STRINGS).slice(2)) == expected(STRINGS[2:])
    assert keys(pa.array(STRINGS).dictionary_encode().slice(4)) == expected(STRINGS[4:])
    assert keys(pa.array([True, False, None] * 5).slice(7)) == expected([0, None, 1, 0, None, 1, 0, None])
    assert keys(pa.array([1, None, 3] * 5, pa.int16()).slice(7)) == expected([None, 3] + [1, None, 3] * 2)
    assert keys(pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.uint8()), pa.array([None, "a"]))) == expected(
        [None, "a", None]
    )
    assert keys(pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"])) == expected(["a", "a", "b"])
    assert keys(pa.array([b"abcd"], pa.binary(4))) == expected(["abcd"])
    assert keys(pa.nulls(2)) == expected([None, None])
    assert keys(pa.array([], pa.string())) == []


def test_dates_of_both_kinds():
    days = [datetime.date(1970, 1, 8), None]
    assert keys(days, pa.date32()) == keys(days, pa.date64()) == expected([7, None])


@pytest.mark.parametrize("kind", [pa.timestamp, pa.duration, lambda unit: pa.timestamp(unit, "Asia/Tokyo")])
def test_times_of_any_unit_are_their_nanoseconds(kind):
    seconds = [0, 1, -1, None, 1_700_000_000]
    for unit, ticks in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        counted = pa.array([each and each * ticks for each in seconds], kind(unit))
        assert keys(counted) == expected([each and each * 10**9 for each in seconds])
        assert keys(counted.slice(2, 2)) == expected([-(10**9), None])
        assert keys(counted.dictionary_encode()) == keys(counted)
    days = 86_400 * 365_000  # whose nanoseconds do not fit in 64 bits
    assert keys([days, -days], kind("s")) == keys([days * 10**6, -days * 10**6], kind("us"))
    assert keys([2**63 - 1, -(2**63)], kind("s")) == expected([2**63 - 1, -(2**63)])


def test_times_of_day():
    for kind, ticks in (
        (pa.time32("s"), 1),
        (pa.time32("ms"), 10**3),
        (pa.time64("us"), 10**6),
        (pa.time64("ns"), 10**9),
    ):
        assert keys([5 * ticks, None], kind) == expected([5 * 10**9, None])


def test_decimals_of_any_scale():
    numbers = [Decimal("7"), Decimal("-0.5"), None, Decimal("12.25"), Decimal("-3")]
    wanted = keys(numbers, pa.decimal128(20, 2))
    for kind in (pa.decimal32(7, 3), pa.decimal64(12, 4), pa.decimal128(38, 30), pa.decimal256(60, 38)):
        assert keys(numbers, kind) == wanted
        assert keys(pa.array(numbers, kind).slice(1, 3)) == wanted[1:4]
        coded = pa.DictionaryArray.from_arrays(pa.array([4, 3, 2]), pa.array(numbers, kind))
        assert keys(coded) == wanted[:1:-1]
    assert [wanted[0], wanted[2], wanted[4]] == expected([7, None, -3])
    assert len({*wanted, *keys([-1, 12])}) == 7
    edges = [2**63 - 1, -(2**63)]
    assert keys(edges, pa.decimal128(25, 2)) == expected(edges)
    assert keys([10**19, 2**63], pa.decimal128(25, 2)) == keys([10**19, 2**63], pa.decimal128(25, 3))


def test_half_floats():
    assert keys(pa.array(np.array([0.5, 7, np.nan], np.float16))) == expected([0.5, 7, float("nan")])


@pytest.mark.parametrize("kind", [pa.list_(pa.int8()), pa.struct([("a", pa.int8())]), pa.month_day_nano_interval()])
def test_types_without_a_hash_are_named(kind):
    with pytest.raises(
        TypeError, match=r"^id: must be a column of numbers, strings, dates, times or dictionaries of these, got "
    ):
        keys(pa.nulls(1, kind))


def test_decimals_beyond_64_bits():
    with pytest.raises(ValueError, match=r"^id: must hold values of at most 64 bits, got "):
        keys([10**30], pa.decimal128(38, 0))
    with pytest.raises(
        ValueError, match=r"^id: must hold values of at most 38 digits on either side of the point, got "
    ):
        keys([Decimal("1E-40")], pa.decimal256(76, 40))


def test_keys_of_consecutive_ids_are_exponential_and_independent():
    drawn = np.array(keys(range(200_000)))
    edges = -np.log1p(-np.linspace(0, 1, 33)[1:-1])
    cells = np.searchsorted(edges, drawn)
    laws.assert_fits(np.bincount(cells[:-1] * 32 + cells[1:], minlength=1024), np.full(1024, 199_999 / 1024))
    text = np.array(keys([f"user{i}" for i in range(100_000)]))
    laws.assert_fits(np.bincount(np.searchsorted(edges, text), minlength=32), np.full(32, 100_000 / 32))

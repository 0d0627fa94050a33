"""Keys by value: golden, those of the reference, the same for equal values of unlike types."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

import laws
import reference
from aliquot import _rng
from aliquot._kernels import random
from aliquot.hashing import hash_keys

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


@pytest.mark.parametrize(
    "kind", [pa.timestamp("us"), pa.list_(pa.int8()), pa.decimal128(9, 2), pa.struct([("a", pa.int8())]), pa.float16()]
)
def test_types_without_a_hash_are_named(kind):
    with pytest.raises(
        TypeError, match=r"^id: must be a column of numbers, strings, dates or dictionaries of these, got "
    ):
        keys(pa.nulls(1, kind))


def test_decimals_beyond_64_bits():
    with pytest.raises(ValueError, match=r"^id: must hold values of at most 64 bits, got "):
        keys([10**30], pa.decimal128(38, 0))


def test_keys_of_consecutive_ids_are_exponential_and_independent():
    drawn = np.array(keys(range(200_000)))
    edges = -np.log1p(-np.linspace(0, 1, 33)[1:-1])
    cells = np.searchsorted(edges, drawn)
    laws.assert_fits(np.bincount(cells[:-1] * 32 + cells[1:], minlength=1024), np.full(1024, 199_999 / 1024))
    text = np.array(keys([f"user{i}" for i in range(100_000)]))
    laws.assert_fits(np.bincount(np.searchsorted(edges, text), minlength=32), np.full(32, 100_000 / 32))

"""Parts of a split: what is accepted, and exact rows."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliquot._parts import FINEST, parse_parts
from errors import raises


def totals(n, **parts):
    return parse_parts(parts).totals(n).tolist()


def test_shares_are_the_decimals_that_were_typed():
    assert totals(10, train=0.7, test=0.3) == [7, 3]
    assert totals(45, train=0.7, test=0.3) == [32, 13]  # 31.5 and 13.5: the earlier part first
    assert parse_parts({"a": 0.1, "b": 0.9}).shares == (Fraction(1, 10), Fraction(9, 10))


def test_shares_that_sum_to_nearly_1_are_taken_over_their_sum():
    assert parse_parts({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}).shares == (Fraction(1, 3),) * 3
    assert parse_parts({"a": 1 / 7, "b": 6 / 7}).shares == (Fraction(1, 7), Fraction(6, 7))
    assert totals(10, a=0.5, b=0.5 + 9e-10) == [5, 5]


def test_shares_of_other_types():
    expected = (Fraction(1, 4), Fraction(3, 4))
    for make in (Fraction, Decimal, np.float32, np.float64, float):
        assert parse_parts({"a": make("0.25"), "b": make("0.75")}).shares == expected
    assert parse_parts({"a": np.float32(0.1), "b": np.float32(0.9)}).shares == (Fraction(1, 10), Fraction(9, 10))


def test_rows_and_the_rest():
    assert totals(10, train=None, test=3) == [7, 3]
    assert totals(10, train=7, test=np.int8(3)) == [7, 3]
    assert totals(3, train=None, test=3) == [0, 3]
    assert parse_parts({"train": None, "test": 3}).weights(10).tolist() == [7, 3]


def test_parts_of_nothing():
    assert totals(0, a=0.5, b=0.5) == [0, 0]
    assert totals(0, a=None) == [0]
    assert parse_parts({"a": None}).weights(0).tolist() == [1]


def test_empty_and_whole_parts_are_allowed():
    assert totals(7, a=0.0, b=1.0) == [0, 7]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=7), st.integers(0, 2**62))
def test_rows_are_within_one_of_exact_and_sum_to_all(raw, n):
    if sum(raw) < 1e-3:
        return
    raw = [float(x) for x in np.array(raw) / sum(raw)]
    parsed = parse_parts({str(j): x for j, x in enumerate(raw)})
    assert sum(parsed.shares) == 1
    weights = parsed.weights(n)
    assert 0 < weights.sum() <= FINEST
    assert weights.min() >= 0
    whole = int(weights.sum())
    assert all(
        abs(Fraction(int(w), whole) - share) <= Fraction(1, FINEST)
        for w, share in zip(weights, parsed.shares, strict=True)
    )
    rows = parsed.totals(n).tolist()
    assert sum(rows) == n
    assert all(abs(row - share * n) < 1 + Fraction(n, FINEST) for row, share in zip(rows, parsed.shares, strict=True))


@pytest.mark.parametrize(
    ("parts", "kind", "message"),
    [
        (0.5, TypeError, "parts: must be a dict from names to shares or rows, got float 0.5"),
        ({}, ValueError, "parts: must name at least one part, got {}"),
        ({1: 1.0}, TypeError, "parts: must have names that are strings, got int 1"),
        ({"": 1.0}, ValueError, "parts: must have names of at least one character, got ''"),
        ({"a": 0.5, "b": 0.4}, ValueError, "parts: must sum to 1, got 0.9"),
        ({"a": 0.5, "b": 0.5 + 2e-9}, ValueError, "parts: must sum to 1, got 1.000000002"),
        ({"a": -0.5, "b": 1.5}, ValueError, "parts['a']: must be between 0 and 1, got -0.5"),
        ({"a": float("nan"), "b": 1.0}, ValueError, "parts['a']: must be between 0 and 1, got nan"),
        ({"a": 0.5, "b": 1}, TypeError, "parts['b']: must be a share as the other parts are, got int 1"),
        ({"a": 0.5, "b": None}, TypeError, "parts['b']: must be a share as the other parts are, got NoneType None"),
        ({"a": "0.5"}, TypeError, "parts['a']: must be an integer, got str '0.5'"),
        ({"a": True, "b": None}, TypeError, "parts['a']: must be an integer, got bool True"),
        ({"a": -1, "b": None}, ValueError, "parts['a']: must be between 0 and 2**62, got -1"),
        ({"a": None, "b": None}, ValueError, "parts: must have at most one None, for the rest, got 2"),
    ],
)
def test_errors(parts, kind, message):
    with raises(kind, message):
        parse_parts(parts)


def test_rows_that_do_not_fit():
    with pytest.raises(ValueError, match="^parts: must hold the 10 rows there are, got 9$"):
        totals(10, a=4, b=5)
    with pytest.raises(ValueError, match="^parts: must hold at most the 10 rows there are, got 11$"):
        totals(10, a=11, b=None)

"""Parts of a split: their names, and the exact share or number of rows of each."""

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from aliquot._allocation import Counts, proportional
from aliquot._checks import check_count, describe

PartsOption: TypeAlias = Mapping[str, float | int | Fraction | Decimal | None]

SIMPLE = 10**7
"""Of fractions with no larger denominator, no two are the same float."""
TOLERANCE = Fraction(1, 10**9)
FINEST = 2**56
"""Shares are whole multiples of one part in at most this many: the digits of a float, and room for sums in 64 bits."""


@dataclass(frozen=True)
class Parts:
    """Names in the order given, and either ``shares``, which sum to 1, or ``rows``, of which None is the rest."""

    names: tuple[str, ...]
    shares: tuple[Fraction, ...] | None
    rows: tuple[int | None, ...] | None

    def __len__(self) -> int:
        return len(self.names)

    def totals(self, n: int) -> Counts:
        """Rows of each part of n, int64 of shape (parts,), by largest remainder, the earlier part first in a tie.

        ValueError if parts given as rows do not fit.
        """
        if self.rows is None:
            return proportional(n, self.weights(n))
        named = sum(rows for rows in self.rows if rows is not None)
        if None in self.rows and named > n:
            raise ValueError(f"parts: must hold at most the {n} rows there are, got {named}")
        if None not in self.rows and named != n:
            raise ValueError(f"parts: must hold the {n} rows there are, got {named}")
        return np.array([n - named if rows is None else rows for rows in self.rows], np.int64)

    def weights(self, n: int) -> Counts:
        """Integers in proportion to the shares that the parts have of n rows, int64 of shape (parts,), not all 0."""
        if self.shares is None:
            return self.totals(n) if n else np.ones(len(self), np.int64)
        return np.array(_units(self.shares), np.int64)


def parse_parts(parts: PartsOption) -> Parts:
    """What the caller means by ``parts``.

    Raises
    ------
    TypeError
        If it is not a dict from names to numbers, or holds both shares and rows.
    ValueError
        If it is empty, a number is negative, shares do not sum to 1, or two parts are None.
    """
    if not isinstance(parts, Mapping):
        raise TypeError(f"parts: must be a dict from names to shares or rows, got {describe(parts)}")
    if not parts:
        raise ValueError("parts: must name at least one part, got {}")
    for name in parts:
        if not isinstance(name, str):
            raise TypeError(f"parts: must have names that are strings, got {describe(name)}")
        if not name:
            raise ValueError("parts: must have names of at least one character, got ''")
    values = list(parts.values())
    if any(_is_share(value) for value in values):
        return Parts(tuple(parts), _as_shares(parts), None)
    rows = [None if value is None else check_count(f"parts[{name!r}]", value) for name, value in parts.items()]
    if rows.count(None) > 1:
        raise ValueError(f"parts: must have at most one None, for the rest, got {rows.count(None)}")
    return Parts(tuple(parts), None, tuple(rows))


def _is_share(value: object) -> bool:
    return isinstance(value, numbers.Real | Decimal) and not isinstance(value, numbers.Integral)


def _as_shares(parts: Mapping[str, Any]) -> tuple[Fraction, ...]:
    for name, value in parts.items():
        if not _is_share(value):
            raise TypeError(f"parts[{name!r}]: must be a share as the other parts are, got {describe(value)}")
        if not 0 <= value <= 1:
            raise ValueError(f"parts[{name!r}]: must be between 0 and 1, got {value}")
    return _exact_shares(*parts.values())


@lru_cache(typed=True)
def _exact_shares(*shares: Any) -> tuple[Fraction, ...]:
    """What the caller wrote, made to sum to 1; kept, as the same is written for split after split."""
    exact = [_as_typed(share) for share in shares]
    total = sum(exact, Fraction(0))
    if abs(total - 1) > TOLERANCE:
        raise ValueError(f"parts: must sum to 1, got {float(total)}")
    return tuple(share / total for share in exact)


@lru_cache
def _units(shares: tuple[Fraction, ...]) -> tuple[int, ...]:
    """Integers in proportion to shares."""
    unit = math.lcm(*(share.denominator for share in shares))
    if unit <= FINEST:
        return tuple(int(share * unit) for share in shares)
    # Largest remainder once more, on units of 2**-56.
    exact = [share * FINEST for share in shares]
    units = [math.floor(each) for each in exact]
    by_remainder = sorted(range(len(units)), key=lambda j: units[j] - exact[j])
    for j in by_remainder[: FINEST - sum(units)]:
        units[j] += 1
    return tuple(units)


def _as_typed(value: Any) -> Fraction:
    """What the caller wrote: 0.1 is a tenth and 1 / 3 a third, although no float is; else the decimal."""
    if isinstance(value, numbers.Rational | Decimal):
        return Fraction(value)
    decimal = Fraction(str(value))
    simple = decimal.limit_denominator(SIMPLE if isinstance(value, float) else 1000)
    return simple if type(value)(float(simple)) == value else decimal

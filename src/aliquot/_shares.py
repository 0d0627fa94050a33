"""How many rows of each stratum a sample takes: in the end, and while more rows may still come.

Arrays are int64 with one element a stratum, by code. ``rows`` counts what was seen of each stratum, and ``eligible``
those of positive weight.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _allocation
from aliquot._allocation import Counts
from aliquot._checks import check_count, check_name, check_size_within, describe, rows_of_fraction
from aliquot._codes import Codebook
from aliquot._saved import from_text, to_text

SHARES = 2.0**48
"""Whole numbers that real shares are rounded to."""
TAIL = 35.0
"""Minus the logarithm of the probability that a stratum may go short with."""


class Shares(ABC):
    """An allocation of rows to strata."""

    @abstractmethod
    def may_need(self, eligible: Counts, book: Codebook) -> Counts:
        """The most rows, those with the smallest keys of the ones seen, that can still be in the sample."""

    @abstractmethod
    def allocate(self, rows: Counts, eligible: Counts, book: Codebook) -> Counts:
        """The draws from each stratum, now that all rows are known. ValueError if a stratum cannot give its share."""


class Named(Shares):
    """So many rows of the strata that are named, and none of the others."""

    def __init__(self, sizes: Mapping[Any, int], *, replace: bool = False) -> None:
        self._sizes = dict(sizes)
        self._replace = replace
        self._by_code = np.empty(0, np.int64)

    def may_need(self, eligible: Counts, book: Codebook) -> Counts:
        new = [self._sizes.get(label, 0) for label in book.labels(len(self._by_code), len(eligible))]
        self._by_code = np.append(self._by_code, np.array(new, np.int64))
        return self._by_code

    def allocate(self, rows: Counts, eligible: Counts, book: Codebook) -> Counts:
        have = dict(zip(book.labels(0, len(rows)), eligible.tolist(), strict=True))
        for label, size in self._sizes.items():
            there = have.get(label, 0)
            if size > there and not (self._replace and there):
                raise ValueError(f"size: must be at most the {there} rows of stratum {label!r}, got {size}")
        return self.may_need(eligible, book)


class AllThereAre(Shares):
    """So many rows of each stratum or of those that are named, or all it has; with ``replace`` as many draws."""

    def __init__(self, size: int | Mapping[Any, int], *, replace: bool = False) -> None:
        self._size = size
        self._named = Named(size if isinstance(size, Mapping) else {})
        self._replace = replace

    def may_need(self, eligible: Counts, book: Codebook) -> Counts:
        if isinstance(self._size, int):
            return np.full(len(eligible), self._size, np.int64)
        return self._named.may_need(eligible, book)

    def allocate(self, rows: Counts, eligible: Counts, book: Codebook) -> Counts:
        wanted = self.may_need(eligible, book)
        return np.where(eligible > 0, wanted, 0) if self._replace else np.minimum(wanted, eligible)


class Whole(Shares):
    """What sizes and shares of the whole have in common: a total, and the least that each stratum gives."""

    def __init__(self, wanted: int | float, minimum: int, *, replace: bool) -> None:
        self._wanted = wanted
        self._minimum = minimum
        self._replace = replace

    def allocate(self, rows: Counts, eligible: Counts, book: Codebook) -> Counts:
        total = self._size_of(int(rows.sum()))
        capacity = np.where(eligible > 0, total, 0) if self._replace else eligible
        if total > (there := int(eligible.sum())) and not (self._replace and there):
            raise ValueError(f"size: must be at most the {there} rows that the strata can give, got {total}")
        least = np.minimum(capacity, self._minimum)
        if int(least.sum()) > total:
            raise ValueError(
                f"minimum: must leave a total of at most {total} rows for {len(rows)} strata, got {self._minimum}"
            )
        # Strata whose share is below the minimum get that, and the others share the rest, which may bring more below.
        sizes = self._sizes(rows)
        shares = _deal(total, sizes, rows, capacity)
        low = np.zeros(len(rows), bool)
        while (shares < least).any():
            low |= shares < least
            shares[low] = least[low]
            shares[~low] = _deal(total - int(least[low].sum()), sizes[~low], rows[~low], capacity[~low])
        return shares

    def _size_of(self, population: int) -> int:
        if isinstance(self._wanted, float):
            return rows_of_fraction(self._wanted, population)
        check_size_within(self._wanted, population, replace=self._replace)
        return self._wanted

    @abstractmethod
    def _sizes(self, rows: Counts) -> Counts:
        """What the total is dealt out in proportion to."""


class Proportional(Whole):
    """The sample's size in proportion to the rows of each stratum.

    ``population`` is the number of rows of all strata, if it is known beforehand. The keys must not depend on the order
    of rows, as those by weight may.
    """

    def __init__(
        self, wanted: int | float, minimum: int = 0, *, replace: bool = False, population: int | None = None
    ) -> None:
        super().__init__(wanted, minimum, replace=replace)
        self._population = population

    def may_need(self, eligible: Counts, book: Codebook) -> Counts:
        """The share of rows that is taken can only fall as rows come, so of those seen of a stratum at most that share
        is needed, and half a row and a row for two roundings; and a margin, as those to come may have larger keys than
        their share. A stratum goes short of them less than once in 1e15 samples, and then ``allocate`` asks for more
        than is kept.
        """
        share = float(self._wanted)
        if not isinstance(self._wanted, float):
            seen = int(eligible.sum()) if self._population is None else self._population
            share = min(1.0, self._wanted / max(seen, 1))
        expected = share * eligible + 1.5 + self._minimum
        most: Counts = np.minimum(eligible, np.ceil(expected + _margin(expected * (1.0 - share))).astype(np.int64))
        return most

    def _sizes(self, rows: Counts) -> Counts:
        return rows


class Equal(Whole):
    """The sample's size in even shares, as far as the strata have rows."""

    def may_need(self, eligible: Counts, book: Codebook) -> Counts:
        """More rows and more strata only lower the level up to which all strata are filled."""
        if isinstance(self._wanted, float) or self._wanted >= eligible.sum():
            return eligible
        shares = _allocation.equal(self._wanted, eligible)
        level = int(shares[shares < eligible].max()) + 1
        return np.minimum(eligible, max(level, self._minimum))

    def _sizes(self, rows: Counts) -> Counts:
        return np.ones(len(rows), np.int64)


class Neyman(Whole):
    """In proportion to rows times standard deviation, which gives a total the least variance.

    Known only once all rows are. What strata that vary cannot give comes from the others.
    """

    def __init__(
        self, wanted: int | float, minimum: int, deviations: NDArray[np.float64], *, replace: bool = False
    ) -> None:
        super().__init__(wanted, minimum, replace=replace)
        self._deviations = deviations

    def may_need(self, eligible: Counts, book: Codebook) -> Counts:
        return eligible

    def _sizes(self, rows: Counts) -> Counts:
        spread = rows * (self._deviations / max(self._deviations.max(initial=0.0), 1e-300))
        sizes: Counts = np.rint(spread * (SHARES / max(spread.sum(), 1.0))).astype(np.int64)
        return sizes


class Fixed(Shares):
    """Shares that were found in a pass before."""

    def __init__(self, shares: Counts) -> None:
        self._shares = shares

    def may_need(self, eligible: Counts, book: Codebook) -> Counts:
        return self._shares[: len(eligible)]

    def allocate(self, rows: Counts, eligible: Counts, book: Codebook) -> Counts:
        return self._shares


def _deal(total: int, sizes: Counts, rows: Counts, capacity: Counts) -> Counts:
    """``total`` in proportion to ``sizes``, and what these strata cannot give, to the rows of those of size 0."""
    given = min(total, _allocation.sum_exactly(capacity[sizes > 0]))
    shares = _allocation.proportional(given, sizes, capacity)
    return shares + _allocation.proportional(total - given, np.where(sizes > 0, 0, rows), capacity)


def _margin(variance: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """By how much a binomial count exceeds its mean less than once in 1e15 times, and so a hypergeometric one.

    Solves Bennett's inequality (1962, doi:10.1080/01621459.1962.10482149) by Newton's method, from above: it is convex,
    so every step stays above.
    """
    variance = np.maximum(variance, 1e-9)
    margin: NDArray[np.floating[Any]] = 2 / 3 * TAIL + np.sqrt(2 * TAIL * variance)
    for _ in range(4):
        slope = np.log1p(margin / variance)
        margin -= ((variance + margin) * slope - margin - TAIL) / slope
    return margin


def key_limits(needed: Counts, eligible: Counts) -> NDArray[np.float64]:
    """Keys of rows without weights below which there are more than ``needed`` of the ``eligible`` rows of a stratum.

    There are not less than once in 1e15 times, by Chernoff's bound of the lower tail. Infinite where it takes all rows.
    """
    share = (needed + TAIL + np.sqrt(TAIL * (TAIL + 2.0 * needed))) / np.maximum(eligible, 1)
    limits = np.full(len(share), np.inf)
    np.log1p(-share, out=limits, where=share < 1.0)
    return np.where(needed > 0, np.abs(limits), 0.0)


@dataclass(frozen=True)
class Allocation:
    """What a caller asks of the strata: a rule, or sizes by stratum, and the least that each gives."""

    rule: str
    column: str | None
    sizes: Mapping[Any, int] | None
    minimum: int

    @classmethod
    def of(cls, allocation: object, size: object, minimum: object, *, stratified: bool) -> "Allocation":
        """The allocation that these options of a caller describe."""
        least = check_count("minimum", minimum)
        if not stratified and allocation != "proportional":
            raise ValueError(f"allocation: must be 'proportional' without strata, got {allocation!r}")
        if not stratified and least:
            raise ValueError(f"minimum: must be 0 without strata, got {least}")
        if isinstance(size, Mapping):
            if allocation != "proportional" or least:
                raise ValueError("size: must be a number with allocation or minimum, got a dict")
            return cls("named", None, check_sizes_by_stratum(size), 0)
        if isinstance(allocation, str) and allocation.startswith("neyman:"):
            return cls("neyman", check_name("allocation", allocation.removeprefix("neyman:")), None, least)
        if allocation not in ("proportional", "equal"):
            raise ValueError(f"allocation: must be one of 'proportional', 'equal', 'neyman:COLUMN', got {allocation!r}")
        return cls(str(allocation), None, None, least)

    def __str__(self) -> str:
        return self.rule if self.column is None else f"{self.rule}:{self.column}"


def check_sizes(size: int | Mapping[Any, int]) -> int | dict[Any, int]:
    """Rows of each stratum, or rows by stratum, a stratum as Arrow gives its value; such as can be saved."""
    if not isinstance(size, Mapping):
        return check_count("size", size)
    sizes = check_sizes_by_stratum(size)
    for label in sizes:
        try:
            _label_to_json(label)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            raise TypeError(f"size: must name strata by values that a column can have, got {describe(label)}") from None
    return sizes


def check_sizes_by_stratum(sizes: Mapping[Any, object]) -> dict[Any, int]:
    """Rows by stratum, a stratum as Arrow gives its value."""
    plain: dict[Any, int] = {}
    for label, rows in sizes.items():
        if (value := _plain(label)) in plain:
            raise ValueError(f"size: must name a stratum once, got {value!r} twice")
        plain[value] = check_count(f"size[{label!r}]", rows)
    return plain


def sizes_to_json(sizes: int | dict[Any, int]) -> int | list[list[Any]]:
    """Sizes as JSON can hold them."""
    return sizes if isinstance(sizes, int) else [[_label_to_json(label), rows] for label, rows in sizes.items()]


def sizes_from_json(value: int | list[list[Any]]) -> int | dict[Any, int]:
    """The sizes that ``sizes_to_json`` gave."""
    return value if isinstance(value, int) else {_label_from_json(label): rows for label, rows in value}


def _label_to_json(label: Any) -> Any:
    """A stratum's value, or values, as JSON can hold it: dates, decimals and the like as Arrow has them."""
    if isinstance(label, tuple):
        return list(map(_label_to_json, label))
    if label is None or isinstance(label, str | int | float):
        return label
    kind = None  # Arrow's guess, which cuts the times of pandas to microseconds
    if getattr(label, "nanosecond", 0):
        kind = pa.timestamp("ns", None if label.tzinfo is None else "UTC")
    elif getattr(label, "nanoseconds", 0):
        kind = pa.duration("ns")
    return {"arrow": to_text(pa.table({"value": pa.array([label], kind)}))}


def _label_from_json(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_label_from_json, value))
    return from_text(value["arrow"]).column(0)[0].as_py() if isinstance(value, dict) else value


def _plain(label: Any) -> Any:
    if isinstance(label, tuple):
        return tuple(map(_plain, label))
    if isinstance(label, np.datetime64 | np.timedelta64) and np.datetime_data(label.dtype)[0] == "ns":
        label = pa.scalar(label)  # NumPy's item() is a bare integer
    if isinstance(label, pa.Scalar):
        label = label.as_py()
    label = label.item() if isinstance(label, np.generic) else label
    return math.nan if isinstance(label, float) and math.isnan(label) else label

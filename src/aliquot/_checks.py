"""Checks of what callers pass, made once, at the boundary. ``<name>: <requirement>, got <value>``."""

import math
import operator
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import SupportsFloat

MAX_ROWS = 2**62
MAX_DRAWS = 2**56
"""Rows that a call can return: no memory holds the numbers of more."""


def describe(value: object) -> str:
    """A value as an error shows it: its type, and itself when that is short."""
    text = repr(value)
    name = type(value).__name__
    return name if len(text) > 60 or "\n" in text or text.startswith("<") else f"{name} {text}"


def check_count(name: str, value: object) -> int:
    """``value`` as a number of rows, 0 to 2**62."""
    try:
        if isinstance(value, bool):
            raise TypeError
        count = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name}: must be an integer, got {describe(value)}") from None
    if not 0 <= count <= MAX_ROWS:
        raise ValueError(f"{name}: must be between 0 and 2**62, got {count}")
    return count


def check_fraction(name: str, value: object) -> float:
    """``value`` as a share in (0, 1]."""
    try:
        if isinstance(value, bool | str):
            raise TypeError
        share = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(f"{name}: must be a number, got {describe(value)}") from None
    if not 0.0 < share <= 1.0:
        raise ValueError(f"{name}: must be above 0 and at most 1, got {value}")
    return share


def check_positive(name: str, value: object) -> float:
    """``value`` as a positive finite number."""
    if isinstance(value, bool | str) or not isinstance(value, SupportsFloat):
        raise TypeError(f"{name}: must be a number, got {describe(value)}")
    number = float(value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name}: must be positive and finite, got {value}")
    return number


def check_choice(name: str, value: object, choices: Sequence[str]) -> str:
    """``value`` as one of ``choices``."""
    if isinstance(value, str) and value in choices:
        return value
    raise ValueError(f"{name}: must be one of {', '.join(map(repr, choices))}, got {value!r}")


def check_bool(name: str, value: object) -> bool:
    """``value`` as True or False, and nothing that merely counts as such."""
    if isinstance(value, bool):
        return value
    raise TypeError(f"{name}: must be True or False, got {describe(value)}")


def check_name(name: str, value: object) -> str:
    """``value`` as a column name."""
    if isinstance(value, str):
        return value
    raise TypeError(f"{name}: must be a column name, got {describe(value)}")


def check_names(name: str, value: Iterable[str]) -> list[str]:
    """``value`` as a list of different column names."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name}: must be a list of column names, got {describe(value)}")
    names = [check_name(name, each) for each in value]
    twice = next((each for each in names if names.count(each) > 1), None)
    if twice is not None:
        raise ValueError(f"{name}: must differ from each other, got {twice!r} twice")
    return names


def check_column(name: str, column: str, there: Sequence[str]) -> str:
    """``column`` as one of the columns that are there, exactly once."""
    if column not in there:
        raise KeyError(f"{name}: must be a column of {list(there)}, got {column!r}")
    if list(there).count(column) > 1:
        raise ValueError(f"{name}: must be unambiguous, got {column!r}, the name of several columns")
    return column


def check_new_column(name: str, column: object, there: Sequence[str]) -> str:
    """``column`` as a name that is still free."""
    column = check_name(name, column)
    if column in there:
        raise ValueError(f"{name}: must not be a column that is there already, got {column!r}")
    return column


def check_size_within(size: int, population: int, *, replace: bool) -> None:
    """``size`` as rows that the population can give."""
    if size > population and not (replace and population > 0):
        raise ValueError(f"size: must be at most the population of {population} rows, got {size}")
    check_draws(size)


def check_draws(size: int) -> int:
    """``size`` as rows or draws that can be returned."""
    if size > MAX_DRAWS:
        raise ValueError(f"size: must be at most 2**56 in all, as memory holds no more, got {size}")
    return size


def rows_of_fraction(fraction: float, population: int) -> int:
    """round(fraction * population), half up, for the decimal that the caller wrote: 0.7 of 45 rows is 31.5, so 32."""
    return math.floor(Fraction(repr(fraction)) * population + Fraction(1, 2))

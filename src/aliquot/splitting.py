"""Splits of row numbers: parts of given sizes, and folds."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _rng
from aliquot._checks import check_choice, check_count
from aliquot._classes import as_classes, as_label_sets, is_label_sets, one_class
from aliquot._parts import PartsOption, parse_parts

MOST_ROWS = 2**32
"""Rows are numbered in 32 bits here."""

REPORT = pa.schema(
    [
        ("problem", pa.string()),
        ("subject", pa.string()),
        ("part", pa.string()),
        ("rows", pa.int64()),
        ("exact", pa.float64()),
    ]
)
Unmet: TypeAlias = tuple[str, str, str, int, float]
UnmetOption: TypeAlias = Sequence[Unmet] | Callable[[], Sequence[Unmet]]


class Split(dict[str, NDArray[np.int64]]):
    """The rows of each part: a dict, with the seed that drew it, and a report of what could not be had.

    Parameters
    ----------
    rows : dict of arrays
        The rows of each part, by name.
    seed : int
        With ``rng=seed``, the same rows are split alike again.
    unmet : list or callable
        The rows of the report, or what makes them when they are asked for.

    Examples
    --------
    >>> import aliquot as aq
    >>> split = aq.split_indices(6, {"train": 0.5, "test": 0.5}, strata=["a", "a", "b", "b", "b", "c"], rng=7)
    >>> split
    {'train': array([1, 2, 5]), 'test': array([0, 3, 4])}
    >>> split.report.to_pylist()
    [{'problem': 'rare stratum', 'subject': "'c'", 'part': 'test', 'rows': 0, 'exact': 0.5}]
    """

    def __init__(self, rows: dict[str, NDArray[np.int64]], seed: int, unmet: UnmetOption = ()) -> None:
        super().__init__(rows)
        self.seed = seed
        self._unmet = unmet

    @property
    def report(self) -> pa.Table:
        """What was asked for and could not be had, a row each.

        ``problem``: "rare stratum", which has fewer rows than there are parts and none in this one, or "large group",
        with more rows than its part was to have. ``subject``: the stratum or group, as its values are written.
        ``part``, the ``rows`` of the subject in it, and how many would be ``exact``.
        """
        return pa.Table.from_pylist([dict(zip(REPORT.names, row, strict=True)) for row in self._rows()], REPORT)

    def __reduce__(self) -> tuple[type, tuple[dict[str, NDArray[np.int64]], int, Sequence[Unmet]]]:
        return Split, (dict(self), self.seed, self._rows())

    def _rows(self) -> Sequence[Unmet]:
        if callable(self._unmet):
            self._unmet = self._unmet()
        return self._unmet


def split_indices(
    n: int,
    parts: PartsOption,
    *,
    strata: Any = None,
    groups: Any = None,
    rare: str = "spread",
    rng: _rng.RNG = None,
) -> Split:
    """The row numbers of each part of a split.

    Parameters
    ----------
    n : int
        Rows to split, at most 2**32.
    parts : dict from str to float, int or None
        Shares that sum to 1, or rows, of which one may be None, for the rest.
    strata : array of shape (n,), list of arrays, or table, optional
        Each stratum is split in these shares. Integers, strings, dates, floats, dictionaries, in NumPy, Arrow, pandas
        or polars; of several columns, each combination is a stratum. Null is one too. A matrix of booleans, shape (n,
        labels), or an Arrow array of lists: a row has several labels, and the rows of each label are split.
    groups : array of shape (n,), list of arrays, or table, optional
        No group is in two parts.
    rare : {"spread", "error"} or a name of a part
        What becomes of a stratum with fewer rows than there are parts. "spread": a row to each of the largest parts, as
        far as these keep their sizes. "error": ValueError. A name: all its rows are in that part.
    rng : None, int, SeedSequence, BitGenerator or Generator
        The seed.

    Returns
    -------
    Split
        A dict from each name to its rows, int64, ascending. ``.report`` is a table of what could not be had.

    Raises
    ------
    ValueError
        If parts are not sizes of n rows, if there are not n strata or groups, or if a stratum is rare and that is to be
        an error.
    TypeError
        If a value has a type that is not expected.

    Notes
    -----
    Parts hold their shares of n by largest remainder, and each stratum's share is rounded down or up. Four parts or
    more can have totals that no such strata add up to, and strata that are all in one part by name can too: then
    strata keep their shares, and totals are as near as that allows. In a stratum, the rows with the smallest keys are
    the first part, so that with one seed this part of a larger share contains that of a smaller one. Which rows go
    together depends on the seed and on which rows share a stratum, not on what strata are called. O(n) time; memory of
    8 bytes a row for the result, which all parts share, and of 1 to 5 besides, and of 64 bytes and more a stratum.

    With groups, the largest are placed first, each where it disturbs the shares of the classes and of all rows least,
    then moved one by one as long as that helps; few groups are placed again and again. What counts are squared
    deviations in whole numbers, classes alike, and all rows as much as the classes together. With several labels,
    parts have exact sizes, and labels are served from the rarest on.

    References
    ----------
    Cox (1987), "A constructive procedure for unbiased controlled rounding", doi:10.1080/01621459.1987.10478456.
    Sechidis, Tsoumakas, Vlahavas (2011), "On the stratification of multi-label data",
    doi:10.1007/978-3-642-23808-6_10.

    Examples
    --------
    >>> import aliquot as aq
    >>> aq.split_indices(10, {"train": 0.8, "test": 0.2}, rng=7)
    {'train': array([0, 1, 2, 3, 4, 5, 6, 7]), 'test': array([8, 9])}
    >>> aq.split_indices(6, {"train": None, "test": 2}, strata=["a", "b", "a", "b", "a", "b"], rng=7)
    {'train': array([1, 2, 4, 5]), 'test': array([0, 3])}
    """
    from aliquot._splits import split_groups, split_label_sets, split_strata

    n = _check_rows(n)
    wanted = parse_parts(parts)
    check_choice("rare", rare, ("spread", "error", *wanted.names))
    seed = _rng.seed_of(rng)
    key = _rng.key_of(seed)
    if strata is not None and is_label_sets(strata):
        _check_alone("groups", groups)
        if rare != "spread":
            raise ValueError(f"rare: must be 'spread' if rows have several labels, got {rare!r}")
        assigned = split_label_sets(key, as_label_sets("strata", strata, n), wanted)
    elif groups is not None:
        by = one_class(n) if strata is None else as_classes("strata", strata, n)
        assigned = split_groups(key, as_classes("groups", groups, n), by, wanted, rare)
    else:
        by = one_class(n) if strata is None else as_classes("strata", strata, n)
        assigned = split_strata(key, by, wanted, rare)
    return Split(dict(zip(wanted.names, assigned.rows(), strict=True)), seed, assigned.unmet)


def fold_indices(
    n: int, n_folds: int, *, strata: Any = None, groups: Any = None, rng: _rng.RNG = None
) -> NDArray[np.int32]:
    """The fold of each row.

    Parameters
    ----------
    n : int
        Rows, at most 2**32.
    n_folds : int
        Folds, at most as many as rows, or groups.
    strata : array of shape (n,), list of arrays, or table, optional
        Each stratum is shared out evenly among the folds; see ``split_indices``.
    groups : array of shape (n,), list of arrays, or table, optional
        No group is in two folds.
    rng : None, int, SeedSequence, BitGenerator or Generator
        The seed.

    Returns
    -------
    numpy.ndarray of int32, shape (n,)
        In [0, n_folds), in the order of rows.

    Raises
    ------
    ValueError
        If there are fewer rows or groups than folds, or not n strata or groups.
    TypeError
        If a value has a type that is not expected.

    Notes
    -----
    Sizes of folds differ by 1 at most, and so do their rows of each stratum. With groups or several labels, they are as
    even as these allow, and with groups no fold is empty; see ``split_indices``. A group that is larger than a fold
    should be is logged as a warning, by the logger "aliquot".

    Examples
    --------
    >>> import aliquot as aq
    >>> aq.fold_indices(8, 4, strata=[0, 0, 0, 0, 1, 1, 1, 1], rng=7)
    array([2, 1, 0, 3, 3, 0, 2, 1], dtype=int32)
    """
    from aliquot._splits import fold_groups, fold_label_sets, fold_strata

    n = _check_rows(n)
    many = check_count("n_folds", n_folds)
    if not 0 < many <= n:
        raise ValueError(f"n_folds: must be between 1 and the {n} rows there are, got {many}")
    key = _rng.key_of(_rng.seed_of(rng))
    if strata is not None and is_label_sets(strata):
        _check_alone("groups", groups)
        return fold_label_sets(key, as_label_sets("strata", strata, n), many)
    by = one_class(n) if strata is None else as_classes("strata", strata, n)
    if groups is not None:
        return fold_groups(key, as_classes("groups", groups, n), by, many)
    return fold_strata(key, by, many)


def _check_rows(n: int) -> int:
    n = check_count("n", n)
    if n > MOST_ROWS:
        raise ValueError(f"n: must be at most 2**32, got {n}")
    return n


def _check_alone(name: str, value: object) -> None:
    if value is not None:
        raise ValueError(f"{name}: must be None if rows have several labels, got {type(value).__name__}")

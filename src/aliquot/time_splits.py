"""Splits by time: the earlier rows train, the later ones test."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from numbers import Real
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot._allocation import proportional
from aliquot._arrow import decoded
from aliquot._checks import check_count, describe
from aliquot._classes import as_column
from aliquot._parts import PartsOption, parse_parts
from aliquot.folds import TrainTest

Times = NDArray[Any]


def time_split(
    times: Any, parts: PartsOption | Sequence[str], *, at: Sequence[Any] | None = None, gap: Any = None
) -> dict[str, NDArray[np.int64]]:
    """The rows of parts that follow each other in time.

    Parameters
    ----------
    times : array of shape (n,)
        Timestamps, dates, or numbers, in any order; NumPy, Arrow, pandas or polars. No nulls.
    parts : dict from str to float, int or None; with ``at`` a list of names
        Shares or rows as in ``split_indices``, the earliest part first.
    at : list of times, optional
        Where the second part begins, the third, and so on, instead of sizes.
    gap : duration or number, optional
        Rows of the last ``gap`` before each part but the first are in no part, so that what is known of them only later
        (a label, a window) does not reach into it.

    Returns
    -------
    dict from str to numpy.ndarray of int64
        The rows of each part, ascending by row number.

    Raises
    ------
    ValueError
        If a time is null or NaN, ``at`` does not ascend or has not one time less than parts, names do not differ, or
        ``gap`` is negative.
    TypeError
        If times are no times, or ``parts`` are sizes beside ``at``.

    Notes
    -----
    Rows of one time stay together: each cut is as near to the sizes as that allows, the earlier one in a tie. O(n log
    n) time.

    Examples
    --------
    >>> import aliquot as aq, numpy as np
    >>> days = np.array(["2024-01-03", "2024-01-01", "2024-01-02", "2024-01-05", "2024-01-04"], "M8[D]")
    >>> aq.time_split(days, {"train": 0.6, "test": 0.4})
    {'train': array([0, 1, 2]), 'test': array([3, 4])}
    >>> aq.time_split(days, ["train", "test"], at=[np.datetime64("2024-01-04")], gap=np.timedelta64(1, "D"))
    {'train': array([1, 2]), 'test': array([3, 4])}
    """
    values = _as_times(times)
    if at is None:
        wanted = parse_parts(parts)  # type: ignore[arg-type]
        names = list(wanted.names)
        ends = np.cumsum(wanted.totals(len(values)))[:-1]
        distinct, starts = np.unique(np.sort(values), return_index=True)
        cuts = [distinct[i] for i in _nearest(np.append(starts, len(values)), ends) if i < len(distinct)]
    else:
        if isinstance(parts, Mapping | str):
            raise TypeError(f"parts: must be a list of names with at, got {describe(parts)}")
        names = list(parts)
        if len(set(names)) < len(names):
            raise ValueError(f"parts: must have names that differ, got {names}")
        if isinstance(at, str) or not isinstance(at, Iterable):
            raise TypeError(f"at: must be a list of times, got {describe(at)}")
        cuts = [_as_time("at", each, values) for each in at]
        if len(cuts) != len(names) - 1:
            raise ValueError(f"at: must be {len(names) - 1} times for {len(names)} parts, got {len(cuts)}")
        if any(later < earlier for earlier, later in zip(cuts, cuts[1:], strict=False)):
            raise ValueError(f"at: must ascend, got {describe(list(at))}")
    part = np.zeros(len(values), np.int64)
    for cut in cuts:
        part += values >= cut
    kept = np.ones(len(values), np.bool_)
    for cut in cuts if gap is not None else []:
        kept &= (values < _before("gap", cut, gap, values)) | (values >= cut)
    return {name: np.flatnonzero((part == j) & kept) for j, name in enumerate(names)}


def time_folds(times: Any, n_folds: int, *, window: Any = None, gap: Any = None) -> list[TrainTest]:
    """Folds that are tested on in order of time, each after training on rows before it.

    Parameters
    ----------
    times : array of shape (n,)
        As in ``time_split``.
    n_folds : int
        Folds to test on. The rows are cut into one more block of about the same size, the first of which only trains.
    window : duration or number, optional
        How long before a fold rows are trained on; from the beginning by default.
    gap : duration or number, optional
        Rows of the last ``gap`` before a fold are not trained on.

    Returns
    -------
    list of pairs of numpy.ndarray of int64
        Rows to train and to test on, ascending: usable as ``cv=`` in scikit-learn.

    Raises
    ------
    ValueError
        If there are fewer distinct times than blocks, or a time is null or NaN.
    TypeError
        If times are no times.

    Examples
    --------
    >>> import aliquot as aq, numpy as np
    >>> [(train.tolist(), test.tolist()) for train, test in aq.time_folds(np.arange(6), 2)]
    [([0, 1], [2, 3]), ([0, 1, 2, 3], [4, 5])]
    >>> [(train.tolist(), test.tolist()) for train, test in aq.time_folds(np.arange(6), 2, window=2, gap=1)]
    [([0], [2, 3]), ([2], [4, 5])]
    """
    values = _as_times(times)
    n_folds = check_count("n_folds", n_folds)
    distinct, starts = np.unique(np.sort(values), return_index=True)
    if not 0 < n_folds < len(distinct):
        raise ValueError(f"n_folds: must be at least 1 and below the {len(distinct)} distinct times, got {n_folds}")
    ends = np.cumsum(proportional(len(values), np.ones(n_folds + 1, np.int64)))[:-1]
    cuts = [distinct[i] for i in _nearest(starts, ends, apart=True)]
    block = np.zeros(len(values), np.int64)
    for cut in cuts:
        block += values >= cut
    folds = []
    for fold, cut in enumerate(cuts, 1):
        trained = block < fold
        if gap is not None:
            trained &= values < _before("gap", cut, gap, values)
        if window is not None:
            trained &= values >= _before("window", cut, window, values)
        folds.append((np.flatnonzero(trained), np.flatnonzero(block == fold)))
    return folds


def _as_times(times: Any) -> Times:
    column = as_column("times", times)
    if isinstance(column, pa.Array):
        column = decoded(column)
        kind = column.type
        numeric = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)
        if not (numeric or pa.types.is_temporal(kind)):
            raise TypeError(f"times: must be timestamps, dates or numbers, got {kind}")
        if column.null_count:
            raise ValueError(f"times: must not be null, got null at row {column.is_null().index(True)}")
        column = column.to_numpy(zero_copy_only=False)
    unknown = np.flatnonzero(column != column)
    if len(unknown):
        raise ValueError(f"times: must not be NaN, got {column[unknown[0]]} at row {unknown[0]}")
    return column


def _as_time(name: str, value: Any, like: Times) -> Any:
    """A time as comparable with these, in their unit or a finer one."""
    value = value.as_py() if isinstance(value, pa.Scalar) else value
    if like.dtype.kind != "M":
        return _as_number(name, value, like)
    if isinstance(value, datetime) and value.tzinfo is not None:  # as Arrow has instants, of which NumPy knows no zone
        value = value.astimezone(UTC).replace(tzinfo=None)
    try:
        missing = np.isnat(np.datetime64(value, "D"))  # which without a unit would be of none
        time = value if missing else np.datetime64(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: must be times, got {describe(value)}") from None
    if missing:
        raise ValueError(f"{name}: must be times, got {describe(value)}")
    return time


def _before(name: str, cut: Any, span: Any, like: Times) -> Any:
    """The time that is this much before a cut."""
    span = span.as_py() if isinstance(span, pa.Scalar) else span
    if like.dtype.kind not in "Mm":
        span = _as_number(name, span, like)
        cut = cut.item() if isinstance(cut, np.generic) else cut  # Python's numbers, which go below 0
    elif not isinstance(span, timedelta | np.timedelta64):  # a number beside dates could be of any unit
        raise TypeError(f"{name}: must be a duration, got {describe(span)}")
    else:
        span = np.timedelta64(span)
    if not span >= span * 0:  # NaN and NaT neither
        raise ValueError(f"{name}: must not be negative, got {span}")
    return cut - span


def _as_number(name: str, value: Any, like: Times) -> Any:
    """A number, or duration, beside numbers or durations; of other times, whatever it is."""
    if like.dtype.kind in "iuf":
        if isinstance(value, bool | np.timedelta64) or not isinstance(value, Real):
            raise TypeError(f"{name}: must be numbers, as the times are, got {describe(value)}")
        if value != value:
            raise ValueError(f"{name}: must not be NaN, got {value}")
    return value


def _nearest(places: NDArray[np.int64], wanted: NDArray[np.int64], *, apart: bool = False) -> list[int]:
    """Which of the ascending places is nearest to each that is wanted, the earlier in a tie.

    ``apart``: none is the first, and no two are the same, if there are as many others.
    """
    found: list[int] = []
    for i, want in enumerate(wanted.tolist()):
        first = (found[-1] if found else 0) + 1 if apart else 0
        last = len(places) - len(wanted) + i + 1 if apart else len(places)
        found.append(first + int(np.abs(places[first:last] - want).argmin()))
    return found

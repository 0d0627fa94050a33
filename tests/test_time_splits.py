"""Splits and folds in order of time."""

import datetime
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import TimeSeriesSplit, cross_val_score

import aliquot as aq
from errors import raises

DAYS = np.datetime64("2024-01-01") + np.random.default_rng(1).permutation(100)


@given(st.lists(st.integers(-9, 9), max_size=40), st.lists(st.integers(1, 9), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_parts_follow_each_other_and_keep_equal_times_together(times, weights):
    times = np.array(times, np.int64)
    whole = sum(weights)
    split = aq.time_split(times, {str(j): weight / whole for j, weight in enumerate(weights)})
    assert np.array_equal(np.sort(np.concatenate(list(split.values()))), np.arange(len(times)))
    ends = [times[rows] for rows in split.values() if len(rows)]
    assert all(earlier.max() < later.min() for earlier, later in zip(ends, ends[1:], strict=False))
    # No cut at another time is nearer to the sizes asked for.
    wanted = np.cumsum([len(times) * weight / whole for weight in weights])[:-1]
    have = np.cumsum([len(rows) for rows in split.values()])[:-1]
    there = [(times < time).sum() for time in times] + [len(times)]
    for want, had in zip(wanted, have, strict=True):
        assert abs(had - want) < min(abs(cut - want) for cut in there) + 2


def test_distinct_times_are_cut_at_exact_sizes():
    split = aq.time_split(DAYS, {"train": 0.7, "valid": 0.2, "test": 0.1})
    assert [len(rows) for rows in split.values()] == [70, 20, 10]
    assert DAYS[split["train"]].max() == np.datetime64("2024-01-01") + np.timedelta64(69, "D")
    rows = aq.time_split(DAYS, {"train": None, "test": 25})
    assert len(rows["test"]) == 25


def test_cut_offs_and_gaps():
    split = aq.time_split(DAYS, ["a", "b", "c"], at=["2024-02-01", "2024-03-01"], gap=np.timedelta64(3, "D"))
    assert [DAYS[rows].max().item().isoformat() for rows in split.values()] == [
        "2024-01-28",
        "2024-02-26",
        "2024-04-09",
    ]
    assert [len(rows) for rows in split.values()] == [28, 26, 40]
    numbers = aq.time_split(np.arange(10.0), ["a", "b"], at=[5], gap=1.5)
    assert [rows.tolist() for rows in numbers.values()] == [[0, 1, 2, 3], [5, 6, 7, 8, 9]]


def test_times_of_every_type():
    expected = aq.time_split(DAYS, ["a", "b"], at=["2024-02-01"], gap=np.timedelta64(2, "D"))
    for times in (
        DAYS.astype("M8[ns]"),
        pa.array(DAYS),
        pa.array(DAYS).cast(pa.timestamp("us")),
        pa.array(DAYS).cast(pa.date64()),
        pa.chunked_array([DAYS[:30], DAYS[30:]]),
        pd.Series(DAYS),
        pa.array(DAYS).cast(pa.timestamp("s")).dictionary_encode(),
    ):
        for cut, gap in (
            ("2024-02-01", np.timedelta64(48, "h")),
            (datetime.datetime(2024, 2, 1), datetime.timedelta(2)),
            (pa.scalar(datetime.date(2024, 2, 1)), pd.Timedelta(days=2)),
        ):
            split = aq.time_split(times, ["a", "b"], at=[cut], gap=gap)
            assert all(np.array_equal(split[name], expected[name]) for name in expected)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint64, np.float32])
def test_a_gap_may_reach_beyond_the_first_time(kind):
    times = np.arange(10).astype(kind)
    parts = aq.time_split(times, {"train": 0.5, "test": 0.5}, gap=200)
    assert [part.tolist() for part in parts.values()] == [[], [5, 6, 7, 8, 9]]
    assert aq.time_split(times, {"train": 0.5, "test": 0.5}, gap=2)["train"].tolist() == [0, 1, 2]


def test_instants_of_any_zone_are_cut_at():
    times = pa.array(np.arange(5) * 3600, pa.timestamp("s", "Asia/Tokyo"))
    cut = datetime.datetime(1970, 1, 1, 11, tzinfo=datetime.timezone(datetime.timedelta(hours=9)))
    for at in (cut, pa.scalar(cut)):
        parts = aq.time_split(times, ["a", "b"], at=[at])
        assert [part.tolist() for part in parts.values()] == [[0, 1], [2, 3, 4]]


def test_folds_train_before_they_test():
    folds = aq.time_folds(DAYS, 4)
    assert [len(test) for _, test in folds] == [20] * 4
    for train, test in folds:
        assert DAYS[train].max() < DAYS[test].min()
        assert len(train) == (DAYS[test].min() > DAYS).sum()
    windowed = aq.time_folds(DAYS, 4, window=np.timedelta64(10, "D"), gap=np.timedelta64(3, "D"))
    for (train, test), (_, expected) in zip(windowed, folds, strict=True):
        assert np.array_equal(test, expected)
        before = (DAYS[test].min() - DAYS[train]).astype(int)
        assert sorted(before) == list(range(4, 11))


def test_folds_are_those_of_scikit_learn_and_work_there():
    times = np.arange(30)
    for ours, theirs in zip(aq.time_folds(times, 4), TimeSeriesSplit(4).split(times), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert cross_val_score(LinearRegression(), times[:, None], times, cv=aq.time_folds(times, 4)).min() > 0.99


@given(st.lists(st.integers(0, 5), min_size=2, max_size=30), st.data())
@settings(max_examples=100, deadline=None)
def test_no_fold_is_empty_and_none_sees_the_future_where_times_are_the_same(times, data):
    times = np.array(times)
    most = len(np.unique(times)) - 1
    if most == 0:
        return
    folds = aq.time_folds(times, data.draw(st.integers(1, most)))
    for train, test in folds:
        assert len(train)
        assert len(test)
        assert times[train].max() < times[test].min()
    tested = np.concatenate([test for _, test in folds])
    assert len(np.unique(tested)) == len(tested)
    assert np.array_equal(np.sort(np.concatenate([folds[0][0], tested])), np.arange(len(times)))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: aq.time_split(["a", "b"], {"a": 1.0}),
            TypeError,
            "times: must be timestamps, dates or numbers, got string",
        ),
        (
            lambda: aq.time_split(pa.array([1, None]), {"a": 1.0}),
            ValueError,
            "times: must not be null, got null at row 1",
        ),
        (lambda: aq.time_split([0.0, np.nan], {"a": 1.0}), ValueError, "times: must not be NaN, got nan at row 1"),
        (
            lambda: aq.time_split(np.array(["NaT", "2024-01-01"], "M8[D]"), {"a": 1.0}),
            ValueError,
            "times: must not be null, got null at row 0",
        ),
        (lambda: aq.time_split(iter([1]), ["a"], at=[]), ValueError, "times: must have one dimension, got shape ()"),
        (lambda: aq.time_split([1, 2], ["a", "b"], at=[]), ValueError, "at: must be 1 times for 2 parts, got 0"),
        (lambda: aq.time_split([1, 2], ["a", "b"], at=2), TypeError, "at: must be a list of times, got int 2"),
        (
            lambda: aq.time_split([1, 2], ["a", "b"], at=["x"]),
            TypeError,
            "at: must be numbers, as the times are, got str 'x'",
        ),
        (lambda: aq.time_split([1, 2], ["a", "b"], at=[math.nan]), ValueError, "at: must not be NaN, got nan"),
        (
            lambda: aq.time_split([1, 2], {"a": 0.5, "b": 0.5}, gap="x"),
            TypeError,
            "gap: must be numbers, as the times are, got str 'x'",
        ),
        (lambda: aq.time_split([1, 2], {"a": 0.5, "b": 0.5}, gap=-1), ValueError, "gap: must not be negative, got -1"),
        (lambda: aq.time_folds([1, 2, 3], 2, window=-1), ValueError, "window: must not be negative, got -1"),
        (
            lambda: aq.time_split(DAYS, ["a", "b"], at=["2024-02-01"], gap=np.timedelta64("NaT", "D")),
            ValueError,
            "gap: must not be negative, got NaT",
        ),
        (
            lambda: aq.time_split(DAYS, ["a", "b"], at=[None]),
            ValueError,
            "at: must be times, got NoneType None",
        ),
        (
            lambda: aq.time_split(DAYS, ["a", "b"], at=["NaT"]),
            ValueError,
            "at: must be times, got str 'NaT'",
        ),
        (lambda: aq.time_split(DAYS, ["a", "b"], at=[3]), TypeError, "at: must be times, got int 3"),
        (lambda: aq.time_split([1, 2], ["a", "b", "c"], at=[2, 1]), ValueError, "at: must ascend, got list [2, 1]"),
        (
            lambda: aq.time_split([1, 2], {"a": 0.9, "b": 0.1}, at=[2]),
            TypeError,
            "parts: must be a list of names with at, got dict {'a': 0.9, 'b': 0.1}",
        ),
        (
            lambda: aq.time_split([1, 2], ["a", "a"], at=[2]),
            ValueError,
            "parts: must have names that differ, got ['a', 'a']",
        ),
        (lambda: aq.time_split(DAYS, ["a", "b"], at=["soon"]), TypeError, "at: must be times, got str 'soon'"),
        (
            lambda: aq.time_split(DAYS, ["a", "b"], at=["2024-02-01"], gap=2),
            TypeError,
            "gap: must be a duration, got int 2",
        ),
        (
            lambda: aq.time_split(DAYS, ["a", "b"], at=["2024-02-01"], gap="long"),
            TypeError,
            "gap: must be a duration, got str 'long'",
        ),
        (
            lambda: aq.time_folds([1, 1, 2], 2),
            ValueError,
            "n_folds: must be at least 1 and below the 2 distinct times, got 2",
        ),
    ],
)
def test_errors(call, kind, message):
    with raises(kind, message):
        call()

"""Keys and rows that are in more than one part."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aliquot as aq

keys = st.lists(st.sampled_from(["a", "b", "c", None, "dd"]), max_size=12)


@given(st.lists(keys, min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_finds_just_the_keys_of_several_parts(lists):
    parts = {f"p{i}": pa.table({"k": pa.array(values, pa.string())}) for i, values in enumerate(lists)}
    expected = [
        {"k": value, **{f"rows_p{i}": values.count(value) for i, values in enumerate(lists)}}
        for value in dict.fromkeys(value for values in lists for value in values)
        if sum(value in values for values in lists) > 1
    ]
    assert aq.leaks(parts, key="k").to_pylist() == expected


def test_types_that_differ_are_compared_by_value():
    parts = {
        "a": pa.table({"id": pa.array([1, 2], pa.int32()), "s": pa.array(["x", "y"]).dictionary_encode()}),
        "b": pd.DataFrame({"id": np.array([2, 3], np.uint64), "s": ["y", "z"]}),
    }
    assert aq.leaks(parts, key=["s", "id"]).to_pylist() == [{"s": "y", "id": 2, "rows_a": 1, "rows_b": 1}]


def test_duplicate_rows_without_a_key():
    parts = {
        "a": pa.table({"x": [1, 1, 2], "y": [1.5, 1.5, None]}),
        "b": pa.table({"x": [2, 1, 1], "y": [None, 1.0, 1.5]}),
    }
    assert aq.leaks(parts).to_pylist() == [
        {"x": 1, "y": 1.5, "rows_a": 2, "rows_b": 1},
        {"x": 2, "y": None, "rows_a": 1, "rows_b": 1},
    ]


def test_files_and_streams(tmp_path):
    pq.write_table(pa.table({"u": [1, 2, 3], "x": [0, 0, 0]}), tmp_path / "a.parquet")
    batches = pa.table({"u": [3, 4, 3]}).to_batches(max_chunksize=1)
    found = aq.leaks({"file": str(tmp_path / "a.parquet"), "stream": iter(batches)}, key="u")
    assert found.to_pylist() == [{"u": 3, "rows_file": 1, "rows_stream": 2}]


def test_splits_by_number():
    users = np.random.default_rng(1).integers(0, 50, 500)
    parts = {"train": 0.8, "test": 0.2}
    whole = aq.split_indices(500, parts, groups=users, rng=1)
    assert aq.leaks(whole, key=users).num_rows == 0
    torn = aq.split_indices(500, parts, rng=1)
    found = aq.leaks(torn, key=users)
    assert found.column_names == ["key", "rows_train", "rows_test"]
    for row in found.to_pylist():
        assert row["rows_train"] == (users[torn["train"]] == row["key"]).sum() > 0
        assert row["rows_test"] == (users[torn["test"]] == row["key"]).sum() > 0
    several = aq.leaks(torn, key=[users.astype(str), pa.array(users % 2)])
    assert several.column_names == ["key_0", "key_1", "rows_train", "rows_test"]
    assert several.num_rows == found.num_rows


def test_nothing_leaks_from_nothing():
    assert aq.leaks({}).num_rows == 0
    assert aq.leaks({"a": pa.table({"x": pa.array([], pa.int64())})}, key="x").column_names == ["x", "rows_a"]


@pytest.mark.parametrize(
    ("parts", "key", "kind", "message"),
    [
        ([1], None, TypeError, "parts: must be a dict from names to rows, got list [1]"),
        ({"a": pa.table({"x": [1]})}, "y", KeyError, "key: must be a column of ['x'], got 'y'"),
        (
            {"a": np.array([0])},
            None,
            ValueError,
            "key: must be an array of values if parts are row numbers, got NoneType None",
        ),
        ({"a": pa.table({})}, None, ValueError, "key: must be at least one column, got none"),
        ({"a": np.array([0.5])}, [7], TypeError, "parts['a']: must be row numbers, got ndarray array([0.5])"),
        ({"a": np.array([0])}, iter([7]), ValueError, "key: must have one dimension, got shape ()"),
        ({"a": np.array([0, 3])}, [7, 8, 9], ValueError, "parts['a']: must be rows below 3, got 3"),
        (
            {"a": pa.table({"x": [{"y": 1}]})},
            "x",
            TypeError,
            "x: must be a column of numbers, strings, dates, times or dictionaries of these, got struct<y: int64>",
        ),
    ],
)
def test_errors(parts, key, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        aq.leaks(parts, key=key)

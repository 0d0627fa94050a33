"""Rows by number: those of a full read, in the order asked for."""

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

import aliquot as aq
from test_pages import FLAT, NESTED, N

NUMBERS = pa.table({"x": np.arange(N), "s": [f"value {i % 50}" for i in range(N)]})


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two files of everything, in row groups of 700 rows and pages of a few rows."""
    table = pa.Table.from_arrays(FLAT.columns + NESTED.columns, FLAT.column_names + NESTED.column_names)
    table = table.replace_schema_metadata({"who": "me"})
    folder = tmp_path_factory.mktemp("rows")
    for i, (first, last) in enumerate([(0, 4000), (4000, N)]):
        pq.write_table(
            table.slice(first, last - first), folder / f"{i}.parquet", row_group_size=700, data_page_size=500, write_batch_size=50
        )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def whole(files):
    return pq.read_table(files)


def same(taken, whole, rows):
    """Equal to rows of a table in schema, metadata and values, over whatever chunks and dictionaries."""
    assert taken.schema.equals(whole.schema, check_metadata=True)
    assert len(taken) == len(rows)
    for name in whole.column_names:
        assert taken[name].to_pylist() == [whole[name][i].as_py() for i in rows], name


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.lists(st.integers(0, N - 1), max_size=40), st.data())
def test_they_are_those_of_a_full_read(files, whole, rows, data):
    columns = data.draw(st.none() | st.lists(st.sampled_from(whole.column_names), unique=True))
    expected = whole if columns is None else whole.select(columns)
    same(aq.take_rows(files, rows, columns=columns), expected, rows)


@pytest.mark.parametrize("rows", [
    [], [0], [N - 1], [5, 5, 5], [N - 1, 0, N - 1, 3999, 4000], range(N), np.arange(N)[::-1],
], ids=["none", "first", "last", "one thrice", "both ends", "all", "all backwards"])  # fmt: skip
def test_any_order_and_repeats(files, whole, rows):
    same(aq.take_rows(files, rows), whole, np.asarray(rows, int).tolist())


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_row_numbers_of_any_type(kind):
    rows = np.array([100, 3, 3], kind)
    for given_rows in (
        rows,
        rows.tolist(),
        pa.array(rows),
        pa.chunked_array([rows[:1], rows[1:]]),
        iter(rows.tolist()),
    ):
        assert aq.take_rows(NUMBERS, given_rows)["x"].to_pylist() == [100, 3, 3]


def test_sources_of_all_kinds(files):
    rows = [4321, 17, 17]
    for source in (
        NUMBERS, NUMBERS.to_batches(max_chunksize=100), NUMBERS.combine_chunks().to_batches()[0], NUMBERS.to_reader(),
        pl.from_arrow(NUMBERS), pl.from_arrow(NUMBERS).lazy(), NUMBERS.to_pandas(),
    ):  # fmt: skip
        assert aq.take_rows(source, rows).to_pydict() == {"x": rows, "s": ["value 21", "value 17", "value 17"]}
    for source in (str(files), [files / "0.parquet", files / "1.parquet"], f"{files}/*.parquet"):
        assert aq.take_rows(source, rows, columns=["plain"])["plain"].to_pylist() == rows


def test_a_sample_is_the_rows_of_its_numbers(files):
    for options in ({}, {"order": "random"}, {"replace": True}, {"weights": "plain"}):
        sampled = aq.sample(files, 30, row_number="row", rng=7, **options)
        assert aq.take_rows(files, sampled["row"]).to_pydict() == sampled.drop_columns(["row"]).to_pydict()


def test_without_columns_rows_are_counted(files):
    for source in (files, NUMBERS):
        assert aq.take_rows(source, [5, 3, 3], columns=[]).shape == (3, 0)


def test_dictionaries_hold_no_more_than_the_rows(files):
    assert aq.take_rows(files, [0, 9, 1], columns=["dictionary"])["dictionary"].chunk(0).dictionary.to_pylist() == [
        "value 0", "value 1",
    ]  # fmt: skip


@pytest.mark.parametrize(("rows", "bad", "position"), [
    ([N], N, 0), ([0, N + 5], N + 5, 1), ([0, -1], -1, 1), ([N - 1, 2**62, -2**62], 2**62, 1),
    (np.array([2**64 - 1], np.uint64), 2**63 - 1, 0), ([0, 2**70], 2**63 - 1, 1), ([-(2**70)], -1, 0),
])  # fmt: skip
def test_rows_that_are_not_there(files, rows, bad, position):
    expected = f"rows: must be from 0 to below the {N} rows there are, got {bad} at position {position}"
    for source in (files, NUMBERS, NUMBERS.to_reader()):
        with pytest.raises(IndexError) as caught:
            aq.take_rows(source, rows)
        assert str(caught.value) == expected


@pytest.mark.parametrize(("rows", "kind", "message"), [
    ([1.0], TypeError, "rows: must be integers, got list [1.0]"),
    ([True], TypeError, "rows: must be integers, got list [True]"),
    (["a"], TypeError, "rows: must be integers, got list ['a']"),
    ([None], TypeError, "rows: must be integers, got list [None]"),
    (5, TypeError, "rows: must be integers, got int 5"),
    (None, TypeError, "rows: must be integers, got NoneType None"),
    ([[1, 2]], ValueError, "rows: must have one dimension, got 2"),
    (pa.array(["a"]), TypeError, "rows: must be integers, got ndarray array(['a'], dtype=object)"),
    (np.ma.array([1, 2], mask=[False, True]), ValueError, "rows: must not be null, got null at position 1"),
    (pa.array([1, None]), ValueError, "rows: must not be null, got null at position 1"),
])  # fmt: skip
def test_rows_that_are_no_numbers(rows, kind, message):
    with pytest.raises(kind) as caught:
        aq.take_rows(NUMBERS, rows)
    assert str(caught.value) == message


def test_columns_that_are_not_there(files):
    with pytest.raises(KeyError, match=r"columns: must be a column of \['x', 's'\], got 'nope'"):
        aq.take_rows(NUMBERS, [1], columns=["nope"])
    with pytest.raises(TypeError, match=r"^columns: must be a list of column names, got str 'x'$"):
        aq.take_rows(NUMBERS, [1], columns="x")

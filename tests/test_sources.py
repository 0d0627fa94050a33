"""Everything that rows come from, with the real libraries: the same rows of each; what is no source."""

import io

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import aliquot as aq
from aliquot.sources import open_source
from errors import raises

N = 10_000
TABLE = pa.table({"x": np.arange(N), "s": [f"s{i % 50}" for i in range(N)]})
ROWS = aq.sample_indices(N, 100, rng=7).tolist()


class StreamOnly:
    """An object that is nothing but its dunder."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


class ArrayOnly:
    def __init__(self, table):
        self._batch = table.combine_chunks().to_batches()[0]

    def __arrow_c_array__(self, requested_schema=None):
        return self._batch.__arrow_c_array__(requested_schema)


SOURCES = {
    "table": lambda: TABLE,
    "batch": lambda: TABLE.to_batches()[0],
    "sliced": lambda: pa.concat_tables([TABLE.slice(0, 17), TABLE]).slice(17),
    "reader": lambda: TABLE.to_reader(max_chunksize=333),
    "batches": lambda: TABLE.to_batches(max_chunksize=333),
    "generator of batches": lambda: (batch for batch in TABLE.to_batches(max_chunksize=333)),
    "generator of tables": lambda: (TABLE.slice(i, 100) for i in range(0, N, 100)),
    "generator of frames": lambda: (pl.from_arrow(TABLE.slice(i, 100)) for i in range(0, N, 100)),
    "stream dunder": lambda: StreamOnly(TABLE),
    "array dunder": lambda: ArrayOnly(TABLE),
    "polars frame": lambda: pl.from_arrow(TABLE),
    "polars lazy frame": lambda: pl.from_arrow(TABLE).lazy().filter(pl.col("x") >= 0),
    "pandas frame": lambda: TABLE.to_pandas(),
    "duckdb relation": lambda: duckdb.from_arrow(TABLE),
    "in-memory dataset": lambda: ds.dataset(TABLE),
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_gives_the_same_rows(name):
    sampled = aq.sample(SOURCES[name](), 100, rng=7)
    assert sampled["x"].to_pylist() == ROWS
    assert sampled["s"].to_pylist() == [f"s{row % 50}" for row in ROWS]


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_can_be_filtered_and_projected(name):
    sampled = aq.sample(SOURCES[name](), 10, where=pc.field("x") < 100, columns=["s"], row_number="row", rng=7)
    rows = aq.sample_indices(100, 10, rng=7).tolist()
    assert sampled.to_pydict() == {"s": [f"s{row % 50}" for row in rows], "row": rows}


def test_what_is_in_memory_is_not_scanned():
    for name in ("table", "batch", "polars frame", "pandas frame", "array dunder"):
        assert open_source(SOURCES[name]()).num_rows == N
    for name in ("reader", "duckdb relation", "polars lazy frame", "stream dunder"):
        assert open_source(SOURCES[name]()).num_rows is None


def test_empty_batches_are_nothing():
    batches = [TABLE.slice(0, 0), TABLE.slice(0, 5000), TABLE.slice(5000, 0), TABLE.slice(5000), TABLE.slice(0, 0)]
    assert aq.sample(iter(batches), 100, rng=7)["x"].to_pylist() == ROWS


def test_a_reader_read_halfway_goes_on_from_there():
    reader = TABLE.to_reader(max_chunksize=1000)
    reader.read_next_batch()
    assert aq.sample(reader, N - 1000, rng=7)["x"].to_pylist() == list(range(1000, N))


def test_an_iterable_that_raises_says_what():
    def broken():
        yield TABLE
        raise RuntimeError("planted")

    with raises(RuntimeError, "planted"):
        aq.sample(broken(), 5)


def test_a_schema_that_changes_is_an_error():
    with raises(ValueError, "source: must keep its schema, got y: int64 for x: int64 at row 10000"):
        aq.sample(iter([TABLE, pa.table({"y": [1]})]), 5)


@pytest.mark.parametrize("rows", [[TABLE.slice(0, 10), TABLE.slice(10)], (TABLE,)])
def test_a_list_of_batches_can_be_read_again(rows):
    batches = type(rows)(batch for table in rows for batch in table.to_batches())
    assert open_source(batches).num_rows == N
    assert aq.sample(batches, 9, rng=7).equals(aq.sample(TABLE, 9, rng=7))
    with raises(ValueError, "source: must keep its schema, got y: int64 for x: int64 at row 10000"):
        aq.sample([*batches, pa.record_batch({"y": [1]})], 5)


def test_a_lazy_frame_without_rows_keeps_its_schema():
    empty = aq.sample(pl.from_arrow(TABLE).lazy().filter(pl.col("x") < 0), 0)
    assert empty.column_names == ["x", "s"]


def test_a_frame_with_an_index_keeps_it():
    frame = pd.DataFrame({"x": [1, 2, 3]}, index=pd.Index(["a", "b", "c"], name="name"))
    assert aq.sample(frame, 3, rng=1)["name"].to_pylist() == ["a", "b", "c"]


class TestDatasets:
    @pytest.fixture
    def directory(self, tmp_path):
        pq.write_to_dataset(
            TABLE.append_column("part", pa.array(np.arange(N) // 4000)), tmp_path, partition_cols=["part"]
        )
        return tmp_path

    def test_a_parquet_dataset_is_read_from_its_footers(self, directory):
        dataset = ds.dataset(directory, partitioning="hive")
        assert open_source(dataset).num_rows == N
        expected = dataset.to_table().take(pa.array(ROWS))
        assert aq.sample(dataset, 100, rng=7).equals(expected)

    def test_a_filtered_dataset_is_what_passes_the_filter(self, directory):
        dataset = ds.dataset(directory, partitioning="hive").filter(pc.field("part") == 1)
        assert aq.sample(dataset, 4000, rng=7)["x"].to_pylist() == list(range(4000, 8000))

    def test_a_dataset_of_another_format_is_scanned(self, tmp_path):
        pyarrow.csv.write_csv(TABLE, tmp_path / "x.csv")
        assert aq.sample(ds.dataset(tmp_path, format="csv"), 100, rng=7)["x"].to_pylist() == ROWS

    def test_a_parquet_file_object_is_scanned(self, tmp_path):
        pq.write_table(TABLE, tmp_path / "x.parquet")
        assert aq.sample(pq.ParquetFile(tmp_path / "x.parquet"), 100, rng=7)["x"].to_pylist() == ROWS


def test_sources_without_rows_keep_their_schema():
    schema = TABLE.schema
    for source in (iter([schema.empty_table()]), ds.dataset([], schema=schema), TABLE.slice(0, 0).to_reader()):
        assert aq.sample(source, 0).schema.remove_metadata() == schema


def test_an_iterable_of_paths_is_a_list_of_paths(tmp_path):
    for i in range(3):
        pq.write_table(TABLE.slice(i * 10, 10), tmp_path / f"{i}.parquet")
    assert aq.sample(sorted(tmp_path.glob("*.parquet")), 30)["x"].to_pylist() == list(range(30))
    assert aq.sample((path for path in sorted(tmp_path.glob("*.parquet"))), 30)["x"].to_pylist() == list(range(30))


class TestErrors:
    def test_values_that_are_no_rows(self):
        with pytest.raises(TypeError, match=r"^source: must be rows with columns, got Series: "):
            aq.sample(pl.Series([1, 2]), 1)
        reservoir = aq.Reservoir(1)
        for values in (pl.Series([1, 2]), pa.array([1, 2]), pa.chunked_array([[1, 2]])):
            message = f": must be rows with columns, got {type(values).__name__}: Cannot import schema: "
            with pytest.raises(TypeError, match=f"^batch{message}"):
                reservoir.update(values)
            with pytest.raises(TypeError, match=f"^source{message}"):
                aq.sample([values], 1)
        assert reservoir == aq.Reservoir(1, rng=reservoir._seed)

    @pytest.mark.parametrize(
        "source", [5, None, {"x": [1]}, b"bytes", object(), io.BytesIO(b"PAR1"), pa.BufferReader(b"PAR1")]
    )
    def test_no_source(self, source):
        with pytest.raises(TypeError, match=r"^source: must be Parquet paths, Arrow data .* got "):
            aq.sample(source, 1)

    @pytest.mark.parametrize("items", [[1, 2], [TABLE, 1]])
    def test_an_iterable_of_something_else(self, items):
        with raises(TypeError, "source: must be a RecordBatch, a Table or other Arrow data, got int 1"):
            aq.sample(items, 1)

    @pytest.mark.parametrize("path", ["s3:", "a\0b"])
    def test_no_path(self, path):
        with raises(ValueError, f"source: must be a path or a URI, got {path!r}"):
            aq.sample(path, 1)

    def test_paths_among_batches(self):
        with pytest.raises(TypeError, match=r"^source: must be paths or record batches, not both, got list"):
            aq.sample(["x.parquet", TABLE], 1)

    @pytest.mark.parametrize(
        "frame", [pd.DataFrame([[1, 2]], columns=["a", "a"]), pd.DataFrame({"a": [1, "x"]})], ids=["names", "objects"]
    )
    def test_a_frame_that_arrow_cannot_hold(self, frame):
        with pytest.raises(ValueError, match=r"^source: must be a frame that Arrow can hold, got "):
            aq.sample(frame, 1)

    def test_an_empty_iterable(self):
        with raises(ValueError, "source: must give at least one batch to tell its schema, got none"):
            aq.sample([], 1)

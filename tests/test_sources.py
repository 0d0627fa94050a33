"""Everything that rows come from, with the real libraries."""

import datetime
import io
import re

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


def duck(table):
    return duckdb.from_arrow(table)


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
    "duckdb relation": lambda: duck(TABLE),
    "in-memory dataset": lambda: ds.dataset(TABLE),
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_gives_the_same_rows(name):
    sampled = aq.sample(SOURCES[name](), 100, rng=7)
    assert sampled["x"].to_pylist() == ROWS
    assert sampled["s"].to_pylist() == [f"s{row % 50}" for row in ROWS]


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_can_be_filtered_and_projected(name):
    sampled = aq.sample(SOURCES[name](), 10, where=pa.compute.field("x") < 100, columns=["s"], row_number="row", rng=7)
    assert sampled.column_names == ["s", "row"]
    assert max(sampled["row"].to_pylist()) < 100


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
    assert min(aq.sample(reader, N - 1000, rng=7)["x"].to_pylist()) == 1000


def test_an_iterable_that_raises_says_what():
    def broken():
        yield TABLE
        raise RuntimeError("planted")

    with pytest.raises(RuntimeError, match="planted"):
        aq.sample(broken(), 5)


def test_a_schema_that_changes_is_an_error():
    with pytest.raises(ValueError, match=r"^source: must keep its schema, got y: int64 for x: int64 at row 10000$"):
        aq.sample(iter([TABLE, pa.table({"y": [1]})]), 5)


@pytest.mark.parametrize("rows", [[TABLE.slice(0, 10), TABLE.slice(10)], (TABLE,)])
def test_a_list_of_batches_can_be_read_again(rows):
    batches = type(rows)(batch for table in rows for batch in table.to_batches())
    assert open_source(batches).num_rows == N
    assert aq.sample(batches, 9, rng=7).equals(aq.sample(TABLE, 9, rng=7))
    with pytest.raises(ValueError, match=r"^source: must keep its schema, got y: int64 for x: int64 at row 10000$"):
        aq.sample([*batches, pa.record_batch({"y": [1]})], 5)


class TestViews:
    """String views, views in dictionaries and runs, as polars and others hand them over."""

    PLAIN = pa.table({"id": np.arange(100), "g": ["a", "bb", "a", None, "a string that is longer"] * 20})

    @pytest.fixture(params=["view", "polars", "lazy", "categorical", "dictionary of views", "runs", "stream"])
    def source(self, request):
        views = self.PLAIN["g"].cast(pa.string_view())
        if request.param == "view":
            return self.PLAIN.set_column(1, "g", views)
        if request.param == "stream":
            return self.PLAIN.set_column(1, "g", views).to_reader(max_chunksize=7)
        if request.param == "dictionary of views":
            codes = self.PLAIN["g"].combine_chunks().dictionary_encode()
            column = pa.DictionaryArray.from_arrays(codes.indices, codes.dictionary.cast(pa.string_view()))
            return self.PLAIN.set_column(1, "g", column)
        if request.param == "runs":
            return self.PLAIN.set_column(1, "g", pc.run_end_encode(self.PLAIN["g"]))
        frame = pl.from_arrow(self.PLAIN)
        if request.param == "categorical":
            return frame.with_columns(pl.col("g").cast(pl.Categorical))
        return frame.lazy() if request.param == "lazy" else frame

    @pytest.mark.parametrize("expression", [pc.field("g") == "a", pc.field("g").isin(["a", "bb"])])
    def test_rows_are_filtered_by_them(self, source, expression):
        expected = aq.sample(self.PLAIN, 5, where=expression, rng=7)["id"].to_pylist()
        assert aq.sample(source, 5, where=expression, rng=7)["id"].to_pylist() == expected

    def test_strata_are_made_of_them_and_filters(self, source):
        options = {"strata": "g", "where": pc.field("id") > 5, "allocation": "equal", "rng": 7}
        expected = aq.sample(self.PLAIN, 8, **options)["id"].to_pylist()
        assert aq.sample(source, 8, **options)["id"].to_pylist() == expected


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
        dataset = ds.dataset(directory, partitioning="hive").filter(pa.compute.field("part") == 1)
        assert aq.sample(dataset, 4000, rng=7)["x"].to_pylist() == list(range(4000, 8000))

    def test_a_dataset_of_another_format_is_scanned(self, tmp_path):
        pyarrow.csv.write_csv(TABLE, tmp_path / "x.csv")
        assert aq.sample(ds.dataset(tmp_path, format="csv"), 100, rng=7)["x"].to_pylist() == ROWS

    def test_a_parquet_file_object_is_scanned(self, tmp_path):
        pq.write_table(TABLE, tmp_path / "x.parquet")
        assert aq.sample(pq.ParquetFile(tmp_path / "x.parquet"), 100, rng=7)["x"].to_pylist() == ROWS


class Celsius(pa.ExtensionType):
    """A type as users make them: pyarrow gives it no hash."""

    def __init__(self):
        super().__init__(pa.int64(), "test.celsius")

    def __arrow_ext_serialize__(self):
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type, serialized):
        return cls()


@pytest.fixture(scope="module")
def celsius():
    pa.register_extension_type(Celsius())
    yield pa.ExtensionArray.from_storage(Celsius(), pa.array([3, None, 7, 3] * 10))
    pa.unregister_extension_type("test.celsius")


def test_types_of_users_go_wherever_their_storage_does(celsius, tmp_path):
    table = pa.table({"v": celsius, "row": np.arange(40)})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=10)
    wanted = aq.sample(table, 12, rng=7)
    assert wanted["v"].to_pylist() == [celsius[row].as_py() for row in wanted["row"].to_pylist()]
    for source in (table.to_reader(max_chunksize=3), tmp_path):
        assert aq.sample(source, 12, rng=7).equals(wanted)
    assert aq.sample(table, 3, where=pc.field("row") > 36, strata="v", rng=7)["row"].to_pylist() == [37, 38, 39]
    reservoir = aq.Reservoir({3: 2, None: 1}, strata="v", rng=7)
    reservoir.update(table)
    assert aq.Reservoir.from_bytes(reservoir.to_bytes()).result()["v"].to_pylist().count(3) == 2
    assert aq.take_rows(table.to_reader(), [1, 0])["v"].to_pylist() == [None, 3]


class TestTypes:
    """Rows come through unchanged, whatever their type."""

    COUNT = 300
    TYPES = {
        "int8": pa.array(np.arange(COUNT) % 100, pa.int8()),
        "bool": pa.array(np.arange(COUNT) % 3 == 0),
        "float16": pa.array(np.arange(COUNT).astype(np.float16)),
        "null": pa.nulls(COUNT),
        "string": pa.array([None if i % 5 == 0 else str(i) * (i % 9) for i in range(COUNT)]),
        "large_string": pa.array([str(i) for i in range(COUNT)], pa.large_string()),
        "string_view": pa.array([None if i % 5 == 0 else str(i) * (i % 9) for i in range(COUNT)], pa.string_view()),
        "binary_view": pa.array([str(i).encode() * 5 for i in range(COUNT)], pa.binary_view()),
        "fixed_binary": pa.array([b"%04d" % i for i in range(COUNT)], pa.binary(4)),
        "decimal": pa.array([i * 100 for i in range(COUNT)], pa.decimal128(20, 2)),
        "decimal256": pa.array(range(COUNT), pa.decimal256(50, 0)),
        "date": pa.array([datetime.date(2020, 1, 1) + datetime.timedelta(i) for i in range(COUNT)]),
        "timestamp": pa.array(np.arange(COUNT), pa.timestamp("ns", "Europe/Berlin")),
        "duration": pa.array(np.arange(COUNT), pa.duration("s")),
        "interval": pa.array([(1, 2, i) for i in range(COUNT)], pa.month_day_nano_interval()),
        "list": pa.array([list(range(i % 4)) for i in range(COUNT)]),
        "list_of_views": pa.array([["long enough to be out of line", str(i)] for i in range(COUNT)], pa.list_(pa.string_view())),
        "large_list": pa.array([["a", None]] * COUNT, pa.large_list(pa.string())),
        "fixed_list": pa.array([[i, i] for i in range(COUNT)], pa.list_(pa.int32(), 2)),
        "map": pa.array([[("k", i)] for i in range(COUNT)], pa.map_(pa.string(), pa.int32())),
        "struct": pa.array([{"a": i, "b": [str(i)]} for i in range(COUNT)]),
        "dictionary": pa.array([str(i % 7) for i in range(COUNT)]).dictionary_encode(),
        "dictionary_of_views": pa.DictionaryArray.from_arrays(
            pa.array(np.arange(COUNT) % 2, pa.uint32()), pa.array(["a", "b"], pa.string_view())
        ),
        "run_end_encoded": pa.RunEndEncodedArray.from_arrays([100, 200, COUNT], ["a", None, "c"]),
        "union": pa.UnionArray.from_sparse(
            pa.array(np.arange(COUNT) % 2, pa.int8()), [pa.array(np.arange(COUNT)), pa.array(["u"] * COUNT)]
        ),
        "uuid": pa.array([b"%016d" % i for i in range(COUNT)], pa.binary(16)).cast(pa.uuid()),
        "tensor": pa.ExtensionArray.from_storage(
            pa.fixed_shape_tensor(pa.int32(), [2]), pa.array([[i, i] for i in range(COUNT)], pa.list_(pa.int32(), 2))
        ),
    }  # fmt: skip

    @pytest.mark.parametrize("name", TYPES)
    def test_through_table_stream_and_saved_reservoir(self, name):
        values = self.TYPES[name]
        table = pa.table({"v": values, "row": np.arange(self.COUNT)})
        rows = aq.sample_indices(self.COUNT, 40, rng=7)
        expected = [values[int(row)].as_py() for row in rows]
        sampled = aq.sample(table, 40, rng=7)
        assert sampled["v"].to_pylist() == expected
        assert sampled.schema.remove_metadata() == table.schema
        assert aq.sample(table.to_reader(max_chunksize=37), 40, rng=7)["v"].to_pylist() == expected
        reservoir = aq.Reservoir(40, rng=7)
        for first in range(0, self.COUNT, 7):
            reservoir.update(table.slice(first, 7))
        restored = aq.Reservoir.from_bytes(reservoir.to_bytes()).result()
        assert restored["v"].to_pylist() == expected
        assert restored.schema.remove_metadata() == table.schema
        shuffled = reservoir.result("random")
        assert shuffled["v"].to_pylist() == [values[row].as_py() for row in shuffled["row"].to_pylist()]
        shuffled.validate(full=True)

    def test_dictionaries_that_differ_from_batch_to_batch(self):
        batches = [
            pa.record_batch(
                {
                    "d": pa.array([f"{i}-{j}" for j in range(100)])
                    .dictionary_encode()
                    .cast(pa.dictionary(pa.int8(), pa.string()))
                }
            )
            for i in range(50)
        ]
        reservoir = aq.Reservoir(60, rng=7)
        for batch in batches:
            reservoir.update(batch)
        rows = aq.sample_indices(5000, 60, rng=7).tolist()
        assert reservoir.result()["d"].to_pylist() == [f"{row // 100}-{row % 100}" for row in rows]
        assert reservoir.result().schema.field("d").type == pa.dictionary(pa.int8(), pa.string())

    def test_nulls_in_a_dictionary(self):
        values = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None], pa.int8()), pa.array(["a", None, "c"]))
        other = pa.DictionaryArray.from_arrays(pa.array([0, 1, 1, None], pa.int8()), pa.array([None, "b"]))
        reservoir = aq.Reservoir(8, rng=7)
        for each in (values, other):
            reservoir.update(pa.record_batch({"d": each}))
        assert aq.Reservoir.from_bytes(reservoir.to_bytes()).result()["d"].to_pylist() == [
            "a",
            None,
            "c",
            None,
            None,
            "b",
            "b",
            None,
        ]

    @pytest.mark.parametrize("nest", ["plain", "list", "struct", "list_view"])
    def test_memory_is_that_of_the_rows_kept(self, nest):
        def batch(i):
            values = pa.array([f"value {i} {j} of a dictionary of its own" for j in range(5000)])
            if nest == "list_view":
                return pa.record_batch({"v": pa.ListViewArray.from_arrays(np.arange(5000), np.ones(5000, int), values)})
            values = values.dictionary_encode()
            if nest == "list":
                values = pa.ListArray.from_arrays(np.arange(5001), values)
            elif nest == "struct":
                values = pa.StructArray.from_arrays([values], ["d"])
            return pa.record_batch({"v": values})

        reservoir = aq.Reservoir(20, rng=7)
        for i in range(30):
            reservoir.update(batch(i))
        assert len(reservoir.to_bytes()) < 300_000  # the first dictionary whole, and not 30 of them
        sampled = aq.sample((batch(i) for i in range(30)), fraction=0.0001, rng=7, row_number="row")
        assert sampled.num_rows == 15
        for row in sampled.to_pylist():
            text = {"list": lambda v: v[0], "list_view": lambda v: v[0], "struct": lambda v: v["d"]}.get(
                nest, lambda v: v
            )(row["v"])
            assert text.startswith(f"value {row['row'] // 5000} {row['row'] % 5000} ")

    def test_extension_types_over_types_that_cannot_be_picked(self):
        for storage in (
            pa.array(["a", None, "c"], pa.string_view()),
            pa.RunEndEncodedArray.from_arrays([1, 3], ["a", "b"]),
        ):
            values = pa.ExtensionArray.from_storage(pa.opaque(storage.type, "t", "v"), storage)
            assert aq.sample(pa.table({"v": values}), 2, rng=3)["v"].to_pylist() == [
                values[i].as_py() for i in aq.sample_indices(3, 2, rng=3)
            ]

    def test_unions_are_carried_past_filters(self):
        table = pa.table({"v": self.TYPES["union"], "x": np.arange(self.COUNT)})
        drawn = aq.sample(table, 5, where=pc.field("x") >= 295, rng=1)
        assert drawn["v"].to_pylist() == table["v"].to_pylist()[295:]

    def test_columns_of_one_name(self):
        table = pa.table([pa.array(np.arange(100)), pa.array(np.arange(100, 200))], ["x", "x"])
        sampled = aq.sample(table, 5, rng=1)
        assert (sampled.column(1).to_numpy() - sampled.column(0).to_numpy()).tolist() == [100] * 5
        assert aq.sample(table.to_reader(), 5, rng=1).equals(sampled)
        with pytest.raises(ValueError, match=r"^columns: must be unambiguous, got 'x', the name of several columns$"):
            aq.sample(table, 5, columns=["x"])

    def test_fields_keep_nullability_and_metadata(self):
        schema = pa.schema([pa.field("x", pa.int64(), nullable=False, metadata={"k": "v"})], {"m": "1"})
        table = pa.table([np.arange(100)], schema=schema)
        for source in (table, table.to_reader()):
            sampled = aq.sample(source, 5, rng=1)
            assert sampled.schema.field("x").equals(schema.field("x"), check_metadata=True)
            assert sampled.schema.metadata[b"m"] == b"1"


def test_sources_without_rows_keep_their_schema(tmp_path):
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
        with pytest.raises(TypeError, match=r"^source: must be a RecordBatch, a Table or other Arrow data, got int 1$"):
            aq.sample(items, 1)

    @pytest.mark.parametrize("path", ["s3:", "a\0b"])
    def test_no_path(self, path):
        with pytest.raises(ValueError, match=rf"^source: must be a path or a URI, got {re.escape(repr(path))}$"):
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
        with pytest.raises(ValueError, match=r"^source: must give at least one batch to tell its schema, got none$"):
            aq.sample([], 1)

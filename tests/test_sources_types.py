"""Rows of every type: unchanged through tables, streams and saved reservoirs; chosen by views; in bounded memory."""

import datetime

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import aliquot as aq
from errors import raises


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
        with raises(ValueError, "columns: must be unambiguous, got 'x', the name of several columns"):
            aq.sample(table, 5, columns=["x"])

    def test_fields_keep_nullability_and_metadata(self):
        schema = pa.schema([pa.field("x", pa.int64(), nullable=False, metadata={"k": "v"})], {"m": "1"})
        table = pa.table([np.arange(100)], schema=schema)
        for source in (table, table.to_reader()):
            sampled = aq.sample(source, 5, rng=1)
            assert sampled.schema.field("x").equals(schema.field("x"), check_metadata=True)
            assert sampled.schema.metadata[b"m"] == b"1"


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

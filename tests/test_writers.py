"""Files of every writer, type and option: the rows taken are those of a full read."""

import datetime
import decimal

import duckdb
import fastparquet
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

import aliquot as aq

EPOCH = datetime.datetime(2020, 1, 1)
VALUES = {
    pa.bool_(): st.booleans(),
    pa.int8(): st.integers(-(2**7), 2**7 - 1),
    pa.uint16(): st.integers(0, 2**16 - 1),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.uint32(): st.integers(0, 2**32 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float16(): st.integers(-100, 100).map(np.float16),
    pa.float32(): st.floats(width=32),
    pa.float64(): st.floats(),
    pa.string(): st.text(max_size=8),
    pa.large_string(): st.text(max_size=8),
    pa.string_view(): st.text(max_size=20),
    pa.binary(): st.binary(max_size=8),
    pa.binary(4): st.binary(min_size=4, max_size=4),
    pa.decimal32(5, 2): st.integers(-99999, 99999).map(lambda x: decimal.Decimal(x).scaleb(-2)),
    pa.decimal64(16, 2): st.integers(-(10**16) + 1, 10**16 - 1).map(lambda x: decimal.Decimal(x).scaleb(-2)),
    pa.decimal128(30, 3): st.integers(-(10**20), 10**20).map(lambda x: decimal.Decimal(x).scaleb(-3)),
    pa.decimal256(50, 0): st.integers(-(10**27), 10**27).map(decimal.Decimal),
    pa.date32(): st.integers(0, 10**5).map(lambda x: EPOCH.date() + datetime.timedelta(x)),
    pa.date64(): st.integers(0, 10**5).map(lambda x: EPOCH.date() + datetime.timedelta(x)),
    pa.time32("ms"): st.integers(0, 86_399_999),
    pa.time64("us"): st.integers(0, 86_399_999_999),
    pa.timestamp("s"): st.integers(0, 10**9).map(lambda x: EPOCH + datetime.timedelta(seconds=x)),
    pa.timestamp("us", "Europe/Berlin"): st.integers(0, 10**15),
    pa.timestamp("ns"): st.integers(0, 10**18),
    pa.duration("ms"): st.integers(-(10**9), 10**9),
    pa.dictionary(pa.int8(), pa.string()): st.sampled_from(["a", "bb", ""]),
    pa.dictionary(pa.int32(), pa.large_string()): st.text(max_size=3),
    pa.null(): st.none(),
    pa.list_(pa.int32()): st.lists(st.integers(0, 9), max_size=3),
    pa.large_list(pa.string()): st.lists(st.text(max_size=3), max_size=3),
    pa.list_(pa.float64(), 2): st.lists(st.floats(), min_size=2, max_size=2),
    pa.struct({"a": pa.int8(), "b": pa.string()}): st.fixed_dictionaries({"a": st.integers(0, 9), "b": st.text(max_size=3)}),
    pa.map_(pa.string(), pa.int64()): st.dictionaries(st.text(max_size=3), st.integers(0, 9), max_size=2).map(lambda d: list(d.items())),
    pa.uuid(): st.binary(min_size=16, max_size=16),
}  # fmt: skip
ENCODINGS = {
    pa.int32(): ["DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
    pa.int64(): ["DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
    pa.float32(): ["BYTE_STREAM_SPLIT"],
    pa.float64(): ["BYTE_STREAM_SPLIT"],
    pa.string(): ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"],
    pa.binary(): ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"],
    pa.binary(4): ["BYTE_STREAM_SPLIT", "DELTA_BYTE_ARRAY"],
    pa.bool_(): ["RLE"],
}


def array_of(kind, values):
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    return pa.array(values, kind)


@st.composite
def tables(draw):
    """A table of up to four columns of any types, with nulls here and there."""
    num_rows = draw(st.integers(0, 60))
    columns = {}
    for i in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(list(VALUES)))
        nullable = kind == pa.null() or draw(st.booleans())
        one = st.none() | VALUES[kind] if nullable else VALUES[kind]
        few = draw(st.lists(one, min_size=1, max_size=12))
        values = [few[j] for j in draw(st.lists(st.integers(0, len(few) - 1), min_size=num_rows, max_size=num_rows))]
        columns[pa.field(f"c{i}", kind, nullable=nullable)] = array_of(kind, values)
    metadata = draw(st.sampled_from([None, {"who": "me"}]))
    return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(list(columns), metadata))


@st.composite
def options(draw, schema):
    """What pyarrow can be told of how to write it."""
    chosen = {
        "compression": draw(st.sampled_from(["none", "snappy", "zstd", "gzip", "brotli", "lz4"])),
        "data_page_version": draw(st.sampled_from(["1.0", "2.0"])),
        "version": draw(st.sampled_from(["1.0", "2.4", "2.6"])),
        "write_page_index": draw(st.booleans()),
        "write_page_checksum": draw(st.booleans()),
        "write_statistics": draw(st.booleans()),
        "store_schema": draw(st.booleans()),
        "row_group_size": draw(st.sampled_from([1, 7, 1000])),
        "data_page_size": draw(st.sampled_from([1, 30, 10_000])),
        "write_batch_size": draw(st.sampled_from([1, 5, 1000])),
        "dictionary_pagesize_limit": draw(st.sampled_from([1, 20, 10_000])),
        "use_dictionary": draw(st.booleans()),
    }
    encodings = {
        field.name: draw(st.sampled_from(ENCODINGS[field.type])) for field in schema if field.type in ENCODINGS and draw(st.booleans())
    }  # fmt: skip
    if encodings and not chosen["use_dictionary"]:
        chosen["column_encoding"] = encodings
    return chosen


def check(path, rows):
    """Taken rows equal those of a full read in schema, metadata, types and values."""
    whole = pq.read_table(path)
    taken = aq.take_rows(path, rows)
    assert taken.schema.equals(whole.schema, check_metadata=True)
    assert len(taken) == len(rows)
    for name in whole.column_names:
        assert repr(taken[name].to_pylist()) == repr([whole[name][i].as_py() for i in rows]), name  # NaN like NaN
    taken.validate(full=True)


@settings(max_examples=80, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.data())
def test_pyarrow(tmp_path_factory, data):
    table = data.draw(tables())
    path = tmp_path_factory.getbasetemp() / "written.parquet"
    try:
        pq.write_table(table, path, **data.draw(options(table.schema)))
        pq.read_table(path)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return  # which pyarrow cannot write, or not read: maps whose pages hold one value
    rows = data.draw(st.lists(st.integers(0, len(table) - 1), max_size=8)) if len(table) else []
    check(path, rows)


FRAME = pd.DataFrame({
    "i": np.arange(5000),
    "f": np.where(np.arange(5000) % 5 == 0, np.nan, np.arange(5000) / 7),
    "s": [None if i % 11 == 0 else f"value {i % 40}" for i in range(5000)],
    "u": [f"unique {i}" for i in range(5000)],
    "b": np.arange(5000) % 3 == 0,
    "t": pd.to_datetime(np.arange(5000), unit="s"),
})  # fmt: skip
ROWS = [4999, 0, 17, 17, 2500, *range(100, 140)]


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "zstd", "gzip", "brotli", "lz4"])
@pytest.mark.parametrize("page_bytes", [500, None])
def test_polars(tmp_path, codec, page_bytes):
    frame = pl.from_pandas(FRAME).with_columns(
        l=pl.Series([[i, i + 1] for i in range(5000)]), c=pl.col("s").cast(pl.Categorical), d=pl.col("i").cast(pl.Decimal(20, 2))
    )  # fmt: skip
    frame.write_parquet(tmp_path / "x.parquet", compression=codec, row_group_size=1300, data_page_size=page_bytes)
    check(tmp_path / "x.parquet", ROWS)


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "zstd", "gzip", "brotli", "lz4_raw"])
@pytest.mark.parametrize("version", ["V1", "V2"])
def test_duckdb(tmp_path, codec, version):
    source = pa.Table.from_pandas(FRAME)  # noqa: F841
    duckdb.sql(
        f"COPY (SELECT *, [i, i] AS l, {{'a': i}} AS st, i::DECIMAL(20, 2) AS d, i::HUGEINT AS h, s::BLOB AS bl FROM source) "
        f"TO '{tmp_path}/x.parquet' (ROW_GROUP_SIZE 2048, CODEC '{codec}', PARQUET_VERSION '{version}')"
    )
    check(tmp_path / "x.parquet", ROWS)


@pytest.mark.parametrize("codec", ["UNCOMPRESSED", "SNAPPY", "ZSTD", "GZIP", "BROTLI", "LZ4_RAW"])
@pytest.mark.parametrize("nulls", [True, False])
def test_fastparquet(tmp_path, codec, nulls):
    frame = FRAME.assign(c=FRAME["s"].astype("category")) if nulls else FRAME.drop(columns="s")
    fastparquet.write(
        str(tmp_path / "x.parquet"), frame, compression=codec, row_group_offsets=[0, 1300, 2600], has_nulls=nulls,
        object_encoding="utf8",
    )  # fmt: skip
    check(tmp_path / "x.parquet", ROWS)


def test_what_pyarrow_reads_in_part_is_an_error(tmp_path):
    table = pa.table({"m": pa.array([[]] * 40, pa.map_(pa.string(), pa.int64()))})
    pq.write_table(
        table, tmp_path / "x.parquet", row_group_size=1, data_page_size=1, write_batch_size=1, version="1.0", data_page_version="1.0"
    )  # fmt: skip
    try:
        taken = aq.take_rows(tmp_path / "x.parquet", [3])
    except ValueError as error:
        message = str(error)
    else:
        assert taken["m"].to_pylist() == [[]]
        return
    assert message.endswith("x.parquet: must be a readable Parquet file, got 0 for 1 rows of a row group")


@pytest.mark.parametrize("index", [False, True])
def test_rows_groups_and_files_without_anything(tmp_path, index):
    schema = pa.schema({"x": pa.int64(), "s": pa.string()})
    with pq.ParquetWriter(tmp_path / "a.parquet", schema, write_page_index=index) as writer:
        for values in ([], [1, None], [], [3], []):
            table = pa.table({"x": pa.array(values, pa.int64()), "s": pa.array(map(str, values), pa.string())})
            writer.write_table(table)
    with pq.ParquetWriter(tmp_path / "b.parquet", schema, write_page_index=index):
        pass
    check(tmp_path / "a.parquet", [2, 0, 1])
    check(tmp_path / "b.parquet", [])
    check(tmp_path, [2, 1])

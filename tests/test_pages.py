"""Pages instead of row groups: the rows of a full read from any file, and no wrong rows from a damaged one."""

import datetime
import decimal
import random
from concurrent.futures import ThreadPoolExecutor

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

import aliquot as aq
from aliquot._files import FilePart
from aliquot._source import picker
from aliquot.footers import Layout
from aliquot.pages import Rows, decode_picked, plan_columns, read_columns
from aliquot.parquet import open_paths
from aliquot.ranges import Ranges

N = 6000
DAY = datetime.date(2020, 1, 1)


def with_nulls(values, kind=None):
    return pa.array([None if i % 7 == 3 or 2000 < i < 2600 else value for i, value in enumerate(values)], kind)


FLAT = pa.table(
    {
        "int": with_nulls(range(N)),
        "small": pa.array(np.arange(N) % 100, pa.int8()),
        "unsigned": pa.array(np.arange(N), pa.uint32()),
        "float": with_nulls(i / 3 for i in range(N)),
        "half": pa.array((np.arange(N) % 1000).astype(np.float16)),
        "bool": with_nulls(i % 3 == 0 for i in range(N)),
        "few": with_nulls(f"value {i % 9}" for i in range(N)),
        "many": with_nulls(f"value {i}" for i in range(N)),
        "large": pa.array([f"value {i}" for i in range(N)], pa.large_string()),
        "view": pa.array([f"value {i} that is out of line" for i in range(N)], pa.string_view()),
        "bytes": with_nulls(b"%d" % i for i in range(N)),
        "fixed": with_nulls((b"%05d" % i for i in range(N)), pa.binary(5)),
        "decimal": with_nulls((decimal.Decimal(i) / 100 for i in range(N)), pa.decimal128(20, 2)),
        "small decimal": pa.array([decimal.Decimal(i) / 100 for i in range(N)], pa.decimal128(9, 2)),
        "date": with_nulls(DAY + datetime.timedelta(i) for i in range(N)),
        "time": pa.array(np.arange(N), pa.time64("us")),
        "instant": pa.array(np.arange(N), pa.timestamp("us", "Europe/Berlin")),
        "nanoseconds": pa.array(np.arange(N), pa.timestamp("ns")),
        "duration": pa.array(np.arange(N), pa.duration("ms")),
        "dictionary": pa.array([f"value {i % 9}" for i in range(N)]).dictionary_encode(),
        "null": pa.nulls(N),
    }
)
NESTED = pa.table(
    {
        "list": [list(range(i % 4)) for i in range(N)],
        "struct": [{"a": i, "b": str(i)} for i in range(N)],
        "map": pa.array([[("k", i)] for i in range(N)], pa.map_(pa.string(), pa.int64())),
        "plain": np.arange(N),
    }
)


def check(path, table, sizes=(1, 9, 300)):
    """Samples of all sizes are those of the table."""
    for k in sizes:
        sampled = aq.sample(path, k, rng=k)
        expected = aq.sample(table, k, rng=k)
        assert sampled.schema.remove_metadata() == expected.schema.remove_metadata()
        for name in table.column_names:
            assert sampled[name].to_pylist() == expected[name].to_pylist(), name


@pytest.mark.parametrize("page_bytes", [200, 5000])
@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("codec", ["none", "snappy", "zstd", "gzip", "brotli", "lz4"])
def test_every_codec_page_version_and_index(tmp_path, codec, version, index, page_bytes):
    pq.write_table(
        FLAT, tmp_path / "x.parquet", compression=codec, data_page_version=version, write_page_index=index,
        data_page_size=page_bytes, row_group_size=2500, write_batch_size=64,
    )  # fmt: skip
    check(tmp_path / "x.parquet", FLAT)


@pytest.mark.parametrize("options", [
    {"use_dictionary": False},
    {"dictionary_pagesize_limit": 2000},
    {"write_page_checksum": True},
    {"store_schema": False},
    {"use_dictionary": False, "column_encoding": {
        "int": "DELTA_BINARY_PACKED", "float": "BYTE_STREAM_SPLIT", "many": "DELTA_LENGTH_BYTE_ARRAY", "bytes": "DELTA_BYTE_ARRAY",
    }},
    {"row_group_size": 1},
])  # fmt: skip
@pytest.mark.parametrize("index", [False, True])
def test_encodings_and_other_options(tmp_path, options, index):
    table = FLAT.slice(0, 60) if options.get("row_group_size") else FLAT
    written = {"data_page_size": 1000, "write_batch_size": 64, "row_group_size": 2500, **options}
    pq.write_table(table, tmp_path / "x.parquet", write_page_index=index, **written)
    check(tmp_path / "x.parquet", pq.read_table(tmp_path / "x.parquet"), (1, 9, 60))


@pytest.mark.parametrize("index", [False, True])
def test_nested_columns_are_read_beside_flat_ones(tmp_path, index):
    pq.write_table(NESTED, tmp_path / "x.parquet", row_group_size=2500, data_page_size=500, write_page_index=index)
    check(tmp_path / "x.parquet", NESTED)


def test_other_writers(tmp_path):
    frame = pl.from_arrow(FLAT.select(["int", "float", "bool", "few", "many", "bytes", "date"]))
    frame.write_parquet(tmp_path / "polars.parquet", row_group_size=2500, data_page_size=1000)
    check(tmp_path / "polars.parquet", pq.read_table(tmp_path / "polars.parquet"))
    written = FLAT.select(["int", "small", "float", "bool", "few", "many", "decimal", "date", "instant"])  # noqa: F841
    duckdb.sql(f"COPY (FROM written) TO '{tmp_path}/duckdb.parquet' (ROW_GROUP_SIZE 2500)")
    check(tmp_path / "duckdb.parquet", pq.read_table(tmp_path / "duckdb.parquet"))


def test_only_hit_pages_are_read(tmp_path):
    table = pa.table({"x": np.random.default_rng(1).random(400_000)})
    for index in (False, True):
        path = tmp_path / f"{index}.parquet"
        pq.write_table(table, path, data_page_size=65_536, use_dictionary=False, write_page_index=index)
        facts = aq.provenance(aq.sample(path, 3, rng=7))
        assert facts["bytes_read"] < path.stat().st_size / 5


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [False, True])
@pytest.mark.parametrize("codec", ["none", "snappy", "zstd", "gzip", "brotli", "lz4"])
def test_flat_columns_take_the_new_way(tmp_path, codec, dictionary, version):
    # Else every test above would pass without it.
    pq.write_table(
        FLAT, tmp_path / "x.parquet", data_page_size=200, write_batch_size=64, compression=codec, data_page_version=version,
        use_dictionary=dictionary,
    )  # fmt: skip
    file = FilePart(pafs.LocalFileSystem(), str(tmp_path / "x.parquet"))
    layout = Layout(file)
    rows = np.array([5, 5, 3000, N - 1])
    with Ranges(file, ThreadPoolExecutor(1)) as source:
        wanted = Rows.of([rows])
        plan = plan_columns(source, layout, [0], FLAT.column_names, wanted)
        kinds = dict(zip(FLAT.column_names, FLAT.schema.types, strict=True))
        pickers, found = read_columns(source, layout, plan, kinds, wanted)
        found |= decode_picked(layout, {name: [picker] for name, picker in pickers.items()}, kinds, len(rows))
    assert set(found) == set(FLAT.column_names)
    for name, column in found.items():
        assert column.type == FLAT.schema.field(name).type
        assert column.to_pylist() == [FLAT[name][i].as_py() for i in rows], name


@pytest.mark.parametrize("options", [
    {"compression": "zstd"}, {"compression": "brotli"}, {"use_dictionary": ["few"], "column_encoding": {"many": "DELTA_BYTE_ARRAY"}},
])  # fmt: skip
@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("nested", [False, True])
def test_row_groups_are_read_together_as_one_by_one(tmp_path, monkeypatch, options, index, nested):
    table = FLAT.append_column("list", NESTED["list"]) if nested else FLAT
    pq.write_table(
        table, tmp_path / "x.parquet", write_page_index=index, data_page_size=500, row_group_size=700, write_batch_size=64,
        dictionary_pagesize_limit=2000, **options,
    )  # fmt: skip
    picked = aq.pages._pick
    chance = random.Random(1)

    def pick_alone(source, picker, segments, rows):
        """Of row groups read together some columns are picked, if not all."""
        return picked(source, picker, segments, rows) and (len(rows.cuts) == 2 or chance.random() < 0.8)

    for rows in ([5], [5, 699, 700, 5000], list(range(0, N, 100)), [*range(700), 1500, 1500, 3000]):
        expected = [[column[i].as_py() for i in rows] for column in table.columns]
        found = []
        for together, pick in ((1, picked), (4, picked), (100, picked), (100, pick_alone)):
            monkeypatch.setattr("aliquot.parquet.Parquet._groups_a_unit", lambda _, together=together: together)
            monkeypatch.setattr("aliquot.pages._pick", pick)
            source = open_paths(tmp_path / "x.parquet")
            taken = aq.take_rows(source, rows)
            assert [column.to_pylist() for column in taken.columns] == expected
            explained = source.explain(picker(np.array(rows)), table.column_names).facts()
            assert source.plan.facts() == explained
            found.append((explained, source.bytes_read))
        assert found[1:] == found[:1] * 3


def test_row_groups_are_read_together_of_which_some_have_a_dictionary(tmp_path, monkeypatch):
    rows = np.arange(4 * 2048)
    few, many = rows % 5 + rows // 4096, rows * 2**40
    written = pa.table({"x": np.where(rows // 2048 % 2, many, few)})
    duckdb.sql(f"COPY (FROM written) TO '{tmp_path}/x.parquet' (ROW_GROUP_SIZE 2048)")
    groups = pq.read_metadata(tmp_path / "x.parquet")
    assert [groups.row_group(i).column(0).has_dictionary_page for i in range(4)] == [True, False] * 2
    monkeypatch.setattr("aliquot.parquet.Parquet._groups_a_unit", lambda _: 4)
    source = open_paths(tmp_path / "x.parquet")
    assert aq.take_rows(source, rows[::40])["x"].to_pylist() == written["x"].to_pylist()[::40]
    assert source.plan.columns["x"].chunks == [4, 0, 0]


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_damaged_files_crash_nothing_and_are_named(tmp_path, index, version):
    """Damage inside a page may go unnoticed, as pages need no checksums; what is noticed names the file."""
    path = tmp_path / "x.parquet"
    columns = FLAT.select(["int", "few", "many", "decimal"])
    pq.write_table(
        columns, path, row_group_size=2500, data_page_size=1000, data_page_version=version, write_page_index=index,
        write_page_checksum=True,
    )  # fmt: skip
    whole = path.read_bytes()
    chance = random.Random(1)
    bad = tmp_path / "bad.parquet"
    for _ in range(400):
        damaged = bytearray(whole)
        if chance.random() < 0.2:
            del damaged[chance.randrange(len(damaged)) :]
        else:
            start = len(whole) - 6000 if chance.random() < 0.5 else 4
            for _ in range(chance.choice([1, 1, 3, 20])):
                damaged[chance.randrange(start, len(damaged))] = chance.randrange(256)
        bad.write_bytes(damaged)
        message = None
        try:
            aq.sample(bad, 20, rng=7)
        except (ValueError, KeyError) as error:
            message = str(error)
        assert message is None or "bad.parquet" in message or "size: must be at most" in message

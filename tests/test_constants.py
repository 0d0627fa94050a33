"""Columns that are the same in all rows of a row group: statistics say so, and nothing is read."""

import datetime
import decimal

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import aliquot as aq
from aliquot._files import FilePart
from aliquot.footers import CHECKED_BYTES, Layout
from aliquot.pages import LONGEST_CONSTANT, constant
from aliquot.parquet import Parquet, open_paths
from slow_store import SlowStore
from test_pages import FLAT

GROUPS, ROWS = 20, 1000
N = GROUPS * ROWS
GROUP = np.arange(N) // ROWS
TABLE = pa.table(
    {
        "country": pa.array([f"country {group % 7}" if group % 5 else None for group in GROUP]),
        "year": pa.array(2000 + GROUP // 4, pa.int16()),
        "mixed": pa.array([f"m{i % 3}" for i in range(N)]),
        "x": np.random.default_rng(1).random(N),
    }
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("constants") / "x.parquet"
    pq.write_table(TABLE, path, row_group_size=ROWS)
    return str(path)


def bytes_to_choose(path, **options):
    """Bytes read, beyond the footer, for a sample of no columns."""
    store = SlowStore()
    source = Parquet([FilePart(store.filesystem, path)])
    before = store.bytes
    aq.sample(source, 50, columns=[], rng=7, **options)
    return store.bytes - before


class TestStrata:
    @pytest.mark.parametrize("strata", ["country", "year", ["country", "year"], aq.bins("year", edges=[2002])])
    def test_constant_strata_are_counted_unread(self, path, strata):
        assert bytes_to_choose(path, strata=strata) == 0

    def test_only_others_are_read(self, path):
        whole = bytes_to_choose(path, strata="mixed")
        assert 0 < bytes_to_choose(path, strata=["country", "mixed", "year"]) == whole

    def test_only_other_row_groups_are_read(self, tmp_path):
        labels = ["a"] * (N - 2) + ["b", "c"]  # in the last row group
        pq.write_table(pa.table({"s": labels}), tmp_path / "x.parquet", row_group_size=ROWS)
        store = SlowStore()
        source = Parquet([FilePart(store.filesystem, str(tmp_path / "x.parquet"))])
        store.reads.clear()
        provenance = aq.provenance(aq.sample(source, 10, columns=[], strata="s", rng=7))
        # One row group is opened, and the footer compared; what it holds came along with the footer before.
        assert [size for _, _, size in store.reads if size <= CHECKED_BYTES] == [size for _, _, size in store.reads]
        assert 1 <= len(store.reads) <= 3
        assert [each["population"] for each in provenance["strata"]["strata"]] == [N - 2, 1, 1]

    @pytest.mark.parametrize("options", [
        {"strata": "country"},
        {"strata": ["year", "mixed"], "allocation": "equal"},
        {"strata": "year", "weights": "x"},
        {"strata": "year", "allocation": "neyman:x"},
        {"strata": "country", "where": pc.field("year") > 2001},
        {"where": pc.field("year") == 2002},
        {"weights": pc.field("year").cast("double")},
    ])  # fmt: skip
    def test_samples_are_those_of_the_table(self, path, options):
        options |= {"rng": 7, "row_number": "row", "design_weight": "w"}
        assert aq.sample(path, 300, **options).equals(aq.sample(TABLE, 300, **options))

    def test_partitions_stand_beside_them(self, tmp_path):
        for year in (2001, 2002):
            (tmp_path / f"year={year}").mkdir()
            pq.write_table(TABLE.select(["country", "x"]), tmp_path / f"year={year}" / "x.parquet", row_group_size=ROWS)
        table = pa.concat_tables([TABLE.select(["country", "x"])] * 2)
        table = table.append_column("year", pa.array([2001] * N + [2002] * N, pa.int32()))
        sampled = aq.sample(tmp_path, 50, strata=["country", "year"], rng=7)
        assert sampled.equals(aq.sample(table, 50, strata=["country", "year"], rng=7))


def constants_of(path, kinds=None):
    """What is known of each column of the first row group."""
    part = open_paths(path)
    layout = Layout(part._parts[0].file)
    return {field.name: constant(layout, 0, field.name, field.type) for field in part.schema}


@pytest.mark.parametrize("row", [0, 3, 5999])
@pytest.mark.parametrize("version", ["1.0", "2.6"])
def test_the_value_is_the_one_that_is_there(tmp_path, version, row):
    table = pa.concat_tables([FLAT.slice(row, 1)] * 50)
    if version == "1.0":
        table = table.drop_columns(["half", "nanoseconds"])
    pq.write_table(table, tmp_path / "x.parquet", version=version)
    read = pq.read_table(tmp_path / "x.parquet")
    found = constants_of(tmp_path / "x.parquet")
    assert {"int", "small", "bool", "few", "large", "date", "fixed", "instant"} <= {
        name for name, value in found.items() if value is not None
    }
    for name, value in found.items():
        if value is not None:
            assert value.type == read.schema.field(name).type
            assert value.to_pylist() == [read[name][0].as_py()], name


def test_nothing_is_known_of_what_differs(tmp_path):
    pq.write_table(FLAT.slice(0, 50), tmp_path / "x.parquet")
    found = constants_of(tmp_path / "x.parquet")
    assert {name for name, value in found.items() if value is not None} == set()


@pytest.mark.parametrize(("values", "kind"), [
    ([1.0, float("nan")], pa.float64()),
    ([0.0, -0.0], pa.float32()),
    ([np.float16(0.0), np.float16(-0.0)], pa.float16()),
    ([1, None], pa.int64()),
    (["a", None], pa.string()),
    (["x" * (LONGEST_CONSTANT + 1)] * 2, pa.string()),
    ([[1], [1]], pa.list_(pa.int64())),
])  # fmt: skip
def test_what_statistics_cannot_say(tmp_path, values, kind):
    pq.write_table(pa.table({"x": pa.array(values, kind)}), tmp_path / "x.parquet")
    assert constants_of(tmp_path / "x.parquet") == {"x": None}


def test_without_statistics_all_is_read(tmp_path):
    pq.write_table(TABLE, tmp_path / "x.parquet", row_group_size=ROWS, write_statistics=False)
    assert bytes_to_choose(str(tmp_path / "x.parquet"), strata="country") > 0
    expected = aq.sample(TABLE, 50, strata="country", rng=7)
    assert aq.sample(tmp_path / "x.parquet", 50, strata="country", rng=7).equals(expected)


def test_other_writers(tmp_path):
    written = pa.table({
        "s": ["abc"] * 9, "i": [7] * 9, "d": [datetime.date(2020, 1, 1)] * 9, "n": pa.nulls(9, pa.string()), "b": [True] * 9,
        "m": pa.array([decimal.Decimal("1.50")] * 9, pa.decimal128(12, 2)),
    })  # fmt: skip
    pl.from_arrow(written).write_parquet(tmp_path / "polars.parquet")
    duckdb.sql(f"COPY (FROM written) TO '{tmp_path}/duckdb.parquet'")
    for name in ("polars", "duckdb"):
        found = constants_of(tmp_path / f"{name}.parquet")
        known = {name: value.to_pylist() for name, value in found.items() if value is not None}
        assert known == {name: written[name].to_pylist()[:1] for name in known}
        assert {"s", "i", "d", "n"} <= set(known)


def test_bounds_that_are_said_not_to_be_values_are_none(tmp_path):
    pq.write_table(pa.table({"s": ["abc"] * 9}), tmp_path / "x.parquet", store_schema=False)
    data = (tmp_path / "x.parquet").read_bytes()
    cut = data.replace(b"abc\x11\x11\x00", b"abc\x12\x12\x00")  # two fields that are true become false
    assert cut != data
    assert constants_of(tmp_path / "x.parquet")["s"].to_pylist() == ["abc"]
    (tmp_path / "y.parquet").write_bytes(cut)
    assert constants_of(tmp_path / "y.parquet") == {"s": None}

"""Parquet files: the rows of a full read, from as little as can be read, and errors that name the file."""

import os
import subprocess
import sys
import textwrap

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

import aliquot as aq
from aliquot._progress import Progress
from aliquot.parquet import open_paths

N = 10_000
TABLE = pa.table(
    {
        "x": np.arange(N),
        "s": [None if i % 11 == 0 else f"s{i % 50}" for i in range(N)],
        "u": [f"unique {i}" for i in range(N)],
        "big": pa.array([f"b{i % 3}" for i in range(N)], pa.large_string()),
        "bytes": [b"%d" % i for i in range(N)],
        "d": pa.array([f"s{i % 50}" for i in range(N)]).dictionary_encode(),
        "l": [list(range(i % 3)) for i in range(N)],
        "n": [{"a": i, "b": {"c": str(i)}} for i in range(N)],
        "m": pa.array([[("k", i)] for i in range(N)], pa.map_(pa.string(), pa.int64())),
        "dec": pa.array([i * 7 for i in range(N)], pa.decimal128(30, 3)),
        "t": pa.array(np.arange(N), pa.timestamp("us", "UTC")),
    }
)


@pytest.fixture
def files(tmp_path):
    """Three files of row groups of 700 rows, the second with its columns in another order."""
    for i, (first, last) in enumerate([(0, 4000), (4000, 4001), (4001, N)]):
        piece = TABLE.slice(first, last - first)
        pq.write_table(
            piece.select(piece.column_names[::-1]) if i == 1 else piece, tmp_path / f"{i}.parquet", row_group_size=700
        )
    return tmp_path


def same(sampled, expected):
    assert sampled.schema.remove_metadata() == expected.schema.remove_metadata()
    assert sampled.to_pylist() == expected.to_pylist()


def test_a_sample_is_that_of_the_table(files):
    for k in (0, 1, 20, 3000, N):
        same(aq.sample(files, k, rng=7), aq.sample(TABLE, k, rng=7))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    st.integers(1, 3000),
    st.sampled_from(["1.0", "2.6"]),
    st.booleans(),
    st.sampled_from(["zstd", "snappy", "none"]),
    st.data(),
)
def test_writer_options_change_nothing(tmp_path, group_rows, version, dictionary, codec, data):
    path = tmp_path / "x.parquet"
    rows = data.draw(st.integers(0, 2000))
    table = TABLE.slice(data.draw(st.integers(0, 1000)), rows)
    pq.write_table(
        table, path, row_group_size=group_rows, version=version, use_dictionary=dictionary, compression=codec, data_page_size=512
    )  # fmt: skip
    k = data.draw(st.integers(0, rows))
    columns = data.draw(st.lists(st.sampled_from(table.column_names), unique=True))
    same(aq.sample(path, k, columns=columns, rng=7), aq.sample(pq.read_table(path), k, columns=columns, rng=7))


@pytest.mark.parametrize("options", [{"order": "random"}, {"replace": True}, {"replace": True, "order": "random"}])
def test_order_and_replacement_are_those_of_the_table(files, options):
    same(
        aq.sample(files, 500, rng=7, row_number="r", **options), aq.sample(TABLE, 500, rng=7, row_number="r", **options)
    )


def test_fraction_and_bernoulli_are_those_of_the_table(files):
    same(aq.sample(files, fraction=0.033, rng=7), aq.sample(TABLE, fraction=0.033, rng=7))
    same(aq.bernoulli(files, 0.03, rng=7).read_all(), aq.bernoulli(TABLE, 0.03, rng=7).read_all())
    same(aq.bernoulli(files, 0.3, key="s", rng=7).read_all(), aq.bernoulli(TABLE, 0.3, key="s", rng=7).read_all())


def test_paths_of_all_kinds(files):
    expected = aq.sample(TABLE, 50, rng=7)["x"]
    names = [str(files / f"{i}.parquet") for i in range(3)]
    uri = pafs.LocalFileSystem().normalize_path(str(files))
    for source in (
        names, tuple(names), [files / "0.parquet", *names[1:]], files, f"{files}/", f"{files}/*.parquet", f"{files}/[0-9].parquet",
        f"{files}/**/*.parquet", f"file://{uri}", f"file://{uri}/*.parquet", [f"{files}/[01].parquet", names[2]],
    ):  # fmt: skip
        assert aq.sample(source, 50, rng=7)["x"].to_pylist() == expected.to_pylist()


def test_the_order_of_a_list_is_kept(files):
    backwards = aq.sample([files / "2.parquet", files / "0.parquet"], 10, rng=7, row_number="row")
    assert all(
        x == row + 4001 if row < N - 4001 else x == row - (N - 4001)
        for x, row in zip(*backwards.select(["x", "row"]).to_pydict().values(), strict=True)
    )


def test_names_that_look_like_patterns_are_names_first(tmp_path):
    pq.write_table(TABLE.select(["x"]), tmp_path / "a[1].parquet")
    assert aq.sample(tmp_path / "a[1].parquet", 1, rng=1).num_rows == 1


def test_hidden_files_and_others_are_left_alone(files):
    (files / "_SUCCESS").write_text("")
    (files / ".0.parquet.crc").write_text("")
    (files / "_temporary").mkdir()
    (files / "_temporary" / "half.parquet").write_text("half")
    (files / "notes.txt").write_text("")
    assert aq.sample(files, 1, rng=7).num_rows == 1


class TestHive:
    @pytest.fixture
    def directory(self, tmp_path):
        table = TABLE.select(["x"]).append_column("year", pa.array(2000 + np.arange(N) // 2500))
        table = table.append_column("name", pa.array([["a b", None, "ü/%"][i % 3] for i in range(N)]))
        pq.write_to_dataset(table, tmp_path, partition_cols=["year", "name"], max_rows_per_group=300)
        return tmp_path

    def test_directory_names_become_columns(self, directory):
        sampled = aq.sample(directory, 200, rng=7)
        assert sampled.schema.remove_metadata() == pa.schema({"x": pa.int64(), "year": pa.int32(), "name": pa.string()})
        for row in sampled.to_pylist():
            assert row["year"] == 2000 + row["x"] // 2500
            assert row["name"] == ["a b", None, "ü/%"][row["x"] % 3]

    def test_they_are_filtered_without_reading(self, directory):
        where = (pc.field("year") == 2002) & pc.field("name").is_null()
        sampled = aq.sample(directory, 100, where=where, rng=7)
        assert set(sampled["year"].to_pylist()) == {2002}
        assert set(sampled["name"].to_pylist()) == {None}
        footers = open_paths(directory).bytes_read
        assert aq.provenance(sampled)["bytes_read"] - footers < 20_000

    def test_they_alone_can_be_asked_for(self, directory):
        sampled = aq.sample(directory, 100, columns=["name", "year"], rng=7, row_number="row")
        assert sampled.column_names == ["name", "year", "row"]
        assert sampled.num_rows == 100

    def test_values_that_are_not_all_numbers_stay_as_written(self, tmp_path):
        for value in ("01", "1", "x"):
            (tmp_path / f"k={value}").mkdir()
            pq.write_table(TABLE.select(["x"]).slice(0, 1), tmp_path / f"k={value}" / "f.parquet")
        assert aq.sample(tmp_path, 3, rng=1)["k"].to_pylist() == ["01", "1", "x"]

    def test_globs_in_uris_stay_within_a_directory(self, directory):
        with pytest.raises(FileNotFoundError):
            aq.sample(f"file://{directory}/*.parquet", 1)
        assert aq.sample(f"file://{directory}/year=2001/**/*.parquet", 1).column_names == ["x", "name"]

    def test_globs_see_them_too(self, directory):
        assert aq.sample(f"{directory}/year=2001/*/*.parquet", 5, rng=1).column_names == ["x", "name"]

    def test_a_file_elsewhere_is_named(self, directory):
        pq.write_table(TABLE.select(["x"]), directory / "zzz.parquet")
        with pytest.raises(ValueError, match=r"zzz\.parquet: must stand below a directory year=\.\.\., got none$"):
            aq.sample(directory, 1)


class TestReadingLittle:
    def test_only_row_groups_and_columns_that_are_wanted(self, files):
        one = aq.provenance(aq.sample(files, 1, columns=["x"], rng=7))
        assert one["rows_read"] == 700
        everything = sum(file["size"] for file in one["source"])
        assert one["bytes_read"] - open_paths(files).bytes_read < everything / 10
        assert aq.provenance(aq.sample(files, 0, rng=7))["rows_read"] == 0

    def test_row_groups_that_cannot_pass_are_not_read(self, files):
        facts = aq.provenance(aq.sample(files, 5, where=pc.field("x") < 700, columns=["x"], rng=7))
        assert facts["population"] == 700
        assert facts["rows_read"] == 1400  # once for the filter, once for the rows

    def test_sources_are_described(self, files):
        source = aq.provenance(aq.sample(files, 5, rng=7))["source"]
        assert [os.path.basename(file["path"]) for file in source] == ["0.parquet", "1.parquet", "2.parquet"]
        for file in source:
            assert file["size"] == os.path.getsize(file["path"])
            assert file["mtime"] == pytest.approx(os.path.getmtime(file["path"]))

    def test_progress_reaches_the_end(self, files):
        told = []
        aq.sample(files, 3, rng=7, progress=lambda done, total: told.append((done, total)))
        assert told[-1] == (N, N)
        assert [done for done, _ in told] == sorted({done for done, _ in told})
        told.clear()
        aq.sample(files, 3, where=pc.field("x") < 700, rng=7, progress=lambda done, total: told.append((done, total)))
        assert told[-1] == (N, N)

    def test_bernoulli_reads_as_it_goes(self, files, monkeypatch):
        read = []
        monkeypatch.setattr(
            "aliquot.parquet.read_rows", lambda *a, _real=aq.parquet.read_rows, **k: read.append(a[1]) or _real(*a, **k)
        )
        reader = aq.bernoulli(files, 0.5, rng=7)
        reader.read_next_batch()
        assert 0 < len(read) < 8


class TestWhere:
    def test_statistics_do_not_hide_nan(self, tmp_path):
        nan = float("nan")
        table = pa.table({"x": [1.0, 2.0, nan, 4.0, 150.0, nan, 3.0, 4.0]})
        pq.write_table(table, tmp_path / "x.parquet", row_group_size=4)
        where = ~(pc.field("x") < 100)
        sampled = aq.sample(tmp_path, fraction=1.0, where=where, row_number="row")
        assert sampled["row"].to_pylist() == [2, 4, 5]

    def test_columns_by_number_are_those_of_the_first_file(self, tmp_path):
        table = pa.table({"a": np.arange(100), "b": np.arange(100, 200)})
        pq.write_table(table, tmp_path / "0.parquet")
        pq.write_table(table.select(["b", "a"]), tmp_path / "1.parquet")
        assert aq.sample(tmp_path, fraction=1.0, where=pc.field(0) < 50, columns=["b"]).num_rows == 100

    def test_an_expression_that_does_not_fit_the_types_is_no_fault_of_the_file(self, files):
        import datetime

        with pytest.raises((ValueError, TypeError), match=r"^where: must be an expression "):
            aq.sample(files, 1, where=pc.field("t") < pc.scalar(datetime.datetime(2020, 1, 1)))

    def test_the_sample_is_that_of_the_table(self, files):
        where = (pc.field("s") == "s3") | (pc.field("n", "a") > 9000)
        same(
            aq.sample(files, 100, where=where, rng=7, design_weight="w"),
            aq.sample(TABLE, 100, where=where, rng=7, design_weight="w"),
        )

    def test_too_few_pass(self, files):
        with pytest.raises(ValueError, match=r"^size: must be at most the population of 3 rows, got 4$"):
            aq.sample(files, 4, where=pc.field("x") < 3)

    def test_nothing_passes(self, files):
        assert aq.sample(files, 0, where=pc.field("x") < 0).num_rows == 0


class TestEdges:
    def test_files_without_rows(self, tmp_path):
        empty = TABLE.slice(0, 0)
        pq.write_table(empty, tmp_path / "0.parquet")
        pq.write_table(TABLE, tmp_path / "1.parquet")
        with pq.ParquetWriter(tmp_path / "2.parquet", TABLE.schema):
            pass  # not even a row group
        same(aq.sample(tmp_path, 20, rng=7), aq.sample(TABLE, 20, rng=7))
        same(aq.sample(tmp_path / "0.parquet", 0), empty)
        with pytest.raises(ValueError, match=r"^size: must be at most the population of 0 rows, got 1$"):
            aq.sample([tmp_path / "0.parquet", tmp_path / "2.parquet"], 1)

    def test_names_with_dots(self, tmp_path):
        table = pa.table({"a.b": np.arange(100), "a": [{"c": i} for i in range(100)]})
        pq.write_table(table, tmp_path / "x.parquet")
        same(aq.sample(tmp_path, 5, columns=["a.b"], rng=7), aq.sample(table, 5, columns=["a.b"], rng=7))
        same(aq.sample(tmp_path, 5, rng=7), aq.sample(table, 5, rng=7))

    def test_many_files(self, tmp_path):
        for i in range(600):
            pq.write_table(TABLE.select(["x"]).slice(i * 10, 10), tmp_path / f"{i:04d}.parquet")
        assert aq.sample(tmp_path, 20, rng=7)["x"].to_pylist() == aq.sample_indices(6000, 20, rng=7).tolist()

    def test_strings_in_codes_come_back_as_strings(self, tmp_path):
        strings = pa.table({"s": ["abc", None, "def"] * 20_000, "t": pa.array(["x"] * 60_000, pa.large_string())})
        pq.write_table(strings, tmp_path / "x.parquet", row_group_size=50_000)
        same(aq.sample(tmp_path, 500, rng=7), aq.sample(strings, 500, rng=7))

    def test_strings_in_codes_are_strata_like_strings(self, tmp_path):
        names = pa.array([None if i % 9 == 0 else f"name {i * i % 700}" for i in range(150_000)])
        strings = pa.table({"s": names, "t": names.cast(pa.large_string()), "x": range(len(names))})
        for i, piece in enumerate((strings.slice(0, 90_000), strings.slice(90_000))):
            pq.write_table(piece, tmp_path / f"{i}.parquet", row_group_size=70_000)
        source = open_paths(tmp_path)
        for _, batch in source.survey(["s", "t", "x"], None, Progress(None), ["s", "x"]):
            assert batch.schema.types == [pa.dictionary(pa.int32(), pa.string()), pa.large_string(), pa.int64()]
        for strata in ("s", "t", ["s", "t"]):
            same(aq.sample(tmp_path, 2000, strata=strata, rng=7), aq.sample(strings, 2000, strata=strata, rng=7))
        parts = aq.split(tmp_path, {"a": 0.9, "b": 0.1}, key="s", rng=7)
        for part, expected in aq.split(strings, {"a": 0.9, "b": 0.1}, key="s", rng=7).items():
            same(parts[part], expected)

    def test_names_of_nested_leaves_are_no_names_of_columns(self, tmp_path):
        strings = pa.array([f"v{i % 5}" for i in range(3000)])
        table = pa.table({"a.b": strings, "a": pa.StructArray.from_arrays([strings], ["b"])})
        pq.write_table(table, tmp_path / "x.parquet")
        same(aq.sample(tmp_path, 50, rng=7), aq.sample(table, 50, rng=7))

    def test_dictionaries_are_cut_to_the_rows_drawn(self, tmp_path):
        table = pa.table({"d": pa.array([f"value {i}" for i in range(50_000)]).dictionary_encode()})
        pq.write_table(table, tmp_path / "x.parquet", row_group_size=10_000)
        assert aq.sample(tmp_path, 10, rng=7).nbytes < 2000
        assert aq.bernoulli(tmp_path, 0.001, rng=7).read_all().nbytes < 20_000


class TestErrors:
    def test_two_columns_of_one_name_are_named(self, tmp_path):
        pq.write_table(pa.table([[1], [2]], ["a", "a"]), tmp_path / "x.parquet")
        with pytest.raises(ValueError, match=r"x\.parquet: must have columns of different names, got 'a' twice$"):
            aq.sample(tmp_path, 1)

    def test_nothing_there(self, tmp_path):
        for path in (tmp_path / "nope", f"{tmp_path}/*.parquet", tmp_path):
            with pytest.raises(FileNotFoundError, match=r"^source: must be .* got '"):
                aq.sample(path, 1)

    @pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 nothing PAR1", b"x" * 1000])
    def test_files_that_are_no_parquet_are_named(self, files, content):
        (files / "bad.parquet").write_bytes(content)
        with pytest.raises(ValueError, match=r"bad\.parquet: must be a readable Parquet file, got "):
            aq.sample(files, 1)

    def test_a_truncated_file_is_named(self, files):
        whole = (files / "2.parquet").read_bytes()
        (files / "2.parquet").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ValueError, match=r"2\.parquet: must be a readable Parquet file, got "):
            aq.sample(files, 1)

    def test_damaged_pages_are_named(self, files):
        whole = bytearray((files / "2.parquet").read_bytes())
        whole[100:20_000] = bytes(19_900)
        (files / "2.parquet").write_bytes(whole)
        with pytest.raises(ValueError, match=r"2\.parquet: must be a readable Parquet file, got "):
            aq.sample(files, 5000)

    def test_a_missing_column_is_named(self, files):
        pq.write_table(TABLE.drop_columns(["s"]), files / "3.parquet")
        with pytest.raises(
            ValueError, match=r"3\.parquet: must have the columns of the first file, got no column 's'$"
        ):
            aq.sample(files, 1)

    def test_another_type_is_named(self, files):
        pq.write_table(TABLE.set_column(0, "x", TABLE["x"].cast(pa.int32())), files / "3.parquet")
        with pytest.raises(
            ValueError, match=r"3\.parquet: must have the column types of the first file, got int32 for int64 in 'x'$"
        ):
            aq.sample(files, 1)

    def test_a_file_that_changes_meanwhile_is_named(self, files):
        def replaced(done, total):
            if done:
                pq.write_table(TABLE, files / "2.parquet", row_group_size=300)

        with pytest.raises(ValueError, match=r"2\.parquet: must not change while it is read"):
            aq.sample(files, 5000, rng=7, progress=replaced)

    def test_a_file_that_goes_meanwhile_is_named(self, files):
        reader = aq.bernoulli(files, 0.5, rng=7)
        os.unlink(files / "2.parquet")
        with pytest.raises(FileNotFoundError, match=r"2\.parquet: must be there, got no such file"):
            reader.read_all()

    def test_unknown_columns(self, files):
        with pytest.raises(KeyError, match="columns: must be a column of .* got 'nope'"):
            aq.sample(files, 1, columns=["nope"])


@pytest.mark.slow
def test_memory_is_the_sample_and_a_few_row_groups(tmp_path):
    # 20 million rows, 1.6 GB decoded and 640 MB of it strings, in row groups of 8 MB: the bound is 150 MB over importing.
    schema = pa.schema({"x": pa.float64(), "s": pa.string()})
    with pq.ParquetWriter(tmp_path / "large.parquet", schema, compression="none", use_dictionary=False) as writer:
        values = np.random.default_rng(1).random(100_000)
        piece = pa.table({"x": values, "s": [f"{v:.60f}" for v in values]}, schema)
        for _ in range(200):
            writer.write_table(piece)
    code = """
        import resource, sys
        import aliquot as aq, pyarrow as pa, pyarrow.parquet, pyarrow.dataset, pyarrow.acero
        aq.sample(pa.table({"x": [1]}), 1)
        peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        before = peak()
        aq.sample(sys.argv[1], 10_000, rng=7)
        aq.sample(sys.argv[1], 10_000, where=pa.compute.field("x") < 0.5, rng=7)
        print(peak() - before)
    """
    out = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), tmp_path / "large.parquet"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert os.path.getsize(tmp_path / "large.parquet") > 5 * 150_000_000
    assert int(out.stdout) < 150

"""``aliquot split``, as a shell sees it."""

import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import aliquot as aq
from aliquot import cli

N = 5000
TABLE = pa.table(
    {
        "x": np.arange(N),
        "label": pa.array([None if i % 50 == 0 else f"l{i % 3}" for i in range(N)]),
        "user": np.random.default_rng(3).integers(0, 900, N),
        "day": pa.array(np.arange(N, dtype=np.int32) // 2000, pa.date32()),
        "nested": [{"a": [i]} for i in range(N)],
    }
).replace_schema_metadata({"made": "by hand"})
PARTS = {"train": 0.8, "valid": 0.15, "test": 0.05}
ASKED = ["--part", "train=0.8", "--part", "valid=0.15", "--part", "test=0.05"]


@pytest.fixture
def there(tmp_path, monkeypatch):
    """A directory with two data files, and in it."""
    pq.write_table(TABLE.slice(0, 3000), tmp_path / "data-0.parquet", row_group_size=1000)
    pq.write_table(TABLE.slice(3000), tmp_path / "data-1.parquet", row_group_size=1000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def split(*arguments):
    return cli.main(["split", "data-*.parquet", "--to", "out", *ASKED, "--seed", "7", *arguments])


def manifest():
    with open("out/manifest.json") as file:
        return json.load(file)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], {}),
        (["--strata", "label"], {"strata": "label"}),
        (["--strata", "label,day", "--rare", "train"], {"strata": ["label", "day"], "rare": "train"}),
        (["--groups", "user"], {"groups": "user"}),
        (["--groups", "user", "--strata", "label"], {"groups": "user", "strata": "label"}),
        (["--key", "user"], {"key": "user"}),
        (["--key", "user", "--exact", "--strata", "day"], {"key": "user", "exact": True, "strata": "day"}),
    ],
)
def test_main_job(there, capsys, arguments, options):
    assert split(*arguments) == 0
    assert sorted(os.listdir()) == ["data-0.parquet", "data-1.parquet", "out"]
    assert sorted(os.listdir("out")) == ["manifest.json", "test", "train", "valid"]
    expected = aq.split(TABLE, PARTS, **options, rng=7)
    told = manifest()
    for name, part in expected.items():
        written = pq.read_table(f"out/{name}")
        assert written.equals(part)
        assert written.schema.metadata[b"made"] == b"by hand"
        assert aq.provenance(f"out/{name}/data.parquet")["size"] == len(part)
        assert told["parts"][name] == {
            "asked": str(PARTS[name]),
            "rows": len(part),
            "file": f"{name}/data.parquet",
            "bytes": os.path.getsize(f"out/{name}/data.parquet"),
        }
    assert (told["seed"], told["population"], told["version"], told["stream"]) == (7, N, aq.__version__, 1)
    assert [file["path"] for file in told["source"]] == ["data-0.parquet", "data-1.parquet"]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{len(expected['train']):,} rows to out/train, ")
    assert "; seed 7" in err


def test_the_manifest_counts_strata(there):
    assert split("--strata", "label,day", "--quiet") == 0
    told = manifest()["strata"]
    assert told["columns"] == ["label", "day"]
    assert {tuple(each["stratum"]): each["rows"] for each in told["counts"]}[None, "1970-01-01"] == {
        "train": 32,
        "valid": 6,
        "test": 2,
    }
    assert sum(sum(each["rows"].values()) for each in told["counts"]) == N


def test_the_fingerprint_is_that_of_the_source(there):
    assert split("--quiet") == 0
    first = manifest()["fingerprint"]
    os.rename("out", "before")
    assert split("--quiet", "--strata", "label") == 0
    assert manifest()["fingerprint"] == first
    os.rename("out", "again")
    os.utime("data-0.parquet", (0, 0))
    assert split("--quiet") == 0
    assert manifest()["fingerprint"] != first


def test_parts_in_rows_and_one_without_any(there):
    arguments = ["--part", "test=7", "--part", "none=0", "--part", "all=rest"]
    assert cli.main(["split", "data-0.parquet", "--to", "out", *arguments, "--quiet"]) == 0
    assert [pq.read_table(f"out/{name}").num_rows for name in ("test", "none", "all")] == [7, 0, 2993]
    assert pq.read_schema("out/none/data.parquet").equals(TABLE.schema)
    assert manifest()["parts"]["all"]["asked"] == "rest"


def test_shares_as_fractions_and_an_empty_directory(there):
    os.mkdir("out")
    arguments = ["--part", "a=1/3", "--part", "b=1/3", "--part", "c=1/3"]
    assert cli.main(["split", "data-0.parquet", "--to", "out/", *arguments, "--quiet"]) == 0
    assert [pq.read_table(f"out/{name}").num_rows for name in "abc"] == [1000, 1000, 1000]


def test_a_stream(there):
    first = subprocess.run(
        [sys.executable, "-m", "aliquot", "sample", "data-*.parquet", "-f", "1", "-o", "-"],
        capture_output=True,
        check=True,
    )
    command = [sys.executable, "-m", "aliquot", "split", "-", "--to", "out", *ASKED, "--seed", "7", "--strata", "label"]
    done = subprocess.run(command, input=first.stdout, capture_output=True, check=True)
    assert done.stderr.decode() == "4,000 rows to out/train, 750 rows to out/valid, 250 rows to out/test; seed 7\n"
    expected = aq.split(TABLE, PARTS, strata="label", rng=7)
    assert pq.read_table("out/test").equals(expected["test"])


def test_values_that_seldom_repeat_have_no_dictionary(there):
    assert split() == 0
    group = pq.ParquetFile("out/train/data.parquet").metadata.row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    assert {column.path_in_schema for column in columns if column.has_dictionary_page} == {
        "label",
        "user",
        "day",
        "nested.a.list.element",
    }


def test_row_groups_bound_what_is_held(there, monkeypatch):
    monkeypatch.setattr("aliquot.cli.split.GROUP_ROWS", 300)
    assert split("--quiet") == 0
    file = pq.ParquetFile("out/train/data.parquet")
    assert file.num_row_groups == 5  # as each batch of a thousand rows gives the part about 800
    assert file.read().equals(aq.split(TABLE, PARTS, rng=7)["train"])


def test_rare_strata_are_told(there, capsys):
    assert split("--strata", "x") == 0
    assert "wishes unmet, see out/manifest.json" in capsys.readouterr().err
    told = manifest()
    assert len(told["unmet"]) == 2 * N
    assert told["unmet"][0]["problem"] == "rare stratum"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--to data-0.parquet --part a=1.0", "aliquot: --to: must be a directory that is not there yet, or empty, got 'data-0.parquet'"),
        ("--to= --part a=1.0", "aliquot: --to: must be a directory that is not there yet, or empty, got ''"),
        ("--to . --part a=1.0", "aliquot: --to: must be a directory that is not there yet, or empty, got '.'"),
        ("--to nope/out --part a=1.0", "aliquot: --to: must be in a directory that is there, got 'nope/out'"),
        ("--to out --part a", "aliquot: --part: must be NAME=SHARE, NAME=ROWS or NAME=rest, got 'a'"),
        ("--to out --part a=x", "aliquot: --part: must be NAME=SHARE, NAME=ROWS or NAME=rest, got 'a=x'"),
        ("--to out --part a=1/0", "aliquot: --part: must be NAME=SHARE, NAME=ROWS or NAME=rest, got 'a=1/0'"),
        ("--to out --part a=0.5 --part a=0.5", "aliquot: --part: must have names that differ, got 'a' twice"),
        ("--to out --part ../a=1.0", "aliquot: --part: must have a name that a directory can have, got '../a'"),
        ("--to out --part _a=1.0", "aliquot: --part: must have a name that a directory can have, got '_a'"),
        ("--to out --part manifest.json=1.0", "aliquot: --part: must have a name that a directory can have, got 'manifest.json'"),
        ("--to out --part a=0.5 --part b=0.4", "aliquot: parts: must sum to 1, got 0.9"),
        ("--to out --part a=1.0 --strata nope", "aliquot: strata: must be a column of ['x', 'label', 'user', 'day', 'nested'], got 'nope'"),
        ("--to out --part a=1.0 --groups nested", "aliquot: nested: must be a column of numbers, strings, dates, times or dictionaries of these, got struct<a: list<element: int64>>"),
        ("--to out --part a=1.0 --key x --groups x", "aliquot: groups: must be None with key, which keeps the rows of an id together, got ['x']"),
        ("--part a=1.0", "aliquot split: the following arguments are required: --to (see aliquot split --help)"),
    ],
)  # fmt: skip
def test_mistakes_cost_one_line_and_leave_nothing(there, capsys, arguments, message):
    try:
        status = cli.main(["split", "data-0.parquet", *arguments.split()])
    except SystemExit as stopped:
        status = stopped.code
    assert status == 2
    assert capsys.readouterr().err == message + "\n"
    assert sorted(os.listdir()) == ["data-0.parquet", "data-1.parquet"]


def test_a_damaged_file_leaves_nothing(there, capsys):
    data = bytearray((there / "data-1.parquet").read_bytes())
    data[100:2000] = bytes(1900)
    (there / "data-1.parquet").write_bytes(data)
    assert split() == 2
    err = capsys.readouterr().err
    assert err.startswith("aliquot: data-1.parquet: must be a readable Parquet file, got ")
    assert err.count("\n") == 1
    assert sorted(os.listdir()) == ["data-0.parquet", "data-1.parquet"]


def stopped_in_the_middle(stop):
    """Run a split whose third piece of rows is never written."""
    code = f"""
        import os, signal, sys
        from aliquot import cli
        from aliquot.cli import split
        split.GROUP_ROWS = 1
        write, seen = split._PartFile.write, []
        def third_time(self, rows):
            seen.append(rows)
            if len(seen) == 3:
                {stop}
            write(self, rows)
        split._PartFile.write = third_time
        sys.argv = ["aliquot", "split", "data-0.parquet", "--to", "out", "--part", "a=0.5", "--part", "b=0.5"]
        sys.exit(cli.main())
    """
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False, capture_output=True)


def test_a_signal_leaves_nothing(there):
    done = stopped_in_the_middle("os.kill(os.getpid(), signal.SIGTERM); signal.pause()")
    assert done.returncode == 128 + 15
    assert sorted(os.listdir()) == ["data-0.parquet", "data-1.parquet"]


def test_a_full_disk_leaves_nothing(there):
    done = stopped_in_the_middle("raise OSError('planted: disk full')")
    assert (done.returncode, done.stderr) == (2, b"aliquot: planted: disk full\n")
    assert sorted(os.listdir()) == ["data-0.parquet", "data-1.parquet"]


def test_a_crash_leaves_nothing_that_looks_whole(there):
    done = stopped_in_the_middle("os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == -9
    (partial,) = set(os.listdir()) - {"data-0.parquet", "data-1.parquet"}
    assert partial.startswith(".out.")
    assert partial.endswith(".partial")
    assert os.listdir(f"{partial}/a") == ["data.parquet"]
    # Hidden, so that a reader of the directory above passes over it.
    assert aq.sample(".", fraction=1.0).num_rows == N


def test_help():
    done = subprocess.run([sys.executable, "-m", "aliquot", "split", "--help"], capture_output=True, check=True)
    assert b"--part NAME=SHARE" in done.stdout

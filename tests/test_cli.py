"""The command line, as a shell sees it."""

import os
import re
import subprocess
import sys
import textwrap

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import aliquot as aq
from aliquot import cli
from aliquot.cli.expression import parse_expression

N = 5000
TABLE = pa.table(
    {
        "x": np.arange(N),
        "s": [None if i % 7 == 0 else f"s{i % 50}" for i in range(N)],
        "any name": np.arange(N) / 2,
        "n": [{"a": i} for i in range(N)],
        "t": pa.array(np.arange(N) * 86_400_000_000, pa.timestamp("us")),
        "d": pa.array(np.arange(N, dtype=np.int32), pa.date32()),
        "b": np.arange(N) % 2 == 0,
    }
)


@pytest.fixture
def there(tmp_path, monkeypatch):
    """A directory with two data files, and in it."""
    pq.write_table(TABLE.slice(0, 3000), tmp_path / "data-0.parquet", row_group_size=1000)
    pq.write_table(TABLE.slice(3000), tmp_path / "data-1.parquet", row_group_size=1000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def aliquot(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "aliquot", *arguments], capture_output=True, check=False, **options)


class TestSample:
    def test_main_job(self, there, capsys):
        assert cli.main(["sample", "data-*.parquet", "-n", "100", "--seed", "7", "-o", "out.parquet"]) == 0
        assert pq.read_table("out.parquet").equals(aq.sample(TABLE, 100, rng=7))
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("100 of 5,000 rows to out.parquet, seed 7; read ")
        assert sorted(os.listdir()) == ["data-0.parquet", "data-1.parquet", "out.parquet"]

    def test_arrow_and_csv_files(self, there):
        assert (
            cli.main(
                ["sample", "data-0.parquet", "data-1.parquet", "-f", "0.01", "--seed", "7", "-o", "o.arrow", "--quiet"]
            )
            == 0
        )
        with pa.ipc.open_file("o.arrow") as reader:
            assert reader.read_all().equals(aq.sample(TABLE, 50, rng=7))
        assert (
            cli.main(["sample", ".", "-n", "5", "--seed", "7", "--columns", "x,any name", "-o", "o.csv", "--quiet"])
            == 0
        )
        assert pyarrow.csv.read_csv("o.csv")["x"].to_pylist() == aq.sample_indices(N, 5, rng=7).tolist()

    def test_csv_of_string_views(self, there):
        views = pa.table({"v": pa.array(["a", None, "bc"], pa.string_view()), "x": [1, 2, 3]})
        pq.write_table(views, "views.parquet")
        assert cli.main(["sample", "views.parquet", "-n", "1", "--where", 'v != "a"', "-o", "o.csv", "--quiet"]) == 0
        assert (there / "o.csv").read_text().splitlines() == ['"v","x"', '"bc",3']
        assert cli.main(["sample", "views.parquet", "-n", "3", "-o", "o.csv", "--quiet"]) == 0
        assert (there / "o.csv").read_text().splitlines() == ['"v","x"', '"a",1', ",2", '"bc",3']

    def test_a_directory_is_no_output(self, there, capsys):
        (there / "d.csv").mkdir()
        assert cli.main(["sample", "data-0.parquet", "-n", "3", "-o", "d.csv"]) == 2
        assert capsys.readouterr().err == "aliquot: -o: must be a file, got the directory 'd.csv'\n"

    def test_csv_on_standard_output(self, there):
        done = aliquot("sample", "data-*.parquet", "-n", "3", "--seed", "7", "--columns", "x")
        assert done.stdout.decode().splitlines() == ['"x"', *map(str, aq.sample_indices(N, 3, rng=7))]
        assert done.stderr == b""

    def test_a_pipe_of_arrow_streams(self, there):
        first = aliquot("sample", "data-*.parquet", "-n", "400", "--seed", "7", "-o", "-", "--quiet")
        second = aliquot("sample", "-", "-n", "20", "--seed", "8", "-o", "-", input=first.stdout)
        with pa.ipc.open_stream(second.stdout) as reader:
            assert reader.read_all().equals(aq.sample(aq.sample(TABLE, 400, rng=7), 20, rng=8))
        assert b"20 of 400 rows to standard output, seed 8" in second.stderr

    def test_a_reader_that_leaves_is_no_error(self, there):
        command = f"{sys.executable} -m aliquot sample 'data-*.parquet' -n 5000 --columns x | head -n 2"
        done = subprocess.run(command, shell=True, capture_output=True, check=True)
        assert done.stdout.startswith(b'"x"\n')
        assert done.stderr == b""

    def test_options(self, there):
        arguments = "sample data-0.parquet -n 50 --seed 7 --replace --order random --row-number r --design-weight w -o o.parquet"
        assert cli.main([*arguments.split(), "--where", "x < 20", "--quiet"]) == 0
        expected = aq.sample(
            TABLE.slice(0, 3000), 50, replace=True, order="random", where=pa.compute.field("x") < 20, row_number="r", design_weight="w", rng=7
        )  # fmt: skip
        assert pq.read_table("o.parquet").equals(expected)

    def test_weights(self, there):
        options = ["--weights", "x", "--design", "priority", "-o", "o.parquet", "--quiet"]
        assert cli.main(["sample", "data-0.parquet", "-n", "50", "--seed", "7", *options]) == 0
        assert pq.read_table("o.parquet").equals(
            aq.sample(TABLE.slice(0, 3000), 50, weights="x", design="priority", rng=7)
        )

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ("data-0.parquet -n 5 -o o.txt", "aliquot: -o: must end in .parquet, .arrow, .csv or be -, got 'o.txt'"),
            ("data-0.parquet -n 5 -o nope/o.csv", "aliquot: -o: must be in a directory that is there, got 'nope/o.csv'"),
            ("data-0.parquet -n 5 -o o.csv", "aliquot: n: must be of a type that CSV can hold, got struct<a: int64>; write .parquet or .arrow"),
            ("data-0.parquet -n 3001 -o o.parquet", "aliquot: size: must be at most the population of 3000 rows, got 3001"),
            ("nope.parquet -n 5", "aliquot: source: must be a file, a directory or a pattern that matches some, got 'nope.parquet'"),
            ("data-0.parquet -n 5 --columns x,nope", "aliquot: columns: must be a column of ['x', 's', 'any name', 'n', 't', 'd', 'b'], got 'nope'"),
            ("data-0.parquet -f 2", "aliquot: fraction: must be above 0 and at most 1, got 2.0"),
            ("data-0.parquet", "aliquot sample: one of the arguments -n/--size -f/--fraction is required (see aliquot sample --help)"),
            ("data-0.parquet -n 5 --where x>99999999999999999999", "aliquot: --where: must be made of numbers of at most 64 bits, got 99999999999999999999"),
            ("- data-0.parquet -n 5", "aliquot: SOURCE: must be - alone or paths, got - data-0.parquet"),
        ],
    )  # fmt: skip
    def test_mistakes_cost_one_line_and_exit_status_2(self, there, arguments, message):
        done = aliquot("sample", *arguments.split())
        assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", message + "\n")
        assert sorted(os.listdir()) == ["data-0.parquet", "data-1.parquet"]

    @pytest.mark.parametrize(
        "command", [["sample", "-n", "5"], ["inspect"], ["split", "--to", "parts", "--part", "all=1.0"]]
    )
    def test_a_stream_that_breaks_off_is_named(self, there, command):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, pa.schema({"x": pa.int64()})) as writer:
            writer.write(pa.record_batch({"x": range(10_000)}))
        done = aliquot(command[0], "-", *command[1:], input=sink.getvalue()[:5000].to_pybytes())
        assert done.returncode == 2
        assert re.fullmatch(rb"aliquot: -: must be a whole Arrow IPC stream, got [^\n]+\n", done.stderr)
        assert not (there / "parts").exists()

    def test_standard_input_that_is_no_arrow_stream(self, there):
        done = aliquot("sample", "-", "-n", "5", input=b"a,b\n1,2\n" * 100)
        assert done.returncode == 2
        assert done.stderr.startswith(b"aliquot: ")
        assert done.stderr.count(b"\n") == 1

    def test_an_old_output_stays_when_writing_fails(self, there, monkeypatch):
        (there / "o.parquet").write_text("old")

        def fail(table, sink):
            sink.write(b"half")
            raise OSError("planted: disk full")

        monkeypatch.setitem(cli.output.WRITERS, ".parquet", fail)
        assert cli.main(["sample", "data-0.parquet", "-n", "5", "-o", "o.parquet"]) == 2
        assert (there / "o.parquet").read_text() == "old"
        assert sorted(os.listdir()) == ["data-0.parquet", "data-1.parquet", "o.parquet"]


class TestWhere:
    @pytest.mark.parametrize(
        ("text", "python"),
        [
            ("x > 4990", lambda r: r["x"] > 4990),
            ("10 <= x < 13 or x == 4999", lambda r: 10 <= r["x"] < 13 or r["x"] == 4999),
            ("x in (1, 2, -3) and not b", lambda r: r["x"] in (1, 2) and not r["b"]),
            ("s not in ('s1',) and x < 60", lambda r: r["s"] is not None and r["s"] != "s1" and r["x"] < 60),
            ("s is None and x < 30", lambda r: r["s"] is None and r["x"] < 30),
            ("s is not None and x < 30", lambda r: r["s"] is not None and r["x"] < 30),
            ("s == None and x < 30", lambda r: r["s"] is None and r["x"] < 30),
            ('s == "s4" and b == True', lambda r: r["s"] == "s4" and r["b"]),
            ('col("any name") * 2 + 1 - x / 1 >= 1 and x < 9', lambda r: r["x"] < 9),
            ("-x > -5", lambda r: r["x"] < 5),
            ("n.a < 7", lambda r: r["x"] < 7),
            ('t >= timestamp("1983-09-01 00:00") or d < date("1970-01-05")', lambda r: r["x"] >= 4991 or r["x"] < 4),
        ],
    )
    def test_expressions_mean_what_they_mean_in_python(self, text, python):
        expected = [row["x"] for row in TABLE.to_pylist() if python(row)]
        assert len(expected) > 0
        sampled = aq.sample(TABLE, fraction=1.0, where=parse_expression(text), columns=["x"])
        nulls_pass_not_in = [
            x for x in sampled["x"].to_pylist() if TABLE["s"][x].as_py() is not None or "not in" not in text
        ]
        assert nulls_pass_not_in == expected

    @pytest.mark.parametrize("text", ["x = 3", "", "x >", "x; y", "lambda: 1"])
    def test_what_is_no_expression(self, text):
        with pytest.raises(ValueError, match=r"^--where: must be "):
            parse_expression(text)

    @pytest.mark.parametrize(
        "text",
        ["open('f')", "x[0]", "__import__('os')", "x ** 2", "x in y", "date('never')", "f'{x}'", "x if b else 1"],
    )
    def test_what_is_not_of_the_language(self, text):
        with pytest.raises(ValueError, match=r"^--where: must be made of column names, .* got "):
            parse_expression(text)


def test_a_signal_leaves_no_partial_file(there):
    code = """
        import os, signal, sys
        from aliquot import cli
        def wait(table, sink):
            sink.write(b"half")
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        import aliquot.cli.output
        aliquot.cli.output.WRITERS[".parquet"] = wait
        sys.argv = ["aliquot", "sample", "data-0.parquet", "-n", "5", "-o", "o.parquet"]
        sys.exit(cli.main())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == 128 + 15
    assert sorted(os.listdir()) == ["data-0.parquet", "data-1.parquet"]


def test_a_link_is_followed(there):
    (there / "real.parquet").write_text("old")
    os.symlink("real.parquet", "link.parquet")
    assert cli.main(["sample", "data-0.parquet", "-n", "5", "-o", "link.parquet", "--quiet"]) == 0
    assert os.path.islink("link.parquet")
    assert pq.read_table("real.parquet").num_rows == 5


class TestInspect:
    def test_files(self, there, capsys):
        assert cli.main(["inspect", "data-*.parquet"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("data-0.parquet: 3,000 rows in 3 row groups, ")
        assert lines[2].startswith("2 files: 5,000 rows in 5 row groups, ")
        assert lines[3] == "  x         int64"

    @pytest.mark.parametrize("name", ["o.parquet", "o.arrow"])
    def test_a_sample_tells_where_it_comes_from(self, there, capsys, name):
        cli.main(["sample", "data-*.parquet", "-n", "10", "--seed", "7", "-o", name, "--quiet"])
        assert cli.main(["inspect", name]) == 0
        out = capsys.readouterr().out
        assert "  seed        7\n" in out
        assert "  population  5000\n" in out
        assert "  source      2 files: data-0.parquet, data-1.parquet\n" in out

    def test_a_stream(self, there):
        stream = aliquot("sample", "data-*.parquet", "-n", "40", "--seed", "7", "-o", "-").stdout
        lines = aliquot("inspect", "-", input=stream).stdout.decode().splitlines()
        assert lines[0].startswith("-: 40 rows in ")
        assert "  seed        7" in lines

    def test_no_file(self, there, capsys):
        assert cli.main(["inspect", "nope.arrow"]) == 2
        assert capsys.readouterr().err == "aliquot: SOURCE: must be a file, got 'nope.arrow'\n"

    def test_a_bad_file(self, there, capsys):
        (there / "bad.arrow").write_text("no")
        assert cli.main(["inspect", "bad.arrow"]) == 2
        assert capsys.readouterr().err.startswith("aliquot: bad.arrow: must be a readable Arrow file, got ")


def test_demo_shows_what_happened(tmp_path, capsys):
    assert cli.main(["demo", "--rows", "200000", "--dir", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "Flights out of New York in 2013: 336,776 rows" in out
    assert "Orders: 200,000 rows" in out
    assert "the 100 rows are all among the 100,000: True" in out


def test_version_and_help():
    assert aliquot("--version").stdout.decode() == f"aliquot {aq.__version__}\n"
    assert b"examples:" in aliquot("--help").stdout

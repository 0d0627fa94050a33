"""How evaluations are shown: text, JSON, pages, the command line."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import aliquot as aq
from aliquot import cli
from evaluated import N, predictions


class TestShown:
    def test_repr_and_text(self):
        made = aq.evaluate(predictions(slices=30), y_true="y", y_pred="guess", by="site")
        assert repr(made) == "Evaluation of 5,000 rows, 30 slices by site"
        assert len(made) == 31
        lines = str(made).splitlines()
        assert lines[0] == repr(made)
        assert lines[1].split() == made.to_table().column_names
        assert lines[2].split()[:2] == ["all", "5,000"]
        assert lines[-1] == "... and 10 more slices"

    def test_json_is_the_table(self):
        made = aq.evaluate(predictions(), y_true="y", y_pred="guess", y_score="score", by=["site", "group"])
        assert json.loads(made.to_json()) == made.to_table().to_pylist()

    def test_page_needs_nothing_else_and_is_well_formed(self):
        table = predictions()
        table = table.set_column(3, "site", pa.array(["<b>&"] * N))
        page = aq.evaluate(table, y_true="y", y_pred="guess", y_score="score", by="site").to_html()

        class Balanced(HTMLParser):
            open_tags = []

            def handle_starttag(self, tag, attrs):
                assert not {name for name, _ in attrs} & {"src", "href"}
                if tag != "meta":
                    self.open_tags.append(tag)

            def handle_startendtag(self, tag, attrs):
                pass

            def handle_endtag(self, tag):
                assert self.open_tags.pop() == tag

        parser = Balanced()
        parser.feed(page)
        assert parser.open_tags == []
        assert page.count("<svg") == 3
        assert "<b>" not in page
        assert "&lt;b&gt;&amp;" in page
        points = re.search(r'points="([^"]*)"', page).group(1).split()
        assert points[0] == "45.0,260.0"
        assert points[-1] == "305.0,0.0"

    def test_notebook_table(self):
        made = aq.evaluate(predictions(), y_true="y", y_pred="guess", by="site")
        assert made._repr_html_().count("<tr") == 9


class TestCommandLine:
    @pytest.fixture
    def path(self, tmp_path):
        path = str(tmp_path / "p.parquet")
        pq.write_table(predictions(), path)
        return path

    def test_table_json_and_page(self, path, tmp_path, capsys):
        made = aq.evaluate(path, y_true="y", y_pred="guess", y_score="score", by=["site", "group"])
        columns = ["evaluate", path, "--true", "y", "--pred", "guess", "--score", "score", "--by", "site,group"]
        assert cli.main(columns) == 0
        assert capsys.readouterr().out == f"{made}\n"
        assert cli.main([*columns, "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == made.to_table().to_pylist()
        page = tmp_path / "report.html"
        assert cli.main([*columns, "--html", str(page)]) == 0
        assert capsys.readouterr().out == ""
        assert page.read_text() == made.to_html()
        assert sorted(os.listdir(tmp_path)) == ["p.parquet", "report.html"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--true", "y"], "--pred: must be given unless --score is, got neither"),
            (["--true", "y", "--pred", "guess", "--html", "/"], "--html: must be a file, got the directory '/'"),
            (["--true", "y", "--pred", "guess", "--html", ""], "--html: must be a file, got ''"),
            (
                ["--true", "y", "--pred", "guess", "--html", "/nowhere/x.html"],
                "--html: must be in a directory that is there, got '/nowhere/x.html'",
            ),
            (["--true", "y", "--score", "site"], "y_score: must be a column of numbers, got string"),
        ],
    )
    def test_mistakes_take_one_line(self, path, arguments, message, capsys):
        assert cli.main(["evaluate", path, *arguments]) == 2
        assert capsys.readouterr().err == f"aliquot: {message}\n"

    def test_a_stream_on_standard_input(self, path):
        table = pq.read_table(path)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        command = [
            sys.executable,
            "-m",
            "aliquot",
            "evaluate",
            "-",
            "--true",
            "y",
            "--score",
            "score",
            "--positive",
            "1",
            "--json",
        ]
        done = subprocess.run(command, input=bytes(sink.getvalue()), check=True, capture_output=True)
        expected = aq.evaluate(table, y_true="y", y_score="score").to_table().to_pylist()
        assert json.loads(done.stdout) == expected

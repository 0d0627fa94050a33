"""Strata: few rows, many strata, labels of every type, bins; what is refused; the command line."""

import datetime
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import aliquot as aq
from aliquot.cli import main
from errors import raises
from labelled import TABLE, batches, counts


class TestManyStrata:
    def test_a_row_a_stratum(self):
        table = pa.table({"id": np.arange(200_000)})
        got = aq.sample(table, 1000, strata="id", rng=1)
        assert len({*got["id"].to_pylist()}) == 1000
        told = aq.provenance(got)["strata"]
        assert told == {"columns": ["id"], "allocation": "proportional", "count": 200_000}

    def test_strata_that_appear_late(self):
        table = pa.table({"s": ["a"] * 50_000 + ["b"] * 3})
        got = aq.sample(batches(table, 1000), 10, strata="s", allocation="equal", rng=1)
        assert counts(got, "s") == {"a": 7, "b": 3}

    @pytest.mark.slow
    def test_a_million_strata_of_a_stream(self):
        n = 4_000_000
        table = pa.table({"id": np.random.default_rng(1).integers(0, 10**6, n)})
        whole = aq.sample(table, 2_000_000, strata="id", rng=1)
        share = np.bincount(whole["id"].to_numpy(), minlength=10**6)
        there = np.bincount(table["id"].to_numpy(), minlength=10**6)
        assert np.all(np.abs(share - there / 2) < 1)
        assert aq.sample(batches(table, 65_536), 2_000_000, strata="id", rng=1).equals(whole)


class TestBins:
    def test_edges(self):
        table = pa.table({"x": [0.5, 1.0, 1.5, 2.0, None, float("nan")]})
        reservoir = aq.Reservoir(9, strata=aq.bins("x", edges=[1, 2]), rng=1)
        reservoir.update(table)
        told = aq.provenance(reservoir.result())["strata"]["strata"]
        assert [(each["stratum"], each["population"]) for each in told] == [(0, 1), (1, 2), (2, 1), (None, 2)]

    def test_quantiles_hold_equally_many_rows(self):
        got = aq.sample(TABLE, 100, strata=aq.bins("amount", quantiles=4), allocation="equal", rng=1, design_weight="w")
        assert got["w"].to_pylist() == [200.0] * 100
        edges = np.quantile(TABLE["amount"], [0.25, 0.5, 0.75])
        assert np.bincount(np.searchsorted(edges, got["amount"], side="right")).tolist() == [25, 25, 25, 25]

    def test_quantiles_of_a_stream_are_refused(self):
        expected = "strata: must have edges on a stream, which can be read only once, got quantiles=4"
        with raises(ValueError, expected):
            aq.sample(batches(TABLE, 100), 10, strata=aq.bins("amount", quantiles=4))
        with raises(ValueError, expected):
            aq.Reservoir(10, strata=aq.bins("amount", quantiles=4))

    def test_errors(self):
        for options, kind, expected in [
            ({}, TypeError, "edges: must be given, or else quantiles, got neither"),
            ({"edges": [2, 1]}, ValueError, "edges: must ascend, got [2.0, 1.0]"),
            ({"edges": ["x"]}, TypeError, "edges: must be numbers, got list ['x']"),
            ({"quantiles": 0}, ValueError, "quantiles: must be at least 1, got 0"),
        ]:
            with raises(kind, expected):
                aq.bins("x", **options)
        with raises(TypeError, "kind: must be a column of numbers to be cut into bins, got string"):
            aq.sample(TABLE, 5, strata=aq.bins("kind", edges=[1]))


class TestEdges:
    def test_no_rows(self):
        empty = TABLE.slice(0, 0)
        assert aq.sample(empty, 0, strata="kind").num_rows == 0
        assert aq.sample(empty.to_reader(), 0, strata="kind").schema.names == TABLE.schema.names
        with raises(ValueError, "size: must be at most the population of 0 rows, got 1"):
            aq.sample(empty, 1, strata="kind")
        assert aq.sample_indices(0, 0, strata=[]).tolist() == []

    def test_labels_of_every_kind(self):
        for labels in (
            [True, False, None],
            [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2), None],
            [datetime.datetime(2020, 1, 1), None, datetime.datetime(2021, 1, 1)],
            [1.5, float("nan"), None],
            [b"x", b"y", None],
        ):
            table = pa.table({"s": labels * 10})
            got = aq.sample(table, 6, strata="s", rng=1)
            assert sorted(Counter(map(str, got["s"].to_pylist())).values()) == [2, 2, 2]

    def test_errors(self):
        kind, there = {"strata": "kind"}, TABLE.column_names
        for error, size, options, message in [
            (ValueError, 30_000, kind, "size: must be at most the population of 20000 rows, got 30000"),
            (KeyError, 5, {"strata": "nope"}, f"strata: must be a column of {there}, got 'nope'"),
            (TypeError, 5, {"strata": 7}, "strata: must be a column name or a list of them, got int 7"),
            (ValueError, 5, {"strata": []}, "strata: must be at least one column, got none"),
            (ValueError, 5, {**kind, "allocation": "even"}, "allocation: must be one of 'proportional', 'equal', 'neyman:COLUMN', got 'even'"),
            (TypeError, {"a": 5}, {}, "size: must be an integer without strata, got dict {'a': 5}"),
            (ValueError, {"a": -5}, kind, "size['a']: must be between 0 and 2**62, got -5"),
            (ValueError, {"a": 5}, {**kind, "allocation": "equal"}, "size: must be a number with allocation or minimum, got a dict"),
            (KeyError, 5, {**kind, "allocation": "neyman:nope"}, f"allocation: must be a column of {there}, got 'nope'"),
            (TypeError, 5, {**kind, "allocation": "neyman:kind"}, "allocation: must name a column of numbers, got 'kind' of type string"),
            (ValueError, 5, {**kind, "weights": [-1.0] * 20_000}, "weights: must be finite and not negative, got -1.0 at row 0"),
        ]:  # fmt: skip
            with raises(error, message):
                aq.sample(TABLE, size, **options)
        large = TABLE.append_column("large", pa.array(np.where(np.arange(20_000) == 7, -1e150, 1.0)))
        with raises(ValueError, "large: must be at most 1e+140 in size, got -1e+150 at row 7"):
            aq.sample(large, 5, strata="kind", allocation="neyman:large")
        with raises(ValueError, "strata: must be one a row, got 1 for 5 rows"):
            aq.sample_indices(5, 2, strata=["a"])

    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ({"allocation": "equal"}, "allocation: must be 'proportional' without strata, got 'equal'"),
            ({"allocation": "neyman:amount"}, "allocation: must be 'proportional' without strata, got 'neyman:amount'"),
            ({"minimum": 2}, "minimum: must be 0 without strata, got 2"),
        ],
    )
    def test_what_is_said_of_strata_needs_them(self, option, message):
        with raises(ValueError, message):
            aq.sample(TABLE, 5, **option)
        with raises(ValueError, message):
            aq.sample(TABLE, fraction=0.1, **option)
        with raises(ValueError, message):
            aq.sample_indices(100, 5, **option)


class TestCommandLine:
    def test_sample(self, tmp_path):
        source, out = str(tmp_path / "rows.parquet"), str(tmp_path / "out.parquet")
        pq.write_table(TABLE, source)
        command = ["sample", source, "-n", "300", "--strata", "kind,group", "--seed", "7", "-o", out, "--quiet"]
        assert main([*command, "--allocation", "equal", "--minimum", "2"]) == 0
        expected = aq.sample(TABLE, 300, strata=["kind", "group"], allocation="equal", minimum=2, rng=7)
        assert pq.read_table(out).equals(expected)
        assert main([*command, "--design", "quota"]) == 0
        assert pq.read_table(out).equals(aq.sample(TABLE, 300, strata=["kind", "group"], design="quota"))

    def test_errors_are_one_line(self, tmp_path, capsys):
        source = str(tmp_path / "rows.parquet")
        pq.write_table(TABLE, source)
        assert main(["sample", source, "-n", "3", "--strata", "kind", "--allocation", "even"]) == 2
        expected = "aliquot: allocation: must be one of 'proportional', 'equal', 'neyman:COLUMN', got 'even'\n"
        assert capsys.readouterr().err == expected
        assert main(["sample", source, "-n", "3", "--minimum", "1"]) == 2
        assert capsys.readouterr().err == "aliquot: minimum: must be 0 without strata, got 1\n"

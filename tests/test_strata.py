"""Stratified samples: exact shares, uniform within each stratum, the same however the rows come."""

import datetime
import math
import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aliquot as aq
import laws
from aliquot import _strata_store
from aliquot.cli import main
from labelled import LABELS, SIZES, TABLE


def counts(table, column="kind"):
    return Counter(table[column].to_pylist())


def raises(kind, message):
    return pytest.raises(kind, match=f"^{re.escape(message)}$")


def batches(table, rows):
    return table.to_reader(max_chunksize=rows)


class TestShares:
    @pytest.mark.parametrize("size", [0, 1, 2, 3, 10, 997, 20_000])
    def test_proportional_shares_are_within_one_row_of_exact(self, size):
        got = counts(aq.sample(TABLE, size, strata="kind", rng=1))
        assert sum(got.values()) == size
        for kind, rows in SIZES.items():
            assert abs(got[kind] - size * rows / 20_000) < 1

    def test_largest_remainders_are_rounded_up(self):
        table = pa.table({"s": ["a"] * 5 + ["b"] * 3 + ["c"] * 2})
        assert counts(aq.sample(table, 4, strata="s", rng=1), "s") == {"a": 2, "b": 1, "c": 1}  # of 2, 1.2, 0.8

    def test_a_fraction_of_the_whole(self):
        got = counts(aq.sample(TABLE, fraction=0.05, strata="kind", rng=1))
        assert sum(got.values()) == 1000
        for kind, rows in SIZES.items():
            assert abs(got[kind] - 0.05 * rows) < 1

    def test_equal_shares_give_what_small_strata_lack_to_the_others(self):
        got = counts(aq.sample(TABLE, 1000, strata="kind", allocation="equal", rng=1))
        assert got[None] == SIZES[None] < 250
        rest = 1000 - SIZES[None]
        assert sorted(got[kind] for kind in "abc") == [rest // 3, (rest + 1) // 3, (rest + 2) // 3]

    def test_the_dict_is_obeyed(self):
        got = counts(aq.sample(TABLE, {"a": 5, "c": 7, None: 2}, strata="kind", rng=1))
        assert got == {"a": 5, "c": 7, None: 2}

    def test_a_dict_that_asks_too_much_names_the_stratum(self):
        for source in (TABLE, batches(TABLE, 999)):
            with raises(ValueError, f"size: must be at most the {SIZES['c']} rows of stratum 'c', got 9000"):
                aq.sample(source, {"a": 5, "c": 9_000}, strata="kind", rng=1)
        with raises(ValueError, "size: must be at most the 0 rows of stratum 'z', got 1"):
            aq.sample(TABLE, {"z": 1}, strata="kind", rng=1)

    def test_the_minimum_is_kept_and_the_rest_shared(self):
        got = counts(aq.sample(TABLE, 1000, strata="kind", minimum=100, rng=1))
        assert got[None] == 100
        assert got["c"] == 100
        assert abs(got["a"] - 800 * SIZES["a"] / (SIZES["a"] + SIZES["b"])) < 1
        assert sum(got.values()) == 1000
        got = counts(aq.sample(TABLE, 10_000, strata="kind", minimum=1000, rng=1))
        assert got[None] == SIZES[None]
        assert sum(got.values()) == 10_000

    def test_a_minimum_beyond_the_size_is_an_error(self):
        with raises(ValueError, "minimum: must leave a total of at most 100 rows for 4 strata, got 30"):
            aq.sample(TABLE, 100, strata="kind", minimum=30, rng=1)

    def test_neyman_follows_rows_times_standard_deviation(self):
        kinds = pa.array(["a"] * 8000 + ["b"] * 2000 + ["c"] * 10_000)
        values = pa.array(np.r_[np.tile([1e9, 1e9 + 2.0], 4000), np.tile([0.0, 16.0], 1000), np.full(10_000, 5.0)])
        table = pa.table({"s": kinds, "x": values})
        got = counts(aq.sample(table, 500, strata="s", allocation="neyman:x", rng=1), "s")
        expected = (
            500 * 8000 * math.sqrt(8000 / 7999) / (8000 * math.sqrt(8000 / 7999) + 16_000 * math.sqrt(2000 / 1999))
        )
        assert abs(got["a"] - expected) < 1
        assert got["c"] == 0
        assert sum(got.values()) == 500
        got = counts(aq.sample(table, 500, strata="s", allocation="neyman:x", minimum=10, rng=1), "s")
        assert got["c"] == 10

    def test_neyman_is_proportional_if_nothing_varies_and_leaves_nulls_out(self):
        table = TABLE.append_column("x", pa.array([None if row % 2 else 3 for row in range(20_000)], pa.int64()))
        got = aq.sample(table, 500, strata="kind", allocation="neyman:x", rng=1)
        assert got.drop_columns("x").equals(aq.sample(TABLE, 500, strata="kind", rng=1))

    def test_neyman_takes_no_more_than_there_is(self):
        table = pa.table({"s": ["a"] * 4 + ["b"] * 996, "x": [0.0, 1e6, 0.0, 1e6] + [1.0, 2.0] * 498})
        got = counts(aq.sample(table, 100, strata="s", allocation="neyman:x", rng=1), "s")
        assert got == {"a": 4, "b": 96}

    @pytest.mark.parametrize("minimum", [0, 1])
    def test_neyman_takes_rows_of_strata_that_do_not_vary_once_the_others_have_given_all(self, minimum):
        table = pa.table({"s": list("aaaabbbccd"), "x": [1.0, 2.0, 3.0, 4.0] + [5.0] * 3 + [6.0] * 2 + [7.0]})
        for size in range(4, 11):
            got = counts(aq.sample(table, size, strata="s", allocation="neyman:x", minimum=minimum, rng=1), "s")
            assert sum(got.values()) == size
            if size >= 4 + 3 * minimum:
                assert got["a"] == 4
        assert got == {"a": 4, "b": 3, "c": 2, "d": 1}


class TestLaws:
    OPTIONS = [
        {},
        {"allocation": "equal"},
        {"minimum": 40},
        {"allocation": "neyman:amount"},
        {"replace": True},
        {"weights": "amount"},
        {"weights": "amount", "design": "priority"},
        {"weights": "amount", "replace": True},
        {"weights": "amount", "allocation": "equal"},
        {"where": pc.field("group") > 1},
        {"where": pc.field("kind") == "b"},
        {"where": pc.field("group") > 1, "weights": "amount"},
        {"design": "quota"},
        {"design": "quota", "allocation": "equal", "where": pc.field("group") == 1},
        {"strata": ["kind", "group"]},
        {"strata": aq.bins("amount", edges=[0.5, 2.0])},
        {"order": "random", "row_number": "n", "design_weight": "w"},
    ]

    @pytest.mark.parametrize("options", OPTIONS, ids=str)
    def test_batches_streams_and_files_give_the_same_rows(self, options, tmp_path):
        options = {"strata": "kind", "size": 700, "rng": 7, **options}
        whole = aq.sample(TABLE, **options)
        cut = pa.Table.from_batches(
            [*TABLE.slice(0, 7777).to_batches(max_chunksize=1000), *TABLE.slice(7777).to_batches()]
        )
        assert aq.sample(cut, **options).equals(whole)
        pq.write_table(TABLE, tmp_path / "rows.parquet", row_group_size=3333)
        assert aq.sample(tmp_path / "rows.parquet", **options).equals(whole)
        encoded = TABLE.set_column(0, "kind", TABLE["kind"].dictionary_encode())
        assert aq.sample(encoded, **options)["row"].equals(whole["row"])
        assert aq.sample(batches(TABLE, 1234), **options).equals(whole)

    @pytest.mark.parametrize("size", [1, 30, 3000, 15_000])
    def test_proportional_shares_of_a_stream_are_exact(self, size):
        for table in (TABLE, TABLE.sort_by("kind"), TABLE.sort_by([("kind", "descending")])):
            assert aq.sample(batches(table, 100), size, strata="kind", rng=3).equals(
                aq.sample(table, size, strata="kind", rng=3)
            )

    def test_a_limit_that_leaves_too_few_rows_is_noticed(self, monkeypatch):
        monkeypatch.setattr(_strata_store, "key_limits", lambda needed, there: 0.9 * needed / there)
        message = "^strata: rows were let go that the sample of [0-9]+ rows needs, as happens to less than one in 1e14"
        with pytest.raises(RuntimeError, match=message):
            aq.sample(TABLE, 700, strata="kind", rng=7)

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_random_streams(self, data):
        rows = data.draw(st.lists(st.sampled_from("aaaaabbc"), min_size=1, max_size=400))
        size = data.draw(st.integers(0, len(rows)))
        allocation = data.draw(st.sampled_from(["proportional", "equal"]))
        table = pa.table({"s": rows})
        whole = aq.sample(table, size, strata="s", allocation=allocation, rng=5, row_number="n")
        step = data.draw(st.integers(1, 150))
        streamed = aq.sample(
            batches(table, step),
            size,
            strata="s",
            allocation=allocation,
            rng=5,
            row_number="n",
        )
        assert streamed.equals(whole)
        assert len(whole) == size

    def test_each_stratum_is_a_uniform_sample(self):
        strata = ["a"] * 6 + ["b"] * 5

        def draw(stratum, first):
            def rows(n, k, seed):
                picked = aq.sample_indices(11, {"a": 3, "b": 2}, strata=strata, rng=seed)
                return [row - first for row in picked if strata[row] == stratum]

            return rows

        laws.every_subset_is_equally_likely(draw("a", 0), n=6, k=3, trials=1000)
        laws.every_subset_is_equally_likely(draw("b", 6), n=5, k=2, trials=1000)

    def test_strata_are_independent(self):
        strata = ["a", "b"] * 4
        cells = np.zeros((4, 4))
        for seed in range(1600):
            a, b = sorted(aq.sample_indices(8, {"a": 1, "b": 1}, strata=strata, rng=seed), key=lambda row: row % 2)
            cells[a // 2, b // 2] += 1
        laws.assert_fits(cells.ravel(), np.full(16, 100))

    def test_draws_with_replacement_are_independent(self):
        strata = ["a"] * 2 + ["b"] * 2
        cells = np.zeros((3, 3))
        for seed in range(1600):
            picked = aq.sample_indices(4, {"a": 2, "b": 2}, strata=strata, replace=True, rng=seed)
            cells[picked[:2].sum(), picked[2:].sum() - 4] += 1
        once = [0.25, 0.5, 0.25]
        laws.assert_fits(cells.ravel(), 1600 * np.outer(once, once).ravel())

    def test_weighted_strata_follow_their_weights(self):
        table = pa.table({"s": ["a"] * 3 + ["b"] * 3, "w": [1.0, 2.0, 3.0, 5.0, 0.0, 5.0]})
        first = np.zeros(3)
        for seed in range(1200):
            rows = aq.sample(table, {"a": 1, "b": 2}, strata="s", weights="w", rng=seed, row_number="n")[
                "n"
            ].to_pylist()
            assert rows[1:] == [3, 5]
            first[rows[0]] += 1
        laws.assert_fits(first, [200, 400, 600])

    def test_samples_nest(self):
        small = aq.sample(TABLE, {"a": 10, "b": 30}, strata="kind", rng=3)
        large = aq.sample(TABLE, {"a": 50, "b": 60, "c": 1}, strata="kind", rng=3)
        assert {*small["row"].to_pylist()} < {*large["row"].to_pylist()}

    def test_order_random_is_a_shuffle_over_all_strata(self):
        table = pa.table({"s": ["a"] * 10 + ["b"] * 90})
        first = Counter(
            aq.sample(table, {"a": 9, "b": 9}, strata="s", order="random", rng=seed)["s"][0].as_py()
            for seed in range(1000)
        )
        laws.assert_fits([first["a"], first["b"]], [500, 500])

    def test_horvitz_thompson_totals_are_unbiased(self):
        truth = pc.sum(TABLE["amount"]).as_py()
        for options in (
            {},
            {"allocation": "equal"},
            {"weights": "amount"},
            {"weights": "amount", "design": "priority"},
        ):
            totals = []
            for seed in range(60):
                got = aq.sample(TABLE, 200, strata="kind", rng=seed, design_weight="w", **options)
                totals.append(pc.sum(pc.multiply(got["amount"], got["w"])).as_py())
            error = np.std(totals) / math.sqrt(len(totals)) + 1e-9 * truth
            assert abs(np.mean(totals) - truth) < 5 * error

    def test_the_sample_is_that_of_its_indices(self):
        picked = aq.sample_indices(20_000, 500, strata=LABELS.tolist(), rng=9)
        assert TABLE.take(picked).equals(aq.sample(TABLE, 500, strata="kind", rng=9).replace_schema_metadata())
        several = [TABLE["kind"], TABLE["group"].to_numpy()]
        picked = aq.sample_indices(20_000, 500, strata=several, rng=9)
        assert TABLE.take(picked).equals(
            aq.sample(TABLE, 500, strata=["kind", "group"], rng=9).replace_schema_metadata()
        )


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


class TestNonProbability:
    def test_first(self):
        assert aq.sample(TABLE, 5, design="first")["row"].to_pylist() == [0, 1, 2, 3, 4]
        got = aq.sample(TABLE, 5, design="first", where=pc.field("group") == 3)
        assert got["row"].to_pylist() == np.flatnonzero(TABLE["group"].to_numpy() == 3)[:5].tolist()
        assert aq.sample(batches(TABLE, 2), 5, design="first")["row"].to_pylist() == [0, 1, 2, 3, 4]
        for source in (TABLE, batches(TABLE, 300)):
            assert aq.sample(source, fraction=0.0002, design="first")["row"].to_pylist() == [0, 1, 2, 3]
        picked = aq.sample(batches(TABLE, 300), fraction=0.001, design="first", where=pc.field("group") == 3)
        assert picked["row"].to_pylist() == np.flatnonzero(TABLE["group"].to_numpy() == 3)[: len(picked)].tolist()
        reservoir = aq.Reservoir(3, design="first", start=4)
        reservoir.update(TABLE.slice(4))
        assert reservoir.result()["row"].to_pylist() == [4, 5, 6]
        told = aq.provenance(reservoir.result())
        assert (told["design"], told["probability"]) == ("first", False)

    def test_quota(self):
        got = aq.sample(TABLE, {"a": 4, "c": 2}, strata="kind", design="quota")
        kinds = np.array(LABELS)
        assert got["row"].to_pylist() == sorted([*np.flatnonzero(kinds == "a")[:4], *np.flatnonzero(kinds == "c")[:2]])
        assert aq.provenance(got)["probability"] is False

    @pytest.mark.parametrize("options", [{"design": "first"}, {"design": "quota", "strata": "kind"}], ids=["first", "quota"])  # fmt: skip
    def test_rows_of_one_number_do_not_merge_whatever_the_seeds(self, options):
        whole, first, second = (aq.Reservoir(3, **options, start=start, rng=start) for start in (0, 0, 100))
        whole.update(TABLE)
        first.update(TABLE.slice(0, 100))
        second.update(TABLE.slice(100))
        first.merge(second)
        assert first.result().equals(whole.result())
        before = first.to_bytes()
        again = aq.Reservoir.from_bytes(second.to_bytes())
        for other, start in [(again, 100), (whole, 0)]:
            message = f"other: must hold rows not seen yet with one seed, got rows {start} to 20000 on both sides"
            with raises(ValueError, message):
                first.merge(other)
        assert first.to_bytes() == before

    def test_what_does_not_go_together(self):
        def error(**options):
            with pytest.raises(ValueError, match=": ") as caught:
                aq.sample(TABLE, 5, **options)
            return str(caught.value)

        assert error(design="quota") == "design: must be 'first' without strata, got 'quota'"
        assert error(design="first", strata="kind") == "design: must be 'quota' with strata, got 'first'"
        assert error(design="first", weights="amount") == (
            "design: must be 'successive' or 'priority' with weights, got 'first'"
        )
        assert error(design="first", design_weight="w") == (
            "design_weight: must be None with design 'first', under which rows have no known inclusion probability, got 'w'"
        )
        assert error(design="first", replace=True) == (
            "replace: must be False with design 'first', which draws nothing, got True"
        )
        assert error(design="priority", replace=True) == (
            "design: must be 'successive' with replace, as draws are independent, got 'priority'"
        )


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
        def error(kind, *args, **options):
            with pytest.raises(kind, match=": ") as caught:
                aq.sample(TABLE, *args, **options)
            return str(caught.value)

        assert error(ValueError, 30_000, strata="kind") == (
            "size: must be at most the population of 20000 rows, got 30000"
        )
        assert "strata: must be a column of" in error(KeyError, 5, strata="nope")
        assert error(TypeError, 5, strata=7) == "strata: must be a column name or a list of them, got int 7"
        assert error(ValueError, 5, strata=[]) == "strata: must be at least one column, got none"
        assert error(ValueError, 5, strata="kind", allocation="even") == (
            "allocation: must be one of 'proportional', 'equal', 'neyman:COLUMN', got 'even'"
        )
        assert error(TypeError, {"a": 5}) == "size: must be an integer without strata, got dict {'a': 5}"
        assert error(ValueError, {"a": -5}, strata="kind") == "size['a']: must be between 0 and 2**62, got -5"
        assert error(ValueError, {"a": 5}, strata="kind", allocation="equal") == (
            "size: must be a number with allocation or minimum, got a dict"
        )
        large = TABLE.append_column("large", pa.array(np.where(np.arange(20_000) == 7, -1e150, 1.0)))
        with raises(ValueError, "large: must be at most 1e+140 in size, got -1e+150 at row 7"):
            aq.sample(large, 5, strata="kind", allocation="neyman:large")
        assert "allocation: must be a column of" in error(KeyError, 5, strata="kind", allocation="neyman:nope")
        assert error(TypeError, 5, strata="kind", allocation="neyman:kind") == (
            "allocation: must name a column of numbers, got 'kind' of type string"
        )
        assert error(ValueError, 5, strata="kind", weights=[-1.0] * 20_000) == (
            "weights: must be finite and not negative, got -1.0 at row 0"
        )
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

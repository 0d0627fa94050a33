"""Laws of stratified samples: the same rows however they come, uniform and independent in each stratum, unbiased."""

import math
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
from labelled import LABELS, TABLE, batches


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

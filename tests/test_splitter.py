"""Splits of streams: exact at every row, fair at every row, the same whatever the batches and the names of strata."""

import pickle

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aliquot as aq
import laws
from assigned import FINE, assign, codes_of
from errors import raises
from three_parts import THREE


class TestStream:
    @pytest.mark.parametrize(
        "parts",
        [
            {"a": 0.5, "b": 0.5},
            {"a": 0.999, "b": 0.001},
            THREE,
            {"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1},
            dict.fromkeys("abc", 1 / 3),
            dict(zip("abcdefg", [i / 28 for i in range(1, 8)], strict=True)),
            FINE,
            {"a": 0.3333, "b": 0.33333, "c": 0.33337, "d": 0.0},
            {"a": 1 - 1e-9, "b": 1e-9},
            {"a": 1.0},
            {"a": 0.0, "b": 1.0},
        ],
    )
    def test_every_prefix_of_every_stratum_is_within_one_row_of_exact(self, parts):
        exact = [*parts.values()]
        laws.shares_hold_at_every_prefix(assign({}, {"x": range(3000)}, parts=parts), exact)
        strata = np.random.default_rng(1).zipf(1.5, 3000) % 100
        codes = assign({"strata": "s"}, {"s": strata}, parts=parts)
        for stratum in np.unique(strata):
            laws.shares_hold_at_every_prefix(codes[strata == stratum], exact)

    def test_more_parts_than_a_book_has_rows(self):
        shares = [1 / 1300] * 1300
        codes = assign({}, {"x": range(1500)}, parts={str(i): share for i, share in enumerate(shares)})
        laws.shares_hold_at_every_prefix(codes, shares)

    @pytest.mark.parametrize("parts", [THREE, {"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1}])
    def test_each_row_goes_to_each_part_with_the_probability_of_its_share(self, parts):
        trials = 2500
        counts = np.zeros((25, len(parts)))
        for seed in range(trials):
            counts[np.arange(25), assign({}, {"x": range(25)}, parts=parts, seed=seed)] += 1
        for row in counts:
            laws.assert_fits(row, trials * np.array([*parts.values()]))

    def test_pages_and_strata_are_independent(self):
        # Of shares of a half, each page holds "ab" or "ba".
        parts = {"a": 0.5, "b": 0.5}
        firsts = assign({}, {"x": range(400_000)}, parts=parts)[::2]
        laws.assert_fits(np.bincount(2 * firsts[:-1] + firsts[1:], minlength=4), np.full(4, 199_999 / 4))
        firsts = assign({"strata": "s"}, {"s": np.repeat(np.arange(200_000), 2)}, parts=parts)[::2]
        laws.assert_fits(np.bincount(2 * firsts[:-1] + firsts[1:], minlength=4), np.full(4, 199_999 / 4))

    def test_shares_that_have_no_small_denominator_are_fair_on_average(self):
        trials, rows = 500, 256
        counts = np.zeros((rows, 3))
        for seed in range(trials):
            counts[np.arange(rows), assign({}, {"x": range(rows)}, parts=FINE, seed=seed)] += 1
        # One schedule for all seeds would be off by twice the product of a share and the rest.
        shares = np.array([*FINE.values()])
        assert (np.abs(counts / trials - shares).mean(axis=0) < 0.75 * shares * (1 - shares)).all()
        drawn = {tuple(assign({}, {"x": range(64)}, parts=FINE, seed=seed)) for seed in range(200)}
        assert len(drawn) == 200

    @given(st.lists(st.integers(0, 400), max_size=6), st.sampled_from([THREE, FINE]))
    def test_parts_do_not_depend_on_batch_boundaries(self, cuts, parts):
        strata = np.random.default_rng(3).integers(0, 5, 400)
        columns = {"s": strata, "t": pa.array(strata % 2 == 0)}
        for options in ({}, {"strata": "s"}, {"strata": ["s", "t"]}, {"key": "s"}):
            assert np.array_equal(assign(options, columns, cuts, parts), assign(options, columns, parts=parts))

    def test_parts_do_not_depend_on_what_strata_are_called(self):
        strata = np.random.default_rng(3).integers(0, 5, 1000)
        names = pa.array(["x", None, "", "é", "longer than that"]).take(pa.array(strata))
        expected = assign({"strata": "s"}, {"s": strata})
        for renamed in (names, names.dictionary_encode(), -strata, strata / 2, strata.astype(np.int8)):
            assert np.array_equal(assign({"strata": "s"}, {"s": renamed}), expected)

    def test_dictionaries_that_differ_between_batches_are_one_stratum_each(self):
        splitter = aq.Splitter(THREE, strata="s", rng=7)
        first = splitter.assign(pa.table({"s": pa.array(["a", "b"] * 50).dictionary_encode()}))
        second = splitter.assign(pa.table({"s": pa.array(["b", "a"] * 50).dictionary_encode()}))
        codes = np.concatenate([codes_of(first), codes_of(second)])
        assert np.array_equal(codes, assign({"strata": "s"}, {"s": ["a", "b"] * 50 + ["b", "a"] * 50}))

    def test_golden_stream(self):
        assert assign({}, {"x": range(20)}).tolist() == GOLDEN_STREAM
        assert assign({"strata": "s"}, {"s": [i % 2 for i in range(20)]}).tolist() == GOLDEN_STRATA
        assert assign({}, {"x": range(20)}, parts=FINE).tolist() == GOLDEN_FINE

    def test_bins_are_strata(self):
        splitter = aq.Splitter(THREE, strata=["s", aq.bins("x", edges=[100])], rng=7)
        table = pa.table({"x": range(200), "s": ["a"] * 200})
        codes = codes_of(splitter.assign(table))
        assert np.array_equal(codes, assign({"strata": "s"}, {"s": [0] * 100 + [1] * 100}))
        same = pickle.loads(pickle.dumps(splitter))
        assert same == splitter
        assert same.assign(table).equals(splitter.assign(table))
        with raises(ValueError, "strata: must have edges on a stream, which can be read only once, got quantiles=4"):
            aq.Splitter(THREE, strata=aq.bins("x", quantiles=4))

    def test_producers_of_all_kinds(self):
        class Dunder:
            def __init__(self, table):
                self._table = table

            def __arrow_c_stream__(self, schema=None):
                return self._table.__arrow_c_stream__(schema)

        table = pa.table({"s": pa.chunked_array([[1, 2], [], [2, 2, 1]])})
        expected = aq.Splitter(THREE, strata="s", rng=7).assign(table)
        assert expected.type == pa.dictionary(pa.int32(), pa.string())
        for data in (table.combine_chunks().to_batches()[0], Dunder(table), pl.DataFrame(table)):
            assert aq.Splitter(THREE, strata="s", rng=7).assign(data).equals(expected)
        sliced = pa.concat_tables([table, table]).slice(5)
        assert aq.Splitter(THREE, strata="s", rng=7).assign(sliced).equals(expected)
        for empty in (table.slice(0, 0), table.schema.empty_table()):
            for options in ({"strata": "s"}, {"key": "s"}, {}):
                splitter = aq.Splitter(THREE, **options, rng=7)
                parts = splitter.assign(empty)
                assert len(parts) == 0
                assert parts.type == expected.type
                assert splitter == aq.Splitter(THREE, **options, rng=7)
        alone = pa.RecordBatch.from_arrays([pa.nulls(4)], ["n"]).select([])
        assert len(aq.Splitter(THREE).assign(alone)) == 4

    @pytest.mark.slow
    def test_a_million_strata(self):
        strata = np.random.default_rng(3).integers(0, 10**6, 4 * 10**6)
        codes = assign({"strata": "s"}, {"s": strata}, cuts=range(0, 4 * 10**6, 10**6))
        for part, share in enumerate(THREE.values()):
            counts = np.bincount(strata, weights=codes == part, minlength=10**6)
            assert np.abs(counts - share * np.bincount(strata, minlength=10**6)).max() < 1


GOLDEN_STREAM = [0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0]
GOLDEN_STRATA = [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0]
GOLDEN_FINE = [1, 2, 1, 2, 1, 0, 2, 1, 1, 2, 1, 2, 1, 2, 1, 0, 1, 2, 2, 1]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ({"a": 8, "b": 2}, {}, ValueError, "parts: must be shares, as a stream has no known length, got {'a': 8, 'b': 2}"),
        ({"a": 0.8, "b": 0.1}, {}, ValueError, "parts: must sum to 1, got 0.9"),
        (THREE, {"strata": "s", "key": "k"}, ValueError, "strata: must be None with key, as an id alone decides, got 's'"),
        (THREE, {"strata": []}, ValueError, "strata: must be at least one column, got none"),
        (THREE, {"key": 3}, TypeError, "key: must be a column name, got int 3"),
        (THREE, {"rng": -1}, ValueError, "rng: must not be negative, got -1"),
    ],
)  # fmt: skip
def test_mistakes(arguments, options, error, message):
    with raises(error, message):
        aq.Splitter(arguments, **options)


def test_too_many_parts(monkeypatch):
    monkeypatch.setattr("aliquot.splitter.MAX_PARTS", 2)
    with raises(ValueError, "parts: must be at most 2, got 3"):
        aq.Splitter(THREE)

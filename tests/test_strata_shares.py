"""How many rows each stratum gives: exact shares by every rule, capacities and minimums, and what asks too much."""

import math

import numpy as np
import pyarrow as pa
import pytest

import aliquot as aq
from errors import raises
from labelled import SIZES, TABLE, batches, counts


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

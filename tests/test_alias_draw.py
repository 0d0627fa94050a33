"""Draws from alias tables: those of the reference, independent, the same for all shapes, types and threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import aliquot as aq
import laws
import reference
from alias_cells import NARROW, UNIT, arrays, decode
from aliquot import _rng
from aliquot._kernels import alias, random

SEED = _rng.key_of(7)
KEY = np.array(reference.subkey(SEED, 4), np.uint64)
BLOCK = 2**16


class TestDraws:
    def test_golden_draws(self):
        table = aq.AliasTable([1, 2, 0, 5])
        assert table.draw(20, rng=7).tolist() == GOLDEN
        table = aq.AliasTable(np.arange(1_000_000))
        assert table.draw(6, rng=7).tolist() == GOLDEN_MILLION
        assert table.draw(3 * BLOCK, rng=7)[[BLOCK - 1, BLOCK, -1]].tolist() == GOLDEN_BLOCKS

    @pytest.mark.parametrize("n", [1, 2, 3, 64, 1000])
    def test_draws_are_those_of_the_reference(self, n):
        table = aq.AliasTable(np.random.default_rng(n).random(n))
        expected = list(reference.alias_draws(*decode(*arrays(table), 64), SEED, 0, 600))
        assert table.draw(600, rng=7).tolist() == expected

    def test_draws_of_later_blocks_are_those_of_the_reference(self):
        table = aq.AliasTable(np.random.default_rng(1).random(50))
        for block in (1, 2**20 + 1):
            out = np.empty(300, np.int64)
            alias.draw(*arrays(table), SEED, block * BLOCK, out, 1, False)
            decoded = decode(*arrays(table), 64)
            assert out.tolist() == list(reference.alias_draws(*decoded, SEED, block * BLOCK, 300))

    @pytest.mark.parametrize("wide", [False, True])
    @pytest.mark.parametrize("by", [-2, -1, 0, 1, 2])
    def test_draws_on_the_threshold_are_those_of_the_reference(self, by, wide):
        """Thresholds are put where the words of this seed fall, down to all 64 bits."""
        n = 10_007
        size = 256
        words = [random.words(KEY, lane, size // 8).tolist() for lane in range(8)]
        thresholds, aliases = [2**64] * n, [(i + 1) % n for i in range(n)]
        for at in range(size):
            cell, low = divmod(words[at % 8][at // 8] * n, 2**64)
            thresholds[cell] = max((low >> 40) + by, 1) << 64 | (low % 2**40 << 24) + (at * 2**55 % 2**64)
            if at % 2:
                thresholds[cell] = max(low + by * n // 3, 2**40) << 24 | 2**23
        thresholds = [min(t, 2**88 - 1) for t in thresholds]
        cells = np.array([t >> 64 << 40 | a for t, a in zip(thresholds, aliases, strict=True)], np.uint64)
        rests = np.array([t % 2**64 for t in thresholds], np.uint64)
        out = np.empty(size, np.int64)
        alias.draw(cells, rests, SEED, 0, out, 1, wide)
        thresholds = [t * UNIT for t in thresholds]
        assert out.tolist() == list(reference.alias_draws(thresholds, aliases, SEED, 0, size))

    @pytest.mark.parametrize("zeros", [0, 1, 2, 70, 4000])
    def test_thresholds_below_the_prefix_decide_as_often_as_they_should(self, zeros):
        n, parts = 2**12, 16
        rests = np.full(n, (4095 - zeros << 52) + 2**52 - 1, np.uint64)
        out = np.empty(2**22, np.int64)
        own = 0
        for part in range(parts):
            alias.draw(np.full(n, n - 1, np.uint64), rests, SEED, part * len(out), out, 1, False)
            own += int((out != n - 1).sum())
        expected = parts * len(out) / 2 ** (24 + zeros)
        assert abs(own - expected) <= 5 * expected**0.5
        assert (own > 0) == (expected >= 1)

    @pytest.mark.parametrize("n", [1, 2, 1000, 2**20 + 7])
    def test_products_of_64_bits_draw_like_those_of_32(self, n):
        table = aq.AliasTable(np.random.default_rng(n).random(n))
        out = [np.empty(BLOCK + 700, np.int64) for _ in range(2)]
        for wide in (False, True):
            alias.draw(*arrays(table), SEED, 0, out[wide], 1, wide)
        assert np.array_equal(*out)

    @pytest.mark.parametrize("threads", [2, 3, 5, 50])
    def test_threads_change_no_draw(self, threads):
        table = aq.AliasTable(np.arange(1, 1000))
        size = 40 * BLOCK + 123
        out = [np.empty(size, np.int32) for _ in range(2)]
        alias.draw(*arrays(table), SEED, 3 * BLOCK, out[0], 1, False)
        alias.draw(*arrays(table), SEED, 3 * BLOCK, out[1], threads, False)
        assert np.array_equal(*out)

    @pytest.mark.parametrize("name", ["primes", "seven alike", "random"])
    def test_counts_fit_the_probabilities(self, name):
        table = aq.AliasTable(NARROW[name])
        drawn = table.draw(1_000_000, rng=11)
        laws.assert_fits(np.bincount(drawn, minlength=len(table)), 1_000_000 * table.probabilities())

    def test_pairs_of_draws_are_independent(self):
        table = aq.AliasTable([1, 2, 3, 4])
        drawn = table.draw((100_000, 16), rng=12)
        p = np.outer(table.probabilities(), table.probabilities()).ravel()
        for lag in (1, 2, 4, 7, 8, 9, 15):
            pairs = 4 * drawn[:, 0] + drawn[:, lag]
            laws.assert_fits(np.bincount(pairs, minlength=16), len(pairs) * p)

    def test_cells_beyond_a_power_of_two_are_drawn_alike(self):
        n = 2**20 + 1
        drawn = aq.AliasTable(np.ones(n)).draw(2_000_000, rng=13)
        assert drawn.max() < n
        laws.assert_fits(np.bincount(drawn * 100 // n, minlength=100), np.full(100, 20_000.0))

    def test_outcomes_of_weight_zero_are_never_drawn(self):
        weights = np.random.default_rng(5).random(5000) * (np.arange(5000) % 3 == 0)
        assert np.all(aq.AliasTable(weights).draw(500_000, rng=14) % 3 == 0)

    def test_fewer_draws_are_the_first_of_more(self):
        table = aq.AliasTable(np.arange(100))
        all_draws = table.draw(2 * BLOCK + 1000, rng=3)
        for size in (0, 1, 7, 8, 255, 256, 257, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK):
            assert np.array_equal(table.draw(size, rng=3), all_draws[:size])

    def test_shape_and_type_change_no_draw(self):
        table = aq.AliasTable(np.arange(100))
        flat = table.draw(6000, rng=3)
        assert table.draw((10, 20, 30), rng=3).tolist() == flat.reshape(10, 20, 30).tolist()
        assert table.draw((), rng=3).shape == ()
        for kind in (np.int64, np.int32, np.uint32):
            buffer = np.empty((60, 100), kind)
            assert table.draw(out=buffer, rng=3) is buffer
            assert np.array_equal(buffer.ravel(), flat)

    def test_threads_share_a_table(self):
        table = aq.AliasTable(np.arange(1, 1000))
        alone = [table.draw(200_000, rng=seed) for seed in range(8)]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda seed: table.draw(200_000, rng=seed), range(8)))
        assert all(map(np.array_equal, alone, together))

    def test_a_generator_is_advanced_and_none_is_fresh(self):
        table, shared = aq.AliasTable(np.ones(10**6)), np.random.default_rng(3)
        assert table.draw(5, rng=shared).tolist() != table.draw(5, rng=shared).tolist()
        assert table.draw(5).tolist() != table.draw(5).tolist()


GOLDEN = [3, 1, 3, 3, 3, 3, 1, 1, 1, 3, 3, 1, 3, 3, 0, 0, 3, 3, 3, 3]
GOLDEN_MILLION = [538750, 241785, 813359, 430987, 605355, 490922]
GOLDEN_BLOCKS = [302647, 987891, 932216]


@pytest.mark.slow
def test_a_table_of_2_to_the_27_outcomes():
    n = 2**27 + 1
    weights = np.arange(n, dtype=np.uint64)
    weights &= np.uint64(3)
    table = aq.AliasTable(weights)
    del weights
    buffer = np.empty(2**24, np.int32)
    counts = np.zeros(64)
    for seed in range(2):
        table.draw(out=buffer, rng=seed)
        assert np.all(buffer % 4 > 0)
        counts += np.bincount(buffer // (n // 63), minlength=64)[:64]
    laws.assert_fits(counts[:63], np.full(63, counts[:63].sum() / 63))
    wide = np.empty(2**20, np.int32)
    alias.draw(*arrays(table), _rng.key_of(1), 0, wide, 2, True)
    assert np.array_equal(wide, buffer[: 2**20])


@pytest.mark.slow
def test_more_than_2_to_the_31_draws_of_one_sequence():
    table = aq.AliasTable([3, 5])
    buffer = np.empty(2**26, np.int32)
    second = 0
    for part in range(33):
        alias.draw(*arrays(table), SEED, part * 2**26, buffer, 2, False)
        second += np.count_nonzero(buffer)
    laws.assert_fits([33 * 2**26 - second, second], 33 * 2**26 * table.probabilities())
    # And those past the 31st bit are those that belong there.
    assert buffer[:300].tolist() == list(reference.alias_draws(*decode(*arrays(table), 64), SEED, 2**31, 300))

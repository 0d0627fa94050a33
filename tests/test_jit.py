"""aliquot inside functions that Numba compiles."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

import aliquot as aq
import laws
import reference
from aliquot import _rng
from aliquot.jit import below, draw, generator, uniform

KEY = reference.subkey(_rng.key_of(7).tolist(), 20)


@numba.njit(nogil=True)
def count(table, random, counts, size):
    for _ in range(size):
        counts[draw(table, random)] += 1
    return counts


@numba.njit
def fill(table, random, out):
    for i in range(len(out)):
        out[i] = draw(table, random)


def test_outcomes_are_those_of_the_reference():
    weights = np.random.default_rng(1).lognormal(0, 2, 1000)
    table = aq.AliasTable(weights)
    out = np.empty(500, np.int64)
    fill(table, generator(7), out)
    words = reference.Generator(KEY, 0)
    for drawn in out.tolist():
        place = words() * 1000
        cell, coin = place >> 64, place & 2**64 - 1
        threshold = reference.alias_threshold(int(table._cells[cell]), int(table._rests[cell]), 64)
        assert drawn == (cell if coin < threshold * 2**64 else int(table._cells[cell]) % 2**40)


def test_counts_fit_the_probabilities():
    table = aq.AliasTable([1, 2, 0, 5, 1e-30])
    counts = count(table, generator(7), np.zeros(5, np.int64), 1_000_000)
    assert counts[2] == counts[4] == 0
    laws.assert_fits(counts[[0, 1, 3]], 1_000_000 * table.probabilities()[[0, 1, 3]])


def test_thresholds_that_the_first_word_does_not_decide():
    """All cells begin with a coin below 2**-24 in which only further words decide: half of the time."""
    n = 2**20
    table = aq.AliasTable(np.ones(n))
    halves = aq.AliasTable.__new__(aq.AliasTable)
    halves._own(np.full(n, n - 1, np.uint64), np.full(n, 4095 << 52, np.uint64))
    counts = count(halves, generator(7), np.zeros(n, np.int64), 2**26)
    own = 2**26 - counts[n - 1]
    assert abs(own - 2) < 5 * 2**0.5
    assert own > 0
    assert count(table, generator(7), np.zeros(n, np.int64), 1000).sum() == 1000


def test_python_may_call_them_too():
    table, random = aq.AliasTable([1, 2, 0, 5]), generator(7)
    out = np.empty(10, np.int64)
    fill(table, generator(7), out)
    assert [draw(table, random) for _ in range(10)] == out.tolist()


def test_integers_are_even_and_exact():
    @numba.njit
    def many(random, counts, size):
        for _ in range(size):
            counts[below(len(counts), random)] += 1
        return counts

    laws.assert_fits(many(generator(8), np.zeros(7, np.int64), 700_000), np.full(7, 1e5))
    words = reference.Generator(KEY, 0)
    random = generator(7)
    assert [below(2**62 + 1, random) for _ in range(50)] == [words.below(2**62 + 1, 64) for _ in range(50)]
    assert below(1, random) == 0
    for n in (0, -1):
        with pytest.raises(ValueError, match=r"^n: must be positive$"):
            below(n, random)


def test_fractions_are_words_cut_to_53_bits():
    words, random = reference.Generator(KEY, 0), generator(7)
    assert [uniform(random) for _ in range(50)] == [(words() >> 11) * 2.0**-53 for _ in range(50)]


def test_seeds():
    assert generator(7).tolist() == generator(np.random.SeedSequence(7)).tolist()
    assert generator(7).tolist() != generator(8).tolist()
    shared = np.random.default_rng(1)
    assert generator(shared).tolist() != generator(shared).tolist()
    assert generator().tolist() != generator().tolist()


def test_tables_go_into_tuples_and_other_functions():
    @numba.njit
    def choose(tables, i, random):
        return draw(tables[i], random)

    tables = (aq.AliasTable([1, 0]), aq.AliasTable([0, 1]))
    random = generator(7)
    assert [choose(tables, i, random) for i in (0, 1, 1, 0)] == [0, 1, 1, 0]


def test_calls_keep_no_references():
    table, random = aq.AliasTable([1, 2, 3]), generator(7)
    before = sys.getrefcount(table._cells), sys.getrefcount(table._rests), sys.getrefcount(table)
    for _ in range(1000):
        draw(table, random)
    assert (sys.getrefcount(table._cells), sys.getrefcount(table._rests), sys.getrefcount(table)) == before


def test_threads_with_generators_of_their_own():
    table = aq.AliasTable(np.arange(1, 100))
    alone = [count(table, generator(seed), np.zeros(99, np.int64), 100_000) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(lambda seed: count(table, generator(seed), np.zeros(99, np.int64), 100_000), range(4))
        assert all(map(np.array_equal, alone, together))


def test_a_table_is_not_made_or_changed_in_compiled_code():
    @numba.njit
    def grow(table):
        table.weights = 1

    with pytest.raises(numba.core.errors.TypingError):
        grow(aq.AliasTable([1, 2]))

"""What alias tables encode: their weights, to the last bits, whatever these are and however many threads build."""

import decimal
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

import aliquot as aq
import reference
from alias_cells import NARROW, UNIT, arrays, decode, masses, masses_of
from aliquot._kernels import alias


def narrow(weights):
    """A table for words of 16 bits."""
    weights = np.asarray(weights)
    cells, rests = np.empty(len(weights), np.uint16), np.empty(len(weights), np.uint16)
    alias.build(weights, int(weights.argmax()), cells, rests, 1)
    return cells, rests


class TestExactness:
    @pytest.mark.parametrize("name", NARROW)
    def test_all_random_words_together_give_the_masses(self, name):
        """All 65,536 words, all r and all further bits: the counts are the masses, not nearly but exactly."""
        weights = NARROW[name]
        cells, rests = narrow(weights)
        encoded = masses_of(*decode(cells, rests, 16))
        cases = 2 ** (16 + alias.FURTHER_BITS)
        assert alias.count_narrow(cells, rests).tolist() == [mass * cases for mass in encoded]
        assert sum(encoded) == len(weights)

    @pytest.mark.parametrize("name", NARROW)
    def test_narrow_masses_are_the_weights_rounded(self, name):
        encoded = masses_of(*decode(*narrow(NARROW[name]), 16))
        assert_rounded(encoded, NARROW[name], Fraction(1, 2**24), Fraction(1, 2**14), Fraction(1, 2**29))

    @given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=40).filter(any))
    def test_masses_are_the_weights_rounded(self, weights):
        assert_rounded(masses(aq.AliasTable(np.array(weights, np.uint64))), weights)

    @given(st.lists(st.floats(0, 1e300), min_size=1, max_size=40).filter(any))
    def test_masses_are_the_weights_rounded_for_floats(self, weights):
        assert_rounded(masses(aq.AliasTable(weights)), weights)

    @given(st.lists(st.integers(0, 10**38 - 1), min_size=1, max_size=40).filter(any))
    def test_masses_are_the_weights_rounded_for_decimals(self, weights):
        decimals = pa.array([decimal.Decimal(weight) for weight in weights], pa.decimal128(38, 0))
        assert_rounded(masses(aq.AliasTable(decimals)), weights)

    def test_probabilities_are_what_the_table_encodes(self):
        weights = np.random.default_rng(4).lognormal(0, 2, 1000)
        table = aq.AliasTable(weights)
        assert np.allclose(table.probabilities(), [float(mass / 1000) for mass in masses(table)], rtol=2**-52, atol=0)

    @pytest.mark.parametrize("spread", [2, 20, 150])
    def test_probabilities_are_right_to_the_last_bits_however_far_apart(self, spread):
        weights = np.random.default_rng(4).lognormal(0, spread, 1000).clip(5e-324, 1e308)
        total = sum(map(Fraction, weights.tolist()))
        encoded = masses(aq.AliasTable(weights))
        exact = [Fraction(weight) / total for weight in weights.tolist()]
        assert max(abs(mass / 1000 / p - 1) for mass, p in zip(encoded, exact, strict=True)) < Fraction(1, 2**52)
        probabilities = aq.AliasTable(weights).probabilities()
        seen = probabilities > 1e-300
        assert np.allclose(probabilities[seen], np.array([float(p) for p in exact])[seen], rtol=2**-51, atol=0)

    def test_powers_of_two_are_encoded_without_any_rounding(self):
        assert masses(aq.AliasTable([1, 1, 2, 4])) == [Fraction(1, 2), Fraction(1, 2), 1, 2]
        assert masses(aq.AliasTable([3] * 11)) == [1] * 11

    @pytest.mark.parametrize("seed", range(20))
    def test_tables_are_those_of_the_reference(self, seed):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 300))
        weights = rng.pareto(0.3 + seed / 10, n) * (rng.random(n) < rng.random())
        weights = np.append(weights, 1.0)
        thresholds, aliases = decode(*arrays(aq.AliasTable(weights)), 64)
        thresholds = [threshold // UNIT for threshold in thresholds]
        expected = masses_of([threshold * UNIT for threshold in thresholds], aliases)
        assert (thresholds, aliases) == reference.alias_cells([mass / UNIT for mass in expected], 1 / UNIT)

    @pytest.mark.parametrize("kind", ["random", "heavy tail", "even", "few large", "few small", "sorted"])
    def test_threads_change_no_table(self, kind):
        n = 400_003
        rng = np.random.default_rng(6)
        weights = {
            "random": rng.random(n),
            "heavy tail": rng.pareto(0.4, n),
            "even": np.ones(n),
            "few large": np.where(rng.random(n) < 1e-4, 1e9, rng.random(n)),
            "few small": np.where(rng.random(n) < 1e-4, 1e-9, 1.0),
            "sorted": np.sort(rng.random(n)),
        }[kind]
        largest = int(weights.argmax())
        tables = []
        for threads in (1, 2, 3, 12):
            cells, rests = np.empty(n, np.uint64), np.empty(n, np.uint64)
            alias.build(weights, largest, cells, rests, threads)
            tables.append((cells, rests))
        for cells, rests in tables[1:]:
            assert np.array_equal(cells, tables[0][0])
            assert np.array_equal(rests, tables[0][1])


def assert_rounded(encoded, weights, unit=UNIT, share=Fraction(1, 2**53), least=0):
    """Each mass is within a unit of the exact one, or a small share of itself if it is below the prefix. In a cell or
    more, what the latter are off by may be added, and in the largest a unit for each of all others.
    """
    total = sum(map(Fraction, weights))
    exact = [Fraction(w) / total * len(weights) for w in weights]
    prefix = 2**-8 if unit == Fraction(1, 2**24) else 2**-24
    largest = max(range(len(weights)), key=weights.__getitem__)
    from_small = sum(max(other * share, least) * 2 + unit for other in exact if other < prefix)
    for i, (mass, right) in enumerate(zip(encoded, exact, strict=True)):
        if i == largest:
            assert abs(mass - right) <= len(weights) * unit + from_small
        elif mass < prefix:
            assert abs(mass - right) <= max(right * share * (1 + Fraction(1, 2**40)), least)
        else:
            assert abs(mass - right) <= unit + (right >= 1) * from_small
        assert (mass == 0) == (weights[i] == 0) or least

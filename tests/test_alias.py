"""AliasTable: every draw exact, whatever the weights."""

import copy
import decimal
import pickle
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

import aliquot as aq
import laws
import reference
from aliquot import _rng
from aliquot._kernels import alias, random
from aliquot._saved import pack

SEED = _rng.key_of(7)
KEY = np.array(reference.subkey(SEED, 4), np.uint64)
BLOCK = 2**16
UNIT = Fraction(1, 2**88)
"""Of a cell: the precision of masses that are not small."""


def arrays(table):
    return table._cells, table._rests


def decode(cells, rests, word_bits):
    """Thresholds, as fractions of a cell, and aliases."""
    alias_bits = {64: 40, 16: 8}[word_bits]
    thresholds = [
        reference.alias_threshold(cell, rest, word_bits)
        for cell, rest in zip(cells.tolist(), rests.tolist(), strict=True)
    ]
    return thresholds, (cells % 2**alias_bits).tolist()


def masses_of(thresholds, aliases):
    """In cells."""
    masses = [Fraction(0)] * len(thresholds)
    for i, (threshold, other) in enumerate(zip(thresholds, aliases, strict=True)):
        masses[i] += threshold
        masses[other] += 1 - threshold
    return masses


def masses(table):
    return masses_of(*decode(*arrays(table), 64))


def narrow(weights):
    """A table for words of 16 bits."""
    weights = np.asarray(weights)
    cells, rests = np.empty(len(weights), np.uint16), np.empty(len(weights), np.uint16)
    alias.build(weights, int(weights.argmax()), cells, rests, 1)
    return cells, rests


NARROW = {
    "one": [5.0],
    "two alike": [1.0, 1.0],
    "a zero": [0.0, 1.0],
    "primes": [2.0, 3.0, 5.0, 7.0, 11.0],
    "one giant": [1.0] * 9 + [1e6],
    "one dwarf": [1.0] * 9 + [1e-6],
    "dwarfs of all sizes": [1.0, 1.0, *(0.7 * 0.4**i for i in range(20)), 0.0],
    "nearly even": [1.0, 1 + 2**-20, 1 - 2**-20],
    "seven alike": [1.0] * 7,
    "halves": [0.5**i for i in range(30)],
    "random": np.random.default_rng(1).random(100).tolist(),
    "heavy tail": np.random.default_rng(2).pareto(0.7, 61).tolist(),
    "as many as fit": np.random.default_rng(3).random(255).tolist(),
}


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


EXTREMES = {
    "far apart": ([1e-300, 1e300], [0, 1]),
    "a sum that overflows": ([1.7e308] * 4, [0.25] * 4),
    "subnormal": ([5e-324, 1.5e-323], [0.25, 0.75]),
    "subnormal beside normal": ([5e-324, 2.2250738585072014e-308], [2**-52, 1]),
    "largest uint64": (np.array([2**64 - 1] * 4, np.uint64), [0.25] * 4),
    "largest beside smallest": (np.array([2**64 - 1, 1], np.uint64), [1, 2**-64]),
    "beyond 2**53": (np.array([2**53 + 1, 2**53 - 1]), [0.5 + 2**-54, 0.5 - 2**-54]),
    "one": ([3.5], [1]),
    "one that counts": ([0, 0, 1e-9, 0], [0, 0, 1, 0]),
    "negative zero": ([-0.0, 2.0], [0, 1]),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_extreme_weights(name):
    weights, expected = EXTREMES[name]
    table = aq.AliasTable(weights)
    assert np.allclose(table.probabilities(), expected, rtol=2**-51, atol=1e-200)
    drawn = table.draw(10_000, rng=1)
    assert np.all(np.asarray(expected)[drawn] > 0)


class TestTypes:
    @pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">i4", ">f8"])
    def test_numpy_types_are_alike(self, kind):
        assert aq.AliasTable(np.array([1, 2, 0, 5], kind)) == aq.AliasTable([1, 2, 0, 5])

    @pytest.mark.parametrize(
        "kind",
        [*(getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64))]
        + [pa.float16(), pa.float32(), pa.float64(), pa.decimal128(10, 3), pa.decimal256(40, 3)]
        + [pa.dictionary(pa.int8(), pa.int64()), pa.run_end_encoded(pa.int32(), pa.float64())],
        ids=str,
    )
    def test_arrow_types_are_alike(self, kind):
        values = [9, 1, 2, 0, 5, 9]
        if pa.types.is_dictionary(kind):
            whole = pa.array(values).dictionary_encode()
        elif pa.types.is_run_end_encoded(kind):
            whole = pa.RunEndEncodedArray.from_arrays(pa.array(range(1, 7), pa.int32()), pa.array(values, pa.float64()))
        elif pa.types.is_decimal(kind):
            whole = pa.array(list(map(decimal.Decimal, values)), kind)
        else:
            whole = pa.array(values).cast(kind)
        expected = aq.AliasTable([1, 2, 0, 5])
        assert aq.AliasTable(whole.slice(1, 4)) == expected
        assert aq.AliasTable(pa.chunked_array([whole.slice(1, 2), whole.slice(3, 1), whole.slice(4, 1)])) == expected

    def test_strided_and_listed_weights(self):
        assert aq.AliasTable(np.arange(10.0)[::-2]) == aq.AliasTable([9, 7, 5, 3, 1])

    def test_decimals_keep_all_their_digits(self):
        big = pa.array([decimal.Decimal(10**37 + 1), decimal.Decimal(10**37)], pa.decimal128(38, 0))
        expected = Fraction(10**37 + 1, 2 * 10**37 + 1) * 2
        assert abs(masses(aq.AliasTable(big))[0] - expected) <= UNIT

    def test_producers_that_expose_only_the_dunder(self):
        class Opaque:
            def __init__(self, array):
                self.array = array

            def __arrow_c_array__(self, requested_schema=None):
                return self.array.__arrow_c_array__(requested_schema)

        class OpaqueStream:
            def __init__(self, array):
                self.array = array

            def __arrow_c_stream__(self, requested_schema=None):
                return self.array.__arrow_c_stream__(requested_schema)

        expected = aq.AliasTable([1, 2, 3])
        assert aq.AliasTable(Opaque(pa.array([1, 2, 3]))) == expected
        assert aq.AliasTable(OpaqueStream(pa.chunked_array([[1], [], [2, 3]]))) == expected


class TestState:
    def test_saved_and_copied_tables_draw_alike(self):
        table = aq.AliasTable(np.arange(1000))
        for other in (
            pickle.loads(pickle.dumps(table)),
            aq.AliasTable.from_bytes(table.to_bytes()),
            copy.copy(table),
            copy.deepcopy(table),
        ):
            assert other == table
            assert other.draw(100, rng=1).tolist() == table.draw(100, rng=1).tolist()

    def test_equality(self):
        assert aq.AliasTable([1, 2]) == aq.AliasTable([2.0, 4.0])
        assert aq.AliasTable([1, 2]) != aq.AliasTable([1, 3])
        assert aq.AliasTable([1, 2]) != aq.AliasTable([1, 2, 0])
        assert aq.AliasTable([1, 2]) != "AliasTable"

    def test_repr_and_length(self):
        assert repr(aq.AliasTable([1, 2])) == "AliasTable(n=2)"
        assert len(aq.AliasTable(np.ones(77))) == 77

    def test_damaged_bytes(self):
        data = bytearray(aq.AliasTable([1, 2]).to_bytes())
        data[-20] ^= 1
        with pytest.raises(ValueError, match=r"^data: must be whole, got bytes that do not match their checksum$"):
            aq.AliasTable.from_bytes(bytes(data))
        with pytest.raises(ValueError, match=r"^data: must be a saved AliasTable, got a Reservoir$"):
            aq.AliasTable.from_bytes(aq.Reservoir(3).to_bytes())


class TestErrors:
    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            ([1.0, -0.5, 2], "weights: must be finite and not negative, got -0.5 at row 1"),
            ([1, 2, -3], "weights: must be finite and not negative, got -3 at row 2"),
            ([1, float("nan")], "weights: must be finite and not negative, got nan at row 1"),
            ([float("inf"), 1], "weights: must be finite and not negative, got inf at row 0"),
            ([1, float("-inf")], "weights: must be finite and not negative, got -inf at row 1"),
            (pa.array([1, 2, None, None]), "weights: must be finite and not negative, got null at row 2"),
            ([1, None], "weights: must be finite and not negative, got null at row 1"),
            (np.ma.array([1, 2], mask=[False, True]), "weights: must be finite and not negative, got null at row 1"),
            (pa.nulls(2), "weights: must be finite and not negative, got null at row 0"),
            (pa.array([1.0, -1.0]), "weights: must be finite and not negative, got -1.0 at row 1"),
            ([0, 0, 0], "weights: must be positive in at least 1 row, got 0 such rows"),
            ([], "weights: must have 1 to 1099511627775 rows, got 0"),
            (pa.array([], pa.float64()), "weights: must have 1 to 1099511627775 rows, got 0"),
            ([[1, 2]], "weights: must have one dimension, got shape (1, 2)"),
            (3, "weights: must have one dimension, got shape ()"),
            (
                pa.array([decimal.Decimal(1), decimal.Decimal(-2)], pa.decimal128(38, 2)),
                "weights: must be finite and not negative, got -2.00 at row 1",
            ),
            (
                pa.array([decimal.Decimal(0)], pa.decimal128(38, 2)),
                "weights: must be positive in at least 1 row, got 0 such rows",
            ),
        ],
    )
    def test_values(self, weights, message):
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared whole
            aq.AliasTable(weights)
        assert str(caught.value) == message

    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            (["a"], "weights: must be numbers, got string"),
            ([True], "weights: must be numbers, got bool"),
            ([1j], "weights: must be numbers, got list [1j]"),
            (np.ones(2, np.longdouble), "weights: must be numbers, got ndarray array([1., 1.], dtype=float128)"),
            (np.zeros(1, "M8[s]"), "weights: must be numbers, got timestamp[s]"),
            (pa.array(["a"]), "weights: must be numbers, got string"),
            (pa.table({"w": [1]}), "weights: must be numbers, got struct<w: int64>"),
            ([[1], [1, 2]], "weights: must be numbers, got list [[1], [1, 2]]"),
            (None, "weights: must be numbers, got NoneType None"),
            ("abc", "weights: must be numbers, got str 'abc'"),
            ([1, 2**64], "weights: must be numbers, got list [1, 18446744073709551616]"),
        ],
    )
    def test_types(self, weights, message):
        with pytest.raises(TypeError) as caught:
            aq.AliasTable(weights)
        assert str(caught.value) == message

    @pytest.mark.parametrize(
        ("out", "kind", "message"),
        [
            ([1, 2], TypeError, "out: must be a NumPy array, got list [1, 2]"),
            (np.empty(3), TypeError, "out: must be of int64, int32 or uint32, got float64"),
            (np.empty(3, ">i4"), TypeError, "out: must be of int64, int32 or uint32, got >i4"),
            (np.empty(6, int)[::2], ValueError, "out: must be C-contiguous, got strides (16,) for shape (3,)"),
            (np.frombuffer(bytes(8), np.int64), ValueError, "out: must be writable, got a read-only array"),
        ],
    )
    def test_buffers(self, out, kind, message):
        with pytest.raises(kind) as caught:
            aq.AliasTable([1, 2]).draw(out=out)
        assert str(caught.value) == message

    def test_sizes(self):
        table = aq.AliasTable([1, 2])
        with pytest.raises(TypeError, match=r"^size: must be given unless out is, got None$"):
            table.draw()
        with pytest.raises(TypeError, match=r"^size: must be left out when out is given, got int 3$"):
            table.draw(3, out=np.empty(3, np.int64))
        with pytest.raises(TypeError, match=r"^size: must be an integer, got float 2.5$"):
            table.draw(2.5)
        with pytest.raises(ValueError, match=r"^size: must be between 0 and 2\*\*62, got -1$"):
            table.draw((3, -1))


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


def test_a_crafted_alias_beyond_the_table_is_refused():
    cells = np.array([5], np.uint64)
    batch = pa.record_batch({"cells": cells, "rests": cells})
    data = pack("AliasTable", {}, [batch], batch.schema)
    with pytest.raises(ValueError, match=r"^data: must hold aliases below the number of outcomes, 1, got others$"):
        aq.AliasTable.from_bytes(data)

"""Splits of streams: exact at every row, fair at every row, the same whatever the batches; hash splits that stay put."""

import copy
import itertools
import pickle

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aliquot as aq
import laws
import reference
from aliquot import _rng
from aliquot._kernels import splitter as kernel
from aliquot._kernels.hash_split import column_parts

SEED = _rng.key_of(7)
THREE = {"train": 0.8, "valid": 0.1, "test": 0.1}
FINE = {"a": 0.123456789, "b": 0.5, "c": 0.376543211}  # no denominator of at most 1024


def shares_of(*counts):
    return np.array(counts, np.uint64)


def codes_of(parts):
    return parts.indices.to_numpy()


def assign(options, columns, cuts=(), parts=THREE, seed=7):
    """Codes of the parts of a table, cut into batches there."""
    splitter = aq.Splitter(parts, **options, rng=seed)
    table = pa.table(columns)
    bounds = [0, *sorted(cuts), table.num_rows]
    pieces = [table.slice(first, last - first) for first, last in itertools.pairwise(bounds)]
    return np.concatenate([codes_of(splitter.assign(piece)) for piece in pieces])


COMPOSITIONS = [c for parts in (1, 2, 3, 4) for c in itertools.product(range(1, 8), repeat=parts) if sum(c) <= 7]


class TestSchedules:
    @pytest.mark.parametrize("counts", [*COMPOSITIONS, (0, 2, 0, 3), (1,) * 40, (70, 15, 15), (35, 33, 17, 15)])
    def test_every_schedule_of_a_book_is_exact_and_together_they_are_fair(self, counts):
        book = kernel.schedules(SEED, shares_of(*counts))
        rows = sum(counts)
        assert book.shape[0] % rows == 0
        for schedule in np.unique(book, axis=0):
            laws.shares_hold_at_every_prefix(schedule, counts)
        for part, count in enumerate(counts):
            assert np.all((book == part).sum(axis=0) * rows == book.shape[0] * count)

    @pytest.mark.parametrize("counts", [(1023, 1), (800, 100, 99, 1)])
    def test_the_largest_books(self, counts):
        book = kernel.schedules(SEED, shares_of(*counts))
        laws.shares_hold_at_every_prefix(book[5], counts)
        for part, count in enumerate(counts):
            assert np.all((book == part).sum(axis=0) * sum(counts) == book.shape[0] * count)

    @pytest.mark.parametrize("counts", [(3, 2), (8, 1, 1), (4, 3, 2, 1)])
    def test_a_book_has_many_schedules(self, counts):
        distinct = len(np.unique(kernel.schedules(SEED, shares_of(*counts)), axis=0))
        assert distinct >= {(3, 2): 4, (8, 1, 1): 20, (4, 3, 2, 1): 60}[counts]


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
        counts = np.zeros(3)
        for seed in range(trials):
            counts += np.bincount(assign({}, {"x": range(rows)}, parts=FINE, seed=seed), minlength=3)
        assert np.abs(counts / trials - rows * np.array([*FINE.values()])).max() < 1
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

    @pytest.mark.parametrize("options", [{}, {"strata": "s"}, {"key": "s"}])
    @pytest.mark.parametrize("parts", [THREE, FINE])
    def test_saving_in_the_middle_changes_nothing(self, options, parts):
        columns = {"s": pa.array(["a", None, "b", "c"] * 77)}
        expected = assign(options, columns, parts=parts)
        splitter = aq.Splitter(parts, **options, rng=7)
        codes = []
        for first in range(0, 308, 44):
            codes.append(codes_of(splitter.assign(pa.table(columns).slice(first, 44))))
            for same in (pickle.loads(pickle.dumps(splitter)), copy.deepcopy(splitter), copy.copy(splitter)):
                assert same == splitter
                assert repr(same) == repr(splitter)
            splitter = aq.Splitter.from_bytes(splitter.to_bytes())
        assert splitter.n_seen == 308
        assert np.array_equal(np.concatenate(codes), expected)

    def test_bins_are_strata(self):
        splitter = aq.Splitter(THREE, strata=["s", aq.bins("x", edges=[100])], rng=7)
        table = pa.table({"x": range(200), "s": ["a"] * 200})
        codes = codes_of(splitter.assign(table))
        assert np.array_equal(codes, assign({"strata": "s"}, {"s": [0] * 100 + [1] * 100}))
        same = pickle.loads(pickle.dumps(splitter))
        assert same == splitter
        assert same.assign(table).equals(splitter.assign(table))
        with pytest.raises(ValueError, match="^strata: must have edges on a stream, .* got quantiles=4$"):
            aq.Splitter(THREE, strata=aq.bins("x", quantiles=4))

    def test_a_copy_goes_its_own_way(self):
        splitter = aq.Splitter(THREE, rng=7)
        other = copy.copy(splitter)
        other.assign(pa.table({"x": range(3)}))
        assert splitter.n_seen == 0
        assert splitter != other
        assert aq.Splitter(THREE, rng=7) != aq.Splitter(THREE, rng=8)
        assert aq.Splitter(THREE) != 7

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

    def test_a_failed_call_leaves_the_splitter_as_it_was(self):
        splitter = aq.Splitter(THREE, strata="s", rng=7)
        splitter.assign(pa.table({"s": [1, 2]}))
        before = splitter.to_bytes()
        with pytest.raises(TypeError, match="^s: must be a column of numbers, .* got list"):
            splitter.assign(pa.table({"s": [[1]]}))
        with pytest.raises(KeyError, match=r"strata: must be a column of \['x'\], got 's'"):
            splitter.assign(pa.table({"x": [1]}))
        with pytest.raises(TypeError, match=r"^batch: must be a RecordBatch, a Table or other Arrow data, got int 3"):
            splitter.assign(3)
        assert splitter.to_bytes() == before

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


class TestKey:
    IDS = np.random.default_rng(5).permutation(100_000)

    def parts_of(self, parts, ids=None, **options):
        return assign({"key": "id"}, {"id": self.IDS if ids is None else ids}, parts=parts, **options)

    def test_golden_parts(self):
        assert self.parts_of(THREE, range(40)).tolist() == GOLDEN_KEYS
        assert self.parts_of(THREE, [f"user{i}" for i in range(40)]).tolist() == GOLDEN_NAMES

    @pytest.mark.parametrize(
        "shares",
        [
            (0.8, 0.2),
            (0.5, 0.5),
            (1.0,),
            (0.98, 0.01, 0.01),
            (1 - 2**-30, 2**-30),
            (1.0, 1e-40, 1e-300),
            (1 / 40,) * 40,
        ],
    )
    def test_parts_are_those_of_the_smallest_quotient(self, shares):
        names = [f"part {i}" for i in range(len(shares))]
        ids = range(2_000 if len(shares) > 10 else 20_000)
        encoded = [name.encode() for name in names]
        parts = column_parts(pa.array(ids), SEED, encoded, np.array(shares))
        words = [int(word) for word in SEED]
        assert np.array_equal(parts, reference.hash_parts(words, ids, names, shares))

    def test_shares_are_those_of_ids(self):
        for parts in (THREE, FINE, {"a": 0.5, "b": 0.5}):
            counts = np.bincount(self.parts_of(parts), minlength=len(parts))
            laws.assert_fits(counts, 100_000 * np.array([*parts.values()]))
        assert self.parts_of({"a": 0.0, "b": 1.0}).min() == 1

    def test_the_part_depends_on_the_value_alone(self):
        expected = self.parts_of(THREE)
        assert np.array_equal(self.parts_of(THREE, self.IDS[::-1]), expected[::-1])
        assert np.array_equal(self.parts_of(THREE, np.append(self.IDS, [-1, -2]))[:-2], expected)
        assert np.array_equal(self.parts_of(THREE, np.append(self.IDS, self.IDS))[100_000:], expected)
        small = self.IDS[self.IDS < 128]
        few = self.parts_of(THREE, small)
        for kind in (pa.int8(), pa.int32(), pa.uint64(), pa.float64(), pa.decimal128(19, 0)):
            assert np.array_equal(self.parts_of(THREE, pa.array(small).cast(kind)), few)
        assert np.array_equal(self.parts_of(THREE, pa.array(small).dictionary_encode()), few)
        texts = pa.array([str(i) for i in small] + [None])
        for same in (texts.cast(pa.large_string()), texts.cast(pa.string_view()), texts.dictionary_encode()):
            assert np.array_equal(self.parts_of(THREE, same), self.parts_of(THREE, texts))

    def test_seeds_split_differently(self):
        assert np.mean(self.parts_of({"a": 0.5, "b": 0.5}) == self.parts_of({"a": 0.5, "b": 0.5}, seed=8)) < 0.6

    def test_the_order_of_parts_does_not_matter(self):
        names = np.array([*THREE])
        turned = dict(reversed(THREE.items()))
        assert np.array_equal(names[self.parts_of(THREE)], names[::-1][self.parts_of(turned)])

    @pytest.mark.parametrize(
        ("before", "after", "into"),
        [
            ({"train": 0.8, "test": 0.2}, {"train": 0.7, "test": 0.3}, "test"),
            ({"train": 0.8, "test": 0.2}, {"train": 0.9, "test": 0.1}, "train"),
            ({"train": 0.6, "valid": 0.2, "test": 0.2}, {"train": 0.8, "valid": 0.1, "test": 0.1}, "train"),
            ({"a": 0.5, "b": 0.3, "c": 0.2}, {"a": 0.25, "b": 0.15, "c": 0.6}, "c"),
            ({"a": 0.6, "b": 0.4}, {"a": 0.3, "new": 0.5, "b": 0.2}, "new"),
        ],
    )
    def test_a_part_that_grows_takes_rows_and_gives_none(self, before, after, into):
        old, new = np.array([*before])[self.parts_of(before)], np.array([*after])[self.parts_of(after)]
        moved = old != new
        assert set(new[moved]) == {into}
        grown = after[into] - before.get(into, 0)
        laws.assert_fits([moved.sum(), (~moved).sum()], [grown * 100_000, (1 - grown) * 100_000])

    def test_parts_and_keys_of_samples_are_independent(self):
        split = self.parts_of({"a": 0.5, "b": 0.5})
        table = pa.table({"id": self.IDS, "part": split})
        chosen = aq.bernoulli(table, 0.5, key="id", rng=7).read_all()["part"].to_numpy()
        laws.assert_fits(np.bincount(chosen), [len(chosen) / 2] * 2)

    def test_nulls_are_one_id(self):
        assert len(set(self.parts_of(THREE, pa.nulls(100, pa.string())))) == 1

    def test_types_without_a_hash_are_named(self):
        with pytest.raises(
            TypeError,
            match=r"^id: must be a column of numbers, strings, dates, times or dictionaries of these, got list",
        ):
            self.parts_of(THREE, pa.array([[1]]))


GOLDEN_KEYS = [
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    1,
    0,
    0,
    0,
    1,
    0,
    0,
    1,
    0,
    2,
    1,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    1,
    1,
    0,
    0,
]
GOLDEN_NAMES = [
    0,
    0,
    1,
    0,
    0,
    0,
    1,
    0,
    0,
    0,
    1,
    0,
    2,
    0,
    1,
    0,
    2,
    1,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    2,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    2,
    0,
    0,
]


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
    with pytest.raises(error) as raised:
        aq.Splitter(arguments, **options)
    assert raised.value.args[0] == message


def test_too_many_parts(monkeypatch):
    monkeypatch.setattr("aliquot.splitter.MAX_PARTS", 2)
    with pytest.raises(ValueError, match=r"^parts: must be at most 2, got 3$"):
        aq.Splitter(THREE)


def test_saved_states_that_are_none():
    data = aq.Splitter(THREE, rng=7).to_bytes()
    with pytest.raises(ValueError, match="^data: must be whole, got bytes that do not match their checksum"):
        aq.Splitter.from_bytes(data[:-1])
    with pytest.raises(ValueError, match="^data: must be a saved Splitter, got a AliasTable"):
        aq.Splitter.from_bytes(aq.AliasTable([1]).to_bytes())
    with pytest.raises(TypeError, match="^data: must be bytes, got int"):
        aq.Splitter.from_bytes(7)


def test_a_fresh_seed_is_told():
    assert aq.Splitter(THREE) != aq.Splitter(THREE)
    assert "rng=" in repr(aq.Splitter(THREE, strata="s"))

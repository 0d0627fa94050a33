"""Splits by value: the part is that of the id alone, shares are those of ids, and a part that grows only takes."""

import numpy as np
import pyarrow as pa
import pytest

import aliquot as aq
import laws
import reference
from aliquot import _rng
from aliquot._kernels.hash_split import column_parts
from assigned import FINE, assign
from errors import raises
from three_parts import THREE

SEED = _rng.key_of(7)


class TestKey:
    IDS = np.random.default_rng(5).permutation(100_000)

    def parts_of(self, parts, ids=None, **options):
        return assign({"key": "id"}, {"id": self.IDS if ids is None else ids}, parts=parts, **options)

    def test_golden_parts(self):
        assert "".join(map(str, self.parts_of(THREE, range(40)))) == GOLDEN_KEYS
        assert "".join(map(str, self.parts_of(THREE, [f"user{i}" for i in range(40)]))) == GOLDEN_NAMES

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
        alike = (self.parts_of({"a": 0.5, "b": 0.5}) == self.parts_of({"a": 0.5, "b": 0.5}, seed=8)).sum()
        laws.assert_fits([alike, 100_000 - alike], [50_000, 50_000])

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
        message = (
            "id: must be a column of numbers, strings, dates, times or dictionaries of these, got list<item: int64>"
        )
        with raises(TypeError, message):
            self.parts_of(THREE, pa.array([[1]]))


GOLDEN_KEYS = "0000000100010010210000000000000000001100"
GOLDEN_NAMES = "0010001000102010210000000200000000000200"

"""Splits of whole sources: all rows, each once, in order, in exact shares; the same from files, tables and streams."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aliquot as aq
import laws

N = 2000
THREE = {"train": 0.7, "valid": 0.2, "test": 0.1}


def rows(n=N):
    rng = np.random.default_rng(3)
    return pa.table(
        {
            "x": np.arange(n),
            "label": pa.array(["a", "b", None, "d"]).take(pa.array(rng.choice(4, n, p=[0.6, 0.3, 0.09, 0.01]))),
            "half": rng.integers(0, 2, n).astype(bool),
            "user": rng.integers(0, n // 4 + 1, n),
            "coded": pa.array([f"c{i % 7}" for i in range(n)]).dictionary_encode(),
            "list": pa.array([[i] * (i % 3) for i in range(n)]),
        }
    )


TABLE = rows()


@pytest.fixture
def path(tmp_path):
    pq.write_table(TABLE.slice(0, 1300), tmp_path / "0.parquet", row_group_size=300)
    pq.write_table(TABLE.slice(1300), tmp_path / "1.parquet", row_group_size=300)
    return str(tmp_path)


def numbers(parts):
    return {name: part["x"].to_numpy() for name, part in parts.items()}


def part_of_row(parts, n=N):
    """The name of each row's part; every row is in one."""
    names = np.full(n, None, object)
    for name, its_rows in numbers(parts).items():
        assert np.all(np.diff(its_rows) > 0)
        assert all(each is None for each in names[its_rows])
        names[its_rows] = name
    assert all(each is not None for each in names)
    return names


OPTIONS = [
    {},
    {"strata": "label"},
    {"strata": ["label", "half"]},
    {"groups": "user"},
    {"groups": ["user", "half"], "strata": "label"},
    {"key": "user"},
    {"key": "user", "exact": True},
    {"key": "user", "exact": True, "strata": "half"},
    {"strata": "coded", "rare": "train"},
]


@pytest.mark.parametrize("options", OPTIONS)
class TestEverySplit:
    def test_parts_hold_every_row_once_as_it_was(self, options):
        parts = aq.split(TABLE, THREE, **options, rng=7)
        assert [*parts] == [*THREE]
        part_of_row(parts)
        for part in parts.values():
            assert part.schema.equals(TABLE.schema)
            assert part.equals(TABLE.take(part["x"]))
            part.validate(full=True)

    def test_files_tables_frames_and_streams_are_split_alike(self, options, path):
        parts = aq.split(TABLE, THREE, **options, rng=7)
        sources = [
            path,
            [f"{path}/0.parquet", f"{path}/1.parquet"],
            TABLE.to_reader(max_chunksize=77),
            iter(TABLE.to_batches(max_chunksize=500)),
            pl.DataFrame(TABLE),
            pa.concat_tables([TABLE.slice(0, 10), TABLE.slice(10, 0), TABLE.slice(10)]),
        ]
        for source in sources:
            other = aq.split(source, THREE, **options, rng=7)
            for name, part in parts.items():
                assert other[name].select(["x", "user", "half"]).equals(part.select(["x", "user", "half"])), type(
                    source
                )

    def test_the_provenance_splits_again(self, options, path):
        parts = aq.split(path, THREE, **options)
        facts = [aq.provenance(part) for part in parts.values()]
        again = aq.split(path, THREE, **options, rng=facts[0]["seed"])
        for name, part in parts.items():
            assert again[name].equals(part)
        for name, told in zip(THREE, facts, strict=True):
            assert told["part"] == name
            assert told["size"] == len(parts[name])
            assert told["population"] == N
            assert told["parts"] == {each: len(part) for each, part in parts.items()}
            assert [file["path"] for file in told["source"]] == [f"{path}/0.parquet", f"{path}/1.parquet"]
            assert told["key"] == options.get("key")

    def test_an_empty_source_gives_empty_parts(self, options, tmp_path):
        pq.write_table(TABLE.slice(0, 0), tmp_path / "none.parquet")
        for source in (TABLE.slice(0, 0), TABLE.schema.empty_table(), str(tmp_path / "none.parquet")):
            parts = aq.split(source, THREE, **options)
            assert [part.num_rows for part in parts.values()] == [0, 0, 0]
            assert all(part.schema.equals(TABLE.schema) for part in parts.values())


class TestExactSplit:
    @given(st.integers(0, 60), st.lists(st.integers(1, 9), min_size=1, max_size=5), st.sampled_from([None, "s"]))
    def test_shares_are_exact_overall_and_in_each_stratum(self, n, counts, strata):
        shares = {str(i): count / sum(counts) for i, count in enumerate(counts)}
        labels = np.random.default_rng(n).integers(0, 3, n)
        parts = aq.split(pa.table({"x": np.arange(n), "s": labels}), shares, strata=strata, rng=n)
        names = part_of_row(parts, n)
        for name, share in shares.items():
            assert abs((names == name).sum() - n * share) < 1
            for label in np.unique(labels) if strata else []:
                assert abs((names[labels == label] == name).sum() - (labels == label).sum() * share) < 1

    def test_the_rows_are_those_of_split_indices(self):
        for options in ({}, {"strata": "label"}, {"groups": "user"}, {"strata": "label", "groups": "user"}):
            arrays = {name: TABLE[column] for name, column in options.items()}
            expected = aq.split_indices(N, THREE, **arrays, rng=7)
            found = numbers(aq.split(TABLE, THREE, **options, rng=7))
            assert all(np.array_equal(found[name], expected[name]) for name in THREE)

    def test_bins_are_strata(self, path):
        names = part_of_row(aq.split(path, THREE, strata=aq.bins("x", quantiles=4), rng=7))
        for quarter in np.split(names, 4):
            assert [(quarter == name).sum() for name in THREE] == [350, 100, 50]

    def test_parts_in_rows(self):
        parts = aq.split(TABLE, {"test": 100, "train": None, "none": 0}, strata="label", rng=7)
        assert [part.num_rows for part in parts.values()] == [100, 1900, 0]
        with pytest.raises(ValueError, match=r"^parts: must hold at most the 2000 rows there are, got 2001$"):
            aq.split(TABLE, {"test": 2001, "train": None})

    def test_many_parts(self):
        parts = aq.split(TABLE, {str(i): 0.01 for i in range(100)}, rng=7)
        assert {part.num_rows for part in parts.values()} == {20}
        part_of_row(parts)

    def test_no_group_is_in_two_parts(self):
        for options in ({"groups": "user"}, {"key": "user"}, {"key": "user", "exact": True, "strata": "label"}):
            names = part_of_row(aq.split(TABLE, THREE, **options, rng=7))
            together = pd.DataFrame({"user": TABLE["user"].to_numpy(), "part": names})
            assert together.groupby("user")["part"].nunique().max() == 1

    def test_rare_strata(self):
        few = pa.table({"x": range(5), "s": ["a", "a", "a", "a", "b"]})
        with pytest.raises(ValueError, match=r"^strata: must have a row for each of 3 parts, got 1 of 'b'$"):
            aq.split(few, THREE, strata="s", rare="error")
        assert 4 in numbers(aq.split(few, THREE, strata="s", rare="test"))["test"]
        told = aq.provenance(aq.split(few, THREE, strata="s", rng=7)["test"])["unmet"]
        assert ("rare stratum", "'b'") in {(each["problem"], each["subject"]) for each in told}

    def test_rows_without_columns(self):
        alone = pa.RecordBatch.from_arrays([pa.nulls(10)], ["n"]).select([])
        parts = aq.split(alone, {"a": 0.7, "b": 0.3})
        assert [part.num_rows for part in parts.values()] == [7, 3]


class TestKey:
    def test_parts_are_those_of_a_splitter(self):
        names = part_of_row(aq.split(TABLE, THREE, key="user", rng=7))
        assert names.tolist() == aq.Splitter(THREE, key="user", rng=7).assign(TABLE).to_pylist()

    def test_adding_and_moving_rows_moves_no_id(self):
        names = dict(
            zip(TABLE["user"].to_pylist(), part_of_row(aq.split(TABLE, THREE, key="user", rng=7)), strict=True)
        )
        more = pa.table({"x": range(900), "user": range(899, -1, -1)})
        for user, name in zip(
            more["user"].to_pylist(), part_of_row(aq.split(more, THREE, key="user", rng=7), 900), strict=True
        ):
            assert names.get(user, name) == name

    def test_exact_shares_of_ids(self):
        for strata in (None, "half"):
            once = pa.table({"x": range(1001), "user": range(1001), "half": [i % 3 == 0 for i in range(1001)]})
            names = part_of_row(aq.split(once, THREE, key="user", exact=True, strata=strata, rng=7), 1001)
            half = once["half"].to_numpy()
            for name, share in THREE.items():
                for these in (half, ~half) if strata else (np.ones(1001, bool),):
                    assert abs((names[these] == name).sum() - these.sum() * share) < 1
            # The order of rows does not matter where no rank is a tie.
            turned = pa.table({"x": range(1001), "user": once["user"].to_numpy()[::-1], "half": half[::-1]})
            other = part_of_row(aq.split(turned, THREE, key="user", exact=True, strata=strata, rng=7), 1001)
            assert np.array_equal(other, names[::-1])

    def test_exact_shares_are_fair(self):
        table = pa.table({"x": range(10), "user": range(10)})
        counts = np.zeros(10)
        for seed in range(500):
            counts[numbers(aq.split(table, THREE, key="user", exact=True, rng=seed))["valid"]] += 1
        laws.assert_fits(counts, np.full(10, 100.0))

    def test_a_stream_is_split_as_it_passes(self):
        def batches():
            yield from TABLE.to_batches(max_chunksize=100)

        assert part_of_row(aq.split(batches(), THREE, key="user", rng=7)).tolist() == (
            part_of_row(aq.split(TABLE, THREE, key="user", rng=7)).tolist()
        )


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"strata": "nope"}, KeyError, "strata: must be a column of ['x', 'label', 'half', 'user', 'coded', 'list'], got 'nope'"),
        ({"groups": ["x", "nope"]}, KeyError, "groups: must be a column of ['x', 'label', 'half', 'user', 'coded', 'list'], got 'nope'"),
        ({"key": "nope"}, KeyError, "key: must be a column of ['x', 'label', 'half', 'user', 'coded', 'list'], got 'nope'"),
        ({"strata": []}, ValueError, "strata: must be at least one column, got none"),
        ({"strata": 3}, TypeError, "strata: must be a column name or a list of them, got int 3"),
        ({"strata": "list"}, TypeError, "list: must be a column of numbers, strings, dates, times or dictionaries of these, got list<item: int64>"),
        ({"key": "list"}, TypeError, "list: must be a column of numbers, strings, dates, times or dictionaries of these, got list<item: int64>"),
        ({"exact": True}, ValueError, "exact: must be False without key, as sizes are exact anyway, got True"),
        ({"exact": 1, "key": "x"}, TypeError, "exact: must be True or False, got int 1"),
        ({"key": "x", "groups": "user"}, ValueError, "groups: must be None with key, which keeps the rows of an id together, got 'user'"),
        ({"key": "x", "strata": "label"}, ValueError, "strata: must be None with key unless exact=True, as an id alone decides, got 'label'"),
        ({"key": "x", "rare": "train"}, ValueError, "rare: must be 'spread' with key, as an id alone decides, got 'train'"),
        ({"key": "x", "strata": "label", "exact": True, "rare": "error"}, ValueError, "rare: must be 'spread' with key, as an id alone decides, got 'error'"),
        ({"rare": "some"}, ValueError, "rare: must be one of 'spread', 'error', 'train', 'valid', 'test', got 'some'"),
    ],
)  # fmt: skip
def test_mistakes(options, error, message):
    with pytest.raises(error) as raised:
        aq.split(TABLE, THREE, **options)
    assert raised.value.args[0] == message


def test_parts_by_key_are_shares():
    with pytest.raises(ValueError, match=r"^parts: must be shares with key, got \{'a': 3, 'b': None\}$"):
        aq.split(TABLE, {"a": 3, "b": None}, key="x")

"""sample and provenance on Arrow data."""

import json

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given

import aliquot as aq
import laws
import reference
from aliquot import _rng
from aliquot._checks import rows_of_fraction

N = 50_000
TABLE = pa.table({"x": np.arange(N), "s": pa.array([None if i % 7 == 0 else f"s{i % 50}" for i in range(N)])})


def stream(table=TABLE, rows=777):
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=rows))


def chunked(table, cuts):
    bounds = [0, *sorted(cuts), len(table)]
    pieces = [table.slice(first, last - first) for first, last in zip(bounds, bounds[1:], strict=False)]
    return pa.concat_tables(pieces)


@given(st.lists(st.integers(0, N), max_size=6), st.integers(0, 3000))
def test_a_sample_is_take_of_sample_indices_however_the_table_is_chunked(cuts, k):
    sampled = aq.sample(chunked(TABLE, cuts), k, rng=7)
    assert sampled.equals(TABLE.take(pa.array(aq.sample_indices(N, k, rng=7))))


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("order", ["source", "random"])
@pytest.mark.parametrize("where", [None, (pc.field("x") > 20_000) & (pc.field("s") != "s3")])
@pytest.mark.parametrize("amount", [{"size": 500}, {"fraction": 0.013}, {"fraction": 1.0}, {"size": 0}])
def test_a_stream_gives_the_sample_of_the_table(replace, order, where, amount):
    options = {
        "replace": replace,
        "order": order,
        "where": where,
        "rng": 7,
        "row_number": "row",
        "design_weight": "w",
        **amount,
    }
    whole = aq.sample(TABLE, **options)
    assert aq.sample(stream(), **options).equals(whole)
    assert whole["row"].to_pylist() == whole["x"].to_pylist()


@given(st.lists(st.integers(0, N), max_size=6), st.floats(1e-5, 1))
def test_a_fraction_of_a_stream_is_exact(cuts, fraction):
    pieces = chunked(TABLE, cuts)
    sampled = aq.sample(pa.RecordBatchReader.from_batches(TABLE.schema, pieces.to_batches()), fraction=fraction, rng=7)
    assert sampled["x"].to_pylist() == aq.sample_indices(N, rows_of_fraction(fraction, N), rng=7).tolist()


@pytest.mark.parametrize(
    ("fraction", "rows", "size"),
    [(0.1, 25, 3), (0.1, 24, 2), (0.7, 45, 32), (0.3, 5, 2), (1.0, 5, 5), (0.01, 49, 0), (0.5, 1, 1)],
)
def test_fractions_round_half_up(fraction, rows, size):
    assert aq.sample(TABLE.slice(0, rows), fraction=fraction, rng=1).num_rows == size


@pytest.mark.parametrize(
    "draw",
    [
        lambda size: aq.sample_indices(2**62, size),
        lambda size: aq.sample_indices(2**62, size, design="first"),
        lambda size: aq.sample_indices(3, size, replace=True, weights=[1, 2, 3]),
        lambda size: aq.sample_indices(3, size, replace=True, strata=[1, 2, 3]),
        lambda size: aq.sample(pa.table({"x": [1]}), {1: size}, strata="x", replace=True),
        lambda size: aq.sample(pa.table({"x": [1]}), size, replace=True),
        lambda size: aq.Reservoir(size, replace=True),
        lambda size: aq.AliasTable([1, 2]).draw((size // 16, 16)),
    ],
)
def test_more_rows_than_any_memory_holds_are_refused(draw):
    with pytest.raises(
        ValueError, match=rf"^size: must be at most 2\*\*56 in all, as memory holds no more, got {2**61}$"
    ):
        draw(2**61)


def test_random_order_begins_with_the_smaller_sample():
    large, small = (aq.sample(TABLE, k, order="random", rng=7) for k in (1000, 10))
    assert large.slice(0, 10).equals(small)
    assert sorted(large["x"].to_pylist()) == aq.sample_indices(N, 1000, rng=7).tolist()


def test_random_order_is_random():
    firsts = [aq.sample(TABLE.slice(0, 4), 4, order="random", rng=seed)["x"].to_pylist() for seed in range(2400)]
    counts = np.unique([reference_rank(each) for each in firsts], return_counts=True)[1]
    laws.assert_fits(counts, np.full(24, 100))


def reference_rank(permutation):
    return sum(x * 4**i for i, x in enumerate(permutation))


class TestWhere:
    def test_rows_that_pass_are_the_population(self):
        sampled = aq.sample(TABLE, 100, where=pc.field("s") == "s3", rng=7, design_weight="w")
        passing = TABLE.filter(pc.field("s") == "s3")
        assert set(sampled["s"].to_pylist()) == {"s3"}
        assert aq.provenance(sampled)["population"] == len(passing)
        assert sampled["w"].to_pylist() == [len(passing) / 100] * 100

    def test_they_keep_the_keys_of_their_row_numbers(self):
        keys = reference.row_keys(_rng.key_of(7), 3000)
        keys[np.arange(3000) < 1000] = np.inf
        sampled = aq.sample(TABLE.slice(0, 3000), 20, where=pc.field("x") >= 1000, rng=7)
        assert sampled["x"].to_pylist() == reference.smallest(keys, 20).tolist()

    def test_the_filter_may_use_columns_that_are_not_returned(self):
        assert aq.sample(TABLE, 5, where=pc.field("x") < 10, columns=["s"], rng=7).column_names == ["s"]
        assert aq.sample(stream(), 5, where=pc.field("x") < 10, columns=["s"], rng=7).column_names == ["s"]

    def test_nested_fields_and_columns_by_number(self):
        table = pa.table({"n": pa.array([{"a": i} for i in range(100)]), "x": np.arange(100)})
        assert max(aq.sample(table, 5, where=pc.field("n", "a") < 10, rng=1)["x"].to_pylist()) < 10
        assert max(aq.sample(table, 5, where=pc.field(1) < 10, rng=1)["x"].to_pylist()) < 10

    def test_columns_by_number_are_those_of_the_source(self):
        table = pa.table({"a": np.arange(100), "b": np.arange(100, 200)})
        for source in (table, stream(table)):
            sampled = aq.sample(source, 3, where=pc.field(0) > 96, columns=["b"], rng=1)
            assert sampled["b"].to_pylist() == [197, 198, 199]

    @pytest.mark.parametrize("source", [TABLE, None])
    def test_too_few_pass(self, source):
        with pytest.raises(ValueError, match=r"^size: must be at most the population of 10 rows, got 11$"):
            aq.sample(source or stream(), 11, where=pc.field("x") < 10)

    def test_errors(self):
        with pytest.raises(KeyError, match=r"where: must be made of columns of \['x', 's'\], got 'nope'"):
            aq.sample(TABLE, 1, where=pc.field("nope") > 1)
        with pytest.raises(TypeError, match=r"^where: must be a boolean expression, got one of type int64$"):
            aq.sample(TABLE, 1, where=pc.field("x") + 1)
        with pytest.raises(TypeError, match=r"^where: must be a pyarrow.compute.Expression, got str 'x > 1'$"):
            aq.sample(TABLE, 1, where="x > 1")
        with pytest.raises(TypeError, match=r"^where: must be an expression over these types, got "):
            aq.sample(TABLE, 1, where=pc.field("s") > 1)


class TestProvenance:
    def test_it_holds_what_draws_the_sample_again(self):
        facts = aq.provenance(aq.sample(TABLE, 10))
        assert aq.sample(TABLE, 10, rng=facts["seed"]).equals(aq.sample(TABLE, 10, rng=facts["seed"]))
        assert set(facts) == {
            "version", "stream", "design", "size", "seed", "population", "rows_read", "bytes_read", "source", "strata"
        }  # fmt: skip
        assert (facts["size"], facts["population"], facts["source"], facts["strata"]) == (10, N, "arrow", None)
        assert (facts["version"], facts["stream"], facts["design"]) == (aq.__version__, 1, "uniform")

    def test_fresh_entropy_is_recorded(self):
        first = aq.sample(TABLE, 100)
        assert aq.sample(TABLE, 100, rng=aq.provenance(first)["seed"]).equals(first)

    def test_a_generator_is_recorded_as_an_integer(self):
        first = aq.sample(TABLE, 100, rng=np.random.default_rng(5))
        assert aq.sample(TABLE, 100, rng=aq.provenance(first)["seed"]).equals(first)

    def test_metadata_of_the_source_stay(self):
        table = TABLE.replace_schema_metadata({"mine": "1"})
        metadata = aq.sample(table, 1, rng=7).schema.metadata
        assert metadata[b"mine"] == b"1"
        assert json.loads(metadata[b"aliquot"])["seed"] == 7

    def test_design_names(self):
        assert aq.provenance(aq.sample(TABLE, 1, replace=True))["design"] == "uniform with replacement"
        keyed = aq.Reservoir(5, key="x")
        assert aq.provenance(keyed.result())["design"] == "coordinated"

    def test_files(self, tmp_path):
        import pyarrow.parquet as pq

        sampled = aq.sample(TABLE, 10, rng=7)
        pq.write_table(sampled, tmp_path / "s.parquet")
        with pa.ipc.new_file(tmp_path / "s.arrow", sampled.schema) as writer:
            writer.write_table(sampled)
        expected = aq.provenance(sampled)
        assert aq.provenance(tmp_path / "s.parquet") == aq.provenance(str(tmp_path / "s.arrow")) == expected

    def test_errors(self, tmp_path):
        with pytest.raises(
            ValueError, match=r"^source: must be a sample that aliquot drew, got Table without provenance$"
        ):
            aq.provenance(TABLE)
        for text in (b"no JSON", b"[1]"):
            with pytest.raises(ValueError, match=r"^source: must be a sample that aliquot drew, got a schema with "):
                aq.provenance(TABLE.schema.with_metadata({"aliquot": text}))
        with pytest.raises(FileNotFoundError, match=r"^source: must be a file, got '.*nope'$"):
            aq.provenance(tmp_path / "nope")
        (tmp_path / "text").write_text("not parquet at all")
        with pytest.raises(ValueError, match="text: must be a Parquet or Arrow file, got "):
            aq.provenance(tmp_path / "text")
        with pytest.raises(TypeError, match=r"^source: must be a table or a path, got int 5$"):
            aq.provenance(5)


class TestArguments:
    def test_size_or_fraction(self):
        with pytest.raises(TypeError, match=r"^size: must be given, or else fraction, got neither$"):
            aq.sample(TABLE)
        with pytest.raises(TypeError, match=r"^size: must be given, or else fraction, got both$"):
            aq.sample(TABLE, 1, fraction=0.1)

    @pytest.mark.parametrize("fraction", [0, -0.1, 1.1, float("nan")])
    def test_fraction(self, fraction):
        with pytest.raises(ValueError, match=r"^fraction: must be above 0 and at most 1, got "):
            aq.sample(TABLE, fraction=fraction)

    def test_fraction_of_another_type(self):
        with pytest.raises(TypeError, match=r"^fraction: must be a number, got str '0.1'$"):
            aq.sample(TABLE, fraction="0.1")

    @pytest.mark.parametrize("source", [TABLE, None])
    def test_size_above_the_rows(self, source):
        with pytest.raises(ValueError, match=rf"^size: must be at most the population of {N} rows, got {N + 1}$"):
            aq.sample(source or stream(), N + 1)

    def test_no_rows_at_all(self):
        empty = TABLE.slice(0, 0)
        for source in (empty, stream(empty)):
            assert aq.sample(source, 0).schema.remove_metadata() == TABLE.schema
        with pytest.raises(ValueError, match=r"^size: must be at most the population of 0 rows, got 1$"):
            aq.sample(stream(empty), 1, replace=True)
        assert aq.sample(empty, fraction=0.5, replace=True).num_rows == 0

    def test_columns(self):
        assert aq.sample(TABLE, 2, columns=["s", "x"], rng=1).column_names == ["s", "x"]
        nothing = aq.sample(TABLE, 2, columns=[], rng=1)
        assert (nothing.num_columns, nothing.num_rows) == (0, 2)
        with pytest.raises(KeyError, match=r"columns: must be a column of \['x', 's'\], got 'nope'"):
            aq.sample(TABLE, 2, columns=["nope"])
        with pytest.raises(TypeError, match=r"^columns: must be a list of column names, got str 'x'$"):
            aq.sample(TABLE, 2, columns="x")
        with pytest.raises(ValueError, match=r"^columns: must differ from each other, got 'x' twice$"):
            aq.sample(TABLE, 2, columns=["x", "x"])

    def test_order_and_replace(self):
        with pytest.raises(ValueError, match=r"^order: must be one of 'source', 'random', got 'key'$"):
            aq.sample(TABLE, 2, order="key")
        with pytest.raises(TypeError, match=r"^replace: must be True or False, got int 1$"):
            aq.sample(TABLE, 2, replace=1)

    def test_added_columns(self):
        with pytest.raises(ValueError, match=r"^row_number: must not be a column that is there already, got 'x'$"):
            aq.sample(TABLE, 2, row_number="x")
        with pytest.raises(ValueError, match=r"^design_weight: must not be a column that is there already, got 'w'$"):
            aq.sample(TABLE, 2, row_number="w", design_weight="w")
        assert (
            aq.sample(TABLE, 2, columns=["s"], row_number="x", rng=1)["x"].to_pylist()
            == aq.sample_indices(N, 2, rng=1).tolist()
        )

    def test_progress(self):
        told = []
        aq.sample(stream(), 5, progress=lambda done, total: told.append((done, total)))
        assert told[-1] == (N, None)
        assert [done for done, _ in told] == sorted({done for done, _ in told})
        told.clear()
        aq.sample(TABLE, 5, where=pc.field("x") > 5, progress=lambda done, total: told.append((done, total)))
        assert told[-1] == (N, N)
        for options in ({}, {"allocation": "equal"}, {"weights": "x"}, {"order": "random"}):
            told.clear()
            aq.sample(TABLE, 50, strata="s", progress=lambda done, total: told.append((done, total)), **options)
            assert told[-1] == (N, N)
        with pytest.raises(TypeError, match=r"^progress: must be True, a callable or None, got int 1$"):
            aq.sample(TABLE, 5, progress=1)

    def test_progress_bar(self, capsys):
        aq.sample(TABLE, 5, progress=True)
        assert capsys.readouterr().out == ""

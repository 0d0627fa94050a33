"""Weights from columns, expressions and arrays of every type, and those that are none."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import aliquot as aq
from weighted_rows import TABLE, WEIGHTS, N, stream


class TestWeightsOfAllKinds:
    EXPECTED = aq.sample_indices(N, 50, weights=np.arange(N) % 100, rng=7).tolist()

    @pytest.mark.parametrize(
        "kind",
        [
            pa.int8(),
            pa.uint8(),
            pa.int32(),
            pa.uint64(),
            pa.float32(),
            pa.float64(),
            pa.decimal128(21, 2),
            pa.float16(),
        ],
    )
    def test_numbers_of_all_types(self, kind):
        weights = pa.array(np.arange(N) % 100).cast(kind)
        table = pa.table({"x": np.arange(N), "w": weights})
        assert aq.sample(table, 50, weights="w", rng=7)["x"].to_pylist() == self.EXPECTED
        assert aq.sample(TABLE, 50, weights=weights, rng=7)["x"].to_pylist() == self.EXPECTED

    def test_arrays_lists_and_expressions(self):
        weights = np.arange(N) % 100
        chunked = pa.chunked_array([weights[:5000], weights[5000:]])
        for each in (weights, weights.tolist(), chunked, pa.array(weights)):
            assert aq.sample(TABLE, 50, weights=each, rng=7)["x"].to_pylist() == self.EXPECTED
            assert aq.sample(stream(), 50, weights=each, rng=7)["x"].to_pylist() == self.EXPECTED
        modulo = pc.field("x") - pc.multiply(
            pc.floor(pc.divide(pc.field("x").cast("float64"), pc.scalar(100.0))), pc.scalar(100.0)
        )
        assert aq.sample(TABLE, 50, weights=modulo, columns=["s", "x"], rng=7)["x"].to_pylist() == self.EXPECTED
        reservoir = aq.Reservoir(50, weights=modulo, rng=7)
        for batch in stream():
            reservoir.update(batch)
        restored = aq.Reservoir.from_bytes(reservoir.to_bytes())
        assert restored == reservoir
        assert restored.result()["x"].to_pylist() == self.EXPECTED

    def test_a_filter_and_projection(self):
        options = {"weights": "w", "where": pc.field("s") == "s3", "columns": ["x"], "design_weight": "d", "rng": 7}
        whole = aq.sample(TABLE, 50, **options)
        assert set(np.array(whole["x"]) % 9) == {3}
        assert aq.sample(stream(), 50, **options).equals(whole)

    @pytest.mark.parametrize("strata", [None, "s"])
    @pytest.mark.parametrize("weights", ["w", pc.field("w") * 2, aq.weight(lambda w: w * 2)], ids=["column", "expression", "function"])  # fmt: skip
    def test_weights_of_rows_that_are_filtered_out_may_be_anything(self, tmp_path, weights, strata):
        w = [1.0, None, 2.0, -1.0, 3.0, math.nan, 4.0, math.inf, 5.0]
        table = pa.table({"w": w, "s": ["a", "b", "a"] * 3, "good": [i % 2 == 0 for i in range(9)]})
        pq.write_table(table, tmp_path / "t.parquet", row_group_size=4)
        options = {"weights": weights, "strata": strata, "row_number": "row", "rng": 7}
        for source in (table, table.to_reader(max_chunksize=2), tmp_path / "t.parquet"):
            drawn = aq.sample(source, 5, where=pc.field("good"), **options)
            assert drawn["row"].to_pylist() == [0, 2, 4, 6, 8]
        name = weights if isinstance(weights, str) else "weights"
        for source in (table, table.to_reader(max_chunksize=2), tmp_path / "t.parquet"):
            with pytest.raises(ValueError, match=rf"^{name}: must be finite and not negative, got null at row 1$"):
                aq.sample(source, 5, where=pc.field("good") | pc.field("w").is_null(), **options)

    def test_a_fraction(self):
        assert aq.sample(TABLE, fraction=0.01, weights="w", rng=7).equals(aq.sample(TABLE, 200, weights="w", rng=7))

    @pytest.mark.parametrize(
        "options",
        [
            {"design": "successive", "design_weight": "d"},
            {"design": "priority", "order": "random"},
            {"replace": True, "row_number": "n"},
            {"where": pc.field("s") == "s3", "columns": ["x"]},
        ],
    )
    def test_a_fraction_of_a_stream(self, options):
        for weights in ("w", aq.weight(lambda x: x % 7)):
            whole = aq.sample(TABLE, fraction=0.03, weights=weights, rng=7, **options)
            streamed = aq.sample(stream(), fraction=0.03, weights=weights, rng=7, **options)
            assert streamed.equals(whole)
            assert aq.provenance(streamed)["rows_read"] == N
        assert aq.sample(stream(TABLE.slice(0, 0)), fraction=0.5, weights="w").num_rows == 0
        with pytest.raises(ValueError, match=r"^w: must be finite and not negative, got -1.0 at row 1$"):
            aq.sample(stream(pa.table({"w": [0, -1]})), fraction=0.5, weights="w")
        with pytest.raises(ValueError, match=r"^weights: must be one a row, got 3 for "):
            aq.sample(stream(), fraction=0.5, weights=[1, 2, 3])

    def test_codes_of_string_views_are_no_numbers(self):
        views = pa.DictionaryArray.from_arrays(pa.array([0]), pa.array(["a"], pa.string_view()))
        with pytest.raises(TypeError, match=r"^weights: must be numbers, got large_string$"):
            aq.AliasTable(views)

    def test_parquet_scans_the_weights_alone(self, tmp_path):
        pq.write_table(TABLE, tmp_path / "x.parquet", row_group_size=1000)
        sampled = aq.sample(tmp_path, 1, weights="w", rng=7)
        assert sampled.equals(aq.sample(TABLE, 1, weights="w", rng=7))
        assert aq.provenance(sampled)["rows_read"] == N + 1000
        assert aq.provenance(sampled)["design"] == "successive"


class TestErrors:
    @pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
    @pytest.mark.parametrize("row", [0, 63, 64, 1000, N - 1])
    def test_a_bad_weight_is_named_and_changes_nothing(self, value, row):
        weights = WEIGHTS.copy()
        weights[row] = value
        bad = TABLE.set_column(1, "w", pa.array(weights))
        message = rf"^w: must be finite and not negative, got {value} at row {row}$"
        for source in (bad, stream(bad)):
            with pytest.raises(ValueError, match=message):
                aq.sample(source, 5, weights="w")
        with pytest.raises(ValueError, match=message.replace("w:", "weights:")):
            aq.sample_indices(N, 5, weights=weights)
        reservoir = aq.Reservoir(50, weights="w", start=N, rng=7)
        reservoir.update(TABLE)
        before = reservoir.to_bytes()
        for data in (bad, bad.combine_chunks().to_batches()[0], pa.concat_tables([TABLE, bad])):
            with pytest.raises(ValueError, match=r"^w: must be finite and not negative, got "):
                reservoir.update(data)
            assert reservoir.to_bytes() == before

    def test_a_null_weight(self):
        bad = pa.table({"w": pa.array([1.0, None])})
        with pytest.raises(ValueError, match=r"^w: must be finite and not negative, got null at row 1$"):
            aq.sample(bad, 1, weights="w")

    def test_too_few_positive_weights(self):
        table = pa.table({"w": [0.0, 1.0, 0.0]})
        with pytest.raises(ValueError, match=r"^w: must be positive in at least 2 rows, got 1 such rows$"):
            aq.sample(table, 2, weights="w")
        with pytest.raises(ValueError, match=r"^w: must be positive in at least 1 row, got 0 such rows$"):
            aq.sample(table.slice(0, 1), 5, weights="w", replace=True)

    def test_other_things(self):
        with pytest.raises(KeyError, match="weights: must be a column of .* got 'nope'"):
            aq.sample(TABLE, 1, weights="nope")
        with pytest.raises(TypeError, match=r"^s: must be numbers, got string$"):
            aq.sample(TABLE, 1, weights="s")
        with pytest.raises(ValueError, match=r"^weights: must be one a row, got 3 for 20000 rows$"):
            aq.sample_indices(N, 1, weights=[1, 2, 3])
        with pytest.raises(ValueError, match=r"^weights: must be one a row, got 3 for "):
            aq.sample(TABLE, 1, weights=[1, 2, 3])
        with pytest.raises(ValueError, match=r"^weights: must be one a row, got 20001 for 20000 rows$"):
            aq.sample(TABLE, 1, weights=np.ones(N + 1))
        with pytest.raises(
            ValueError, match=r"^design: must be one of 'successive', 'priority', 'quota', 'first', got 'poisson'$"
        ):
            aq.sample(TABLE, 1, weights="w", design="poisson")
        with pytest.raises(
            TypeError,
            match=r"^weights: must be a column name, an expression or a function of columns, got list \[1\]$",
        ):
            aq.Reservoir(1, weights=[1])
        with pytest.raises(ValueError, match=r"^other: must have weights='w' like this reservoir, got 'x'$"):
            aq.Reservoir(1, weights="w").merge(aq.Reservoir(1, weights="x"))

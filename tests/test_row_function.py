"""Weights by compiled functions of columns."""

import copy
import pickle

import numba
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import aliquot as aq
from weighted_rows import TABLE, WEIGHTS, N, stream


def modulo(x):
    return x % 100


class TestFunctions:
    EXPECTED = aq.sample_indices(N, 50, weights=np.arange(N) % 100, rng=7).tolist()

    def test_a_function_of_columns_is_like_the_weights_it_returns(self, tmp_path):
        pq.write_table(TABLE, tmp_path / "x.parquet", row_group_size=1000)
        weights = aq.weight(modulo)
        for source in (TABLE, stream(), tmp_path):
            assert aq.sample(source, 50, weights=weights, columns=["x"], rng=7)["x"].to_pylist() == self.EXPECTED
        reservoir = aq.Reservoir(50, weights=weights, columns=["x"], rng=7)
        for batch in stream():
            reservoir.update(batch)
        assert reservoir.result()["x"].to_pylist() == self.EXPECTED
        expected = aq.poisson(TABLE, 300, weights=np.arange(N) % 100, rng=7).read_all()
        assert aq.poisson(TABLE, 300, weights=weights, rng=7).read_all().equals(expected)

    def test_arguments_are_found_by_name(self):
        product = aq.weight(lambda w, x: x * w)
        assert product.columns == ["w", "x"]
        expected = aq.sample_indices(N, 50, weights=np.arange(N) * WEIGHTS, rng=7).tolist()
        assert aq.sample(TABLE, 50, weights=product, rng=7)["x"].to_pylist() == expected
        assert product(2, 3) == 6

    def test_what_numba_has_compiled_already(self):
        compiled = aq.weight(numba.njit(modulo))
        assert compiled == aq.weight(modulo)
        assert aq.sample(TABLE, 50, weights=compiled, rng=7)["x"].to_pylist() == self.EXPECTED

    @pytest.mark.parametrize(
        "kind", [pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.decimal128(21, 2)], ids=str
    )
    def test_numbers_of_all_types(self, kind):
        table = pa.table({"x": pa.array(np.arange(N) % 100).cast(kind), "row": np.arange(N)})
        for each in (table, table.slice(7).slice(0), pa.concat_tables([table.slice(0, 9), table.slice(9)])):
            rows = aq.sample(each, 50, weights=aq.weight(lambda x: x), row_number="n", rng=7)["n"].to_pylist()
            assert rows == aq.sample(each, 50, weights="x", row_number="n", rng=7)["n"].to_pylist()

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_times_are_seconds_in_any_unit(self, unit):
        seconds = np.random.default_rng(8).integers(-(10**6), 10**6, 500)
        moments = pa.array(seconds).cast(pa.timestamp("s")).cast(pa.timestamp(unit, "UTC"))
        spans = pa.array(seconds).cast(pa.duration("s")).cast(pa.duration(unit))
        expected = (seconds / 3600.0) ** 2
        for times in (moments, spans):
            table = pa.table({"t": times})
            batch = table.to_batches()[0]
            assert np.array_equal(aq.weight(lambda t: (t / 3600.0) ** 2).values(batch, 0), expected)

    def test_dates_clock_times_and_booleans(self):
        days = pa.array([0, 1, 20_000], pa.int32())
        batch = pa.record_batch(
            {
                "d32": days.cast(pa.date32()),
                "d64": days.cast(pa.date32()).cast(pa.date64()),
                "t32": pa.array([0, 1500, 2000], pa.int32()).cast(pa.time32("ms")),
                "t64": pa.array([0, 1500, 2000], pa.int64()).cast(pa.time64("ns")),
                "b": pa.array([True, False, True]),
                "c": pa.array([3, 3, 4]).dictionary_encode(),
            }
        )
        assert aq.weight(lambda d32: d32).values(batch, 0).tolist() == [0, 86_400, 20_000 * 86_400]
        assert aq.weight(lambda d64: d64).values(batch, 0).tolist() == [0, 86_400, 20_000 * 86_400]
        assert aq.weight(lambda t32: t32).values(batch, 0).tolist() == [0, 1.5, 2]
        assert aq.weight(lambda t64: t64).values(batch, 0).tolist() == [0, 1.5e-6, 2e-6]
        assert aq.weight(lambda b, c: c if b else 0).values(batch, 0).tolist() == [3, 0, 4]
        assert aq.weight(lambda b, c: c if b else 0).values(batch.slice(1), 0).tolist() == [0, 4]

    def test_saved_reservoirs_merge_but_have_lost_the_function(self):
        def fed(first, last):
            reservoir = aq.Reservoir(50, weights=aq.weight(modulo), start=first, rng=7)
            reservoir.update(TABLE.slice(first, last - first))
            return reservoir

        whole, first, second = fed(0, N), fed(0, 5000), fed(5000, N)
        for restore in (lambda r: aq.Reservoir.from_bytes(r.to_bytes()), lambda r: pickle.loads(pickle.dumps(r))):
            merged = restore(first)
            merged.merge(restore(second))
            assert merged == whole
            assert merged.result()["x"].to_pylist() == self.EXPECTED
            with pytest.raises(ValueError, match=r"^weights: must be a column name or an expression for a saved "):
                merged.update(TABLE)
        copied = copy.copy(first)
        copied.update(TABLE.slice(5000))
        assert copied == whole

    def test_functions_that_differ_do_not_merge(self):
        def power(p):
            return aq.weight(lambda x: x**p)

        assert power(2) == power(2)
        assert power(2) != power(3)
        assert power(2) != "power"
        assert len({power(2), power(2), power(3)}) == 2
        assert repr(aq.weight(modulo)) == "weight(modulo(x))"
        with pytest.raises(
            ValueError, match=r"^other: must have weights='<lambda>\(x\) [0-9a-f]{16}' like this reservoir"
        ):
            aq.Reservoir(1, weights=power(2)).merge(aq.Reservoir(1, weights=power(3)))

    @pytest.mark.parametrize(
        ("function", "error", "message"),
        [
            (lambda s: s, TypeError, "weights: must be made of numbers, booleans or times, got a column of string"),
            (lambda nope: nope, KeyError, "weights: must be a column of ['x', 'w', 's'], got 'nope'"),
            (
                lambda x: x.foo,
                TypeError,
                "weights: must be a function that Numba compiles, got <lambda>(x): Unknown attribute 'foo' of type int64",
            ),
            (
                lambda x: nowhere(x),  # noqa: F821
                TypeError,
                "weights: must be a function that Numba compiles, got <lambda>(x): NameError: name 'nowhere' is not defined",
            ),
            (lambda x: x > 5, TypeError, "weights: must be numbers, got bool"),
            (lambda x: 1j * x, TypeError, "weights: must be numbers, got complex128"),
            (lambda x: 5 - x, ValueError, "weights: must be finite and not negative, got -1.0 at row 6"),
            (lambda x: 1.0 / x, ValueError, "weights: must be finite and not negative, got inf at row 0"),
        ],
    )
    def test_errors(self, function, error, message):
        for source in (TABLE, stream()):
            with pytest.raises(error) as caught:
                aq.sample(source, 5, weights=aq.weight(function), rng=7)
            assert caught.value.args[0] == message

    def test_a_null_gives_the_usual_error(self):
        batches = [pa.record_batch({"x": pa.array([1, 2])}), pa.record_batch({"x": pa.array([3, None])})]
        with pytest.raises(ValueError, match=r"^weights: must be finite and not negative, got null at row 3$"):
            aq.sample(pa.Table.from_batches(batches), 1, weights=aq.weight(modulo))

    def test_a_failed_update_changes_nothing(self):
        reservoir = aq.Reservoir(5, weights=aq.weight(lambda x: 100 - x), rng=7)
        reservoir.update(TABLE.slice(0, 50))
        before = reservoir.to_bytes()
        with pytest.raises(ValueError, match=r"^weights: must be finite and not negative, got -1.0 at row 101$"):
            reservoir.update(TABLE.slice(50, 100))
        assert reservoir.to_bytes() == before

    def test_what_is_no_function_of_columns(self):
        with pytest.raises(TypeError, match=r"^function: must be a Python function, got str 'x'$"):
            aq.weight("x")
        with pytest.raises(TypeError, match=r"^function: must be a Python function, got builtin_function_or_method$"):
            aq.weight(abs)
        for function in (lambda: 1, lambda *x: 1, lambda x, y=2: 1, lambda x, **y: 1, lambda *, x: 1):
            with pytest.raises(TypeError, match=r"^function: must have arguments that stand for columns and no others"):
                aq.weight(function)
        with pytest.raises(TypeError, match=r"^weights: must be given as aliquot.weight\(function\), got function$"):
            aq.sample(TABLE, 1, weights=modulo)
        with pytest.raises(KeyError, match=r"weights: must be a column of \[\], got 'x'"):
            aq.sample_indices(5, 1, weights=aq.weight(modulo))

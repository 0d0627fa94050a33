"""AliasTable: weights of every type, states, and what is refused."""

import copy
import decimal
import pickle
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

import aliquot as aq
from alias_cells import UNIT, masses
from aliquot._saved import pack

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


def test_a_crafted_alias_beyond_the_table_is_refused():
    cells = np.array([5], np.uint64)
    batch = pa.record_batch({"cells": cells, "rests": cells})
    data = pack("AliasTable", {}, [batch], batch.schema)
    with pytest.raises(ValueError, match=r"^data: must hold aliases below the number of outcomes, 1, got others$"):
        aq.AliasTable.from_bytes(data)

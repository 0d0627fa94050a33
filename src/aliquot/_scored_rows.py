"""Labels, scores and weights of rows, from whatever holds them, in the few types that rankings are made of."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot._arrow import decoded
from aliquot._checks import describe
from aliquot._kernels import scored_rows as _kernel
from aliquot._numbers import as_floats, as_numbers, bad_weight, in_place

POSITIVE_TYPES = (bool, int, float, str)


@dataclass(frozen=True)
class MassRange:
    """How many rows weigh something, and what exponents of two there are in their weights: what sums of them need."""

    rows: int = 0
    lowest: int = 0
    highest: int = 0

    def __or__(self, other: "MassRange") -> "MassRange":
        if self.rows == 0 or other.rows == 0:
            return other if self.rows == 0 else self
        return MassRange(self.rows + other.rows, min(self.lowest, other.lowest), max(self.highest, other.highest))

    @property
    def format(self) -> tuple[int, int]:
        """The unit's exponent, and how many limbs of 32 bits hold the sum of all weights in it."""
        bits = self.highest - self.lowest + 1 + self.rows.bit_length()
        return self.lowest, -(-bits // 32)


@dataclass(frozen=True)
class ScoredRows:
    """Rows that weigh something: keys of scores, uint32 or uint64, labels, uint8, weights, float64 or None."""

    keys: NDArray[Any]
    labels: NDArray[np.uint8]
    weights: NDArray[np.float64] | None
    masses: MassRange
    n_seen: int
    negatives: frozenset[int]
    """Which of 0 and -1 stand for no."""

    @property
    def is_wide(self) -> bool:
        """Whether keys have 64 bits."""
        return bool(self.keys.dtype == np.uint64)

    def __len__(self) -> int:
        return len(self.keys)

    def read(self, keys: NDArray[Any], labels: NDArray[np.uint8], weights: NDArray[np.float64] | None) -> "ScoredRows":
        """The same in these arrays, which are as long, as those of columns; without weights if there are none."""
        keys[:] = widen(self.keys) if keys.dtype == np.uint64 else self.keys
        labels[:] = self.labels
        if weights is not None:
            weights[:] = 1.0 if self.weights is None else self.weights
        return replace(self, keys=keys, labels=labels, weights=weights)


@dataclass(frozen=True)
class ScoredColumns:
    """Columns without nulls in types that kernels read: labels of booleans or numbers, scores of float32 or float64."""

    labels: pa.Array
    scores: pa.Array
    weights: pa.Array | None
    rows: NDArray[np.int64] | None
    """Where they were among the rows given, if some were skipped."""
    n_seen: int
    first_row: int

    @property
    def is_wide(self) -> bool:
        """Whether keys of 32 bits cannot hold the scores."""
        return not pa.types.is_float32(self.scores.type)

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, keys: NDArray[Any], labels: NDArray[np.uint8], weights: NDArray[np.float64] | None) -> ScoredRows:
        """The rows that weigh something, at the front of these arrays; ``weights`` may be None if there are none."""
        bad, zeros, minus_ones = _kernel.read_labels(self.labels, labels)
        if bad >= 0:
            raise ValueError(f"y_true: must hold 0 and 1, or -1 and 1, got {self.labels[bad]} at row {self._row(bad)}")
        bad = _kernel.read_scores(self.scores, keys)
        if bad >= 0:
            raise ValueError(f"y_score: must not be NaN, got nan at row {self._row(bad)}")
        negatives = check_negatives(frozenset(label for label, there in ((0, zeros), (-1, minus_ones)) if there))
        if self.weights is None or weights is None:
            if weights is not None:
                weights.fill(1.0)
            return ScoredRows(keys, labels, weights, MassRange(len(self)), self.n_seen, negatives)
        given = as_floats(as_numbers("sample_weight", self.weights))
        kept, lowest, highest = _kernel.drop_weightless(given, keys, labels, weights)
        if kept < 0:
            raise bad_weight("sample_weight", given[-1 - kept], self._row(-1 - kept))
        masses = MassRange(kept, lowest, highest) if kept else MassRange()
        return ScoredRows(keys[:kept], labels[:kept], weights[:kept], masses, self.n_seen, negatives)

    def _row(self, position: int) -> int:
        return self.first_row + (position if self.rows is None else int(self.rows[position]))


def read_rows(y_true: Any, y_score: Any, sample_weight: Any = None, **options: Any) -> ScoredRows:
    """Rows to be ranked, in arrays of their own; options and errors are those of ``as_columns`` and ``read``."""
    columns = as_columns(y_true, y_score, sample_weight, **options)
    n = len(columns)
    keys = np.empty(n, np.uint64 if columns.is_wide else np.uint32)
    return columns.read(keys, np.empty(n, np.uint8), None if columns.weights is None else np.empty(n))


def widen(keys: NDArray[Any]) -> NDArray[Any]:
    """Keys of the same scores in 64 bits."""
    if keys.dtype == np.uint64:
        return keys
    wide = np.empty(len(keys), np.uint64)
    _kernel.read_scores(pa.array(_kernel.scores(keys)), wide)
    return wide


def as_columns(
    y_true: Any,
    y_score: Any,
    sample_weight: Any = None,
    *,
    positive: Any = None,
    skip_nulls: bool = False,
    first_row: int = 0,
) -> ScoredColumns:
    """Columns to be read, whose first row has this number.

    Raises
    ------
    ValueError
        For columns of unlike lengths, and a null unless ``skip_nulls``, naming the row. So does ``read``, for a label
        that is none, a score that is NaN, or a weight that is negative or not finite.
    TypeError
        For columns of other types, and for labels that need ``positive``.
    """
    columns = {
        "y_true": _labels(as_array("y_true", y_true), positive),
        "y_score": _scores(as_array("y_score", y_score), first_row),
    }
    if sample_weight is not None:
        columns["sample_weight"] = as_array("sample_weight", sample_weight)
    n_seen = len(columns["y_true"])
    for name, column in columns.items():
        if len(column) != n_seen:
            raise ValueError(f"{name}: must be as long as y_true, got {len(column)} for {n_seen} rows")
    rows = None
    if any(column.null_count for column in columns.values()):
        if not skip_nulls:
            _refuse_null(columns, first_row)
        valid = np.logical_and.reduce([column.is_valid().to_numpy(False) for column in columns.values()])
        rows = np.flatnonzero(valid)
        columns = {name: column.filter(pa.array(valid)) for name, column in columns.items()}
    return ScoredColumns(columns["y_true"], columns["y_score"], columns.get("sample_weight"), rows, n_seen, first_row)


def check_negatives(negatives: frozenset[int]) -> frozenset[int]:
    """ValueError if both 0 and -1 stand for no."""
    if len(negatives) > 1:
        raise ValueError("y_true: must hold 0 and 1, or -1 and 1, got both 0 and -1")
    return negatives


def check_positive(positive: Any) -> Any:
    """``positive`` as a label that can be saved."""
    if isinstance(positive, np.generic):
        positive = positive.item()
    if isinstance(positive, float) and math.isnan(positive):
        raise ValueError("positive: must be a label, got nan")
    if positive is None or isinstance(positive, POSITIVE_TYPES):
        return positive
    raise TypeError(f"positive: must be a boolean, a number or a string, got {describe(positive)}")


def as_array(name: str, values: Any) -> pa.Array:
    """A column, of Arrow or NumPy or a list, as one Arrow array, copied only where Arrow has no view of it."""
    try:
        if isinstance(values, (pa.Array, pa.ChunkedArray)):
            array = values
        elif isinstance(values, np.ndarray):  # before hasattr, which is slow where there is none
            array = _of_numpy(name, values)
        elif hasattr(values, "__arrow_c_array__"):
            array = pa.array(values)
        elif hasattr(values, "__arrow_c_stream__"):
            array = pa.chunked_array(values)
        else:
            array = _of_numpy(name, values)
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise TypeError(f"{name}: must be a column of values of one type, got {describe(values)}") from error
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    return pc.run_end_decode(array) if pa.types.is_run_end_encoded(array.type) else array


def _of_numpy(name: str, values: Any) -> pa.Array:
    if isinstance(values, list | tuple) and None in values:
        return pa.array(values)
    try:
        array = np.asanyarray(values)  # with the mask of a masked one, which pyarrow makes nulls
    except ValueError as error:  # of lists that differ in length
        raise TypeError from error
    if array.ndim != 1:
        raise ValueError(f"{name}: must have one dimension, got shape {array.shape}")
    if array.dtype == bool and not isinstance(array, np.ma.MaskedArray):
        array = np.ascontiguousarray(array).view(np.uint8)  # a byte each, as labels are read; Arrow would pack them
    numbers = in_place(array)
    if numbers is not None:
        return numbers
    return pa.array(array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("=")))


def _labels(values: pa.Array, positive: Any) -> pa.Array:
    """Booleans or numbers of which 1 is positive."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _labels(values.dictionary, positive).take(values.indices)
    if pa.types.is_float16(kind):
        return _labels(values.cast(pa.float32()), positive)
    if positive is not None:
        if pa.types.is_string_view(kind):
            values = values.cast(pa.large_string())
        return pc.equal(values, _as_scalar(positive, values.type))
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return values
    if pa.types.is_null(kind):
        return values.cast(pa.bool_())
    raise TypeError(f"positive: must say which label is the positive one of {kind} labels, got None")


def _as_scalar(positive: Any, kind: pa.DataType) -> pa.Scalar:
    try:
        if isinstance(positive, str) != (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise TypeError
        if pa.types.is_boolean(kind) and positive not in (0, 1):
            raise TypeError
        return pa.scalar(positive, pa.bool_() if isinstance(positive, bool) else None).cast(kind)
    except (pa.ArrowException, TypeError):
        raise TypeError(f"positive: must be one of y_true's labels, {kind}, got {describe(positive)}") from None


def _scores(values: pa.Array, first_row: int) -> pa.Array:
    """float32 for what it holds, else float64."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _scores(decoded(values), first_row)
    if pa.types.is_float32(kind) or pa.types.is_float64(kind):
        return values
    if pa.types.is_float16(kind):
        return values.cast(pa.float32())
    if not (pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)):
        raise TypeError(f"y_score: must be a column of numbers, got {kind}")
    try:
        return values.cast(pa.float64())
    except pa.ArrowInvalid:  # two scores could become one
        row, score = next((i, each) for i, each in enumerate(values.to_pylist()) if abs(each or 0) > 2**53)
        raise ValueError(
            f"y_score: must hold integers of at most 2**53, got {score} at row {first_row + row}"
        ) from None


def _refuse_null(columns: dict[str, pa.Array], first_row: int) -> None:
    for name, column in columns.items():
        if column.null_count:
            raise ValueError(
                f"{name}: must not be null, got null at row {first_row + pc.index(column.is_null(), True).as_py()}"
            )

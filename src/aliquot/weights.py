"""Weights of rows: a column, an expression or a function over columns, or an array beside the rows."""

import hashlib
import inspect
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._checks import check_column, describe
from aliquot._expression import columns_of, evaluate
from aliquot._numbers import as_arguments, as_floats, as_numbers
from aliquot._progress import Progress
from aliquot._source import Source


class RowWeight:
    """A weight that a compiled function computes for each row, as ``weight`` makes it.

    Calling it calls the Python function. Two are equal if their code and what it refers to are.
    """

    def __init__(self, columns: list[str], text: str, function: Callable[..., Any] | None) -> None:
        self.columns = columns
        """The columns it is made of, in the order of the function's arguments."""
        self._text = text
        self.__wrapped__ = function
        self._compiled: Any = None

    def values(self, batch: pa.RecordBatch | pa.Table, first_row: int) -> NDArray[np.float64]:
        """The weight of each row, float64. Errors are those of ``weights``."""
        if self.__wrapped__ is None:
            raise ValueError(
                "weights: must be a column name or an expression for a saved reservoir to see more rows, "
                f"got the function {self}"
            )
        from aliquot._kernels import row_function

        if self._compiled is None:
            self._compiled = row_function.compiled(self.__wrapped__)
        arguments = [as_arguments("weights", batch.column(name), first_row) for name in self.columns]
        try:
            values = row_function.values_of(self._compiled, arguments)
        except TypeError as error:
            raise TypeError(f"weights: must be a function that Numba compiles, got {self.name}: {error}") from error
        if values.dtype.kind not in "iuf":
            raise TypeError(f"weights: must be numbers, got {values.dtype}")
        return values.astype(np.float64, copy=False)

    @property
    def name(self) -> str:
        """The function's name and arguments."""
        return self._text.partition(" ")[0]

    def __call__(self, *arguments: Any) -> Any:
        if self.__wrapped__ is None:
            raise ValueError(f"weights: must be a function that is here, got the saved name of {self}")
        return self.__wrapped__(*arguments)

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, RowWeight) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"weight({self.name})"


WeightsOption: TypeAlias = str | pc.Expression | RowWeight | NDArray[Any] | pa.Array | pa.ChunkedArray | None


def weight(function: Callable[..., Any]) -> RowWeight:
    """A function of columns as the weight of rows, compiled by Numba on first use.

    Parameters
    ----------
    function : callable
        Its arguments have the names of columns and are numbers, one row's at a time: booleans and numbers as they
        are, timestamps, dates, times and durations in seconds (float64, from 1970 on for the former two), whatever
        their unit in the data. What it returns is the row's weight.

    Returns
    -------
    RowWeight
        For ``weights=`` of ``sample``, ``poisson`` and ``Reservoir``. A reservoir saved with one can be merged and
        read where it is loaded, but has lost the function and sees no more rows.

    Raises
    ------
    TypeError
        If ``function`` is no Python function with at least one argument, and none but those that stand for columns.
        When rows are drawn: if Numba cannot compile it for the columns' types.

    Examples
    --------
    Recent rows count more, with a half-life of a day:

    >>> import aliquot as aq, pyarrow as pa
    >>> @aq.weight
    ... def recency(sold):
    ...     return 0.5 ** ((1_700_000_000 - sold) / 86_400)
    >>> seconds = range(1_690_000_000, 1_700_000_000, 1000)
    >>> sales = pa.table({"sold": pa.array(seconds).cast(pa.timestamp("s")), "id": range(10_000)})
    >>> aq.sample(sales, 5, weights=recency, rng=7)["id"].to_pylist()
    [9860, 9900, 9931, 9951, 9956]
    """
    # Whoever compiled it already means the same.
    function = getattr(function, "py_func", function)
    if not inspect.isfunction(function):
        raise TypeError(f"function: must be a Python function, got {describe(function)}")
    signature = inspect.signature(function)
    parameters = signature.parameters.values()
    plain = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD and each.default is each.empty]
    if not plain or len(plain) != len(parameters):
        raise TypeError(
            f"function: must have arguments that stand for columns and no others, got {describe(parameters)}"
        )
    code = function.__code__
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    constants = [each for each in code.co_consts if not inspect.iscode(each)]
    digest = hashlib.sha256(repr((code.co_code, constants, code.co_names, cells)).encode()).hexdigest()
    return RowWeight(plain, f"{function.__name__}({','.join(plain)}) {digest[:16]}", function)


class Weights:
    """Gives the weights of a batch as float64, checked but for their sign and size, which kernels see in passing."""

    def __init__(self, option: Any) -> None:
        self.option = option
        self.name = option if isinstance(option, str) else "weights"
        self._values: NDArray[np.float64] | None = None
        if not isinstance(option, str | pc.Expression | RowWeight):
            if callable(option):
                raise TypeError(f"weights: must be given as aliquot.weight(function), got {describe(option)}")
            self._values = as_floats(as_numbers(self.name, option))

    @property
    def num_rows(self) -> int | None:
        """How many there are, for an array."""
        return None if self._values is None else len(self._values)

    def columns(self, schema: pa.Schema) -> list[str]:
        """The columns they are made of. KeyError for one that is not there."""
        if self._values is not None:
            return []
        if isinstance(self.option, str):
            return [check_column("weights", self.option, schema.names)]
        if isinstance(self.option, RowWeight):
            for name in self.option.columns:
                check_column("weights", name, schema.names)
            self.option.values(_arrow.no_rows(schema), 0)  # which compiles it
            return self.option.columns
        return columns_of(self.option, _arrow.no_rows(schema), "weights")

    def __call__(self, batch: pa.RecordBatch, first_row: int) -> NDArray[np.float64]:
        """The weights of a batch whose first row has this number. ValueError for a null, TypeError for no numbers."""
        if self._values is not None:
            values = self._values[first_row : first_row + batch.num_rows]
            if len(values) < batch.num_rows:
                raise ValueError(
                    f"weights: must be one a row, got {len(self._values)} for {first_row + batch.num_rows} rows or more"
                )
            return values
        if isinstance(self.option, str):
            value = batch.column(self.option)
        elif isinstance(self.option, RowWeight):
            return self.option.values(batch, first_row)
        else:
            value = evaluate(self.option, pa.Table.from_batches([batch]), "weights")
        return as_floats(as_numbers(self.name, value, first_row))

    def of_population(
        self, batch: pa.RecordBatch, first_row: int, passes: NDArray[np.uint8] | None
    ) -> NDArray[np.float64]:
        """The same, whatever stands in rows with a zero byte in ``passes``."""
        try:
            return self(batch, first_row)
        except ValueError:
            if passes is None or passes.all() or self._values is not None:
                raise
        inside = np.flatnonzero(passes)
        weights = np.zeros(batch.num_rows)
        try:
            weights[inside] = self(_arrow.take_rows(batch, inside), 0)
        except ValueError:
            while len(inside) > 1:  # the half that holds the first row that is unfit
                half = len(inside) // 2
                try:
                    self(_arrow.take_rows(batch, inside[:half]), 0)
                    inside = inside[half:]
                except ValueError:
                    inside = inside[:half]
            self(batch.slice(inside[0], 1), first_row + int(inside[0]))
            raise
        return weights

    def to_json(self) -> dict[str, Any]:
        """A column, an expression or the name of a function as JSON can hold it."""
        if isinstance(self.option, str):
            return {"column": self.option}
        if isinstance(self.option, RowWeight):
            return {"function": str(self.option), "columns": self.option.columns}  # not its code, which would be run
        _, (data,) = self.option.__reduce__()  # Arrow's own form: data, and nothing that reading it could run
        return {"expression": bytes(data).hex()}

    @staticmethod
    def from_json(value: dict[str, Any] | None) -> str | pc.Expression | RowWeight | None:
        """What ``to_json`` gave."""
        if value is None:
            return None
        if "column" in value:
            return str(value["column"])
        if "function" in value:
            return RowWeight(value["columns"], value["function"], None)
        return pc.Expression._deserialize(pa.py_buffer(bytes.fromhex(value["expression"])))

    def all_of(self, source: Source) -> Iterator[tuple[NDArray[np.float64], int]]:
        """All weights of a source, in pieces, each with the number of its first row."""
        if self._values is not None:
            yield self._values, 0
            return
        for first_row, batch in source.scan(self.columns(source.schema), None, Progress(None)):
            yield self(batch, first_row), first_row

    def check_length(self, rows: int) -> None:
        """ValueError if they are an array of another length."""
        if self._values is not None and len(self._values) != rows:
            raise ValueError(f"weights: must be one a row, got {len(self._values)} for {rows} rows")


def exact_sum(values: NDArray[np.float64]) -> Fraction:
    """The sum of finite numbers without rounding, so that it does not depend on order or batching."""
    mantissas, exponents = np.frexp(values)
    whole = (mantissas * 2.0**53).astype(np.int64)
    places = exponents + 1100
    total = Fraction(0)
    for start in range(0, len(values), 2**26):
        part = slice(start, start + 2**26)
        # Halves of 27 bits, so that 2^26 of them add up exactly in float64.
        high = np.bincount(places[part], weights=whole[part] >> 27)
        low = np.bincount(places[part], weights=whole[part] & (2**27 - 1))
        for place in np.flatnonzero((high != 0) | (low != 0)):
            units = (int(high[place]) << 27) + int(low[place])
            total += units * Fraction(2) ** (int(place) - 1100 - 53)
    return total

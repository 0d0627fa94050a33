"""Strata of rows: columns whose values, or combinations of values, tell them apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _arrow
from aliquot._checks import check_column, check_count, check_name, describe
from aliquot._codes import Codebook, Codes
from aliquot._kernels.simple_random import select_rows
from aliquot._progress import Progress
from aliquot._result import KeptStrata
from aliquot._rng import key_of
from aliquot._source import Source, picker

QUANTILE_ROWS = 2**20
"""Rows that quantiles are judged by: their shares are then off by less than 1 in 1,000, and exact for fewer rows."""

QUANTILE_SEED = 0

TOLD_STRATA = 1000
"""More strata than this are not listed in the provenance, which is read with every file."""


@dataclass(frozen=True)
class Bins:
    """A numeric column cut into bins, which are strata numbered 0, 1, 2, ... See ``bins``."""

    column: str
    edges: tuple[float, ...] | None = None
    quantiles: int | None = None

    def cut_at(self, edges: NDArray[np.float64]) -> "Bins":
        """The same column with these edges."""
        return Bins(self.column, tuple(edges.tolist()))

    def __call__(self, values: pa.Array) -> pa.Array:
        """The bin of each value; null for null and NaN."""
        assert self.edges is not None
        numbers = _numbers(values, self.column)
        found = np.searchsorted(np.array(self.edges), numbers, side="right")
        return pa.array(found, pa.int64(), mask=np.isnan(numbers))


StrataOption: TypeAlias = str | Bins | Iterable[str | Bins] | None


def bins(column: str, *, edges: Iterable[float] | None = None, quantiles: int | None = None) -> Bins:
    """A numeric column as strata: cut at edges, or into quantiles. To be passed as ``strata=``.

    Parameters
    ----------
    column : str
        A column of numbers.
    edges : list of float, optional
        Ascending. Bin 0 holds what is below the first edge, bin i what is from edge i - 1 up to below edge i.
    quantiles : int, optional
        Instead of edges: as many bins of about equally many rows. They need a source that can be read again, which is
        first asked for their edges, by at most 2**20 of its rows.

    Returns
    -------
    Bins
        Null and NaN are a stratum of their own.

    Raises
    ------
    TypeError
        If neither or both of ``edges`` and ``quantiles`` are given, or they are no numbers.
    ValueError
        If edges do not ascend, or ``quantiles`` is below 1.

    Examples
    --------
    >>> import aliquot as aq, pyarrow as pa
    >>> orders = pa.table({"amount": [float(x) for x in range(100)]})
    >>> aq.sample(orders, 4, strata=aq.bins("amount", edges=[90]), allocation="equal", rng=7)["amount"].to_pylist()
    [11.0, 77.0, 92.0, 93.0]
    """
    column = check_name("column", column)
    if (edges is None) == (quantiles is None):
        raise TypeError("edges: must be given, or else quantiles, got " + ("neither" if edges is None else "both"))
    if quantiles is not None:
        if check_count("quantiles", quantiles) < 1:
            raise ValueError(f"quantiles: must be at least 1, got {quantiles}")
        return Bins(column, quantiles=int(quantiles))
    try:
        numbers = np.array(list(edges or ()), np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"edges: must be numbers, got {describe(edges)}") from error
    if not np.all(numbers[1:] > numbers[:-1]) or np.isnan(numbers).any():
        raise ValueError(f"edges: must ascend, got {numbers.tolist()}")
    return Bins(column).cut_at(numbers)


class Strata:
    """Gives each row of a batch the code of its stratum. Codes are kept from batch to batch."""

    def __init__(self, option: Any) -> None:
        parts = [option] if isinstance(option, str | Bins) else option
        if not isinstance(parts, Iterable) or isinstance(parts, bytes):
            raise TypeError(f"strata: must be a column name or a list of them, got {describe(option)}")
        self._parts: list[str | Bins] = list(parts)
        if not self._parts:
            raise ValueError("strata: must be at least one column, got none")
        for part in self._parts:
            if not isinstance(part, str | Bins):
                raise TypeError(f"strata: must be a column name or a list of them, got {describe(part)}")
        self.names = [part if isinstance(part, str) else part.column for part in self._parts]
        self.book = Codebook(["strata" if isinstance(part, Bins) else part for part in self._parts])

    def columns(self, schema: pa.Schema) -> list[str]:
        """The columns they are made of. KeyError for one that is not there."""
        return [check_column("strata", name, schema.names) for name in self.names]

    @property
    def option(self) -> list[Any]:
        """What makes equal strata, as JSON can hold it."""
        return [
            part if isinstance(part, str) else {"column": part.column, "edges": list(part.edges or ())}
            for part in self._parts
        ]

    def describe(self, allocation: str, kept: KeptStrata | None) -> dict[str, Any]:
        """What the provenance says of them: the rows of each stratum and of its sample, but for very many strata."""
        told: dict[str, Any] = {"columns": self.option, "allocation": allocation, "count": 0}
        if kept is not None:
            there = np.flatnonzero(kept.populations)
            told["count"] = len(there)
            if len(there) <= TOLD_STRATA:
                labels = self.book.labels(0, len(kept.populations))
                told["strata"] = [
                    {
                        "stratum": _as_json(labels[code]),
                        "population": int(kept.populations[code]),
                        "size": int(kept.draws[code]),
                    }
                    for code in there
                ]
        return told

    @staticmethod
    def parts_of(option: Sequence[Any]) -> list[str | Bins]:
        """The strata that ``option`` describes, as a caller passes them."""
        return [part if isinstance(part, str) else bins(part["column"], edges=part["edges"]) for part in option]

    def find_edges(self, source: Source | None) -> None:
        """Cut the columns whose quantiles are asked for. ValueError for a source that can be read only once."""
        for i, part in enumerate(self._parts):
            if isinstance(part, Bins) and part.edges is None:
                assert part.quantiles is not None
                if source is None or source.num_rows is None:
                    raise ValueError(
                        "strata: must have edges on a stream, which can be read only once, "
                        f"got quantiles={part.quantiles}"
                    )
                rows, _ = select_rows(key_of(QUANTILE_SEED), source.num_rows, min(QUANTILE_ROWS, source.num_rows))
                fetched = source.fetch(picker(rows), [part.column], Progress(None))
                numbers = np.concatenate([np.empty(0), *(_numbers(batch.column(0), part.column) for batch in fetched)])
                numbers = numbers[~np.isnan(numbers)]
                cuts = np.arange(1, part.quantiles) / part.quantiles
                self._parts[i] = part.cut_at(np.unique(np.quantile(numbers, cuts)) if len(numbers) else np.empty(0))

    def __call__(self, batch: pa.RecordBatch, passes: NDArray[np.uint8] | None = None) -> Codes:
        """The code of each row, int32; -1 where ``passes`` is zero."""
        columns = [batch.column(name) for name in self.names]
        if passes is None:
            return self.book.encode(self._values(columns))
        # Rows that are not of the population leave no trace, not even in the order of the codes.
        codes = np.full(batch.num_rows, -1, np.int32)
        positions = np.flatnonzero(passes)
        codes[positions] = self.book.encode(self._values([_arrow.take(column, positions) for column in columns]))
        return codes

    def _values(self, columns: list[pa.Array]) -> list[pa.Array]:
        return [
            part(column) if isinstance(part, Bins) else column
            for part, column in zip(self._parts, columns, strict=True)
        ]


def _as_json(label: Any) -> Any:
    if isinstance(label, tuple):
        return [_as_json(each) for each in label]
    return label if label is None or isinstance(label, str | int | float | bool) else str(label)


def _numbers(values: pa.Array, name: str) -> NDArray[np.float64]:
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise TypeError(f"{name}: must be a column of numbers to be cut into bins, got {kind}")
    numbers: NDArray[np.float64] = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers

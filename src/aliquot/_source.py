"""What every source of rows is: a schema, rows numbered from 0, and ways to read them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa

from aliquot import _arrow
from aliquot._checks import check_column
from aliquot._progress import Progress
from aliquot.where import Where

Span: TypeAlias = tuple[int, pa.RecordBatch]
"""The number of a batch's first row, and the batch."""

Pick: TypeAlias = Callable[[int, int], _arrow.Positions]
"""Called with the first row number and length of stretch after stretch of rows, says which positions in it are
wanted, ascending, repeats allowed."""


class Consumer(Protocol):
    """A state that is a function of the rows it has seen, and not of their order."""

    def update(self, batch: pa.RecordBatch, first_row: int) -> None:
        """See a batch, whose first row has this number. Columns of strings may come as dictionaries of them."""


C = TypeVar("C", bound=Consumer)


class Source(ABC):
    """Rows of one schema, numbered from 0."""

    schema: pa.Schema
    num_rows: int | None = None
    rows_read: int = 0
    bytes_read: int = 0

    @abstractmethod
    def scan(self, columns: Sequence[str], where: Where | None, progress: Progress) -> Iterator[Span]:
        """Batches of these columns in row order, but for stretches in which no row can pass ``where``."""

    def survey(
        self, columns: Sequence[str], where: Where | None, progress: Progress, coded: Sequence[str] = ()
    ) -> Iterator[Span]:
        """The same, but values known otherwise are not read, and strings of ``coded`` may come as dictionaries."""
        return self.scan(columns, where, progress)

    def consume(self, columns: Sequence[str], new: Callable[[], C], progress: Progress) -> list[C]:
        """States, at least one, that have seen these columns of all rows between them, each row once.

        Each is made by ``new`` and used by one thread at a time. Of the errors that they raise, the one in the first
        batches is raised.
        """
        state = new()
        for start, batch in self.scan(columns, None, progress):
            state.update(batch, start)
        return [state]

    def fetch(self, pick: Pick, columns: Sequence[str], progress: Progress) -> Iterator[pa.RecordBatch]:
        """These columns of the rows picked, in row order."""
        for start, batch in self.scan(columns, None, progress):
            positions = pick(start, batch.num_rows)
            if len(positions):
                yield self._own(_arrow.take_rows(batch, positions))

    def take(self, rows: _arrow.Positions, columns: Sequence[str], progress: Progress) -> list[pa.RecordBatch]:
        """These columns of the rows of these numbers, in this order, repeats allowed. Each is read once.

        IndexError for a row that is not there; after reading, in a stream.
        """
        if self.num_rows is not None:
            check_within(rows, self.num_rows)
        by_number = np.argsort(rows, kind="stable")
        fetched = list(self.fetch(picker(rows[by_number]), columns, progress))
        if self.num_rows is None:
            check_within(rows, self.rows_read)
        if np.all(rows[1:] >= rows[:-1]):
            return fetched
        place = np.empty_like(by_number)
        place[by_number] = np.arange(len(by_number))
        return _arrow.permute(fetched, place)

    def _own(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Fetched rows without dictionaries that are larger than they are."""
        return _arrow.with_own_dictionaries(rows)

    def facts(self) -> dict[str, Any]:
        """What the provenance says of it, and of what was read of it."""
        return {"rows_read": self.rows_read, "bytes_read": self.bytes_read, "source": "arrow"}

    def project(self, columns: Sequence[str] | None) -> pa.Schema:
        """The schema of the columns asked for, once they are known to be there; of all for None."""
        if columns is None:
            return self.schema
        fields = [self.schema.field(check_column("columns", name, self.schema.names)) for name in columns]
        return pa.schema(fields, self.schema.metadata)


def picker(rows: _arrow.Positions) -> Pick:
    """Picks the rows of these numbers, ascending."""

    def pick(start: int, num_rows: int) -> _arrow.Positions:
        first, last = rows.searchsorted((start, start + num_rows))
        return rows[first:last] - start

    return pick


def check_within(rows: _arrow.Positions, num_rows: int) -> None:
    """IndexError for the first row that is not there."""
    outside = (rows < 0) | (rows >= num_rows)
    if outside.any():
        at = int(outside.argmax())
        raise IndexError(
            f"rows: must be from 0 to below the {num_rows} rows there are, got {rows[at]} at position {at}"
        )


def difference(found: pa.Schema, expected: pa.Schema) -> str:
    """Where two schemas differ first."""
    for a, b in zip_longest(map(_field_text, found), map(_field_text, expected), fillvalue="no column"):
        if a != b:
            return f"{a} for {b}"
    return "the same with other metadata"


def _field_text(field: pa.Field) -> str:
    return f"{field.name}: {field.type}" + ("" if field.nullable else " not null")


def check_same_schema(found: pa.Schema, expected: pa.Schema, name: str = "batch") -> None:
    """ValueError unless two schemas agree in names, types and nullability."""
    if not found.equals(expected):
        raise ValueError(f"{name}: must keep the schema of the batches before it, got {difference(found, expected)}")

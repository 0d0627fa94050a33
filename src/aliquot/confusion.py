"""Confusion matrices of streams."""

import math
import reprlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot._cells import COLUMNS, Table, of_batch, to_batch
from aliquot._checks import check_choice, describe
from aliquot._confusion_view import as_html, as_text, draw
from aliquot._label_counts import ARGUMENTS, CODED_ROWS, LabelCounts, Piece
from aliquot._labels import as_labels, check_labels, kind_of, pieces, valid_rows
from aliquot._numbers import as_floats, as_numbers, check_weights
from aliquot._saved import pack, unpack
from aliquot._scores import Scores
from aliquot.metrics import Margins

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_MATRIX = 2**14
"""Labels up to which the matrix is made as an array: 2 GiB."""


class ConfusionMatrix(Scores):
    """Counts how often each label was predicted as each, batch by batch, and scores it.

    Parameters
    ----------
    labels : array_like or Arrow array, optional
        The labels and their order. Any other in the data is then an error. By default labels are discovered, and
        reported sorted: those with at least one row.
    nulls : {"raise", "skip"}, default "raise"
        What to do with a row in which either side is null.

    Attributes
    ----------
    labels : list
        Of K labels, in the order of the matrix: integers, booleans or strings.
    matrix : numpy.ndarray of shape (K, K)
        Row i, column j: rows of label i predicted as label j. int64; float64 sums of weights once there were any.
    n_seen : int
        Rows seen, with those skipped.

    Notes
    -----
    A batch costs about as much as reading it, for integers and booleans; a lookup a row for strings, and one a value
    for dictionaries. Up to 2,048 labels take a table of 9 to 72 bytes a cell, more of them 24 bytes and up for each
    cell that comes up. Weights are summed without rounding. So neither the order of rows, nor how they are cut into
    batches or merged changes a digit of any score.

    A call that fails leaves the state as it was. The GIL is released while rows are counted; use one matrix from one
    thread at a time.

    Examples
    --------
    >>> import aliquot as aq
    >>> m = aq.ConfusionMatrix()
    >>> m.update(["cat", "dog", "cat", "cat"], ["cat", "cat", "cat", "dog"])
    >>> m.labels
    ['cat', 'dog']
    >>> m.matrix
    array([[2, 1],
           [1, 0]])
    >>> m.accuracy()
    0.5
    >>> m.recall()
    array([0.66666667, 0.        ])
    """

    def __init__(self, labels: Any = None, *, nulls: str = "raise") -> None:
        self._nulls = check_choice("nulls", nulls, ("raise", "skip"))
        self._given: list[Any] | None = None
        self._kind: str | None = None  # "number" or "string"
        self._boolean = True  # as long as nothing else was seen
        if labels is not None:
            self._given = check_labels("labels", labels)
            self._kind = _kind_of_label(self._given[0])
            self._boolean = isinstance(self._given[0], bool)
        self._counts = LabelCounts(self._given)
        self._n_seen = 0
        self._total_weight = 0.0
        self._known: Table | None = None

    def update(self, y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> None:
        """Count the rows of a batch.

        Parameters
        ----------
        y_true, y_pred : array_like or Arrow array of shape (n,)
            True and predicted labels: integers, booleans, strings, floats that are whole numbers, or dictionaries of
            these, from NumPy, lists or anything with ``__arrow_c_array__`` or ``__arrow_c_stream__``. Numbers of all
            types are alike.
        sample_weight : array_like or Arrow array of shape (n,), optional
            What the rows count; 1 each by default.

        Raises
        ------
        ValueError
            For a null (unless nulls are skipped), a label that is not among those given, a number that is not whole, a
            weight that is negative, infinite or NaN, or lengths that differ. Row numbers count from the first row that
            this matrix ever saw.
        TypeError
            For values that are no labels, or strings among numbers.
        """
        self._count(y_true, y_pred, sample_weight, self._n_seen)

    def _count(
        self, y_true: Any, y_pred: Any, sample_weight: Any, first_row: int, slices: NDArray[np.int32] | None = None
    ) -> None:
        """Count rows, whose first has this number, in slices that there is room for."""
        columns, weights = self._checked(y_true, y_pred, sample_weight, first_row)
        kind, boolean = self._kind_of(columns)
        done: list[Piece] = []
        self._known = None
        try:
            for piece in self._pieces(columns, weights, first_row, slices):
                self._counts.count(piece)
                done.append(piece)
        except BaseException:
            for piece in done:
                self._counts.uncount(piece)
            raise
        self._n_seen += len(columns[0])
        if done:
            self._kind, self._boolean = kind, boolean
        if weights is not None:
            self._total_weight = max(self._total_weight + float(weights.sum()), self._total_weight)

    def revert(self, y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> None:
        """Take back rows that were counted, as when a window slides on; with the weights they had.

        Raises
        ------
        ValueError
            For a row that was never counted, at its position in this batch; and as ``update`` does.
        TypeError
            As ``update`` does.
        """
        columns, weights = self._checked(y_true, y_pred, sample_weight, 0)
        self._kind_of(columns)
        if len(columns[0]) > self._n_seen:
            raise ValueError(f"y_true: must have at most the {self._n_seen} rows counted, got {len(columns[0])}")
        done: list[Piece] = []
        self._known = None
        for piece in self._pieces(columns, weights, 0, None):
            at = self._counts.uncount(piece)
            if at is not None:
                for each in done:
                    self._counts.count(each)
                pair = tuple(column[at].as_py() for column in piece.columns)
                raise ValueError(f"y_true, y_pred: must be counted before, got {pair} at row {piece.row(at)}")
            done.append(piece)
        self._n_seen -= len(columns[0])

    def merge(self, other: "ConfusionMatrix") -> None:
        """Count all that another matrix counted.

        Raises
        ------
        ValueError
            If one has strings and the other numbers, or a label is not among those given.
        TypeError
            If ``other`` is no confusion matrix.
        """
        if not isinstance(other, ConfusionMatrix):
            raise TypeError(f"other: must be a ConfusionMatrix, got {describe(other)}")
        theirs = other._table()
        if theirs.labels and self._kind not in (None, other._kind):
            raise ValueError(f"other: must hold {self._kind}s, got {other._kind}s")
        if self._given is not None and not set(theirs.labels) <= set(self._given):
            strange = next(label for label in theirs.labels if label not in self._given)
            raise ValueError(f"other: must hold no labels but those given, got {strange!r}")
        if not math.isfinite(self._total_weight + other._total_weight):
            raise ValueError("other: must have weights whose sum is finite with those here, got more")
        self._add(other, theirs)

    def _add(self, other: "ConfusionMatrix", theirs: Table) -> None:
        """Count what another matrix counted, which is known to fit."""
        self._counts.add(theirs)
        self._known = None
        self._n_seen += other._n_seen
        self._total_weight += other._total_weight
        if theirs.labels:
            self._kind, self._boolean = other._kind, self._boolean and other._boolean

    @property
    def n_seen(self) -> int:
        """Rows seen, with those skipped."""
        return self._n_seen

    @property
    def labels(self) -> list[Any]:
        """The labels, in the order of the matrix."""
        labels = self._table().labels
        return [bool(label) for label in labels] if self._boolean and self._kind == "number" else list(labels)

    @property
    def matrix(self) -> NDArray[Any]:
        """Rows by true label and predicted, int64 of shape (K, K); float64 sums of weights once there were any."""
        table = self._table()
        if table.matrix is not None:
            return table.matrix.copy()
        k = len(table.labels)
        if k > MAX_MATRIX:
            raise ValueError(f"matrix: must have at most {MAX_MATRIX} labels, got {k}; cells() has those with rows")
        true, predicted, rows = self._cells()
        matrix = np.zeros((k, k), rows.dtype)
        matrix[true, predicted] = rows
        return matrix

    def cells(self) -> pa.Table:
        """The cells that have rows: columns ``true``, ``predicted`` and ``rows`` (or their weight), in matrix order."""
        true, predicted, rows = self._cells()
        labels = pa.array(self.labels)
        return pa.table({"true": labels.take(true), "predicted": labels.take(predicted), "rows": rows})

    def plot(self, ax: "Axes | None" = None, *, normalize: bool = False) -> "Axes":
        """Draw the matrix with matplotlib (the ``plot`` extra), on ``ax`` or new axes; rows as shares if ``normalize``.

        Returns
        -------
        matplotlib.axes.Axes
            What was drawn on.
        """
        return draw(self, ax, normalize)

    def __str__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)

    def to_bytes(self) -> bytes:
        """The state, to be saved, sent, and read by ``from_bytes``: checksummed Arrow IPC."""
        table = self._table()
        state = {
            "labels": self.labels,
            "given": self._given is not None,
            "nulls": self._nulls,
            "n_seen": self._n_seen,
        }
        batches = [to_batch(cells) for cells in (table.rows, table.weighted) if cells is not None]
        return pack("ConfusionMatrix", state, batches, COLUMNS)

    @classmethod
    def from_bytes(cls, data: bytes) -> "ConfusionMatrix":
        """The state that ``to_bytes`` saved.

        Raises
        ------
        ValueError
            If the bytes are damaged, are no saved confusion matrix, or come from a newer version.
        TypeError
            If ``data`` is not bytes.
        """
        state, batches, _ = unpack("ConfusionMatrix", data)
        labels = state["labels"]
        made = cls(labels if state["given"] else None, nulls=state["nulls"])
        tables = [of_batch(batch, len(labels)) for batch in batches]
        if labels:
            made._kind, made._boolean = _kind_of_label(labels[0]), isinstance(labels[0], bool)
        numbers = [int(label) for label in labels] if made._boolean else labels
        made._counts.add(Table(numbers, tables[0], tables[1] if len(tables) > 1 else None))
        made._n_seen, made._total_weight = state["n_seen"], float(made._cells()[2].sum())
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_bytes, (self.to_bytes(),)

    def __copy__(self) -> "ConfusionMatrix":
        return self.from_bytes(self.to_bytes())

    def __deepcopy__(self, memo: dict[int, Any]) -> "ConfusionMatrix":
        return self.__copy__()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ConfusionMatrix):
            return NotImplemented
        if (self._given, self._nulls, self._n_seen) != (other._given, other._nulls, other._n_seen):
            return False
        ours, theirs = self._table(), other._table()
        return ours.labels == theirs.labels and all(
            to_batch(a).equals(to_batch(b)) for a, b in zip(ours.cells, theirs.cells, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        given = "" if self._given is None else f"labels={reprlib.repr(self._given)}, "
        nulls = "nulls='skip', " if self._nulls == "skip" else ""
        return f"ConfusionMatrix({given}{nulls}n_labels={len(self._table().labels)}, n_seen={self._n_seen})"

    def _table(self) -> Table:
        if self._known is None:
            self._known = self._counts.table()
        return self._known

    def _cells(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
        """The cells with rows, by position of their labels, and how many or what they weigh."""
        table = self._table()
        if table.weighted is None:
            return table.rows[:3]
        k = len(table.labels)
        keys = np.concatenate([each.true * k + each.predicted for each in (table.rows, table.weighted)])
        cells = np.unique(keys)
        parts: list[list[float]] = [[] for _ in cells]
        for cell, count in zip(np.searchsorted(cells, keys).tolist(), table.rows.rows.tolist(), strict=False):
            parts[cell].append(float(count))
        of_weighted = np.searchsorted(cells, keys[len(table.rows.rows) :])
        owners, values = table.weighted.parts or (np.empty(0, np.int64), np.empty(0))
        for cell, value in zip(of_weighted[owners].tolist(), values.tolist(), strict=True):
            parts[cell].append(value)
        return cells // k, cells % k, np.array(list(map(math.fsum, parts)))

    def _margins(self) -> Margins:
        matrix = self._table().matrix
        if matrix is None:
            return super()._margins()
        return Margins(matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0))

    def _checked(
        self, y_true: Any, y_pred: Any, sample_weight: Any, first_row: int
    ) -> tuple[list[pa.Array | pa.ChunkedArray], NDArray[np.float64] | None]:
        columns = [as_labels("y_true", y_true), as_labels("y_pred", y_pred)]
        n = len(columns[0])
        if len(columns[1]) != n:
            raise ValueError(f"y_pred: must have one row for each of the {n} of y_true, got {len(columns[1])}")
        if sample_weight is None:
            return columns, None
        weights = as_floats(as_numbers("sample_weight", sample_weight, first_row))
        check_weights(weights, "sample_weight", first_row)
        if len(weights) != n:
            raise ValueError(f"sample_weight: must have one row for each of the {n} of y_true, got {len(weights)}")
        with np.errstate(over="ignore"):
            total = self._total_weight + float(weights.sum())
        if not math.isfinite(total):
            raise ValueError("sample_weight: must have a finite sum, got inf")
        return columns, weights

    def _kind_of(self, columns: list[pa.Array | pa.ChunkedArray]) -> tuple[str | None, bool]:
        """Whether labels are numbers or strings, and all booleans, with these. TypeError if they do not go together."""
        kind, boolean = self._kind, self._boolean
        for name, column in zip(ARGUMENTS, columns, strict=True):
            of_column = kind_of(column.type)
            if of_column == "null":
                continue
            found = "string" if of_column == "string" else "number"
            if kind not in (None, found):
                raise TypeError(f"{name}: must hold {kind}s, as the labels before, got {column.type}")
            kind, boolean = found, boolean and of_column == "bool"
        return kind, boolean

    def _pieces(
        self,
        columns: list[pa.Array | pa.ChunkedArray],
        weights: NDArray[np.float64] | None,
        first_row: int,
        slices: NDArray[np.int32] | None,
    ) -> Iterator[Piece]:
        """The rows without nulls, in stretches."""
        for start, n, arrays in pieces(columns):
            of_rows = None if weights is None else weights[start : start + n]
            in_slices = None if slices is None else slices[start : start + n]
            piece = Piece(arrays, of_rows, first_row + start, None, in_slices)
            valid = [valid_rows(array) for array in arrays]
            if valid[0] is not None or valid[1] is not None:
                masks = [np.ones(n, bool) if m is None else m.to_numpy(zero_copy_only=False) for m in valid]
                if self._nulls == "raise":
                    row = int((~(masks[0] & masks[1])).argmax())
                    name = ARGUMENTS[0 if not masks[0][row] else 1]
                    raise ValueError(f"{name}: must not be null, got null at row {first_row + start + row}")
                piece = piece.take(np.flatnonzero(masks[0] & masks[1]))
            if n > CODED_ROWS and kind_of(arrays[0].type) == "string":
                yield from (piece.slice(at, at + CODED_ROWS) for at in range(0, len(piece), CODED_ROWS))
            elif len(piece):
                yield piece.plain()


def _kind_of_label(label: Any) -> str:
    return "string" if isinstance(label, str) else "number"

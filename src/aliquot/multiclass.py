"""Areas under ROC curves for more than two classes, from a matrix of scores."""

import math
from collections.abc import Iterable, Sequence
from copy import copy
from itertools import permutations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aliquot._arrow import decoded
from aliquot._checks import check_choice, check_count, describe
from aliquot._saved import pack, unpack
from aliquot._scored_rows import POSITIVE_TYPES, as_array, read_rows
from aliquot.ranking import BinaryCurve

Pair = tuple[int, int]
"""A class, and the one it is held against, -1 for all others."""


class MulticlassCurve:
    """One-vs-rest or one-vs-one areas under ROC curves of a stream of labels and score matrices.

    Parameters
    ----------
    labels : int or sequence
        The classes, in the order of the columns of scores: booleans, numbers or strings. An int K stands for 0 to K-1.
    scheme : {"ovr", "ovo"}
        Hold each class against all others, by its own column; or against each other class, by the columns of both,
        among the rows of the two (Hand and Till 2001).
    bins : int, optional
        Bins of scores for each of the curves, K of them or K * (K - 1), as in ``BinaryCurve``.

    Raises
    ------
    ValueError
        If there are fewer than two labels, two that are alike, another scheme or fewer than one bin.
    TypeError
        If labels are nothing of these, or ``bins`` is not an integer.

    Notes
    -----
    The curves are ``BinaryCurve`` objects: exact or with certified bounds, mergeable, and independent of batches. For
    "ovo", a batch is cut by class, so that costs grow with K squared.

    References
    ----------
    Hand, Till (2001), "A simple generalisation of the area under the ROC curve for multiple class classification
    problems", doi:10.1023/A:1010920819831.

    Examples
    --------
    >>> import aliquot as aq
    >>> curve = aq.MulticlassCurve(["a", "b", "c"])
    >>> curve.update(["a", "b", "c", "a"], [[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.3, 0.4, 0.3], [0.1, 0.7, 0.2]])
    >>> curve.roc_auc()
    0.6666666666666666
    >>> curve.roc_auc(average=None)
    {'a': 0.5, 'b': 0.6666666666666666, 'c': 0.8333333333333334}
    """

    __slots__ = ("_bins", "_curves", "_labels", "_scheme")

    def __init__(self, labels: int | Sequence[Any], *, scheme: str = "ovr", bins: int | None = None) -> None:
        self._labels = check_labels(labels)
        self._scheme = check_choice("scheme", scheme, ("ovr", "ovo"))
        self._bins = bins
        classes = range(len(self._labels))
        pairs: Iterable[Pair] = ((k, -1) for k in classes) if scheme == "ovr" else permutations(classes, 2)
        self._curves = {pair: BinaryCurve(bins=bins) for pair in pairs}

    def update(self, y_true: Any, y_score: Any, *, sample_weight: Any = None) -> None:
        """See the next rows.

        Parameters
        ----------
        y_true : array_like or Arrow array of shape (n,)
            Labels, all among ``labels``.
        y_score : array_like of shape (n, K), Arrow array of fixed-size lists of K, or sequence of K columns
            Scores by class, in the order of ``labels``. A table, record batch or frame counts as its columns.
        sample_weight : array_like or Arrow array of shape (n,), optional
            Finite, not negative.

        Raises
        ------
        ValueError
            For an unknown label, a null, a score that is NaN or a weight that is none, naming the row; for lengths that
            differ. Nothing is seen then.
        TypeError
            For other types.
        """
        codes = self._codes(as_array("y_true", y_true))
        columns = columns_of(y_score, len(self._labels))
        weight = None if sample_weight is None else as_array("sample_weight", sample_weight)
        for name, column in (("y_score", columns[0]), ("sample_weight", weight)):
            if column is not None and len(column) != len(codes):
                raise ValueError(f"{name}: must be as long as y_true, got {len(column)} for {len(codes)} rows")
        self._check(columns, weight)
        rows_of = [np.flatnonzero(codes == k) for k in range(len(self._labels))]
        for (k, other), curve in self._curves.items():
            if other == -1:
                curve.update(codes == k, columns[k], sample_weight=weight)
                continue
            rows = pa.array(np.concatenate([rows_of[k], rows_of[other]]))
            is_k = np.arange(len(rows)) < len(rows_of[k])
            curve.update(is_k, columns[k].take(rows), sample_weight=None if weight is None else weight.take(rows))

    def merge(self, other: "MulticlassCurve") -> None:
        """Take in what another has seen, which stays as it is.

        Raises
        ------
        ValueError
            If it has other labels, another scheme or other bins.
        TypeError
            If it is no MulticlassCurve.
        """
        if not isinstance(other, MulticlassCurve):
            raise TypeError(f"other: must be a MulticlassCurve, got {describe(other)}")
        for name in ("labels", "scheme", "bins"):
            ours, theirs = getattr(self, f"_{name}"), getattr(other, f"_{name}")
            if ours != theirs:
                raise ValueError(f"other: must have {name}={ours!r}, got {name}={theirs!r}")
        for pair, curve in self._curves.items():
            curve.merge(other._curves[pair])

    @property
    def labels(self) -> list[Any]:
        """The classes, in the order of the columns of scores."""
        return list(self._labels)

    @property
    def n_seen(self) -> int:
        """Rows seen."""
        seen = sum(curve.n_seen for curve in self._curves.values())
        # Each row is seen by all K curves, or by those of its class: 2 (K - 1) of them.
        times = len(self._labels) if self._scheme == "ovr" else 2 * (len(self._labels) - 1)
        return seen // times

    def curve(self, label: Any, against: Any = None) -> BinaryCurve:
        """A copy of the curve of one class against all others, or, for "ovo", against another class.

        Raises
        ------
        KeyError
            For a label that is none, or a curve that this scheme does not have.
        """
        places = [self._labels.index(each) if each in self._labels else -2 for each in (label, against)]
        pair = (places[0], -1 if against is None else places[1])
        if pair not in self._curves:
            raise KeyError(f"label, against: must be a curve of scheme {self._scheme!r}, got {label!r}, {against!r}")
        return copy(self._curves[pair])

    def roc_auc(self, *, average: str | None = "macro") -> Any:
        """The mean of the areas under the curves.

        Parameters
        ----------
        average : {"macro", "weighted"} or None
            All count alike; each counts as its rows, the positive ones of a class or those of a pair, weigh; or
            all areas by themselves.

        Returns
        -------
        float or dict
            NaN if a class has no rows. For None, areas by label; for "ovo" by pair of labels, each the mean of both
            ways.
        """
        areas = {name: sum(curve.roc_auc() for curve in curves) / len(curves) for name, curves in self._named().items()}
        if average is None:
            return areas
        return self._mean(list(areas.values()), average)

    def roc_auc_bounds(self, *, average: str = "macro") -> tuple[float, float]:
        """The least and the most that the exact ``roc_auc`` can be; equal when this one is exact."""
        bounds = [[curve.roc_auc_bounds() for curve in curves] for curves in self._named().values()]
        low, high = (
            self._mean([sum(each[side] for each in both) / len(both) for both in bounds], average) for side in (0, 1)
        )
        return low, high

    def to_bytes(self) -> bytes:
        """The state, to be saved, sent, and read by ``from_bytes``: as checksummed Arrow IPC."""
        state = {"labels": self._labels, "scheme": self._scheme, "bins": self._bins}
        curves = pa.array([curve.to_bytes() for curve in self._curves.values()], pa.large_binary())
        batch = pa.record_batch({"curve": curves})
        return pack("MulticlassCurve", state, [batch], batch.schema)

    @classmethod
    def from_bytes(cls, data: bytes) -> "MulticlassCurve":
        """The curves that ``to_bytes`` saved.

        Raises
        ------
        ValueError
            If the bytes are damaged, are no saved curves, or come from a newer version.
        TypeError
            If ``data`` is not bytes.
        """
        state, batches, _ = unpack("MulticlassCurve", data)
        made = cls(state["labels"], scheme=state["scheme"], bins=state["bins"])
        saved = [BinaryCurve.from_bytes(each) for each in batches[0].column("curve").to_pylist()]
        made._curves = dict(zip(made._curves, saved, strict=True))
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return MulticlassCurve.from_bytes, (self.to_bytes(),)

    def __copy__(self) -> "MulticlassCurve":
        made = MulticlassCurve(self._labels, scheme=self._scheme, bins=self._bins)
        made._curves = {pair: copy(curve) for pair, curve in self._curves.items()}
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> "MulticlassCurve":
        return self.__copy__()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MulticlassCurve):
            return NotImplemented
        return self._labels == other._labels and self._curves == other._curves

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        bins = "" if self._bins is None else f", bins={self._bins}"
        return f"MulticlassCurve(n_labels={len(self._labels)}, scheme={self._scheme!r}{bins}, n_seen={self.n_seen})"

    def _named(self) -> dict[Any, list[BinaryCurve]]:
        """The curves whose mean is one number, under the label or the pair of labels that it belongs to."""
        if self._scheme == "ovr":
            return {self._labels[k]: [curve] for (k, _), curve in self._curves.items()}
        return {
            (self._labels[k], self._labels[other]): [curve, self._curves[other, k]]
            for (k, other), curve in self._curves.items()
            if k < other
        }

    def _mean(self, areas: list[float], average: str) -> float:
        weights = [1.0] * len(areas)
        if check_choice("average", average, ("macro", "weighted")) == "weighted":
            totals = [curves[0].totals() for curves in self._named().values()]
            weights = [positive + (negative if self._scheme == "ovo" else 0.0) for positive, negative in totals]
        # A class without rows weighs nothing, and its area is not defined.
        pairs = [(area, weight) for area, weight in zip(areas, weights, strict=True) if weight > 0]
        mass = math.fsum(weight for _, weight in pairs)
        return math.fsum(area * weight for area, weight in pairs) / mass if pairs else math.nan

    def _check(self, columns: list[pa.Array], weight: pa.Array | None) -> None:
        """The errors that an update could end in, before it begins."""
        for k, column in enumerate(columns):
            try:
                read_rows(np.zeros(len(columns[0]), bool), column, weight, first_row=self.n_seen)
            except (TypeError, ValueError) as error:
                raise type(error)(str(error).replace("y_score", f"y_score[{k}]")) from None

    def _codes(self, values: pa.Array) -> NDArray[np.int32]:
        """The place of each row's label among the labels."""
        values = decoded(values)
        if len(values) == 0:  # of whatever type an empty list is
            return np.empty(0, np.int32)
        if pa.types.is_string_view(values.type):
            values = values.cast(pa.large_string())
        if values.null_count:
            row = pc.index(values.is_null(), True).as_py()
            raise ValueError(f"y_true: must not be null, got null at row {self.n_seen + row}")
        try:
            if isinstance(self._labels[0], str) != (
                pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
            ):
                raise TypeError
            places = pc.index_in(values, value_set=pa.array(self._labels).cast(values.type))
        except (pa.ArrowException, TypeError):
            raise TypeError(f"y_true: must hold labels such as {self._labels[0]!r}, got {values.type}") from None
        if places.null_count:
            row = pc.index(places.is_null(), True).as_py()
            raise ValueError(
                f"y_true: must be one of the {len(self._labels)} labels, got {values[row]} at row {self.n_seen + row}"
            )
        codes: NDArray[np.int32] = places.to_numpy()
        return codes


def columns_of(scores: Any, n: int) -> list[pa.Array]:
    """The n columns of a matrix of scores."""
    if isinstance(scores, pa.Table | pa.RecordBatch):
        scores = scores.columns
    elif _is_arrow(scores) and hasattr(scores, "columns"):  # a frame
        scores = pa.table(scores).columns
    if _is_arrow(scores):
        matrix = as_array("y_score", scores)
        if not pa.types.is_fixed_size_list(matrix.type):
            raise TypeError(f"y_score: must be a matrix, fixed-size lists or a sequence of columns, got {matrix.type}")
        if matrix.null_count:
            raise ValueError("y_score: must not be null, got a null list")
        values = matrix.flatten().to_numpy(zero_copy_only=False).reshape(-1, matrix.type.list_size)
        columns = [np.ascontiguousarray(column) for column in values.T]
    elif isinstance(scores, list | tuple) and scores and _is_arrow(scores[0]):
        columns = list(scores)
    else:
        try:
            values = np.asarray(scores)
        except ValueError as error:  # of rows that differ in length
            raise ValueError(f"y_score: must have {n} columns in each row, got {describe(scores)}") from error
        if values.ndim != 2:
            raise ValueError(f"y_score: must have two dimensions, got shape {values.shape}")
        columns = [np.ascontiguousarray(column) for column in values.T]
    if len(columns) != n:
        raise ValueError(f"y_score: must have a column for each of the {n} labels, got {len(columns)}")
    return [as_array(f"y_score[{k}]", column) for k, column in enumerate(columns)]


def _is_arrow(values: Any) -> bool:
    return hasattr(values, "__arrow_c_array__") or hasattr(values, "__arrow_c_stream__")


def check_labels(labels: Any) -> list[Any]:
    """Labels as a list of at least two different ones of one type."""
    if not isinstance(labels, Sequence | np.ndarray) or isinstance(labels, str):
        return check_labels(range(check_count("labels", labels)))
    listed = [label.item() if isinstance(label, np.generic) else label for label in labels]
    for label in listed:
        if not isinstance(label, POSITIVE_TYPES) or type(label) is not type(listed[0]):
            raise TypeError(f"labels: must be booleans, numbers or strings of one type, got {describe(label)}")
    if len(set(listed)) != len(listed) or len(listed) < 2:
        raise ValueError(f"labels: must be at least two, all different, got {listed}")
    return listed

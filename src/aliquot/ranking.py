"""How well scores rank positive rows above negative ones, from streams, exactly or within certified bounds."""

import math
from threading import RLock
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _curves
from aliquot._checks import check_bool, check_choice, check_fraction, describe
from aliquot._kernels import ranking as _kernel
from aliquot._ranking import Pending, Ranking, check_bins
from aliquot._saved import pack, unpack
from aliquot._scored_rows import MassRange, ScoredColumns, ScoredRows, as_columns, check_negatives, check_positive

Curve = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[Any]]

FEW_ROWS = 2**16
"""Ranked at once while scores repeat, or go into bins: they are sorted in the cache."""
MANY_ROWS = 2**24
"""Ranked at once while scores hardly repeat, as each time the ranking is written anew."""


class BinaryCurve:
    """ROC and precision-recall curves of a stream of labels and scores, and what can be read off them.

    Parameters
    ----------
    bins : int, optional
        Keep at most this many bins of scores, whatever comes, and certify how far off areas can be. Without, all
        different scores are kept, and everything is exact.
    positive : bool, int, float or str, optional
        The label of the positive class; all others are negative. Without, labels are booleans, 0 and 1, or -1 and 1.
    nulls : {"raise", "skip"}, default "raise"
        What to do with a row that has a null label, score or weight.

    Notes
    -----
    A state is the multiset of scores by label, and nothing else: batches, their order and how states were merged leave
    no trace in it, in bins neither. Weights are added up exactly, as integers, so that weights of one are the same as
    none.

    Exact, a score takes 12 bytes, or 16 if it is no float32, while counts are below 2**31, and up to 2**24 rows wait to
    be ranked, in 5 to 17 bytes each. With ``bins``, a bin takes 24 bytes, and 2**16 rows wait. Updating costs a pass,
    ranking a radix sort: O(n) time in all.

    A bin holds the scores whose bits begin alike: finest near 1, half as fine for every two powers of two towards 0 or
    infinity, and as fine as ``bins`` of them allow for the scores that there were. A bin knows its highest and its
    lowest score, and a bin of one score is exact. The points of a binned curve are points of the exact curve.

    Threads may share an object, which does one thing at a time; the GIL is released while it works.

    Examples
    --------
    >>> import aliquot as aq
    >>> curve = aq.BinaryCurve()
    >>> curve.update([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> curve.roc_auc(), curve.average_precision()
    (0.75, 0.8333333333333333)
    >>> fpr, tpr, thresholds = curve.roc_curve()
    >>> thresholds
    array([ inf, 0.8 , 0.4 , 0.35, 0.1 ])
    """

    __slots__ = (
        "_bins", "_limit", "_lock", "_masses", "_n_seen", "_negatives", "_nulls", "_pending", "_positive",
        "_ranking",
    )  # fmt: skip

    def __init__(self, *, bins: int | None = None, positive: Any = None, nulls: str = "raise") -> None:
        self._lock = RLock()
        self._bins = None if bins is None else check_bins(bins)
        self._positive = check_positive(positive)
        self._nulls = check_choice("nulls", nulls, ("raise", "skip"))
        self._n_seen = 0
        self._negatives: frozenset[int] = frozenset()
        self._masses = MassRange()
        self._ranking = Ranking.of_nothing(is_wide=bins is not None)
        self._pending = Pending()
        self._limit = FEW_ROWS

    def update(self, y_true: Any, y_score: Any, *, sample_weight: Any = None) -> None:
        """See the next rows.

        Parameters
        ----------
        y_true : array_like or Arrow array of shape (n,)
            Labels: booleans or numbers; with ``positive``, strings too; plain or dictionary.
        y_score : array_like or Arrow array of shape (n,)
            float16, float32, float64, or integers of at most 2**53; infinite ones rank as such. float32 stays float32.
        sample_weight : array_like or Arrow array of shape (n,), optional
            Finite, not negative. Rows of weight 0 count as seen, and for nothing else.

        Raises
        ------
        ValueError
            For a label that is none, a score that is NaN, a weight that is none, or a null, naming its row; for lengths
            that differ. Nothing is seen then.
        TypeError
            For other types.
        """
        with self._lock:
            options = {"positive": self._positive, "skip_nulls": self._nulls == "skip", "first_row": self._n_seen}
            self._keep(self._read(as_columns(y_true, y_score, sample_weight, **options)))

    def _read(self, columns: ScoredColumns | ScoredRows) -> ScoredRows:
        """The rows, which may be looked at until they are kept or others are read."""
        is_wide = columns.is_wide or self._bins is not None
        if not self._pending.takes(is_wide=is_wide, is_weighted=columns.weights is not None):
            self._settle()
        return self._pending.read(columns, self._limit, is_wide=is_wide)

    def _keep(self, rows: ScoredRows) -> None:
        """Have seen the rows read last."""
        self._negatives = check_negatives(self._negatives | rows.negatives)
        self._n_seen += rows.n_seen
        self._masses |= rows.masses
        self._pending.rows += len(rows)
        if self._pending.rows >= self._limit and self._bins is None and not len(self._ranking):
            self._limit = MANY_ROWS if self._pending.hardly_repeat else FEW_ROWS
        if self._pending.rows >= self._limit:
            self._settle()

    def merge(self, other: "BinaryCurve") -> None:
        """Take in what another curve has seen, which stays as it is.

        Raises
        ------
        ValueError
            If the other has other ``bins``, ``positive`` or ``nulls``, or labels that do not go with these.
        TypeError
            If it is no BinaryCurve.
        """
        if not isinstance(other, BinaryCurve):
            raise TypeError(f"other: must be a BinaryCurve, got {describe(other)}")
        for name in ("bins", "positive", "nulls"):
            ours, theirs = getattr(self, f"_{name}"), getattr(other, f"_{name}")
            if (type(ours), ours) != (type(theirs), theirs):
                raise ValueError(f"other: must have {name}={ours!r}, got {name}={theirs!r}")
        with other._lock:
            if (rows := other._unranked()) is None:
                theirs = other._settled(), other._masses, other._negatives, other._n_seen
        with self._lock:
            if rows is not None:
                self._keep(self._read(rows))
                return
            negatives = check_negatives(self._negatives | theirs[2])
            masses = self._masses | theirs[1]
            ranking = self._settled().merged(theirs[0], masses)
            self._ranking = ranking if self._bins is None else ranking.binned(self._bins)
            self._masses, self._negatives, self._n_seen = masses, negatives, self._n_seen + theirs[3]

    def _unranked(self) -> ScoredRows | None:
        """All rows, if none of them was ranked: the other's ranking of them is as good."""
        if self._bins is not None or len(self._ranking) or not self._pending.rows:
            return None
        return ScoredRows(*self._pending.copied(), self._masses, self._n_seen, self._negatives)

    @property
    def n_seen(self) -> int:
        """Rows seen, those skipped for a null and those that weigh nothing included."""
        return self._n_seen

    @property
    def bins(self) -> int | None:
        """How many bins there may be; None if scores are kept as they are."""
        return self._bins

    def __len__(self) -> int:
        """How many different scores, or bins of scores, there are."""
        return len(self._settled())

    def roc_auc(self, *, max_fpr: float | None = None, zero_division: float = math.nan) -> float:
        """The area under the ROC curve: the probability that a positive row scores above a negative one, ties half.

        Parameters
        ----------
        max_fpr : float in (0, 1], optional
            Only the part of the curve up to this false positive rate, standardised (McClish 1989) to 0.5 for a random
            and 1 for a perfect ranking.
        zero_division : float
            What to return when all rows are of one class.

        Returns
        -------
        float
            Correctly rounded for counts below 2**31, else within some units in the last place. With ``bins``, as if
            each bin were one score.
        """
        if max_fpr is not None and check_fraction("max_fpr", max_fpr) < 1:
            return _curves.or_default(_curves.partial_area(*self.roc_curve()[:2], max_fpr), zero_division)
        low, high, positive, negative = _kernel.pairs(*self._settled().parts)
        return (low + high) / (4 * positive * negative) if positive and negative else zero_division

    def roc_auc_bounds(self, *, zero_division: float = math.nan) -> tuple[float, float]:
        """The least and the most that the area under the exact ROC curve can be; equal when this one is exact."""
        low, high, positive, negative = _kernel.pairs(*self._settled().parts)
        if not (positive and negative):
            return zero_division, zero_division
        whole = 2 * positive * negative
        return _curves.certified(low / whole, (low + high) / (2 * whole), high / whole, is_exact=low == high)

    def average_precision(self, *, zero_division: float = math.nan) -> float:
        """The mean, over positive rows, of the precision at their score; ``zero_division`` if there are none.

        With ``bins``, as if each bin were one score.
        """
        return _curves.or_default(_kernel.average_precision(*self._settled().parts)[1], zero_division)

    def average_precision_bounds(self, *, zero_division: float = math.nan) -> tuple[float, float]:
        """The least and the most that the exact average precision can be; equal when this one is exact."""
        low, middle, high = _kernel.average_precision(*self._settled().parts)
        if math.isnan(middle):
            return zero_division, zero_division
        return _curves.certified(low, middle, high, is_exact=low == high == middle)

    def totals(self) -> tuple[float, float]:
        """How many positive and negative rows there are, or what they weigh."""
        ranking = self._settled()
        return _kernel.totals(ranking.masses, ranking.unit)

    def roc_curve(self, *, drop_intermediate: bool = True) -> Curve:
        """False positive rates, true positive rates, and the scores from which on rows count as positive.

        Parameters
        ----------
        drop_intermediate : bool
            Leave out points that lie in the middle between their neighbours.

        Returns
        -------
        fpr, tpr, thresholds : numpy.ndarray
            Rates, float64, ascending from 0 to 1; NaN for those of a class that has no rows. Thresholds, descending, of
            the scores' own type, infinity first.
        """
        return _curves.roc(
            *self._settled().steps(), drop_intermediate=check_bool("drop_intermediate", drop_intermediate)
        )

    def pr_curve(self, *, drop_intermediate: bool = False) -> Curve:
        """Precision, recall, and the scores from which on rows count as positive.

        Parameters
        ----------
        drop_intermediate : bool
            Leave out points between others of the same recall.

        Returns
        -------
        precision, recall, thresholds : numpy.ndarray
            Precision and recall, float64, by ascending threshold, then 1 and 0, which have none. Recall is NaN if there
            are no positive rows.
        """
        drop = check_bool("drop_intermediate", drop_intermediate)
        return _curves.precision_recall(*self._settled().steps(), drop_intermediate=drop)

    def ks(self, *, zero_division: float = math.nan) -> float:
        """The largest difference between true and false positive rate (Kolmogorov-Smirnov, Youden's J).

        With ``bins``, that at the edges of bins, which is at most the exact one.
        """
        fpr, tpr, _ = self.roc_curve(drop_intermediate=False)
        return _curves.or_default(float(np.abs(tpr - fpr).max()), zero_division)

    def best_f1(self) -> tuple[float, float]:
        """The score from which on rows should count as positive for the highest F1, and that F1.

        The highest such score. NaN and NaN if there are no positive rows. With ``bins``, the best edge of a bin.
        """
        return _curves.best_f1(*self._settled().steps())

    def log_loss(self, *, zero_division: float = math.nan) -> float:
        """The mean negative log-likelihood of the labels, scores being probabilities, in nats.

        Scores of 0 and 1 are moved inside by the machine epsilon of their type. With ``bins``, the mean of what the
        highest and the lowest scores of the bins give; so for the Brier score.

        Raises
        ------
        ValueError
            If a score is not in [0, 1].
        """
        return _curves.or_default(self._settled().mean_of(_curves.log_loss), zero_division)

    def brier(self, *, zero_division: float = math.nan) -> float:
        """The mean squared difference between labels, 1 or 0, and scores, which are probabilities.

        Raises
        ------
        ValueError
            If a score is not in [0, 1].
        """
        return _curves.or_default(self._settled().mean_of(_curves.brier), zero_division)

    def calibration(self, *, n_bins: int = 10, strategy: str = "uniform") -> pa.Table:
        """What share of rows is positive, by what their scores say.

        Parameters
        ----------
        n_bins : int
            How many bins of scores to make; those without rows are left out.
        strategy : {"uniform", "quantile"}
            Bins of one width, or of one mass, but for ties.

        Returns
        -------
        pyarrow.Table
            float64 columns ``score``, the mean score of a bin, ``positive``, the share of its rows that are positive,
            and ``mass``, its number of rows or the sum of their weights; by ascending score.

        Raises
        ------
        ValueError
            If a score is not in [0, 1].
        """
        n_bins, strategy = check_bins(n_bins, "n_bins"), check_choice("strategy", strategy, ("uniform", "quantile"))
        return _curves.calibration(*self._settled().probabilities("calibration"), n_bins, strategy)

    def to_bytes(self) -> bytes:
        """The state, to be saved, sent, and read by ``from_bytes``: as checksummed Arrow IPC."""
        ranking = self._settled()
        state = {
            "bins": self._bins,
            "positive": self._positive,
            "nulls": self._nulls,
            "n_seen": self._n_seen,
            "negatives": sorted(self._negatives),
            "masses": [self._masses.rows, self._masses.lowest, self._masses.highest],
            "level": ranking.level,
        }
        batch = ranking.to_batch()
        return pack("BinaryCurve", state, [batch], batch.schema)

    @classmethod
    def from_bytes(cls, data: bytes) -> "BinaryCurve":
        """The curve that ``to_bytes`` saved.

        Raises
        ------
        ValueError
            If the bytes are damaged, are no saved curve, or come from a newer version.
        TypeError
            If ``data`` is not bytes.
        """
        state, batches, _ = unpack("BinaryCurve", data)
        made = cls(bins=state["bins"], positive=state["positive"], nulls=state["nulls"])
        made._n_seen = state["n_seen"]
        made._negatives = frozenset(state["negatives"])
        made._masses = MassRange(*state["masses"])
        made._ranking = Ranking.from_batch(batches[0], made._masses, state["level"])
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return BinaryCurve.from_bytes, (self.to_bytes(),)

    def __copy__(self) -> "BinaryCurve":
        self._settled()
        made = BinaryCurve.__new__(BinaryCurve)
        own: dict[str, Any] = {"_pending": Pending(), "_lock": RLock()}  # nothing else ever changes
        for name in self.__slots__:
            setattr(made, name, own[name] if name in own else getattr(self, name))
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> "BinaryCurve":
        return self.__copy__()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BinaryCurve):
            return NotImplemented
        names = ("_bins", "_positive", "_nulls", "_n_seen", "_negatives", "_masses")
        return all(getattr(self, name) == getattr(other, name) for name in names) and (
            self._settled() == other._settled()
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        options = {"bins": self._bins, "positive": self._positive}
        shown = "".join(f", {name}={value!r}" for name, value in options.items() if value is not None)
        return f"BinaryCurve(n_seen={self._n_seen}{shown})"

    def _settled(self) -> Ranking:
        """The ranking of all rows seen."""
        with self._lock:
            if self._pending.rows:
                self._settle()
            return self._ranking

    def _settle(self) -> None:
        before, fresh = len(self._ranking), self._pending.rows
        self._ranking = self._pending.rank(self._ranking, self._masses, self._bins)
        hardly_repeat = self._bins is None and 2 * (len(self._ranking) - before) > fresh
        self._limit = max(MANY_ROWS if hardly_repeat else FEW_ROWS, 0 if self._bins else len(self._ranking))

"""The scores of a confusion matrix as its methods."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aliquot import _rng, metrics
from aliquot._checks import check_bool, check_choice, check_count, describe
from aliquot.metrics import Average, Margins, check_average

OF_CLASSES = ("precision", "recall", "f1", "fbeta", "specificity", "jaccard")
SCORES = ("accuracy", *OF_CLASSES, "balanced_accuracy", "mcc", "kappa")
PROPORTIONS = ("accuracy", "precision", "recall", "specificity")
"""Shares of rows, of which Wilson's interval is known to hold; averages of them over classes are none."""

Cells = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]


class Scores:
    """What follows from labels and the cells that have rows.

    Scores of classes take ``average``, "binary" with ``pos_label``, "micro", "macro", "weighted", or None for one score
    a label, and ``zero_division``, which stands for a ratio without a denominator. As in scikit-learn, but that
    ``zero_division`` is NaN unless asked otherwise, and averages leave NaN out.
    """

    @property
    def labels(self) -> list[Any]:
        """The labels, in the order of the matrix."""
        raise AssertionError("whoever holds the cells knows their labels")

    def _cells(self) -> Cells:
        raise AssertionError("whoever holds the cells knows them")

    def accuracy(self) -> float:
        """The share of rows that were predicted right; NaN of none."""
        return metrics.accuracy(self._margins())

    def precision(self, average: str | None = None, *, pos_label: Any = 1, zero_division: float = np.nan) -> Any:
        """Of the rows predicted to be of a class, the share that is: float64 of shape (K,), or a float."""
        return metrics.precision(self._margins(), self._average(average, pos_label, zero_division))

    def recall(self, average: str | None = None, *, pos_label: Any = 1, zero_division: float = np.nan) -> Any:
        """Of the rows of a class, the share predicted to be: float64 of shape (K,), or a float."""
        return metrics.recall(self._margins(), self._average(average, pos_label, zero_division))

    def f1(self, average: str | None = None, *, pos_label: Any = 1, zero_division: float = np.nan) -> Any:
        """The harmonic mean of precision and recall: float64 of shape (K,), or a float."""
        return self.fbeta(1.0, average, pos_label=pos_label, zero_division=zero_division)

    def fbeta(
        self, beta: float, average: str | None = None, *, pos_label: Any = 1, zero_division: float = np.nan
    ) -> Any:
        """The same with recall counting ``beta`` times as much: float64 of shape (K,), or a float."""
        if not isinstance(beta, float | int) or isinstance(beta, bool):
            raise TypeError(f"beta: must be a number, got {describe(beta)}")
        if not beta >= 0:
            raise ValueError(f"beta: must not be negative, got {beta}")
        return metrics.fbeta(self._margins(), float(beta), self._average(average, pos_label, zero_division))

    def specificity(self, average: str | None = None, *, pos_label: Any = 1, zero_division: float = np.nan) -> Any:
        """Of the rows of other classes, the share not predicted to be of this one: of shape (K,), or a float."""
        return metrics.specificity(self._margins(), self._average(average, pos_label, zero_division))

    def jaccard(self, average: str | None = None, *, pos_label: Any = 1, zero_division: float = np.nan) -> Any:
        """Of the rows that are of a class or predicted to be, the share that is both: of shape (K,), or a float."""
        return metrics.jaccard(self._margins(), self._average(average, pos_label, zero_division))

    def balanced_accuracy(self, *, adjusted: bool = False) -> float:
        """The mean recall of the labels that have rows; ``adjusted`` so that chance scores 0."""
        return metrics.balanced_accuracy(self._margins(), adjusted=check_bool("adjusted", adjusted))

    def mcc(self) -> float:
        """Matthews' correlation coefficient, -1 to 1; 0 if truth or prediction is constant, as in scikit-learn."""
        return metrics.mcc(self._margins())

    def kappa(self, weights: str | None = None) -> float:
        """Cohen's kappa, agreement beyond chance; NaN if chance agrees always.

        ``weights`` says how bad a confusion is by the distance of the labels in the matrix: "linear", "quadratic", or
        None for all alike.
        """
        if weights is None:
            return metrics.kappa(self._margins())
        power = 1 if check_choice("weights", weights, ("linear", "quadratic")) == "linear" else 2
        true, predicted, rows = self._cells()
        margins = self._margins()
        disagreement = float((rows * np.abs(true - predicted).astype(float) ** power).sum())
        place = np.arange(len(margins.true), dtype=float)
        t, p = margins.true.astype(float), margins.predicted.astype(float)
        if power == 2:
            chance = t.sum() * (p @ place**2) - 2 * (t @ place) * (p @ place) + p.sum() * (t @ place**2)
        else:
            # The sum of |i - j| t_i p_j is that, over all places to cut, of what is on unlike sides of the cut.
            t_below, p_below = np.cumsum(t)[:-1], np.cumsum(p)[:-1]
            chance = (t_below * (p.sum() - p_below) + p_below * (t.sum() - t_below)).sum()
        return metrics.kappa(margins, disagreement, float(chance) / float(margins.total) if len(t) else 0.0)

    def cost(self, matrix: Any) -> float:
        """The mean cost of a row, if predicting j for i costs ``matrix[i][j]``; NaN of no rows.

        Raises
        ------
        ValueError
            If the costs are not finite numbers of shape (K, K).
        """
        k = len(self.labels)
        try:
            costs = np.asarray(matrix, float)
        except (TypeError, ValueError) as error:
            raise ValueError(f"matrix: must be numbers of shape {(k, k)}, got {describe(matrix)}") from error
        if costs.shape != (k, k):
            raise ValueError(f"matrix: must be of shape {(k, k)}, got {costs.shape}")
        if not np.isfinite(costs).all():
            raise ValueError("matrix: must be finite, got others")
        true, predicted, rows = self._cells()
        total = rows.sum()
        return float((rows * costs[true, predicted]).sum() / total) if total else np.nan

    def interval(
        self,
        score: str = "accuracy",
        *,
        level: float = 0.95,
        resamples: int = 1000,
        rng: _rng.RNG = None,
        **options: Any,
    ) -> tuple[Any, Any]:
        """A confidence interval of a score, as if the rows were a random sample.

        Parameters
        ----------
        score : str, default "accuracy"
            The name of a method: "precision", "f1", "mcc", ...
        level : float, default 0.95
            The probability of covering what is true of the population, about.
        resamples : int, default 1000
            How often to draw the counts anew, for scores that are no proportions.
        rng : None, int, SeedSequence, BitGenerator or Generator
            The seed of these draws.
        **options
            What the method takes: ``average="macro"``, ``beta=2``, ...

        Returns
        -------
        tuple of (low, high)
            Floats, or arrays of shape (K,) for scores of classes. Wilson's interval for accuracy and for precision,
            recall and specificity of classes; otherwise the percentile bootstrap.

        Raises
        ------
        ValueError
            For an unknown score, or rows that have weights: how far these go together is not in the counts.

        References
        ----------
        Wilson (1927), doi:10.1080/01621459.1927.10502953. Efron (1979), "Bootstrap methods: another look at the
        jackknife", doi:10.1214/aos/1176344552.
        """
        check_choice("score", score, SCORES)
        if not isinstance(level, float) or not 0 < level < 1:
            raise ValueError(f"level: must be between 0 and 1, got {level}")
        true, predicted, rows = self._cells()
        if rows.dtype.kind == "f":
            raise ValueError("sample_weight: must not be given to rows that intervals are of, got weights")
        average = options.get("average")
        if score in PROPORTIONS and average in (None, "binary", "micro"):
            getattr(self, score)(**options)  # which refuses options that it does not take
            hits, of = self._proportion(score, options)
            return metrics.wilson(hits, of, level)
        count = check_count("resamples", resamples)
        method: Callable[..., Any] = getattr(type(self), score)
        total = int(rows.sum())
        random = np.random.default_rng(_rng.seed_of(rng))
        share = rows / total if total else rows
        scores = [
            method(_Resample(self.labels, true, predicted, random.multinomial(total, share)), **options)
            for _ in range(count if total else 0)
        ]
        if not scores:
            missing = np.full_like(np.asarray(method(self, **options), float), np.nan)
            return (missing, missing.copy()) if missing.ndim else (np.nan, np.nan)
        return _percentiles(np.asarray(scores), level)

    def report(self, *, level: float = 0.95) -> pa.Table:
        """Scores by label, and their averages, as a table.

        Returns
        -------
        pyarrow.Table
            One row a label, in matrix order, and one for each ``average``, "micro" (whose every score is the
            accuracy), "macro" and "weighted", whose ``label`` is null. Columns ``precision``, ``recall``, ``f1``,
            ``specificity``; ``support`` and ``predicted``, rows or their weight; ``precision_low``, ``precision_high``,
            ``recall_low``, ``recall_high``, Wilson's intervals at ``level``, null for averages over classes and for
            rows that have weights.
        """
        margins = self._margins()
        averages = ("micro", "macro", "weighted")
        columns: dict[str, Any] = {
            "label": pa.array(self.labels + [None] * 3),
            "average": pa.array([None] * len(self.labels) + list(averages), pa.string()),
        }
        for name in ("precision", "recall", "f1", "specificity"):
            method = getattr(self, name)
            columns[name] = np.concatenate([method(), [method(each) for each in averages]])
        for name, values in (("support", margins.true), ("predicted", margins.predicted)):
            columns[name] = np.concatenate([values, [margins.total] * 3])
        weighted = margins.true.dtype.kind == "f"
        for name in ("precision", "recall"):
            bounds = [np.full(len(self.labels), np.nan)] * 2 if weighted else self.interval(name, level=level)
            of_all = (np.nan, np.nan) if weighted else self.interval("accuracy", level=level)
            for side, of_labels, micro in zip(("low", "high"), bounds, of_all, strict=True):
                values = np.concatenate([of_labels, [micro, np.nan, np.nan]])
                columns[f"{name}_{side}"] = pa.array(values, mask=np.isnan(values))
        return pa.table(columns)

    def _margins(self) -> Margins:
        true, predicted, rows = self._cells()
        k = len(self.labels)
        on_diagonal = true == predicted
        return Margins(
            _summed(true[on_diagonal], rows[on_diagonal], k), _summed(true, rows, k), _summed(predicted, rows, k)
        )

    def _average(self, average: str | None, pos_label: Any, zero_division: float) -> Average:
        return check_average(average, self.labels, pos_label, zero_division)

    def _proportion(self, score: str, options: dict[str, Any]) -> tuple[Any, Any]:
        """The rows that a proportion counts, and those it is of."""
        margins = self._margins()
        if score == "accuracy":
            return margins.hits.sum(), margins.total
        average = self._average(options.get("average"), options.get("pos_label", 1), np.nan)
        others = margins.total - margins.true
        hits, of = {
            "precision": (margins.hits, margins.predicted),
            "recall": (margins.hits, margins.true),
            "specificity": (others - margins.predicted + margins.hits, others),
        }[score]
        if average.name == "micro":
            return hits.sum(), of.sum()
        if average.name == "binary":
            return (0, 0) if average.positive is None else (hits[average.positive], of[average.positive])
        return hits, of


class _Resample(Scores):
    """The same cells with other counts."""

    def __init__(
        self, labels: list[Any], true: NDArray[np.int64], predicted: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> None:
        self._labels = labels
        self._drawn = true, predicted, rows

    @property
    def labels(self) -> list[Any]:
        return self._labels

    def _cells(self) -> Cells:
        return self._drawn


def _summed(classes: NDArray[np.int64], rows: NDArray[Any], k: int) -> NDArray[Any]:
    """Sums by class, of the type of what is summed: counts stay exact."""
    sums = np.zeros(k, rows.dtype)
    np.add.at(sums, classes, rows)
    return sums


def _percentiles(scores: NDArray[np.float64], level: float) -> tuple[Any, Any]:
    tails = [50 * (1 - level), 50 * (1 + level)]
    if scores.ndim == 1:
        known = scores[~np.isnan(scores)]
        low, high = np.percentile(known, tails) if len(known) else (np.nan, np.nan)
        return float(low), float(high)
    bounds = [_percentiles(column, level) for column in scores.T]
    return np.array([low for low, _ in bounds]), np.array([high for _, high in bounds])

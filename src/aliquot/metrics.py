"""Scores of a confusion matrix, from its diagonal and margins where these are enough.

Names and meanings are those of scikit-learn: rows are true, columns predicted. A ratio without a denominator is
``zero_division``, and averages over classes leave out those that are NaN.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliquot import _labels
from aliquot._checks import check_choice, check_count, describe
from aliquot._numbers import as_floats, as_numbers, check_weights

Floats = NDArray[np.float64]

AVERAGES = ("binary", "micro", "macro", "weighted")


@dataclass(frozen=True)
class Margins:
    """What most scores are made of, each of shape (K,): rows, or their weights, by class."""

    hits: NDArray[Any]
    """Both true and predicted."""
    true: NDArray[Any]
    predicted: NDArray[Any]

    @property
    def total(self) -> Any:
        """All rows."""
        return self.true.sum()


@dataclass(frozen=True)
class Average:
    """How the scores of classes become one: ``name`` is one of AVERAGES, or None for no average."""

    name: str | None = None
    positive: int | None = None
    """The class that "binary" is about."""
    zero_division: float = np.nan


def accuracy(margins: Margins) -> float:
    """The share of rows predicted right."""
    return _ratio(margins.hits.sum(), margins.total)


def precision(margins: Margins, average: Average) -> Any:
    """Of the rows predicted to be of a class, the share that is."""
    return _averaged(margins.hits, margins.predicted, margins.true, average)


def recall(margins: Margins, average: Average) -> Any:
    """Of the rows of a class, the share predicted to be."""
    return _averaged(margins.hits, margins.true, margins.true, average)


def fbeta(margins: Margins, beta: float, average: Average) -> Any:
    """The harmonic mean of precision and recall, which counts ``beta`` times as much."""
    square = beta * beta
    if np.isinf(square):
        return recall(margins, average)
    denominators = square * margins.true + margins.predicted
    return _averaged((1 + square) * margins.hits, denominators, margins.true, average)


def specificity(margins: Margins, average: Average) -> Any:
    """Of the rows of other classes, the share not predicted to be of this one."""
    others = margins.total - margins.true
    return _averaged(others - margins.predicted + margins.hits, others, margins.true, average)


def jaccard(margins: Margins, average: Average) -> Any:
    """Of the rows that are of a class or predicted to be, the share that is both."""
    union = margins.true + margins.predicted - margins.hits
    return _averaged(margins.hits, union, margins.true, average)


def balanced_accuracy(margins: Margins, *, adjusted: bool = False) -> float:
    """The mean recall of the classes that have rows; ``adjusted`` for chance, which is then 0."""
    present = margins.true > 0
    if not present.any():
        return np.nan
    score = float(np.mean(margins.hits[present] / margins.true[present]))
    chance = 1 / int(present.sum())
    return _ratio(score - chance, 1 - chance) if adjusted else score


def mcc(margins: Margins) -> float:
    """Matthews' correlation coefficient of any number of classes; 0 if one side is constant, as in scikit-learn."""
    true, predicted, total = _exact(margins.true), _exact(margins.predicted), _exact(margins.total)
    both = _exact(margins.hits).sum() * total - np.dot(true, predicted)
    spread = (total * total - np.dot(true, true)) * (total * total - np.dot(predicted, predicted))
    return float(both) / float(np.sqrt(float(spread))) if spread > 0 else 0.0


def kappa(margins: Margins, disagreement: float | None = None, chance: float | None = None) -> float:
    """Cohen's kappa: how much better than chance, of a matrix with these margins, the two sides agree."""
    if np.count_nonzero(margins.true + margins.predicted) < 2:
        return np.nan  # chance agrees always, although it may not do so to the last digit
    if disagreement is None or chance is None:
        total = float(margins.total)
        disagreement = total - float(margins.hits.sum())
        # Over all other classes, as most rows may be of one and what is left of the total is then not precise.
        chance = float(np.dot(margins.true, total - margins.predicted.astype(float))) / total
    return 1 - disagreement / chance if chance else np.nan


def quantile(level: float) -> float:
    """How many standard deviations on both sides of the mean of a normal distribution hold this share of it."""
    return NormalDist().inv_cdf((1 + level) / 2)


def wilson(hits: Any, rows: Any, level: float) -> tuple[Any, Any]:
    """Bounds of a proportion by Wilson's score interval, NaN without rows; arrays for arrays.

    References
    ----------
    Wilson (1927), "Probable inference, the law of succession, and statistical inference",
    doi:10.1080/01621459.1927.10502953.
    """
    z = quantile(level)
    hits, rows = np.asarray(hits, float), np.asarray(rows, float)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits / rows
        middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
        reach = z / (1 + z * z / rows) * np.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
        # Rounding must not push the bounds past what they are for none and for all.
        low = np.where(hits == 0, np.where(rows > 0, 0.0, np.nan), np.maximum(middle - reach, 0.0))
        high = np.where(hits == rows, np.where(rows > 0, 1.0, np.nan), np.minimum(middle + reach, 1.0))
    return (low, high) if low.ndim else (float(low), float(high))


def top_k_accuracy(
    y_true: Any,
    y_score: Any,
    *,
    k: int = 2,
    labels: Sequence[Any] | None = None,
    normalize: bool = True,
    sample_weight: Any = None,
) -> float:
    """The share of rows whose true class is among the ``k`` with the highest scores.

    Parameters
    ----------
    y_true : array_like or Arrow array of shape (n,)
        True labels.
    y_score : array_like of shape (n, K)
        The scores of the classes, one column a label.
    k : int, default 2
        How many guesses count.
    labels : list, optional
        The labels of the columns; those in ``y_true``, sorted, by default.
    normalize : bool, default True
        False for the number of rows, or their weight, instead of the share.
    sample_weight : array_like of shape (n,), optional
        Weights of the rows.

    Returns
    -------
    float
        NaN for the share of no rows. Of equal scores, those in later columns count as higher, as in scikit-learn.

    Raises
    ------
    ValueError
        If shapes do not fit, a score is NaN, or a true label has no column.

    Examples
    --------
    >>> from aliquot.metrics import top_k_accuracy
    >>> top_k_accuracy([0, 1, 2, 2], [[0.5, 0.2, 0.2], [0.3, 0.4, 0.2], [0.2, 0.4, 0.3], [0.7, 0.2, 0.1]], k=2)
    0.75
    """
    k = check_count("k", k)
    true = _labels.as_labels("y_true", y_true).to_pylist()
    if None in true:
        raise ValueError(f"y_true: must not be null, got null at row {true.index(None)}")
    names = sorted(set(true)) if labels is None else list(labels)
    try:
        scores = np.asarray(y_score, float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"y_score: must be numbers of shape {(len(true), len(names))}, got {describe(y_score)}"
        ) from error
    if scores.shape != (len(true), len(names)):
        raise ValueError(f"y_score: must be of shape {(len(true), len(names))}, got {scores.shape}")
    if np.isnan(scores).any():
        raise ValueError(f"y_score: must be numbers, got nan at row {int(np.isnan(scores).any(axis=1).argmax())}")
    column = {label: i for i, label in enumerate(names)}
    row = next((i for i, label in enumerate(true) if label not in column), None)
    if row is not None:
        raise ValueError(f"y_true: must be one of the labels, got {true[row]!r} at row {row}")
    at = np.array([column[label] for label in true], np.int64)
    own = scores[np.arange(len(at)), at][:, None]
    later = np.arange(len(names)) > at[:, None]
    hits = ((scores > own) | ((scores == own) & later)).sum(axis=1) < k
    weights = np.ones(len(at)) if sample_weight is None else as_floats(as_numbers("sample_weight", sample_weight))
    check_weights(weights, "sample_weight")
    if len(weights) != len(at):
        raise ValueError(f"sample_weight: must be one a row, got {len(weights)} for {len(at)} rows")
    found = float(weights[hits].sum())
    return _ratio(found, weights.sum()) if normalize else found


def check_average(average: object, labels: Sequence[Any], pos_label: Any, zero_division: object) -> Average:
    """The options of a score, once they are known to fit the labels."""
    if not isinstance(zero_division, float | int) or isinstance(zero_division, bool):
        raise TypeError(f"zero_division: must be 0, 1 or nan, got {describe(zero_division)}")
    if not (zero_division in (0, 1) or np.isnan(zero_division)):
        raise ValueError(f"zero_division: must be 0, 1 or nan, got {zero_division}")
    name = None if average is None else check_choice("average", average, AVERAGES)
    if name != "binary":
        if pos_label != 1:
            raise ValueError(f"pos_label: must be left out unless average is 'binary', got {pos_label!r}")
        return Average(name, zero_division=float(zero_division))
    if len(labels) > 2:
        raise ValueError(
            f"average: must be None, 'micro', 'macro' or 'weighted' for {len(labels)} labels, got 'binary'"
        )
    if pos_label not in labels:
        if len(labels) == 2:
            raise ValueError(f"pos_label: must be one of {list(labels)}, got {pos_label!r}")
        return Average(name, zero_division=float(zero_division))
    return Average(name, list(labels).index(pos_label), float(zero_division))


def _averaged(numerators: Any, denominators: Any, support: Any, average: Average) -> Any:
    if average.name == "micro":
        return _ratio(numerators.sum(), denominators.sum(), average.zero_division)
    if average.name == "binary":
        if average.positive is None:
            return average.zero_division
        return _ratio(numerators[average.positive], denominators[average.positive], average.zero_division)
    scores = np.full(len(denominators), average.zero_division)
    np.divide(numerators, denominators, out=scores, where=denominators != 0)
    if average.name is None:
        return scores
    known = ~np.isnan(scores)
    if not known.any():
        return np.nan
    weights = support[known] if average.name == "weighted" and support[known].any() else None
    return float(np.average(scores[known], weights=weights))


def _ratio(numerator: Any, denominator: Any, otherwise: float = np.nan) -> float:
    return float(numerator) / float(denominator) if denominator else otherwise


def _exact(counts: Any) -> Any:
    """Counts as integers without bounds, so that products of them are exact; weights as they are."""
    counts = np.asarray(counts)
    return counts.astype(object) if counts.dtype.kind == "i" else counts

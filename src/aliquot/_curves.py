"""What can be read off a ranking's steps: curves, points on them, and losses. O(entries), in NumPy.

``tps`` and ``fps`` are the masses of positive and negative rows from the highest score down to each threshold.
"""

import math
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def roc(tps: Floats, fps: Floats, thresholds: NDArray[Any], *, drop_intermediate: bool) -> tuple[Floats, Floats, Any]:
    """Rates from (0, 0) on; without points in the middle between their neighbours if asked."""
    if drop_intermediate and len(tps) > 2:
        corners = (np.diff(fps, 2) != 0) | (np.diff(tps, 2) != 0)
        kept = np.r_[True, corners, True]
        tps, fps, thresholds = tps[kept], fps[kept], thresholds[kept]
    infinity = np.array([np.inf], thresholds.dtype)
    return _shares(np.r_[0.0, fps]), _shares(np.r_[0.0, tps]), np.concatenate([infinity, thresholds])


def precision_recall(
    tps: Floats, fps: Floats, thresholds: NDArray[Any], *, drop_intermediate: bool
) -> tuple[Floats, Floats, Any]:
    """By ascending threshold, then (1, 0); without points between others of the same recall if asked."""
    if drop_intermediate and len(tps) > 2:
        moves = np.diff(tps) != 0
        kept = np.r_[True, moves[:-1] | moves[1:], True]
        tps, fps, thresholds = tps[kept], fps[kept], thresholds[kept]
    precision = tps / (tps + fps)
    return np.r_[precision[::-1], 1.0], np.r_[_shares(tps)[::-1], 0.0], thresholds[::-1]


def partial_area(fpr: Floats, tpr: Floats, max_fpr: float) -> float:
    """The area under a ROC curve up to a rate, standardised to 0.5 for a random and 1 for a perfect ranking."""
    if math.isnan(fpr[-1]) or math.isnan(tpr[-1]):
        return math.nan
    stop = int(np.searchsorted(fpr, max_fpr, "right"))
    edge = np.interp(max_fpr, fpr[stop - 1 : stop + 1], tpr[stop - 1 : stop + 1])
    area = np.trapezoid(np.r_[tpr[:stop], edge], np.r_[fpr[:stop], max_fpr])
    least = max_fpr**2 / 2
    return float((1 + (area - least) / (max_fpr - least)) / 2)


def best_f1(tps: Floats, fps: Floats, thresholds: NDArray[Any]) -> tuple[float, float]:
    """The highest threshold of the highest F1, and that F1."""
    if len(tps) == 0 or tps[-1] == 0:
        return math.nan, math.nan
    f1 = 2 * tps / (tps + fps + tps[-1])
    best = int(f1.argmax())
    return float(thresholds[best]), float(f1[best])


def log_loss(scores: NDArray[Any], positive: Floats, negative: Floats) -> float:
    """The sum of -log of what scores give to the labels."""
    epsilon = float(np.finfo(scores.dtype).eps)
    inside = np.clip(scores.astype(np.float64), epsilon, 1 - epsilon)
    return float(-(positive * np.log(inside)).sum() - (negative * np.log1p(-inside)).sum())


def brier(scores: NDArray[Any], positive: Floats, negative: Floats) -> float:
    """The sum of squared differences of labels and scores."""
    probabilities = scores.astype(np.float64)
    return float((positive * (1 - probabilities) ** 2).sum() + (negative * probabilities**2).sum())


def calibration(
    high: NDArray[Any], low: NDArray[Any], positive: Floats, negative: Floats, n_bins: int, strategy: str
) -> pa.Table:
    """Mean score, share of positive rows and mass of each bin that has rows, by ascending score."""
    scores = ((high.astype(np.float64) + low) / 2)[::-1]
    mass, hits = (positive + negative)[::-1], positive[::-1]
    if strategy == "uniform":
        place = np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], scores)
    else:
        middle = np.cumsum(mass) - mass / 2
        place = np.minimum(middle * n_bins / max(mass.sum(), 1e-300), n_bins - 1).astype(np.int64)
    sums = [np.bincount(place, each, n_bins) for each in (scores * mass, hits, mass)]
    used = sums[2] > 0
    total = sums[2][used]
    return pa.table({"score": sums[0][used] / total, "positive": sums[1][used] / total, "mass": total})


def or_default(value: float, if_nan: float) -> float:
    """A value, or what stands for one that is not defined."""
    return if_nan if math.isnan(value) else value


def certified(low: float, middle: float, high: float, *, is_exact: bool) -> tuple[float, float]:
    """Bounds that rounding, of some units in the last place of 1, cannot have moved inwards; if they are known to be
    equal, the value itself.
    """
    if is_exact:
        return middle, middle
    slack = 2.0**-48
    return max(0.0, low - slack), min(1.0, high + slack)


def _shares(sums: Floats) -> Floats:
    """Of the last, which is the whole; NaN if that is nothing."""
    return sums / sums[-1] if sums.size and sums[-1] > 0 else np.full(len(sums), np.nan)

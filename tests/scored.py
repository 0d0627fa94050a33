"""Rows with labels and scores, of every kind, and curves of them."""

import numpy as np

import aliquot as aq

KINDS = ("continuous", "float32", "ties", "constant", "tiny", "both signs", "spikes")
WEIGHTS = (None, "integers", "floats", "extreme")


def scores(kind, n, rng):
    if kind == "float32":
        return rng.random(n, dtype=np.float32)
    if kind == "ties":
        return rng.integers(0, 7, n) / 3
    if kind == "constant":
        return np.full(n, 0.25)
    if kind == "tiny":
        return 2.0 ** -rng.integers(0, 1074, n)
    if kind == "both signs":
        return rng.normal(size=n) * 10.0 ** rng.integers(-300, 300, n)
    if kind == "spikes":
        return np.where(rng.random(n) < 0.5, np.round(rng.random(n)), rng.random(n))
    return rng.random(n)


def weights(kind, n, rng):
    if kind is None:
        return None
    if kind == "integers":
        return rng.integers(0, 4, n)
    if kind == "extreme":
        return 10.0 ** rng.integers(-300, 290, n)
    return rng.lognormal(0, 3, n)


def rows(kind="continuous", weight=None, n=500, seed=0):
    """Labels, scores and weights, with rows of both classes that weigh something."""
    rng = np.random.default_rng(seed)
    y_score = scores(kind, n, rng)
    y_true = (rng.random(n) < 0.4).astype(int)
    sample_weight = weights(weight, n, rng)
    y_true[:2] = 0, 1
    if sample_weight is not None:
        sample_weight[:2] = 1
    return y_true, y_score, sample_weight


def curve_of(y_true, y_score, sample_weight=None, **options):
    made = aq.BinaryCurve(**options)
    made.update(y_true, y_score, sample_weight=sample_weight)
    return made


def pieces(columns, cuts):
    ends = [0, *sorted(cuts), len(columns[0])]
    return [
        tuple(None if column is None else column[i:j] for column in columns)
        for i, j in zip(ends, ends[1:], strict=False)
    ]

"""Predictions to be evaluated, and what is to come of them."""

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import aliquot as aq

N = 5_000
OF_MATRIX = {
    "accuracy": lambda m: m.accuracy(),
    "balanced_accuracy": lambda m: m.balanced_accuracy(),
    "precision_macro": lambda m: m.precision("macro"),
    "recall_macro": lambda m: m.recall("macro"),
    "f1_macro": lambda m: m.f1("macro"),
    "mcc": lambda m: m.mcc(),
    "kappa": lambda m: m.kappa(),
}


def predictions(n=N, k=2, slices=7, seed=3):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    score = np.round(rng.random(n) * 0.7 + 0.3 * (y == 1), 2)
    return pa.table(
        {
            "y": y,
            "guess": np.where(rng.random(n) < 0.6, y, rng.integers(0, k, n)),
            "score": score.astype(np.float32),
            "site": pa.array([f"site {i}" for i in rng.integers(0, slices, n)]),
            "group": pa.array(rng.integers(0, 3, n), mask=rng.random(n) < 0.1),
            "weight": rng.integers(0, 4, n) * rng.random(n),
            "unused": pa.nulls(n),
        }
    )


def value(x):
    return None if x is None or np.isnan(x) else pytest.approx(x, rel=1e-9, abs=1e-12)


def check_rows(evaluation, table, by, weight=None):
    """Each row is what its rows alone give."""
    rows = evaluation.to_table().to_pylist()
    frame = pl.from_arrow(table)
    keys = [None, *frame.select(by).unique().rows()] if by else [None]
    assert len(rows) == len(keys)
    for row in rows:
        key = tuple(row[name] for name in by)
        of_slice = (
            frame
            if row is rows[0]
            else frame.filter(pl.all_horizontal(pl.col(by[i]).eq_missing(key[i]) for i in range(len(by))))
        )
        assert row["rows"] == len(of_slice)
        weights = {} if weight is None else {"sample_weight": of_slice[weight]}
        if "accuracy" in row:
            m = aq.ConfusionMatrix()
            m.update(of_slice["y"], of_slice["guess"], **weights)
            for name, score in OF_MATRIX.items():
                assert row[name] == value(score(m)), name
            if weight is None:
                assert (row["accuracy_low"], row["accuracy_high"]) == tuple(map(value, m.interval()))
        if "roc_auc" in row:
            c = aq.BinaryCurve()
            c.update(of_slice["y"], of_slice["score"], **weights)
            assert row["roc_auc"] == value(c.roc_auc())
            assert row["average_precision"] == value(c.average_precision())
            positive, negative = c.totals()
            assert row["prevalence"] == value(positive / (positive + negative))

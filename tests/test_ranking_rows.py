"""Many rows as a ranking: past the cache, by value or by digits, in every width of key and of mass."""

import numpy as np
import pytest

from aliquot import _ranking
from aliquot._kernels.scored_rows import scores as scores_of
from aliquot._scored_rows import MassRange, read_rows
from scored import curve_of

N = 100_001


def spread(kind, n, rng):
    """Scores that repeat, all over the place."""
    if kind == "dense":
        return rng.integers(1, 4000, n) / 4096
    if kind == "both signs":
        return rng.integers(-2000, 2000, n) * 2.0 ** rng.integers(-60, 60, n)
    if kind == "a cluster and far ones":
        return np.where(rng.random(n) < 0.9, 1 + rng.integers(0, 3000, n) * 2.0**-22, rng.integers(-9, 9, n) * 1e9)
    return np.where(rng.random(n) < 0.5, 0.5, rng.integers(0, 2**14, n) * 2.0**-40)  # a spike among small ones


@pytest.mark.parametrize("limbs", [1, 2, 3, 4, 5, None])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["dense", "both signs", "a cluster and far ones", "spike"])
def test_keys_and_masses_are_those_of_the_rows(kind, dtype, limbs):
    rng = np.random.default_rng(limbs)
    y_score, y_true = spread(kind, N, rng).astype(dtype), rng.random(N) < 0.3
    small = {None: 0, 1: 1, 2: 20, 3: 60, 4: 90, 5: 120}[limbs]
    weights = np.array([1.0, 2.0**-small])
    which = rng.integers(0, 2, N)
    state = curve_of(y_true, y_score, None if limbs is None else weights[which])._settled()
    assert (state.unit, state.masses.shape[2]) == (-small, limbs or 1)
    values, place = np.unique(y_score, return_inverse=True)
    assert np.array_equal(scores_of(state.first), values[::-1])
    assert state.first.dtype.itemsize == np.dtype(dtype).itemsize
    for side, label in enumerate((True, False)):
        counts = [np.bincount(place[(y_true == label) & (which == i)], minlength=len(values)) for i in (0, 1)]
        expected = counts[0].astype(object) * 2**small + counts[1]
        sums = sum(state.masses[:, side, i].astype(object) << 32 * i for i in range(limbs or 1))
        assert np.array_equal(sums[::-1], expected)


@pytest.mark.parametrize("n", [*range(40_000, 40_017), *range(3 * 2**17, 3 * 2**17 + 5)])
def test_the_last_row_is_read_before_its_place_is_written(n, monkeypatch):
    """Rows wait at the end of the room for masses, which entries fill from the front."""
    rng = np.random.default_rng(n)
    monkeypatch.setattr(_ranking, "processors", lambda: 3)
    y_score, w = rng.permutation(n).astype(np.float32), 1 + rng.random(n) * 2.0**-20
    state = curve_of(np.ones(n, bool), y_score, w)._settled()
    assert state.masses.shape[2] == 3
    sums = sum(state.masses[:, 0, i].astype(object) << 32 * i for i in range(3))
    expected = np.empty(n)
    expected[y_score.astype(int)] = w
    assert np.array_equal((sums * 2.0**state.unit).astype(float)[::-1], expected)


@pytest.mark.parametrize("limbs", [1, 2, 3, 4, 5, None])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["dense", "both signs", "spike", "all different", "all alike", "half alike"])
def test_threads_make_no_difference(kind, dtype, limbs, monkeypatch):
    """Three parts, each of which begins where the one before it would if no score repeated."""
    n = 3 * 2**17 + 5
    rng = np.random.default_rng(limbs)
    y_score = {
        "all different": lambda: rng.permutation(n),
        "all alike": lambda: np.full(n, 0.25),
        "half alike": lambda: np.where(rng.random(n) < 0.5, 0.75, rng.random(n)),
    }.get(kind, lambda: spread(kind, n, rng))()
    small = {None: 0, 1: 1, 2: 20, 3: 60, 4: 90, 5: 120}[limbs]
    w = None if limbs is None else np.array([1.0, 2.0**-small])[rng.integers(0, 2, n)]
    columns = rng.random(n) < 0.3, y_score.astype(dtype), w
    states = {}
    for threads in (1, 2, 3):
        monkeypatch.setattr(_ranking, "processors", lambda threads=threads: threads)
        states[threads] = curve_of(*columns)._settled()
    assert states[1].masses.shape[2] == (limbs or 1)
    assert states[1] == states[2] == states[3]
    values, counts = np.unique(columns[1], return_counts=True)
    assert np.array_equal(scores_of(states[3].first), values[::-1])
    if limbs is None:
        assert np.array_equal(states[3].masses.sum(axis=(1, 2))[::-1], counts)


@pytest.mark.parametrize("limbs", [2, 3, 4, 5])
def test_areas_of_wide_masses_are_those_of_counts(limbs):
    """A row that weighs next to nothing widens all sums."""
    rng = np.random.default_rng(limbs)
    y_score, y_true = rng.integers(0, 1000, 5000) / 1000, rng.random(5000) < 0.3
    w = np.ones(5000)
    counted = curve_of(y_true, y_score, w)
    wide = curve_of(np.append(y_true, True), np.append(y_score, 2), np.append(w, 2.0 ** (-30 * limbs + 20)))
    assert wide._settled().masses.shape[2] == limbs
    rel = 2.0**-50 + 2.0 ** (-30 * limbs + 20)
    assert wide.roc_auc() == pytest.approx(counted.roc_auc(), rel=rel)
    assert wide.average_precision() == pytest.approx(counted.average_precision(), rel=rel)


@pytest.mark.parametrize("kind", ["even", "growing", "shrinking", "whole", "subnormal and huge"])
def test_the_bits_of_all_weights_are_known(kind):
    """Most blocks of weights are seen to be within what there was before."""
    rng = np.random.default_rng(11)
    w = {
        "even": rng.random(3000) + 0.5,
        "growing": 2.0 ** np.linspace(-500, 500, 3000),
        "shrinking": rng.random(3000) * 2.0 ** np.linspace(500, -500, 3000),
        "whole": rng.integers(0, 9, 3000).astype(float),
        "subnormal and huge": np.where(rng.random(3000) < 0.001, 5e-324, np.finfo(float).max),
    }[kind]
    w[1000:1256] = 1.0
    ratios = [weight.as_integer_ratio() for weight in w[w > 0].tolist()]
    lowest = [(n & -n).bit_length() - d.bit_length() for n, d in ratios]
    highest = [n.bit_length() - d.bit_length() for n, d in ratios]
    read = read_rows(np.ones(3000, bool), np.arange(3000), w)
    assert read.masses == MassRange(len(ratios), min(lowest), max(highest))
    assert np.array_equal(read.weights, w[w > 0])
    w[2999] = np.inf
    with pytest.raises(ValueError, match=r"^sample_weight: must be finite and not negative, got inf at row 2999$"):
        read_rows(np.ones(3000, bool), np.arange(3000), w)

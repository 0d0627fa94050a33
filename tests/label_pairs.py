"""True and predicted labels, to be counted."""

import numpy as np
import pyarrow as pa

import aliquot as aq

INTEGERS = [*(getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64))]
STRINGS = [pa.string(), pa.large_string(), pa.string_view()]


def rows(n, k, seed=1, accuracy=0.7):
    rng = np.random.default_rng(seed)
    y_true = rng.integers(0, k, n)
    return y_true, np.where(rng.random(n) < accuracy, y_true, rng.integers(0, k, n))


def counted(y_true, y_pred, labels=None, step=None, **options):
    m = aq.ConfusionMatrix(labels, **options)
    for start in range(0, len(y_true), step or max(len(y_true), 1)):
        stop = start + (step or len(y_true))
        m.update(y_true[start:stop], y_pred[start:stop])
    return m


def as_type(values, kind):
    """Labels 0, 1, 2, ... as another type of Arrow: a different string each for strings."""
    if kind in STRINGS or (pa.types.is_dictionary(kind) and not pa.types.is_integer(kind.value_type)):
        plain = pa.array([f"class number {value:04}" for value in values.tolist()])
        return plain.dictionary_encode() if pa.types.is_dictionary(kind) else plain.cast(kind)
    if pa.types.is_dictionary(kind):
        return pa.array(values).cast(kind.value_type).dictionary_encode()
    return pa.array(values).cast(kind)

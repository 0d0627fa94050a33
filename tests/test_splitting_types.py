"""Strata of splits in every type: the same split whatever they come as; nulls and NaN are strata; nothing is written."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import aliquot as aq
import laws
from three_parts import THREE, same

LABELS = np.array([3, 1, 1, 2, 3, 3, 1, 2, 2, 3, 1, 1] * 5)
SAME = {
    **{
        str(kind): LABELS.astype(kind)
        for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", ">i4", "S3", "U3")
    },
    "far": LABELS.astype(np.int64) * 2**61,
    "negative": (LABELS - 100).astype(np.int8),
    "strided": np.repeat(LABELS, 2)[::2],
    "backwards": LABELS[::-1].copy()[::-1],
    "read only": np.frombuffer(LABELS.tobytes(), LABELS.dtype),
    "dates": LABELS.astype("M8[D]"),
    "objects": LABELS.astype(str).astype(object),
    "list": [str(label) for label in LABELS],
    "tuple": tuple(LABELS.tolist()),
    "arrow": pa.array(LABELS),
    "arrow slice": pa.array(np.concatenate([[9, 9], LABELS, [9]])).slice(2, len(LABELS)),
    "chunked": pa.chunked_array([LABELS[:7], LABELS[7:7], LABELS[7:]]),
    "dictionary": pa.array(LABELS.astype(str)).dictionary_encode(),
    "chunked dictionaries": pa.chunked_array(
        [pa.array(part).dictionary_encode() for part in (LABELS[:9].astype(str), LABELS[9:].astype(str))]
    ),
    "views": pa.array(LABELS.astype(str)).cast(pa.string_view()),
    "decimals": pa.array(LABELS).cast(pa.decimal128(30, 2)),
    "pandas": pd.Series(LABELS, index=np.arange(len(LABELS))[::-1]),
    "categorical": pd.Series(LABELS.astype(str), dtype="category"),
    "polars": pl.Series(LABELS.astype(str)),
    "table": pa.table({"x": LABELS}),
    "frame": pd.DataFrame({"x": LABELS, "y": LABELS % 2}),
    "two columns": [LABELS // 2, pa.array((LABELS % 2).astype(str))],
}


@pytest.mark.parametrize("kind", SAME)
def test_strata_of_every_type(kind):
    names = [f"label {label}" for label in LABELS]
    expected = aq.split_indices(60, THREE, strata=names, rng=1)
    assert same(aq.split_indices(60, THREE, strata=SAME[kind], rng=1), expected)
    assert np.array_equal(aq.fold_indices(60, 5, strata=SAME[kind], rng=1), aq.fold_indices(60, 5, strata=names, rng=1))


def test_null_and_nan_are_strata():
    halves = {"a": 0.5, "b": 0.5}
    for values in (
        [None, "x", None, "x"] * 5,
        [1.5, np.nan] * 10,
        pa.array([1, None] * 10),
        pa.nulls(20),
        [True, False] * 10,
    ):
        split = aq.split_indices(20, halves, strata=values, rng=1)
        column = pa.array(values)
        codes = column.dictionary_encode("encode").indices.to_numpy()
        laws.every_row_is_in_one_part(split, 20)
        laws.strata_keep_shares(split, codes, [0.5, 0.5])


def test_what_is_masked_is_null():
    values = np.ma.masked_array([1, 2, 3, 4] * 5, [False, False, True, True] * 5)
    expected = aq.split_indices(20, THREE, strata=pa.array([1, 2, None, None] * 5), rng=1)
    assert same(aq.split_indices(20, THREE, strata=values, rng=1), expected)


def test_labels_are_left_as_they_were():
    labels = np.arange(5000) % 3
    before = labels.copy()
    aq.split_indices(5000, THREE, strata=labels, rng=1)
    assert np.array_equal(labels, before)

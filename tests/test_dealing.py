"""Rows dealt to parts by key: bands, piles, pieces."""

import os

import numpy as np
import pytest

import aliquot as aq
import reference
from aliquot import _dealing, _pieces, _rng
from aliquot._classes import Classes
from aliquot._kernels import piling, row_keys
from three_parts import THREE, same


def by_keys(n, labels, table, seed):
    """The definition: in each stratum by key, the first rows are the first part."""
    keys = reference.split_keys(_rng.key_of(seed), n)
    parts = np.empty(n, int)
    for h, counts in table.items():
        rows = sorted(np.flatnonzero(labels == h).tolist(), key=lambda row: keys[row])
        parts[rows] = np.repeat(np.arange(len(counts)), counts)
    return parts


@pytest.mark.parametrize(
    ("n", "n_labels"), [(50, 3), (5_000, 2), (60_000, 7), (60_000, 1), (3_000, 800), (12_000, 9_000)]
)
@pytest.mark.parametrize("parts", [{"a": 0.3, "b": 0.7}, THREE])
def test_parts_are_runs_of_rows_by_key(n, n_labels, parts):
    """With many rows a stratum most are told apart by comparison, with few they are sorted: it is the same."""
    labels = np.random.default_rng(3).integers(0, n_labels, n)
    split = aq.split_indices(n, parts, strata=labels, rng=11)
    table = {h: [int((labels[rows] == h).sum()) for rows in split.values()] for h in range(n_labels)}
    expected = by_keys(n, labels, table, 11)
    for j, rows in enumerate(split.values()):
        assert np.array_equal(rows, np.flatnonzero(expected == j))


@pytest.mark.parametrize("wide", [0.0, 0.5])
def test_boundaries_outside_their_bands_are_found(monkeypatch, wide):
    labels = np.random.default_rng(3).integers(0, 7, 60_000)
    expected = aq.split_indices(60_000, THREE, strata=labels, rng=1)
    monkeypatch.setattr(_dealing, "WIDE", wide)
    assert same(aq.split_indices(60_000, THREE, strata=labels, rng=1), expected)


@pytest.mark.parametrize(
    ("n", "n_labels"),
    [(1, 1), (900, 1), (900, 30), (5_000, 3), (5_000, 4_000), (60_000, 50), (60_000, 1_000), (60_000, 60_000)],
)
@pytest.mark.parametrize("skewed", [False, True])
def test_all_rows_are_piled_up_by_stratum_and_key(n, n_labels, skewed):
    """By ranges of one stratum, of many small ones, and of small ones beside one of most rows."""
    rng = np.random.default_rng(n_labels)
    labels = rng.integers(0, n_labels, n)
    if skewed:
        labels[rng.random(n) < 0.7] = n_labels // 2
    seed = _rng.key_of(5)
    sizes, first, pile = _dealing._pile_all(Classes(labels - 9, -9, n_labels, ()), _dealing.row_key(seed))
    order = np.lexsort((_dealing.keys_of(np.arange(n), seed), labels))
    assert np.array_equal(pile & np.uint64(row_keys.ROW), order.astype(np.uint64))
    assert np.array_equal(sizes, np.bincount(labels, minlength=n_labels))
    assert first.tolist() == [rows[0] if len(rows := np.flatnonzero(labels == h)) else -1 for h in range(n_labels)]


def test_what_is_alike_in_the_upper_bits_is_mended_by_the_whole_key():
    seed = _rng.key_of(5)
    words = np.array([1 << 32 | row for row in range(20)] + [0 << 32 | 77], np.uint64)
    piling.mend_order(words, _dealing.row_key(seed))
    keys = _dealing.keys_of(words & np.uint64(row_keys.ROW), seed)
    assert words[0] == 77
    assert (np.diff(keys[1:].astype(object)) > 0).all()


def test_strata_of_very_unlike_sizes():
    labels = np.concatenate([np.zeros(100_000), np.ones(700), np.full(3, 2)]).astype(np.int64)
    split = aq.split_indices(len(labels), THREE, strata=labels, rng=5)
    table = {h: [int((labels[rows] == h).sum()) for rows in split.values()] for h in range(3)}
    expected = by_keys(len(labels), labels, table, 5)
    assert all(np.array_equal(rows, np.flatnonzero(expected == j)) for j, rows in enumerate(split.values()))


def test_packed_rows_alike_in_the_upper_half_are_sorted_by_the_lower_one():
    seed = _rng.key_of(5)
    numbers = np.random.default_rng(1).permutation(300)
    rows = numbers.astype(np.uint64) % 7 << 32 | numbers.astype(np.uint64)
    keys = _dealing.keys_of(numbers, seed)
    expected = rows[np.lexsort((keys, numbers % 7))]
    _dealing.sort_by_key(rows, _dealing.row_key(seed))
    assert np.array_equal(rows, expected)


def test_keys_are_those_of_the_reference():
    seed = _rng.key_of(42)
    rows = np.array([0, 1, 12345, 2**32 - 1])
    keys = _dealing.keys_of(rows, seed)
    assert keys.tolist() == [reference.split_keys(seed, 1, int(row))[0] for row in rows]
    assert keys.tolist() == GOLDEN_KEYS


GOLDEN_KEYS = [13510630775059913774, 10091438307412291444, 1125346508734661839, 7822316192278033201]


@pytest.mark.parametrize(("n_labels", "many"), [(1, 2), (5, 3), (5, 12), (5, 100), (700, 3), (6_000, 2)])
@pytest.mark.parametrize("threads", [2, 5])
def test_pieces_worked_on_side_by_side_split_alike(monkeypatch, n_labels, many, threads):
    labels = np.random.default_rng(2).integers(0, n_labels, 20_003)
    labels[labels > 4_000] = 0
    parts = {str(j): 1 / many for j in range(many)}
    expected = aq.split_indices(20_003, parts, strata=labels, rng=1)
    folds = aq.fold_indices(20_003, 4, strata=labels, rng=1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: range(threads))
    monkeypatch.setattr(_pieces, "PIECE_ROWS", 3_000)
    assert len(_pieces.pieces(20_003)) == threads
    assert same(aq.split_indices(20_003, parts, strata=labels, rng=1), expected)
    assert np.array_equal(aq.fold_indices(20_003, 4, strata=labels, rng=1), folds)


@pytest.mark.parametrize("n", [0, 1, 7, 8, 2_041, 1_100_003])
@pytest.mark.parametrize("many", [1, 2, 9, 64, 65, 300])
@pytest.mark.parametrize("kind", [np.uint8, np.int32])
def test_rows_of_parts_are_written_word_by_word(n, many, kind):
    """Also the last ones, which share a word with none, and of parts that a byte cannot hold."""
    parts = np.random.default_rng(many).integers(0, min(many, np.iinfo(kind).max + 1), n).astype(kind)
    rows = _dealing.rows_of(parts, np.bincount(parts, minlength=many), None)
    for part, its_rows in enumerate(rows):
        assert np.array_equal(its_rows, np.flatnonzero(parts == part))

"""Strata of fewer rows than there are parts: spread over the largest, reported, refused, or kept in a part by name."""

import numpy as np

import aliquot as aq
import laws
from errors import raises
from three_parts import THREE


def test_rare_strata_go_to_the_largest_parts():
    labels = np.array([0] * 60 + [1] + [0] * 38 + [2])
    for seed in range(20):
        split = aq.split_indices(100, THREE, strata=labels, rng=seed)
        assert {60, 99} <= set(split["train"])
        assert [len(rows) for rows in split.values()] == [80, 10, 10]


def test_two_rows_of_a_stratum_are_spread_over_two_parts():
    labels = np.array([0] * 98 + [1] * 2)
    for seed in range(20):
        split = aq.split_indices(100, THREE, strata=labels, rng=seed)
        assert (labels[split["train"]] == 1).sum() == 1
        assert len(split["train"]) == 80


def test_a_few_rare_strata_all_go_to_the_largest_part_if_the_others_can_make_up_for_it():
    labels = np.array([h for h in range(30) for _ in range(11)] + [100, 101, 102, 103, 104, 105])
    for seed in range(20):
        split = aq.split_indices(len(labels), {"test": 0.3, "train": 0.7}, strata=labels, rng=seed)
        assert (labels[split["train"]] >= 100).sum() == 6
        assert len(split["train"]) == round(0.7 * len(labels))
        laws.strata_keep_shares(split, labels, [0.3, 0.7])


def test_rare_strata_are_reported():
    split = aq.split_indices(9, {"a": 0.5, "b": 0.5}, strata=["x"] * 8 + ["y"], rng=1)
    missing = next(name for name in split if 8 not in split[name])
    assert split.report.to_pylist() == [
        {"problem": "rare stratum", "subject": "'y'", "part": missing, "rows": 0, "exact": 0.5}
    ]


def test_rare_strata_as_an_error():
    with raises(ValueError, "strata: must have a row for each of 3 parts, got 2 of ('u', 7)"):
        aq.split_indices(
            9, THREE, strata=[np.array(["x"] * 3 + ["u"] * 2 + ["x"] * 4), np.full(9, 7)], rare="error", rng=1
        )
    laws.every_row_is_in_one_part(aq.split_indices(9, THREE, strata=np.arange(9) % 3, rare="error", rng=1), 9)


def test_rare_strata_in_a_part_by_name():
    labels = np.array([0] * 500 + [1] * 300 + [2, 2, 3])
    split = aq.split_indices(803, THREE, strata=labels, rare="valid", rng=1)
    laws.every_row_is_in_one_part(split, 803)
    assert {800, 801, 802} <= set(split["valid"])
    assert [len(rows) for rows in split.values()] == [640, 83, 80]  # 500 and 300 rows have whole shares
    common = {name: rows[rows < 800] for name, rows in split.items()}
    laws.strata_keep_shares(common, labels[:800], THREE.values())


def test_rare_strata_in_a_part_of_given_rows():
    labels = np.array([0] * 50 + [1, 2, 3])
    split = aq.split_indices(53, {"train": None, "test": 5}, strata=labels, rare="test", rng=1)
    assert {50, 51, 52} <= set(split["test"])
    assert len(split["test"]) == 5
    with raises(ValueError, "rare: must be a part with room for 3 rows of rare strata, got 'test' of 2"):
        aq.split_indices(53, {"train": None, "test": 2}, strata=labels, rare="test", rng=1)


def test_every_row_a_stratum():
    split = aq.split_indices(200_000, THREE, strata=np.arange(200_000), rng=1)
    assert [len(rows) for rows in split.values()] == [160_000, 20_000, 20_000]
    laws.every_row_is_in_one_part(split, 200_000)

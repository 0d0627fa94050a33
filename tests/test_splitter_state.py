"""States of splitters: saved, copied, compared, as they were after what failed; bytes that are none."""

import copy
import pickle
import re

import numpy as np
import pyarrow as pa
import pytest

import aliquot as aq
from assigned import FINE, assign, codes_of
from errors import raises
from three_parts import THREE


@pytest.mark.parametrize("options", [{}, {"strata": "s"}, {"key": "s"}])
@pytest.mark.parametrize("parts", [THREE, FINE])
def test_saving_in_the_middle_changes_nothing(options, parts):
    columns = {"s": pa.array(["a", None, "b", "c"] * 77)}
    expected = assign(options, columns, parts=parts)
    splitter = aq.Splitter(parts, **options, rng=7)
    codes = []
    for first in range(0, 308, 44):
        codes.append(codes_of(splitter.assign(pa.table(columns).slice(first, 44))))
        for same in (pickle.loads(pickle.dumps(splitter)), copy.deepcopy(splitter), copy.copy(splitter)):
            assert same == splitter
            assert repr(same) == repr(splitter)
        splitter = aq.Splitter.from_bytes(splitter.to_bytes())
    assert splitter.n_seen == 308
    assert np.array_equal(np.concatenate(codes), expected)


def test_a_copy_goes_its_own_way():
    splitter = aq.Splitter(THREE, rng=7)
    other = copy.copy(splitter)
    other.assign(pa.table({"x": range(3)}))
    assert splitter.n_seen == 0
    assert splitter != other
    assert aq.Splitter(THREE, rng=7) != aq.Splitter(THREE, rng=8)
    assert aq.Splitter(THREE) != 7


def test_a_failed_call_leaves_the_splitter_as_it_was():
    splitter = aq.Splitter(THREE, strata="s", rng=7)
    splitter.assign(pa.table({"s": [1, 2]}))
    before = splitter.to_bytes()
    message = "s: must be a column of numbers, strings, dates, times or dictionaries of these, got list<item: int64>"
    with raises(TypeError, message):
        splitter.assign(pa.table({"s": [[1]]}))
    with raises(KeyError, "strata: must be a column of ['x'], got 's'"):
        splitter.assign(pa.table({"x": [1]}))
    with raises(TypeError, "batch: must be a RecordBatch, a Table or other Arrow data, got int 3"):
        splitter.assign(3)
    assert splitter.to_bytes() == before


def test_saved_states_that_are_none():
    data = aq.Splitter(THREE, rng=7).to_bytes()
    with raises(ValueError, "data: must be whole, got bytes that do not match their checksum"):
        aq.Splitter.from_bytes(data[:-1])
    with raises(ValueError, "data: must be a saved Splitter, got a AliasTable"):
        aq.Splitter.from_bytes(aq.AliasTable([1]).to_bytes())
    with raises(TypeError, "data: must be bytes, got int"):
        aq.Splitter.from_bytes(7)


def test_a_fresh_seed_is_told():
    assert aq.Splitter(THREE) != aq.Splitter(THREE)
    splitter = aq.Splitter(THREE, strata="s")
    told = int(re.search(r"rng=(\d+)\)$", repr(splitter))[1])
    assert aq.Splitter(THREE, strata="s", rng=told) == splitter

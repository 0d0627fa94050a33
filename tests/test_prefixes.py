"""Pages are made as far as their rows need: the same rows as of a full read, of fewer bytes, and no wrong ones."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

import aliquot as aq
from aliquot._compression import Whole
from aliquot._files import FilePart
from aliquot._kernels.parquet_pick import Picker
from aliquot._kernels.parquet_text import Text
from aliquot.footers import Layout
from aliquot.pages import Rows, plan_columns
from aliquot.ranges import Ranges

N = 60_000
CHANCE = np.random.default_rng(1)
WORDS = np.array([f"word {i} of some length" for i in range(20_000)], object)
VALUES = {
    "integers": pa.array(np.arange(N)),
    "reals": pa.array(CHANCE.lognormal(3, 1, N)),
    "floats": pa.array(CHANCE.random(N, np.float32)),
    "few": pa.array(CHANCE.integers(0, 300, N)),
    "bits": pa.array(CHANCE.random(N) < 0.3),
    "words": pa.array(WORDS[CHANCE.integers(0, len(WORDS), N)]),
    "blobs": pa.array([b"%d" % i * (i % 7) for i in range(N)]),
    "fixed": pa.array([b"%012d" % i for i in range(N)], pa.binary(12)),
}
TABLE = pa.table(
    VALUES
    | {
        f"{name} and nulls": pa.array(values.to_numpy(zero_copy_only=False), values.type, mask=CHANCE.random(N) < 0.2)
        for name, values in VALUES.items()
    }
)
WRITTEN = [
    *((codec, version, dictionary) for codec in ("zstd", "snappy") for version in ("1.0", "2.0") for dictionary in (False, True)),
    ("gzip", "1.0", False),
    ("none", "2.0", True),
]  # fmt: skip
"""Codec, version of data pages, and whether there are dictionaries."""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Paths of files of all columns, each written once."""

    @cache
    def path(codec, version, dictionary):
        path = tmp_path_factory.mktemp("written") / "x.parquet"
        split = {"reals": "BYTE_STREAM_SPLIT", "integers": "DELTA_BINARY_PACKED"}
        pq.write_table(
            TABLE, path, compression=codec, data_page_version=version, use_dictionary=dictionary, data_page_size=10_000_000,
            max_rows_per_page=N, column_encoding=None if dictionary else split,
        )  # fmt: skip
        return path

    return path


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(WRITTEN),
    st.lists(st.integers(0, N - 1) | st.sampled_from([0, 1, 16_383, 16_384, 32_767, N - 1]), min_size=1, max_size=40),
)
def test_rows_are_those_of_a_full_read(written, options, rows):
    taken = aq.take_rows(written(*options), rows)
    assert taken.equals(TABLE.take(rows))


class Counted:
    """A text, and of each page how many bytes it claimed, and how many were there when the next one came."""

    def __init__(self):
        self.text = Text(Whole(), self.watch)
        self.claimed = []
        self.made = []

    def watch(self, codec, data, size):
        self.close()
        self.claimed.append(size)

    def close(self):
        if self.claimed:
            self.made.append(self.text.there)


def picked(path, name, rows):
    """Whether rows of a column could be picked, its data pages, and its dictionary page."""
    file = FilePart(pafs.LocalFileSystem(), str(path))
    layout = Layout(file)
    page, of_dictionary = Counted(), Counted()
    with ThreadPoolExecutor(1) as pool, Ranges(file, pool) as source:
        wanted = Rows.of([np.array(rows)])
        plan = plan_columns(source, layout, [0], [name], wanted)
        good = Picker(plan.pages, 0).pick(
            wanted.positions, wanted.cuts, source.kept, source.descriptor, source.gap, page.text, of_dictionary.text
        )
    page.close()
    of_dictionary.close()
    return good, page, of_dictionary


@pytest.mark.parametrize("codec", ["zstd", "snappy"])
@pytest.mark.parametrize("name", [name for name in TABLE.column_names if "bits" not in name])
def test_a_row_near_the_begin_takes_a_small_part_of_its_page(written, codec, name):
    for dictionary in (False, True):
        path = written(codec, "1.0", dictionary)
        if not dictionary and name in ("reals", "integers"):
            continue  # of which all of a page is needed
        good, page, of_dictionary = picked(path, name, [2000])
        assert good
        assert len(page.claimed) == len(page.made) == 1
        if codec == "zstd" or not dictionary:  # codes are one piece of snappy
            assert page.made[0] < page.claimed[0] / (3 if codec == "zstd" else 2)
        assert len(of_dictionary.claimed) == dictionary
        if dictionary and name != "few" and name != "few and nulls":
            assert of_dictionary.made[0] < of_dictionary.claimed[0] / 2


def test_values_of_some_width_are_reached_without_those_before(written):
    path = written("zstd", "1.0", False)
    for name in ("floats", "few"):
        good, page, _ = picked(path, name, [N - 1])
        assert good
        assert (page.made[0] < 1000) == (name == "floats")  # what repeats can only be made from its begin


def chunk_of(path, name):
    """What the footer says of a column of the one row group."""
    group = pq.read_metadata(path).row_group(0)
    return next(group.column(i) for i in range(group.num_columns) if group.column(i).path_in_schema == name)


@pytest.mark.parametrize("options", [each for each in WRITTEN if each[0] != "none" and not each[2]])
def test_pages_that_claim_another_size_are_errors_or_say_what_they_hold(tmp_path, written, options):
    whole = written(*options).read_bytes()
    refused = 0
    for name in ("words", "floats and nulls"):
        at = chunk_of(written(*options), name).data_page_offset
        assert whole[at] == 0x15  # the first field, of which the second is the size without compression
        at += 2 + (whole[at + 1] > 127)
        assert whole[at] == 0x15
        damaged = bytearray(whole)
        damaged[at + 1] ^= 2  # a size of one more or less
        path = tmp_path / "bad.parquet"
        path.write_bytes(damaged)
        message = taken = None
        try:
            taken = aq.take_rows(path, [5], columns=[name])
        except ValueError as error:
            message = str(error)
            refused += 1
        if message is None:  # the codec contradicts, so that pyarrow reads the page, to which it is the same
            assert taken.equals(TABLE.select([name]).take([5]))
        else:
            assert message.startswith(f"{path}: must be a readable Parquet file, got ")
    assert refused or options[0] == "snappy"


@pytest.mark.parametrize("codec", ["zstd", "snappy"])
def test_damage_before_the_row_is_an_error_and_behind_it_goes_unnoticed(tmp_path, written, codec):
    path = written(codec, "1.0", False)
    chunk = chunk_of(path, "words")
    first, size = chunk.data_page_offset, chunk.total_compressed_size
    bad = tmp_path / "bad.parquet"
    whole = path.read_bytes()
    behind = bytearray(whole)
    behind[first + size - 2000 : first + size - 100] = bytes(1900)
    bad.write_bytes(behind)
    assert aq.take_rows(bad, [3, 700], columns=["words"]).equals(TABLE.select(["words"]).take([3, 700]))
    before = bytearray(whole)
    before[first + 100 : first + 2000] = bytes(1900)
    bad.write_bytes(before)
    with pytest.raises(ValueError, match=r"bad\.parquet: must be a readable Parquet file, got "):
        aq.take_rows(bad, [N - 1], columns=["words"])

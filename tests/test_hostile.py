"""Files that are damaged, or made to do damage: an error that names them, in little time and memory."""

import os
import pathlib
import resource
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import aliquot as aq
from aliquot._kernels.parquet_footer import Footer
from aliquot._kernels.parquet_pages import Pages
from aliquot.footers import LARGEST_FOOTER
from aliquot.parquet import open_paths

FOUND = pathlib.Path(__file__).parent / "data" / "parquet_reader"
N = 300
TABLE = pa.table(
    {"x": np.arange(N), "s": [f"value {i % 9}" for i in range(N)], "n": [None if i % 3 else i for i in range(N)]}
)


@pytest.fixture
def path(tmp_path):
    pq.write_table(
        TABLE, tmp_path / "good.parquet", row_group_size=100, data_page_size=64, write_batch_size=16, write_page_index=True,
        store_schema=False, compression="none",
    )  # fmt: skip
    return tmp_path / "bad.parquet"


def outcome(path):
    """Rows of a file, or the error, which names it unless it only has fewer rows; nothing else may come of it."""
    try:
        return aq.take_rows(path, [0, 1, N // 2, N - 1])
    except (IndexError, ValueError) as error:
        message = str(error)
    assert "bad.parquet: " in message or message.startswith("rows: must be from 0 to below the ")
    return None


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def integer(value):
    return varint(value << 1 ^ value >> 63 if value < 0 else value << 1)


def group(children):
    """A schema element named g with so many children."""
    return b"\x48\x01g" + b"\x15" + integer(children) + b"\x00"


LEAF = b"\x15\x02\x38\x01x\x00"  # an int32 column


def footer(elements, count=None, rows=0):
    """A file of a schema and no row groups."""
    count = len(elements) if count is None else count
    text = (
        b"\x15\x02\x19" + b"\xfc" + varint(count) + b"".join(elements) + b"\x16" + integer(rows) + b"\x19\x0c" + b"\x00"
    )
    return b"PAR1" + text + len(text).to_bytes(4, "little") + b"PAR1"


def test_column_chunks_that_claim_more_than_the_file_are_not_looked_into():
    def pages(size):
        """Of two columns that begin at the same byte, in a file of 1000."""
        chunk = (
            b"\x3c\x15\x02\x19\x15\x00\x25\x00\x16" + integer(7) + 2 * (b"\x16" + integer(size)) + b"\x26\x08\x00\x00"
        )
        groups = b"\x19\x1c\x19\x2c" + 2 * chunk + b"\x26" + integer(7) + b"\x00"
        elements = b"\x19\x3c" + group(2) + 2 * LEAF
        return Pages(Footer(b"\x15\x02" + elements + b"\x16" + integer(7) + groups + b"\x00"), [0], [0, 1], 1000)

    assert pages(500).fits.tolist() == [[True, True]]
    assert pages(501).fits.tolist() == [[True, False]]


def test_a_file_cut_anywhere(path):
    whole = (path.parent / "good.parquet").read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"bad\.parquet: must "):
            aq.take_rows(path, [0])
    path.write_bytes(whole)
    assert outcome(path).to_pydict() == TABLE.take([0, 1, N // 2, N - 1]).to_pydict()


def test_any_bit_of_the_footer_flipped(path):
    whole = (path.parent / "good.parquet").read_bytes()
    length = int.from_bytes(whole[-8:-4], "little")
    for at in range(len(whole) - length - 8, len(whole), 5):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        outcome(path)


@pytest.mark.parametrize("length", [2**31 - 1, 2**31, 2**32 - 1, 2**27 + 1])
def test_a_footer_of_gigabytes_is_refused_unread(path, length):
    with open(path, "wb") as file:
        file.truncate(min(length, 2**31) + 100)  # holes, not bytes
        file.seek(0, os.SEEK_END)
        file.write(length.to_bytes(4, "little") + b"PAR1")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=r"bad\.parquet: must ") as caught:
        aq.take_rows(path, [0])
    assert str(LARGEST_FOOTER) in str(caught.value) or "no footer at its end" in str(caught.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


@pytest.mark.parametrize(("elements", "count"), [
    ([group(1)] * 100_000 + [LEAF], None),  # pyarrow would descend as deep
    ([group(1)] * 300, None),  # and never reach a column
    ([group(2**31 - 1), LEAF], None),
    ([group(-1), LEAF], None),
    ([group(1), LEAF, LEAF], None),  # more than the root has
    ([group(2), LEAF], 2**31 - 1),
    ([group(1), LEAF], 2**40),
    ([], None),
], ids=["deep", "deeper than it is long", "two billion children", "negative children", "an orphan", "two billion elements", "a trillion", "none"])  # fmt: skip
def test_schemas_that_are_none(path, elements, count):
    path.write_bytes(footer(elements, count))
    with pytest.raises((ValueError, IndexError)) as caught:
        aq.take_rows(path, [0])
    assert "bad.parquet: must be a readable Parquet file, got " in str(caught.value)


def test_a_schema_of_some_depth_is_one(path):
    path.write_bytes(footer([group(1)] * 20 + [LEAF]))
    assert open_paths(path).num_rows == 0


@pytest.mark.parametrize("name", sorted(each.name for each in FOUND.iterdir()) if FOUND.exists() else [])
def test_files_that_fuzzing_found(path, name):
    shutil.copy(FOUND / name, path)
    outcome(path)


class TestReplaced:
    def replacement(self, path):
        """A file of the same size and modification time, and other values."""
        good = path.parent / "good.parquet"
        shutil.copy(good, path)
        other = TABLE.set_column(0, "x", pa.array(np.arange(N) + 1))
        pq.write_table(
            other, good, row_group_size=100, data_page_size=64, write_batch_size=16, write_page_index=True,
            store_schema=False, compression="none",
        )  # fmt: skip
        assert os.path.getsize(good) == os.path.getsize(path)
        seen = os.stat(path)
        os.utime(good, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        return good

    def test_the_footer_gives_a_file_away_that_looks_the_same(self, path):
        other = self.replacement(path)
        source = open_paths(path)
        os.replace(other, path)
        with pytest.raises(ValueError, match=r"bad\.parquet: must not change while it is read, got another footer$"):
            aq.take_rows(source, [5])

    def test_size_or_time_give_others_away(self, path):
        shutil.copy(path.parent / "good.parquet", path)
        source = open_paths(path)
        seen = os.stat(path)
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns + 1_000_000))
        with pytest.raises(
            ValueError, match=r"bad\.parquet: must not change while it is read, got \d+ bytes for \d+, or "
        ):
            aq.take_rows(source, [5])

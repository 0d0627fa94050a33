"""Books of schedules: each schedule exact at every row, all of a book together fair, and many of them."""

import itertools

import numpy as np
import pytest

import laws
from aliquot import _rng
from aliquot._kernels import splitter as kernel

COMPOSITIONS = [c for parts in (1, 2, 3, 4) for c in itertools.product(range(1, 8), repeat=parts) if sum(c) <= 7]


def book_of(counts):
    return kernel.schedules(_rng.key_of(7), np.array(counts, np.uint64))


class TestSchedules:
    @pytest.mark.parametrize("counts", [*COMPOSITIONS, (0, 2, 0, 3), (1,) * 40, (70, 15, 15), (35, 33, 17, 15)])
    def test_every_schedule_of_a_book_is_exact_and_together_they_are_fair(self, counts):
        book = book_of(counts)
        rows = sum(counts)
        assert book.shape[0] % rows == 0
        for schedule in np.unique(book, axis=0):
            laws.shares_hold_at_every_prefix(schedule, counts)
        for part, count in enumerate(counts):
            assert np.all((book == part).sum(axis=0) * rows == book.shape[0] * count)

    @pytest.mark.parametrize("counts", [(1023, 1), (800, 100, 99, 1)])
    def test_the_largest_books(self, counts):
        book = book_of(counts)
        laws.shares_hold_at_every_prefix(book[5], counts)
        for part, count in enumerate(counts):
            assert np.all((book == part).sum(axis=0) * sum(counts) == book.shape[0] * count)

    @pytest.mark.parametrize(("counts", "least"), [((3, 2), 4), ((8, 1, 1), 20), ((4, 3, 2, 1), 60)])
    def test_a_book_has_many_schedules(self, counts, least):
        assert len(np.unique(book_of(counts), axis=0)) >= least

"""Which row numbers a state has seen, seed by seed."""

from typing import Any

from aliquot._checks import MAX_ROWS

Interval = tuple[int, int]


class RowRanges:
    """Disjoint half-open intervals of row numbers under each seed.

    The own stream is the interval [first, next_row) under the own seed; it grows up to ``_wall``, the nearest row that
    came with a merge.
    """

    def __init__(self, seed: int, start: int) -> None:
        self.seed = seed
        self.next_row = start
        self._first = start
        self._merged: dict[int, list[Interval]] = {}
        self._wall = MAX_ROWS + 1  # none

    def check_room(self, rows: int) -> None:
        """ValueError unless the next ``rows`` rows are new."""
        end = self.next_row + rows
        if end > MAX_ROWS:
            raise ValueError(f"start: row numbers must stay below 2**62, got {end}")
        if end > self._wall:
            raise ValueError(
                f"batch: must hold rows not seen yet, got rows {self.next_row} to {end}, "
                f"of which those from {self._wall} came with a merge"
            )

    def extend(self, rows: int) -> int:
        """See the next ``rows`` rows; returns the number of the row after, past those that adjoin them."""
        self.next_row += rows
        if self.next_row == self._wall:
            self._settle(self._spans())
        return self.next_row

    def union(self, other: "RowRanges") -> "RowRanges":
        """Both, going on where this one does or after what adjoins it. ValueError if they overlap under one seed."""
        mine, theirs = self._spans(), other._spans()
        for seed in mine.keys() & theirs.keys():
            for a, b in mine[seed]:
                for c, d in theirs[seed]:
                    if a < d and c < b:
                        raise ValueError(
                            "other: must hold rows not seen yet with one seed, "
                            f"got rows {max(a, c)} to {min(b, d)} on both sides"
                        )
        both = RowRanges(self.seed, self._first)
        both.next_row = self.next_row
        both._settle({seed: mine.get(seed, []) + theirs.get(seed, []) for seed in {**mine, **theirs}})
        return both

    def to_json(self) -> dict[str, Any]:
        """The value as JSON can hold it."""
        return {"next": self.next_row, "seen": [[seed, spans] for seed, spans in sorted(self._spans().items())]}

    @classmethod
    def from_json(cls, seed: int, value: dict[str, Any]) -> "RowRanges":
        """The value that ``to_json`` gave."""
        made = cls(seed, value["next"])
        made._settle({seed: [(a, b) for a, b in spans] for seed, spans in value["seen"]})
        return made

    def _spans(self) -> dict[int, list[Interval]]:
        spans = {seed: list(merged) for seed, merged in self._merged.items()}
        if self.next_row > self._first:
            spans[self.seed] = _joined([*spans.get(self.seed, []), (self._first, self.next_row)])
        return spans

    def _settle(self, spans: dict[int, list[Interval]]) -> None:
        """Sort out which of the intervals the own stream now ends, and which are ahead."""
        self._merged = {seed: _joined(each) for seed, each in spans.items()}
        own = self._merged.pop(self.seed, [])
        at = self.next_row
        self._first, self.next_row = next(((a, b) for a, b in own if a <= at <= b), (at, at))
        rest = [(a, b) for a, b in own if b < self._first or a > self.next_row]
        if rest:
            self._merged[self.seed] = rest
        self._wall = min((a for a, _ in rest if a > self.next_row), default=MAX_ROWS + 1)


def _joined(spans: list[Interval]) -> list[Interval]:
    joined: list[Interval] = []
    for first, last in sorted(spans):
        if joined and joined[-1][1] == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined

"""Which row numbers a state has seen, seed by seed."""

from typing import Any

from aliquot._checks import MAX_ROWS

Interval = tuple[int, int]


class RowRanges:
    """Disjoint half-open intervals of row numbers under each seed, and where the own stream goes on."""

    def __init__(self, seed: int, start: int, seen: dict[int, list[Interval]] | None = None) -> None:
        self.seed = seed
        self.next_row = start
        self._seen = {} if seen is None else seen

    def check_room(self, rows: int) -> None:
        """ValueError unless the next ``rows`` rows are new."""
        end = self.next_row + rows
        if end > MAX_ROWS:
            raise ValueError(f"start: row numbers must stay below 2**62, got {end}")
        for first, last in self._seen.get(self.seed, []):
            if self.next_row < last and first < end:
                raise ValueError(
                    f"batch: must hold rows not seen yet, got rows {self.next_row} to {end}, "
                    f"of which {first} to {last} came with a merge"
                )

    def extend(self, rows: int) -> int:
        """See the next ``rows`` rows; returns the number of the row after, past those that adjoin them."""
        own = self._seen.setdefault(self.seed, [])
        if own and own[-1][1] == self.next_row:  # nearly always
            own[-1] = (own[-1][0], self.next_row + rows)
        else:
            own.append((self.next_row, self.next_row + rows))
        self.next_row += rows
        if len(own) > 1:
            self._seen[self.seed] = _joined(own)
            self.next_row = _end_of(self._seen[self.seed], self.next_row)
        return self.next_row

    def union(self, other: "RowRanges") -> "RowRanges":
        """Both, going on where this one does or after what adjoins it. ValueError if they overlap under one seed."""
        for seed, theirs in other._seen.items():
            for a, b in self._seen.get(seed, []):
                for c, d in theirs:
                    if a < d and c < b:
                        raise ValueError(
                            "other: must hold rows not seen yet with one seed, "
                            f"got rows {max(a, c)} to {min(b, d)} on both sides"
                        )
        seeds = [*self._seen, *(seed for seed in other._seen if seed not in self._seen)]
        seen = {seed: _joined([*self._seen.get(seed, []), *other._seen.get(seed, [])]) for seed in seeds}
        return RowRanges(self.seed, _end_of(seen.get(self.seed, []), self.next_row), seen)

    def to_json(self) -> dict[str, Any]:
        """The value as JSON can hold it."""
        return {"next": self.next_row, "seen": [[seed, spans] for seed, spans in self._seen.items()]}

    @classmethod
    def from_json(cls, seed: int, value: dict[str, Any]) -> "RowRanges":
        """The value that ``to_json`` gave."""
        return cls(seed, value["next"], {seed: [(a, b) for a, b in spans] for seed, spans in value["seen"]})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowRanges) and (self.seed, self.next_row, self._seen) == (
            other.seed,
            other.next_row,
            other._seen,
        )

    __hash__ = None  # type: ignore[assignment]


def _joined(spans: list[Interval]) -> list[Interval]:
    joined: list[Interval] = []
    for first, last in sorted(spans):
        if joined and joined[-1][1] == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def _end_of(spans: list[Interval], row: int) -> int:
    return next((last for first, last in spans if first <= row <= last), row)

"""Progress of a long job, in rows of the source: a bar, a callable, or nothing."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeAlias

from aliquot._checks import describe

ProgressOption: TypeAlias = bool | Callable[[int, int | None], object] | None


class Progress:
    """Counts rows done out of a total, None while unknown, and tells whoever asked."""

    def __init__(self, option: ProgressOption) -> None:
        if not (option is None or isinstance(option, bool) or callable(option)):
            raise TypeError(f"progress: must be True, a callable or None, got {describe(option)}")
        self._tell = option if callable(option) else None
        self._wants_bar = option is True
        self._bar: Any = None
        self._done = 0
        self._total: int | None = None

    def start(self, total: int | None) -> None:
        """Begin to count towards ``total`` rows."""
        self._total = total
        if self._wants_bar:
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit="row", unit_scale=True, leave=False, delay=0.2)

    def advance(self, rows: int) -> None:
        """So many more rows of the source are done with."""
        if rows == 0:
            return
        self._done += rows
        if self._bar is not None:
            self._bar.update(rows)
        if self._tell is not None:
            self._tell(self._done, self._total)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

"""How much work is done side by side, and work that is."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


def processors() -> int:
    """How many threads can run at once."""
    return len(os.sched_getaffinity(0))


def in_order(work: Callable[[T], U], tasks: Iterable[T], workers: int) -> Iterator[tuple[T, U]]:
    """Tasks and results of ``work``, in the order of the tasks, a few ahead of the reader."""
    pending: deque[tuple[T, Future[U]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for task in tasks:
                pending.append((task, pool.submit(work, task)))
                if len(pending) > workers:
                    task, result = pending.popleft()
                    yield task, result.result()
            while pending:
                task, result = pending.popleft()
                yield task, result.result()
        finally:
            for _, result in pending:
                result.cancel()

"""How much work is done side by side."""

import os


def processors() -> int:
    """How many threads can run at once."""
    return len(os.sched_getaffinity(0))

"""The memory that a task takes at its peak, from Linux's own account of the process."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")


def peak_bytes(task: Callable[[], Any]) -> int | None:
    """Bytes by which the resident set grew at most during one call; None where the system does not say."""
    if not RESET.exists():
        return None
    gc.collect()
    RESET.write_text("5")  # the high-water mark starts anew
    before = _resident("VmRSS")
    answer = task()
    peak = _resident("VmHWM")
    del answer
    return max(peak - before, 0)


def _resident(name: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024

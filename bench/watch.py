"""Contestants in processes of their own: how long they take, what they read, how much memory they hold."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tables import markdown

TITLES = ("job", "contestant", "time", "times ours", "bytes read", "peak memory")
LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Run:
    """What one contestant took."""

    job: str
    contestant: str
    seconds: float
    read: int
    """Bytes by ``read``, whether from the disk or the page cache."""
    from_disk: int
    peak: int
    """Bytes of the process's own memory; mapped files do not count."""
    ended: str
    """"", or why it was ended before it was done."""


def forget(paths: Sequence[str]) -> None:
    """Take files out of the page cache."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def field(process: int, file: str, name: str) -> int:
    """A number that Linux tells of a process: bytes, or kB turned into bytes."""
    text = Path(f"/proc/{process}/{file}").read_text()
    words = next((line.split() for line in text.splitlines() if line.startswith(name)), [name, "0"])
    return int(words[1]) * (1024 if words[2:] == ["kB"] else 1)


def measured(job: Callable[[], Any]) -> str:
    """Do a job in this process; what ``watched`` wants to hear: seconds, bytes read, bytes from the disk."""
    names = ("rchar:", "read_bytes:")
    before = [field(os.getpid(), "io", name) for name in names]
    start = time.perf_counter()
    job()
    seconds = time.perf_counter() - start
    return json.dumps(
        [seconds, *(field(os.getpid(), "io", name) - then for name, then in zip(names, before, strict=True))]
    )


def watched(job: str, contestant: str, command: Sequence[str], seconds: float, most: int) -> Run:
    """Run a command that prints what it ``measured``; end it after so many seconds, or at so many bytes of memory."""
    peak = read = disk = 0
    ended = ""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            time.sleep(LOOK_SECONDS)
            try:
                peak = max(peak, field(process.pid, "status", "RssAnon:"))
                read, disk = field(process.pid, "io", "rchar:"), field(process.pid, "io", "read_bytes:")
            except (FileNotFoundError, ProcessLookupError):  # done meanwhile
                break
            if not ended and (peak > most or time.perf_counter() - start > seconds):
                ended = f"ended at {peak / 1e9:.0f} GB" if peak > most else f"ended after {seconds:.0f} s"
                process.kill()
        said = process.communicate()[0]
    taken = time.perf_counter() - start
    if not process.returncode:  # what it says leaves out the start of the interpreter
        taken, read, disk = json.loads(said)
    elif not ended:
        ended = f"failed after {taken:.0f} s"
    return Run(job, contestant, round(taken, 2), read, disk, peak, ended)


def table_of(runs: Sequence[Run]) -> str:
    """A line a run; times ours are those of the first contestant of the job that is ours."""
    rows = []
    for each in runs:
        ours = next(run for run in runs if run.job == each.job and run.contestant.startswith("aliquot"))
        ratio = f"{each.seconds / ours.seconds:.2g}"
        at_least = f"> {ratio}" if each.ended.startswith("ended after") else ""
        rows.append(
            (
                each.job,
                each.contestant,
                each.ended or f"{each.seconds:,.1f} s",
                at_least if each.ended else ratio,
                f"{max(each.read, each.from_disk) / 1e9:.2f} GB",
                f"{each.peak / 1e9:.2f} GB",
            )
        )
    return markdown(TITLES, rows)


def entries_of(runs: Iterable[Run]) -> list[dict[str, Any]]:
    """Runs as pytest-benchmark lists them."""
    return [
        {"group": run.job, "name": run.contestant, "stats": {"min": run.seconds}, "extra_info": asdict(run)}
        for run in runs
    ]


def runs_of(document: Mapping[str, Any]) -> list[Run]:
    """And back."""
    return [Run(**each["extra_info"]) for each in document["benchmarks"]]

"""Shows that the instruction gate catches a kernel slowed down by about 5 %: ``python bench/planted.py``.

Of each slowdown a copy of this revision is made, a few instructions that do nothing are put into a kernel's inner loop,
the copy is built and counted, and the gate must name that kernel and no kernel of another header.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass

import callgrind
import instructions
import sides


@dataclass(frozen=True)
class Slowdown:
    """What goes before which line of a header, and whom it slows down."""

    header: str
    line: str
    nothing: str
    slowed: tuple[str, ...]


SLOWDOWNS = (
    Slowdown(
        "hashing.hpp",
        "if (left > 0) h = fold(h ^ tail(at, left));",
        'asm volatile(".rept 6; nop; .endr");',  # of 111 instructions a row of strings
        ("hash,",),
    ),
    Slowdown(
        "keys.hpp",
        "const std::uint32_t at = random.below(left);",
        'asm volatile(".rept 13; nop; .endr");',  # of 331 instructions a row
        ("row numbers", "reservoir, stream"),
    ),
)


def main() -> int:
    """Try each. Exit status 0 if all are caught."""
    counts = callgrind.count(sides.build("HEAD"))
    missed = 0
    for planted in SLOWDOWNS:
        tree = sides.BUILD / f"planted-{planted.header}"
        shutil.rmtree(tree, ignore_errors=True)
        subprocess.run(["git", "clone", "-q", sides.ROOT, tree], check=True)
        header = tree / "csrc" / "aliquot" / planted.header
        text = header.read_text()
        if text.count(planted.line) != 1:
            raise ValueError(f"{planted.header}: must have the line {planted.line!r} once")
        header.write_text(text.replace(planted.line, f"{planted.nothing}\n{planted.line}"))
        wrong, _ = instructions.compare(counts, callgrind.count(sides.install(tree)), instructions.LIMIT)
        caught = bool(wrong) and all(line.startswith(planted.slowed) for line in wrong)
        missed += not caught
        print(f"{'caught' if caught else 'MISSED'}: {planted.nothing} in {planted.header}")
        for line in wrong:
            print(f"  {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

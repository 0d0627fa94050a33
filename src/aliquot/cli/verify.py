"""``aliquot verify``."""

import argparse

import aliquot as aq


def run(arguments: argparse.Namespace) -> int:
    """Audit, and print each finding as it comes. 0 if all is well, 1 if not."""
    audit = aq.verify(full=arguments.full, rng=arguments.seed, progress=lambda finding: print(finding, flush=True))
    print(str(audit).splitlines()[0], str(audit).splitlines()[-1], sep="\n")
    return 0 if audit.passed else 1

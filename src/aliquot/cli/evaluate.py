"""``aliquot evaluate``."""

import argparse
import sys
from typing import Any

import aliquot as aq
from aliquot.cli.output import check_file, write_whole
from aliquot.cli.sample import open_argument


def run(arguments: argparse.Namespace) -> None:
    """Score predictions and print or write what came out."""
    if arguments.pred is None and arguments.score is None:
        raise ValueError("--pred: must be given unless --score is, got neither")
    html = arguments.html
    if html is not None:
        check_file("--html", html)
    evaluation = aq.evaluate(
        open_argument(arguments.source),
        y_true=arguments.true,
        y_pred=arguments.pred,
        y_score=arguments.score,
        by=arguments.by,
        sample_weight=arguments.weight,
        positive=as_label(arguments.positive),
        progress=sys.stderr.isatty() and not arguments.quiet,
    )
    if html is not None:
        page = evaluation.to_html().encode()
        write_whole(html, lambda sink: sink.write(page))
    if arguments.json:
        print(evaluation.to_json())
    elif html is None:
        print(evaluation)


def as_label(text: str | None) -> Any:
    """A label as it was typed: an integer if it reads as one, else a string."""
    try:
        return text if text is None else int(text)
    except ValueError:
        return text

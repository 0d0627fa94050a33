"""The ``aliquot`` command. Only argument parsing is imported before a subcommand is known to run."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NoReturn

from aliquot import __version__

EXAMPLES = """examples:
  aliquot sample 'data/*.parquet' -n 100000 --seed 7 -o out.parquet
  aliquot sample data/ -f 0.01 --where 'amount > 100 and country in ("DE", "FR")' -o out.arrow
  aliquot sample big.parquet -n 1000 -o - | some-tool-that-reads-arrow
  aliquot evaluate 'predictions/*.parquet' --true label --pred guess --by country --html report.html
  aliquot split data/ --to parts --part train=0.8 --part test=0.2 --strata label --seed 7
  aliquot inspect out.parquet
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns its status: 0 done, 1 ``verify`` failed, 2 bad input, 130 interrupted."""
    arguments = _parser().parse_args(argv)
    if argv is None:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end quietly when the reader of a pipe has had enough
        for stop in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(stop, lambda number, _: sys.exit(128 + number))  # unwinding, so that partial files go
    try:
        run: Callable[[argparse.Namespace], int | None] = import_module(f"aliquot.cli.{arguments.command}").run
        return run(arguments) or 0
    except (ValueError, TypeError, LookupError, OSError, ArithmeticError, RecursionError, NotImplementedError) as error:
        message = str(error.args[0] if isinstance(error, LookupError) and error.args else error)
        if isinstance(error, OSError) and error.strerror:  # the system's, not ours
            message = f"{error.filename or 'output'}: must be a file that can be used, got {error.strerror}"
        print(f"aliquot: {message.splitlines()[0] if message else type(error).__name__}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, as for every other mistake."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="aliquot",
        description="Sample, split and score Parquet and Arrow data, exactly and reproducibly.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"aliquot {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    sample = commands.add_parser("sample", help="draw a sample of rows, uniform, weighted or stratified")
    sample.add_argument(
        "source", nargs="+", metavar="SOURCE", help="Parquet files, directories, globs or URIs; - for an Arrow stream"
    )
    amount = sample.add_mutually_exclusive_group(required=True)
    amount.add_argument("-n", "--size", type=int, metavar="ROWS", help="rows to draw")
    amount.add_argument("-f", "--fraction", type=float, metavar="SHARE", help="share of the rows to draw, in (0, 1]")
    sample.add_argument("--weights", metavar="COL", help="draw in proportion to this column")
    sample.add_argument(
        "--design",
        choices=("successive", "priority", "quota", "first"),
        default="successive",
        help="how weights work without replacement: one row at a time, or inclusion close to proportional to weight; "
        "or take what comes first, of each stratum or at all",
    )
    sample.add_argument(
        "--strata", type=_names, metavar="COL[,COL]", help="sample each value of these columns for itself"
    )
    sample.add_argument(
        "--allocation",
        default="proportional",
        metavar="A",
        help="how the rows are dealt out to the strata: proportional (the default), equal or neyman:COL",
    )
    sample.add_argument("--minimum", type=int, default=0, metavar="ROWS", help="the least rows of each stratum")
    sample.add_argument("--replace", action="store_true", help="independent draws: a row can come up again")
    sample.add_argument("--columns", type=_names, metavar="A,B", help="columns to keep, in this order")
    sample.add_argument(
        "--where", metavar="EXPR", help="sample only rows for which this holds, e.g. 'a > 1 and b in (1, 2)'"
    )
    sample.add_argument("--order", choices=("source", "random"), default="source", help="order of the rows drawn")
    sample.add_argument("--row-number", metavar="NAME", help="add a column of row numbers")
    sample.add_argument("--design-weight", metavar="NAME", help="add a column of 1 / inclusion probability")
    sample.add_argument("--seed", type=int, metavar="S", help="the same seed draws the same rows")
    sample.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help=".parquet, .arrow or .csv file; - for an Arrow stream; CSV on standard output if left out",
    )
    sample.add_argument("--explain", action="store_true", help="say what would be read, instead of drawing the sample")
    sample.add_argument("--quiet", action="store_true", help="no progress bar and no summary")

    evaluate = commands.add_parser("evaluate", help="score predictions, overall and by slice")
    evaluate.add_argument(
        "source", nargs="+", metavar="SOURCE", help="Parquet files, directories, globs or URIs; - for an Arrow stream"
    )
    evaluate.add_argument("--true", required=True, metavar="COL", help="true labels")
    evaluate.add_argument("--pred", metavar="COL", help="predicted labels")
    evaluate.add_argument("--score", metavar="COL", help="scores of the positive label")
    evaluate.add_argument("--positive", metavar="LABEL", help="the positive label (default: 1, or true)")
    evaluate.add_argument("--by", type=_names, metavar="A,B", help="score each combination of these columns' values")
    evaluate.add_argument("--weight", metavar="COL", help="weights of the rows")
    evaluate.add_argument("--json", action="store_true", help="print JSON, an object a slice, instead of a table")
    evaluate.add_argument("--html", metavar="FILE", help="write a page with figures")
    evaluate.add_argument("--quiet", action="store_true", help="no progress bar")

    split = commands.add_parser("split", help="split rows into parts, a directory of Parquet each")
    split.add_argument(
        "source", nargs="+", metavar="SOURCE", help="Parquet files, directories, globs or URIs; - for an Arrow stream"
    )
    split.add_argument(
        "--to", required=True, metavar="DIR", help="directory to make: DIR/NAME/data.parquet and DIR/manifest.json"
    )
    split.add_argument(
        "--part",
        required=True,
        action="append",
        metavar="NAME=SHARE",
        help="a part and its share; shares sum to 1. Or NAME=ROWS, and NAME=rest",
    )
    split.add_argument("--strata", type=_names, metavar="COL[,COL]", help="split each value in these shares")
    split.add_argument("--groups", type=_names, metavar="COL[,COL]", help="keep the rows of a value in one part")
    split.add_argument("--key", metavar="COL", help="hash split: a value is in one part, whatever rows come or go")
    split.add_argument("--exact", action="store_true", help="with --key: exact shares, by rank of the hashes")
    split.add_argument(
        "--rare",
        default="spread",
        metavar="HOW",
        help="strata of fewer rows than parts: spread, error, or the name of the part to put them in",
    )
    split.add_argument("--seed", type=int, metavar="S", help="the same seed splits alike")
    split.add_argument("--quiet", action="store_true", help="no progress bar and no summary")

    inspect = commands.add_parser("inspect", help="show schema, rows and row groups; of a sample, where it comes from")
    inspect.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="Parquet files, directories, globs or URIs; an .arrow file; - for an Arrow stream",
    )

    demo = commands.add_parser("demo", help="make data, sample it, print what happened")
    demo.add_argument(
        "--rows", type=int, default=20_000_000, help="rows of the generated data set (default: %(default)s)"
    )
    demo.add_argument(
        "--dir", metavar="DIR", help="where to keep the data and samples; a temporary directory if left out"
    )

    bench = commands.add_parser("bench", help="time this build beside what one would use otherwise")
    bench.add_argument("--rows", type=int, default=5_000_000, help="rows to sample from (default: %(default)s)")
    bench.add_argument("--rounds", type=int, default=5, help="turns with each peer (default: %(default)s)")

    verify = commands.add_parser(
        "verify", help="audit what this build draws on this machine; exit status 1 if it fails"
    )
    effort = verify.add_mutually_exclusive_group()
    effort.add_argument("--full", action="store_true", help="twenty times as many trials")
    effort.add_argument("--quick", action="store_true", help="some seconds (the default)")
    verify.add_argument("--seed", type=int, metavar="S", help="audit again with the trials of another audit")
    return parser


def _names(text: str) -> list[str]:
    return text.split(",")

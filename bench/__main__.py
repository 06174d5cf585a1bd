"""`python -m bench [ROW…] [--quick]`: measure, print a table, keep it with all samples below bench/results."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from bench import machine, report
from bench.effort import FULL, QUICK, Effort
from bench.figures import Figure, MissingProgramError, Table
from bench.rows import ROWS


def main() -> None:
    """Run the rows that are asked for, or all."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # an exception, so that no program is left behind
    results: list[Figure | Table] = []
    skipped: list[str] = []
    for name in arguments.rows or ROWS:
        _measure(name, QUICK if arguments.quick else FULL, results, skipped)
    facts = machine.facts()
    text = report.markdown(results, skipped, facts)
    report.write(text, report.data(results, skipped, facts), arguments.to)
    print(text)


def _measure(name: str, effort: Effort, results: list[Figure | Table], skipped: list[str]) -> None:
    print(f"measuring: {name}", file=sys.stderr)
    try:
        results += ROWS[name](effort)
    except MissingProgramError as missing:
        skipped.append(f"{name}: {missing}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the rows of the speed table.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"what to measure: {', '.join(ROWS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="one short round of each, to see that it works")
    parser.add_argument("--to", type=Path, default=report.RESULTS, metavar="FOLDER", help="where the results go")
    arguments = parser.parse_args()
    unknown = set(arguments.rows) - ROWS.keys()
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    return arguments


if __name__ == "__main__":
    main()

"""`python -m bench [ROW…] [--quick]`: measure, print a table, keep it with all samples below bench/results."""

from __future__ import annotations

import argparse
import platform
import signal
import sys
import traceback
from pathlib import Path

from bench import machine, report
from bench.effort import FULL, QUICK, Effort
from bench.figures import MissingProgramError
from bench.report import Report
from bench.rows import ROWS, SLOW


def main() -> None:
    """Run the rows that are asked for, or all, and keep each as it ends.

    Exit code 1: a row failed, or what is counted has grown.
    """
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # an exception, so that no program is left behind
    kept = Report(machine.facts(), arguments.to)
    effort = QUICK if arguments.quick else FULL
    failed = [name for name in _rows(arguments) if not _measure(name, effort, kept)]
    print(kept.text)
    grown = report.grown(kept.results, arguments.against, platform.python_version()) if arguments.against else []
    for line in grown:
        print(line, file=sys.stderr)
    sys.exit(1 if failed or grown else 0)


def _rows(arguments: argparse.Namespace) -> list[str]:
    return arguments.rows or [name for name in ROWS if not arguments.quick or name not in SLOW]


def _measure(name: str, effort: Effort, kept: Report) -> bool:
    """Measure a row and keep it; False if it fails, which harms no other."""
    print(f"measuring: {name}", file=sys.stderr)
    try:
        kept.add(ROWS[name](effort))
    except MissingProgramError as missing:
        kept.skip(f"{name}: {missing}")
    except Exception as error:  # noqa: BLE001 - a row may fail in any way, and half an hour must not be lost with it
        traceback.print_exc()
        kept.skip(f"{name}: failed: {error!r}")
        return False
    return True


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the rows of the speed table.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"what to measure: {', '.join(ROWS)}; all by default")
    parser.add_argument(
        "--quick", action="store_true", help="one short round of each that is quick, to see that it works"
    )
    parser.add_argument("--to", type=Path, default=report.RESULTS, metavar="FOLDER", help="where the results go")
    parser.add_argument("--against", type=Path, metavar="FILE", help="fail where something counted has grown since")
    arguments = parser.parse_args()
    unknown = set(arguments.rows) - ROWS.keys()
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    return arguments


if __name__ == "__main__":
    main()

"""The `energy-collector` command; each subcommand sits in a file of its own and is imported when it is used."""

from __future__ import annotations

import os
import sys

from collector_core.cli.plain_calls import plain_answer


def main() -> None:
    """Entry point. What needs no parser of options is answered without importing one."""
    answer = plain_answer(sys.argv[1:])
    if answer is None:
        from collector_core.cli import group  # noqa: PLC0415 - click is large

        group.main()
    else:
        _print(answer)


def _print(text: str) -> None:
    try:
        print(text, flush=True)  # noqa: T201 - what the command is for
    except BrokenPipeError:  # whoever reads has seen enough
        os._exit(1)

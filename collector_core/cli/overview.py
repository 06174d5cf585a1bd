"""What `energy-collector --help` prints, from names alone: no command, no plugin and no library is imported for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from shutil import get_terminal_size
from textwrap import fill

from collector_core.cli.commands import COMMANDS
from collector_core.plugins.top_level import top_level_commands

OPTIONS = {"--version": "Show the version and exit.", "-h, --help": "Show this message and exit."}
MIN_WIDTH, MAX_WIDTH = 50, 108  # columns

_USAGE = "Usage: energy-collector "
_ABOUT = (
    "Show where the watts on your machines go: collect energy and host metrics and serve them to Prometheus.",
    "Without a configuration file, every collector that fits this machine runs with its defaults. Some plugins add "
    "commands of their own, described in their READMEs: energy-collector PLUGIN COMMAND.",
)


def overview() -> str:
    """The program's help, as wide as the terminal."""
    width = max(MIN_WIDTH, min(MAX_WIDTH, get_terminal_size().columns - 2))
    return "\n\n".join(_parts(width))


def _parts(width: int) -> Iterator[str]:
    yield fill("[OPTIONS] COMMAND [ARGS]...", width, initial_indent=_USAGE, subsequent_indent=" " * len(_USAGE))
    for paragraph in _ABOUT:
        yield fill(paragraph, width, initial_indent="  ", subsequent_indent="  ")
    yield _section("Options", OPTIONS, width)
    added = {name: command.summary for name, command in top_level_commands().items() if name not in COMMANDS}
    yield _section("Commands", COMMANDS | added, width)


def _section(title: str, rows: Mapping[str, str], width: int) -> str:
    column = max(map(len, rows)) + 4
    lines = (
        fill(text, width, initial_indent=f"  {name}".ljust(column), subsequent_indent=" " * column)
        for name, text in rows.items()
    )
    return "\n".join([f"{title}:", *lines])

"""Calls that are answered from names and files alone; a parser of options would cost more than the answer.

Whatever is unusual, such as plugins that must be loaded or a damaged distribution, is left to the command.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NoReturn

from collector_core.installed import EntryPoint, entry_points
from collector_core.plugins.entry_points import GROUP, OURS

CONFIG_VARIABLE = "ENERGY_COLLECTOR_CONFIG"
NONE_NAMED = "good: collectors that fit this machine will run (see `energy-collector doctor`)"


def plain_answer(words: Sequence[str]) -> str | None:
    """What the program prints when it is called with these words; None where it takes a command to say."""
    match words:
        case ["--help" | "-h"]:
            from collector_core.cli.overview import overview  # noqa: PLC0415 - the other calls need less

            return overview()
        case ["check"] if not os.environ.get(CONFIG_VARIABLE):
            return NONE_NAMED if _all_bundled() else None
        case ["list"]:
            return _table(_all_bundled())
    return None


def _table(plugins: Sequence[EntryPoint]) -> str | None:
    from collector_core.cli.plugin_table import bundled_rows, plugin_table  # noqa: PLC0415 - the other calls need less

    rows = bundled_rows(plugins)
    return plugin_table(rows.values()) if plugins and len(rows) == len(plugins) else None


def _all_bundled() -> list[EntryPoint]:
    """All plugins where they are ours; none where others are installed too."""
    try:
        entries = entry_points(GROUP, report_damage=_leave_to_command)
    except (OSError, ValueError):
        return []
    return entries if all(entry.distribution == OURS for entry in entries) else []


def _leave_to_command(folder: str, error: Exception) -> NoReturn:
    """A command logs it as its options say."""
    del folder
    raise error

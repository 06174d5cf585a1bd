"""`energy-collector list`: which plugins are installed?"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from collector_core.cli.common import Common, common_options
from collector_core.cli.plugin_table import Row, bundled_rows, plugin_table
from collector_core.installed import EntryPoint, entry_points
from collector_core.plugins.entry_points import GROUP
from collector_core.plugins.offers import offers_of


@click.command()
@common_options(default_level="error")
def command(common: Common) -> None:
    """List the installed plugins with version, distribution and number of metrics.

    Bundled plugins are not loaded for that; `energy-collector doctor` loads them.

    Exit code 1: at least one of the others cannot be loaded.
    """
    del common
    entries = entry_points(GROUP)
    kept = bundled_rows(entries)
    loaded = list(_loaded([entry for entry in entries if entry not in kept]))
    rows = list(kept.values())
    rows += [row for row, _ in loaded if row not in rows]
    click.echo(plugin_table(rows))
    sys.exit(0 if all(works for _, works in loaded) else 1)


def _loaded(entries: list[EntryPoint]) -> Iterator[tuple[Row, bool]]:
    """The rows of what must be loaded, and whether it can be: of bundled plugins those whose name others claim, too."""
    if not entries:
        return
    from collector_core.plugins.discovery import discover  # noqa: PLC0415 - most have the bundled plugins alone

    for plugin in discover({entry.name for entry in entries}).all:
        offers = plugin.problem if plugin.error else offers_of(plugin).text
        yield (plugin.name, plugin.version, plugin.distribution, offers), not plugin.error

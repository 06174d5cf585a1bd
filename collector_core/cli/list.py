"""`energy-collector list`: which plugins are installed?"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from collector_core.cli.common import Common, common_options
from collector_core.cli.table import table
from collector_core.installed import EntryPoint, entry_points
from collector_core.plugins.entry_points import GROUP, OURS
from collector_core.plugins.offers import kept_offers, offers_of


@click.command()
@common_options(default_level="error")
def command(common: Common) -> None:
    """List the installed plugins with version, distribution and number of metrics.

    Bundled plugins are not loaded for that; `energy-collector doctor` loads them.

    Exit code 1: at least one of the others cannot be loaded.
    """
    del common
    entries = entry_points(GROUP)
    offers = kept_offers(entries)
    kept = [entry for entry in entries if entry.distribution == OURS and entry.name in offers]
    loaded = list(_loaded([entry for entry in entries if entry not in kept]))
    rows = [(entry.name, entry.version, entry.distribution, offers[entry.name].text) for entry in kept]
    rows += [row for row, _ in loaded if row not in rows]
    click.echo(table(("plugin", "version", "distribution", "offers"), sorted(rows, key=lambda row: row[0])))
    sys.exit(0 if all(works for _, works in loaded) else 1)


def _loaded(entries: list[EntryPoint]) -> Iterator[tuple[tuple[str, str, str, str], bool]]:
    """The rows of what must be loaded, and whether it can be: of bundled plugins those whose name others claim, too."""
    if not entries:
        return
    from collector_core.plugins.discovery import discover  # noqa: PLC0415 - most have the bundled plugins alone

    for plugin in discover({entry.name for entry in entries}).all:
        offers = plugin.problem if plugin.error else offers_of(plugin).text
        yield (plugin.name, plugin.version, plugin.distribution, offers), not plugin.error

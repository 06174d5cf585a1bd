"""`energy-collector list`: which plugins are installed?"""

from __future__ import annotations

import sys

import click

from collector_core.cli.common import Common, common_options
from collector_core.cli.table import table
from collector_core.plugins.discovery import Plugin, discover


@click.command()
@common_options(default_level="error")
def command(common: Common) -> None:
    """List the installed plugins with version, distribution and number of metrics.

    Exit code 1: at least one of them cannot be loaded.
    """
    del common
    plugins = discover()
    click.echo(table(("plugin", "version", "distribution", "offers"), [_row(plugin) for plugin in plugins.all]))
    sys.exit(1 if plugins.broken else 0)


def _row(plugin: Plugin) -> tuple[str, ...]:
    return (plugin.name, plugin.version, plugin.distribution, plugin.problem if plugin.error else _offers(plugin))


def _offers(plugin: Plugin) -> str:
    metrics = f"{sum(len(cls.metrics) for cls in plugin.types)} metrics"
    outputs = [f"output {cls.name}" for cls in plugin.outputs]
    return ", ".join([metrics, *outputs] if plugin.types or not outputs else outputs)

"""`energy-collector calibrate NAME`: fit a plugin's model to this machine."""

from __future__ import annotations

import click

from collector_core.cli.plugin_commands import PluginGroup


@click.group("calibrate", cls=PluginGroup)
def command() -> None:
    """Fit a plugin's model to this machine by measuring it.

    Exit code 0: the model is written; 1: there is nothing to measure with, so nothing is written.
    """

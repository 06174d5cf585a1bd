"""What `once --timeline` does after the collectors have run."""

from __future__ import annotations

import click

from collector_core.config.outputs import OutputInstance
from collector_core.engine.app import App
from collector_core.errors import StartupError, explain
from collector_core.outputs.sampling import Heard
from collector_core.outputs.single_call import SingleCall

OUTPUT = "timeline"


def write_timeline(app: App) -> bool:
    """Write what the last runs have read to every timeline of the configuration; returns whether all of it is there.

    Raises `StartupError` where the configuration has none.
    """
    timelines = [instance for instance in app.config.outputs if instance.type.name == OUTPUT]
    broken = [each for each in app.config.unloadable_outputs if each.plugin.name == OUTPUT]
    if broken:
        raise StartupError(str(broken[0].problem))
    if not timelines:
        raise StartupError("--timeline needs a timeline in `outputs:` of the configuration")
    reports = (runner.last_report for runner in app.runners.values())
    runs = [Heard(report.ended_at, (report.published,)) for report in reports if report]
    written = [_write(app, instance, runs) for instance in timelines]
    return all(written)


def _write(app: App, instance: OutputInstance, runs: list[Heard]) -> bool:
    try:
        rows = SingleCall(instance, app.clock, app.root, app.redactor).deliver(runs)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        click.echo(app.redactor(f"{instance.name}: {explain(error)}"), err=True)
        return False
    if not rows:
        click.echo(f"{instance.name}: nothing was read that belongs into it", err=True)
    return bool(rows)

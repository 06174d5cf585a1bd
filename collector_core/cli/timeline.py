"""What `once --timeline` does after the collectors have run."""

from __future__ import annotations

from collections.abc import Iterable

import click

from collector_core.config.outputs import OutputInstance
from collector_core.engine.app import App
from collector_core.errors import StartupError, explain
from collector_core.outputs.sampling import Heard
from collector_core.outputs.single_call import SingleCall

OUTPUT = "timeline"


def timelines_of(app: App) -> list[OutputInstance]:
    """The timelines of the configuration; raises `StartupError` where it has none that can be used."""
    timelines = [instance for instance in app.config.outputs if instance.type.name == OUTPUT]
    broken = [each for each in app.config.unloadable_outputs if each.plugin.name == OUTPUT]
    if broken:
        raise StartupError(str(broken[0].problem))
    if not timelines:
        raise StartupError("--timeline needs a timeline in `outputs:` of the configuration")
    return timelines


def write_timelines(app: App, timelines: Iterable[OutputInstance]) -> bool:
    """Write what the last runs have read to every one of them; returns whether all of it is there."""
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

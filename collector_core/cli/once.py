"""`energy-collector once`: one look, on stdout."""

from __future__ import annotations

import contextlib
import sys
import time

import click

from collector_core.app import App
from collector_core.cli.common import Common, common_options
from collector_core.cli.named import named_runner
from collector_core.exposition import negotiate
from collector_core.runner import Runner


@click.command(short_help="Run collectors once and print what they read.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--gap", default=1.0, show_default=True, help="Seconds between the two runs that a rate needs.")
@common_options()
def command(common: Common, names: tuple[str, ...], gap: float) -> None:
    """Run collectors once and print what they read, in Prometheus' text format.

    NAME is a collector of the configuration or an installed plugin; without names all run. Collectors whose
    readings are differences run twice. Exit code 1 when a collector had no data.
    """
    app = App(common.config, root=common.root, redactor=common.redactor)
    with contextlib.redirect_stdout(sys.stderr):  # what plugins print is no part of the exposition
        good = _run(app, names, gap)
    click.echo(app.exposition.body(negotiate("", "")).decode(), nl=False)
    app.stop(0.5)
    sys.exit(0 if good else 1)


def _run(app: App, names: tuple[str, ...], gap: float) -> bool:
    """Run what is asked for, twice where a rate needs it; returns whether all had data."""
    app.load()
    runners = _selected(app, names)
    reports = [runner.run_now() for runner in runners]
    again = [runner for runner in runners if runner.instance.type.needs_two_runs and not runner.hung]
    if again:
        time.sleep(gap)
        reports += [runner.run_now() for runner in again]
    missing = not names and any(idle.wanted for idle in app.idle)
    return not missing and all(report.result.has_data for report in reports)


def _selected(app: App, names: tuple[str, ...]) -> list[Runner]:
    if not names:
        return list(app.runners.values())
    return [named_runner(app, name) for name in names]

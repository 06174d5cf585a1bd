"""`energy-collector once`: one look, on stdout or in a file for node_exporter."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

import click

from collector_core.cli.common import Common, common_options
from collector_core.cli.named_runner import named_runner
from collector_core.cli.timeline import timelines_of, write_timelines
from collector_core.config.redactor import Redactor
from collector_core.engine.app import App
from collector_core.engine.runner import Runner
from collector_core.exposition.formats import negotiate
from collector_core.model.run_report import RunReport
from collector_core.model.words import some_of
from collector_core.storage.atomic_file import write_atomically

MOST_NAMED = 20  # parts of one collector
STOP_SECONDS = 3.0  # in which what collectors hold is let go of; a driver may take more than one
READABLE = 0o644
"""node_exporter runs as another user, and must be able to read the file."""


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--gap", default=1.0, show_default=True, help="Seconds between the two runs that a rate needs.")
@click.option(
    "--textfile",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file instead of stdout, whole or not at all, for node_exporter's textfile collector.",
)
@click.option("--timeline", is_flag=True, help="Write rows to the timeline of the configuration instead of stdout.")
@common_options()
def command(common: Common, names: tuple[str, ...], gap: float, textfile: Path | None, timeline: bool) -> None:
    """Run collectors once and print their readings in Prometheus' text format.

    NAME is a collector of the configuration or an installed plugin; without names all run. Collectors whose
    readings are differences run twice. Exit code 1: something is missing (a collector, or a part of one such as a
    host, which is named), or the file could not be written (the old file is then still there). With --timeline
    alone it is 1 only where rows could not be written, whatever is missing.
    """
    app = App(common.config, root=common.root, redactor=common.redactor, keeps_running=False)
    with contextlib.redirect_stdout(sys.stderr):  # what plugins print is no part of the exposition
        app.load()
        timelines = timelines_of(app) if timeline else []
        good = _run(app, names, gap)
    body = app.exposition.body(negotiate("", ""))
    if textfile:
        good = _write(textfile, body) and good
    if timeline:
        good = write_timelines(app, timelines) and (good or not textfile)
    if not (textfile or timeline):
        click.echo(body.decode(), nl=False)
    app.stop(STOP_SECONDS)
    sys.exit(0 if good else 1)


def _write(textfile: Path, body: bytes) -> bool:
    """Returns whether it is written."""
    try:
        write_atomically(textfile, body, mode=READABLE)
    except OSError as error:
        click.echo(
            f"{textfile} cannot be written: {error.strerror or error}; an existing file is left unchanged", err=True
        )
        return False
    return True


def _run(app: App, names: tuple[str, ...], gap: float) -> bool:
    """Run what is asked for, twice where a rate needs it; returns whether nothing is missing."""
    named = [named_runner(app, name) for name in names]
    if named:
        app.show_health_of(named)
    runners = _with_helpers(app, named) if named else list(app.runners.values())
    first = [runner for runner in runners if not runner.instance.type.after_others]
    last = [runner for runner in runners if runner.instance.type.after_others]
    twice = [runner for runner in first if runner.instance.type.needs_two_runs]
    reports: dict[Runner, RunReport] = {}
    for number, round_ in enumerate((first, [*twice, *last], [*twice, *last] if last else [])):
        due = [runner for runner in round_ if not runner.hung]
        time.sleep(gap if number and due else 0.0)
        reports |= {runner: runner.run_now() for runner in due}
    complete = [_is_complete(report, app.redactor) for report in reports.values()]
    missing = not names and any(idle.wanted for idle in app.idle)
    return not missing and all(complete)


def _is_complete(report: RunReport, redact: Redactor) -> bool:
    """Whether nothing of a run is missing; says what is."""
    parts = [part.name for part in report.part_failures]
    if parts:
        click.echo(redact(f"{report.collector} is incomplete: {some_of(parts, MOST_NAMED)}"), err=True)
    return report.result.has_data and not parts


def _with_helpers(app: App, named: list[Runner]) -> list[Runner]:
    """Where one of them works with what others hand over, those too."""
    if not any(runner.instance.type.after_others for runner in named):
        return named
    return list(dict.fromkeys([*named, *(each for each in app.runners.values() if each.hooks.hands_over_energy)]))

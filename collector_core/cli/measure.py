"""`energy-collector measure -- CMD…`: what does a command cost?"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import click

from collector_core.cli import results
from collector_core.cli import subprocess_run as child
from collector_core.cli.common import Common, common_options
from collector_core.cli.database import database_option, opened
from collector_core.cli.progress import LiveLine
from collector_core.cli.results import ROWS, Run, summary
from collector_core.errors import NotAvailable, with_fix
from collector_core.measure.levels import Level
from collector_core.measure.monitor import EnergyMonitor
from collector_core.measure.named_processes import UnknownProcessError
from collector_core.measure.store import MeasurementStore

LONGEST_LABEL = 80


@dataclass(frozen=True)
class Subject:
    """A command that is measured, under its label."""

    command: tuple[str, ...]
    label: str


@dataclass(frozen=True)
class MeasureArguments:
    """What was asked for on the command line."""

    words: tuple[str, ...]
    repeat: int
    compare: str | None
    level: str
    label: str | None
    idle: float | None
    also: tuple[str, ...]
    as_json: bool
    save: bool
    db: Path | None

    @property
    def subjects(self) -> list[Subject]:
        """The command, and before it the one that it is compared with."""
        subject = _subject(self.words, self.label)
        return [subject] if self.compare is None else [_subject(_words_of(self.compare), None), subject]


@click.command()
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD...")
@click.option("--repeat", type=click.IntRange(min=1), default=1, show_default=True, help="Number of runs.")
@click.option("--compare", metavar="A", help="Another command, in quotes, to run in turn with CMD.")
@click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    default="auto",
    show_default=True,
    help="What to measure with.",
)
@click.option("--label", metavar="L", help="Label of the measurements; default: the command.")
@click.option(
    "--idle", type=click.FloatRange(min=0), metavar="SECONDS", help="Observe the idle machine for this long first."
)
@click.option(
    "--also",
    multiple=True,
    metavar="NAME",
    help="Measure what another one uses meanwhile, too: a pid, a unit (X.service), a container, a program. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one line of JSON, last on stdout.")
@click.option("--save/--no-save", default=True, show_default=True, help="Store the measurements in the database.")
@database_option
@common_options(default_level="error")
def command(common: Common, **values: Any) -> None:
    """Run a command and report what the machine used meanwhile: energy, CPU time and memory of its whole process tree.

    The table is on stderr, so that the command's own output stays as it is. Exit code: that of the command, 128+n where
    signal n killed it, 126 or 127 where it cannot be run; 1 where no energy can be measured, 2 where what --also names
    is not there, and then it is not run.
    """
    options = MeasureArguments(**values)
    try:
        runs = _measure(subjects := options.subjects, options, common)
    except child.CommandError as error:
        _fail(str(error), error.code)
    except NotAvailable as error:
        _fail(with_fix(str(error), error.fix), 1)
    except UnknownProcessError as error:
        _fail(f"--also: {error}", 2)
    _show(subjects, runs, options.as_json)
    sys.exit(next((run.exit_code for each in runs for run in each if run.exit_code), 0))


def _measure(subjects: Sequence[Subject], options: MeasureArguments, common: Common) -> list[list[Run]]:
    for subject in subjects:
        child.check(subject.command)
    with opened(options.db) if options.save else nullcontext() as store, closing(_monitor(options, common)) as monitor:
        monitor.measure(processes=options.also)  # what is not there is told before anything is waited for
        if options.idle:
            monitor.watch_idle(options.idle)
        return _run_all(subjects, options, monitor, store)


def _subject(words: Sequence[str], label: str | None) -> Subject:
    text = shlex.join(words)
    short = text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"
    return Subject(tuple(words), label or short)


def _words_of(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r}: {error}", param_hint="--compare") from error
    if not words:
        raise click.BadParameter("names no command", param_hint="--compare")
    return words


def _monitor(options: MeasureArguments, common: Common) -> EnergyMonitor:
    return EnergyMonitor(options.level, root=common.root, config=common.config, own_process=False)


def _run_all(
    subjects: Sequence[Subject], options: MeasureArguments, monitor: EnergyMonitor, store: MeasurementStore | None
) -> list[list[Run]]:
    """Runs by subject, taken in turn; ends with the first that fails."""
    child.adopt_orphans()
    runs: list[list[Run]] = [[] for _ in subjects]
    for _ in range(options.repeat):
        for subject, done in zip(subjects, runs, strict=True):
            run = _run(subject, options.also, monitor)
            done.append(run)
            if store:
                store.add(run.measurement, command=shlex.join(subject.command), exit_code=run.exit_code)
            if run.exit_code:
                return runs
    return runs


def _run(subject: Subject, also: Sequence[str], monitor: EnergyMonitor) -> Run:
    with monitor.measure(subject.label, processes=also) as measurement:
        line = LiveLine(lambda: monitor.so_far(measurement))

        def tick() -> None:
            monitor.sample()
            line.update()

        try:
            exit_code = child.run(subject.command, tick)
        finally:
            line.clear()
    return Run(measurement, exit_code)


def _show(subjects: Sequence[Subject], runs: Sequence[Sequence[Run]], as_json: bool) -> None:
    done = [each for each in runs if each]
    if as_json:
        found = [_data(*pair) for pair in zip(subjects, done, strict=False)]
        click.echo(json.dumps(found[0] if len(subjects) == 1 else {"compared": found}, ensure_ascii=False))
    elif len(done) == 2 and len(done[0]) == len(done[1]):
        click.echo(results.side_by_side(*done), err=True)
    else:
        for each in done:
            click.echo(results.several(each) if len(each) > 1 else results.one(each[0]), err=True)


def _data(subject: Subject, runs: Sequence[Run]) -> dict[str, Any]:
    """One run's figures, or those of each run below their statistics."""
    each = [{**run.measurement.to_dict(), "exit_code": run.exit_code} for run in runs]
    if len(runs) == 1:
        return {**each[0], "command": list(subject.command)}
    return {
        "label": subject.label,
        "command": list(subject.command),
        "statistics": dict(_statistics(runs)),
        "runs": each,
    }


def _statistics(runs: Sequence[Run]) -> Iterator[tuple[str, dict[str, Any]]]:
    for row in ROWS:
        if found := summary(row, runs):
            values = {**asdict(found), "confidence_interval": found.interval}
            yield row.name, {key: value for key, value in values.items() if value is not None}


def _fail(text: str, code: int) -> NoReturn:
    click.echo(f"energy-collector: {text}", err=True)
    sys.exit(code)

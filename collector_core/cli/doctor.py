"""`energy-collector doctor`: what is there, what is missing, and what fixes it?"""

from __future__ import annotations

import sys
from typing import Any

import click

from collector_core.cli.common import Common, common_options
from collector_core.collector import Collector
from collector_core.config import settings as configuration
from collector_core.config.secrets import Redactor
from collector_core.engine.app import App
from collector_core.errors import ConfigError, NotAvailable, Reason, describe
from collector_core.model.run_report import RunReport
from collector_core.plugins.discovery import detect, discover


@click.command(short_help="Say what is there, what is missing and what fixes it.")
@common_options(default_level="error")
def command(common: Common) -> None:
    """Say per plugin what was found here, what is missing and the command that fixes it.

    Exit code 1 when something is there that cannot be read, or a plugin cannot be loaded.
    """
    app = App(common.config, root=common.root, redactor=common.redactor, keeps_running=False)
    app.load()
    plugins = discover()
    good = not plugins.broken
    for cls in plugins.types.values():
        good &= _examine(app, cls)
    for plugin in plugins.broken:
        _say("refused" if plugin.refused else "broken", "red", plugin.name, plugin.error, plugin.remedy)
    app.stop(0.5)
    sys.exit(0 if good else 1)


def _examine(app: App, cls: type[Collector[Any]]) -> bool:
    """Look at one plugin: what it says of itself and, where it is ready, what one run brings."""
    answer = detect(cls, app.root, app.clock)
    if answer is not None:
        return _say_absent(cls.name, answer)
    try:
        runner = app.runners.get(cls.name) or app.add(configuration.default_instance(cls))
    except ConfigError as error:
        _say("absent", "yellow", cls.name, "needs options in the configuration", str(error))
        return True
    return _say_report(cls.name, runner.run_now(), app.redactor)


def _say_absent(name: str, answer: NotAvailable) -> bool:
    closed = answer.reason is Reason.PERMISSION
    _say("closed" if closed else "absent", "red" if closed else "yellow", name, answer.detail, answer.fix)
    return not closed


def _say_report(name: str, report: RunReport, redact: Redactor) -> bool:
    if report.snapshot is None:
        _say("fails", "red", name, redact(report.error), redact(report.fix))
        return False
    metrics = len(report.snapshot.layout.metrics)
    _say("ready", "green", name, f"{len(report.snapshot)} series of {metrics} metrics", "")
    for part in report.part_failures:
        click.echo(f"        but {part.name} fails: {redact(describe(part.error))}")
    return not report.part_failures


def _say(word: str, colour: str, name: str, text: str, fix: str) -> None:
    click.echo(f"{click.style(f'{word:7}', fg=colour)} {name}: {text}")
    if fix:
        click.echo(f"        fix: {fix}")

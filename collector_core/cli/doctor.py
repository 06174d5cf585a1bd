"""`energy-collector doctor`: what is there, what is missing, and what fixes it?"""

from __future__ import annotations

import sys

import click

from collector_core import _speed
from collector_core.cli.common import Common, common_options
from collector_core.cli.outputs import output_problem
from collector_core.config.outputs import OutputInstance
from collector_core.config.redactor import Redactor
from collector_core.engine.app import App, Idle
from collector_core.engine.runner import Runner
from collector_core.errors import NotAvailable, Reason, visible
from collector_core.history.stores import describe_store
from collector_core.plugins.discovery import Plugin, Plugins, discover


@click.command()
@common_options(default_level="error")
def command(common: Common) -> None:
    """Report what was found here, what is missing and the command that fixes it.

    A collector that the configuration names is judged by a run. A plugin that it does not name is checked for a source
    on this machine and, if there is one, runs with its defaults. Outputs are connected. Exit code 1: a collector cannot
    run, a source exists but cannot be read, a plugin cannot be loaded, the receiver of an output
    or the database of the history does not answer.
    """
    app = App(common.config, root=common.root, redactor=common.redactor, keeps_running=False)
    app.load()
    plugins = discover(attempts=app.attempts)
    _add_unnamed(app, plugins)
    runners = sorted(app.runners.values(), key=lambda runner: runner.instance.type.after_others)
    good = [_examine(runner, app.redactor) for runner in runners]
    good += [_say_idle(idle, app.redactor) for idle in app.idle]
    told = {idle.plugin for idle in app.idle}
    good += [_say_broken(plugin) for plugin in plugins.broken if plugin.refused or plugin.name not in told]
    good += [_say_output(instance, app) for instance in app.config.outputs]
    good.append(_say_history(app))
    _say_speed()
    app.stop(0.5)
    sys.exit(0 if all(good) else 1)


def _add_unnamed(app: App, plugins: Plugins) -> None:
    """Let the plugins that the configuration does not name take part."""
    named = {runner.instance.type.name for runner in app.runners.values()} | {idle.plugin for idle in app.idle}
    app.add_fitting(cls for name, cls in plugins.types.items() if name not in named | app.runners.keys())


def _examine(runner: Runner, redact: Redactor) -> bool:
    """Run a collector and say what came of it; returns whether all is well."""
    name, report = runner.instance.name, runner.run_now()
    if report.snapshot is None:
        word = "closed" if report.reason is Reason.PERMISSION else "fails"
        _say(word, "red", name, redact(report.error), redact(report.fix))
        return False
    metrics = len(report.snapshot.layout.metrics)
    _say("ready", "green", name, f"{len(report.snapshot)} series of {metrics} metrics")
    for part in report.part_failures:
        click.echo(f"        but {part.name} fails: {redact(part.text)}")
    return not report.part_failures


def _say_idle(idle: Idle, redact: Redactor) -> bool:
    """Say why a collector does not run; returns whether that is as it should be."""
    word, colour = ("fails", "red") if idle.wanted else ("absent", "yellow")
    _say(word, colour, idle.name, redact(idle.detail), redact(idle.fix))
    return not idle.wanted


def _say_broken(plugin: Plugin) -> bool:
    _say("refused" if plugin.refused else "broken", "red", plugin.name, plugin.error, plugin.remedy)
    return False


def _say_history(app: App) -> bool:
    """Say where a database keeps the history, and how; returns whether it can."""
    options = app.config.settings.history
    if options is None or options.is_embedded:
        return True
    try:
        _say("ready", "green", "history", app.redactor(describe_store(options)))
    except NotAvailable as error:
        _say("fails", "red", "history", app.redactor(error.detail), app.redactor(error.fix))
        return False
    return True


def _say_speed() -> None:
    """Say whether the compiled part runs; all is as well without it, only slower."""
    if _speed.problem:
        _say("absent", "yellow", "speed", f"Python does all the work: {_speed.problem}", _speed.fix)
    else:
        _say("ready", "green", "speed", "the compiled part reads and writes what changes each time")


def _say_output(instance: OutputInstance, app: App) -> bool:
    """Say whether the receiver of an output answers."""
    problem = output_problem(instance, app.config, app.redactor)
    _say(
        "fails" if problem else "ready", "red" if problem else "green", instance.name, problem or "its receiver answers"
    )
    return not problem


def _say(word: str, colour: str, name: str, text: str, fix: str = "") -> None:
    click.echo(f"{click.style(f'{word:7}', fg=colour)} {name}: {visible(text)}")
    if fix:
        click.echo(f"        fix: {visible(fix)}")

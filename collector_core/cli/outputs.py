"""`energy-collector outputs`: the outputs of the configuration, and whether their receivers answer."""

from __future__ import annotations

import sys

import click

from collector_core.cli.common import Common, common_options
from collector_core.config.loading import load
from collector_core.config.outputs import OutputInstance
from collector_core.config.redactor import Redactor
from collector_core.config.settings import Config
from collector_core.config.suggest import did_you_mean
from collector_core.errors import StartupError, explain


@click.group()
def command() -> None:
    """List and test the outputs of the configuration."""


@command.command("list")
@common_options()
def list_outputs(common: Common) -> None:
    """List the outputs of the configuration."""
    config = load(common.config)[1]
    for instance in config.outputs:
        click.echo(summary(instance))
    if not config.outputs:
        click.echo("no output is configured; add one below `outputs:`", err=True)


@command.command("test")
@click.argument("name")
@common_options(default_level="error")
def run_test(common: Common, name: str) -> None:
    """Connect to the receiver of an output, without sending anything.

    Exit code 1: it does not answer, or would take nothing.
    """
    config = load(common.config)[1]
    common.redactor.hide(config.secrets)
    problem = output_problem(_named(config, name), config, common.redactor)
    click.echo(f"{name}: {problem or 'ok'}", err=bool(problem))
    sys.exit(1 if problem else 0)


def summary(instance: OutputInstance) -> str:
    """One line about an output."""
    when = f"every {instance.interval:g} s" if instance.interval else "after every run"
    return f"{instance.name}: output {instance.type.name}, {when}"


def output_problem(instance: OutputInstance, config: Config, redact: Redactor) -> str:
    """What is wrong with an output, with what fixes it; nothing if all is well."""
    from collector_core.model.clock import SystemClock  # noqa: PLC0415 - `check` only lists outputs
    from collector_core.outputs.single_call import SingleCall  # noqa: PLC0415

    try:
        SingleCall(instance, SystemClock(), config.settings.root, redact).test()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
        return redact(explain(error))
    return ""


def _named(config: Config, name: str) -> OutputInstance:
    outputs = {instance.name: instance for instance in config.outputs}
    broken = {each.name: each.problem for each in config.unloadable_outputs}
    if name in broken:
        raise StartupError(str(broken[name]))
    if name not in outputs:
        hint = did_you_mean(name, outputs) or "`energy-collector outputs list` shows all"
        raise StartupError(f"there is no output named {name!r} in the configuration; {hint}")
    return outputs[name]

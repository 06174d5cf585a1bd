"""Checks a configuration file without touching any device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from collector_core.cli.common import Common
from collector_core.cli.outputs import summary
from collector_core.config.loading import load, log_broken
from collector_core.config.settings import Config
from collector_core.errors import ConfigError, DeclarationError, Problem, StartupError
from collector_core.model.metrics import Metric, check_alike
from collector_core.plugins.attempts import Attempts
from collector_core.plugins.discovery import discover
from collector_core.plugins.hookspecs import implements


def check_third_parties(names: list[str]) -> None:
    """Log what is broken of these plugins."""
    log_broken(discover(names))


def check_file(common: Common, file: Path) -> bool:
    """Say what a good file means, and whether it names any collectors; raises `ConfigError` with all that is wrong."""
    attempts = Attempts()
    plugins, config = load(file, attempts=attempts)
    log_broken(plugins)
    unloadable = [each.problem for each in config.unloadable] + [each.problem for each in config.unloadable_outputs]
    problems = [*unloadable, *_clashes(config)]
    routing = [each.type for each in config.instances or () if implements(each.type, "collector_routes")]
    if plugins.paths_may_clash(routing):
        problems += _contested_paths(common, config, attempts)
    if problems:
        raise ConfigError(problems)
    if config.settings.web_config:
        from collector_core.web import tls  # noqa: PLC0415 - most do without

        tls.check(config.settings.web_config)
    for output in config.outputs:
        click.echo(summary(output))
    if config.instances is None:
        return False
    for instance in config.instances:
        click.echo(f"{instance.name}: plugin {instance.type.name}, every {instance.interval:g} s")
    click.echo(f"good: {len(config.instances)} collectors")
    return True


def _clashes(config: Config) -> Iterator[Problem]:
    """Collectors that declare a metric otherwise than one before them: they would not run."""
    known: dict[str, tuple[Metric, str]] = {}
    for instance in config.instances or ():
        for metric in instance.type.metrics:
            first, owner = known.setdefault(metric.base_name, (metric, instance.name))
            try:
                check_alike(metric, instance.name, first, owner)
            except DeclarationError as error:
                yield Problem(str(config.file), None, f"collectors.{instance.name}", str(error))
                break


def _contested_paths(common: Common, config: Config, attempts: Attempts) -> Iterator[Problem]:
    """HTTP routes that two collectors offer: the program would not start."""
    from collector_core.engine.app import App  # noqa: PLC0415 - bundled plugins have paths of their own
    from collector_core.web.plugin_routes import PluginRoutes  # noqa: PLC0415 - aiohttp is large, and most do without
    from collector_core.web.routes import Routes  # noqa: PLC0415

    app = App(config.file, root=common.root, redactor=common.redactor, keeps_running=False, attempts=attempts)
    app.load()
    try:
        PluginRoutes(app, Routes(app).table()).settle()
    except StartupError as error:
        yield Problem(str(config.file), None, "collectors", str(error))

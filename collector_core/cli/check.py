"""`energy-collector check`: is the configuration good?"""

from __future__ import annotations

from collections.abc import Iterator

import click

from collector_core.cli.common import Common, common_options
from collector_core.cli.outputs import summary
from collector_core.config.loading import load, log_broken
from collector_core.config.settings import Config
from collector_core.errors import ConfigError, DeclarationError, Problem, StartupError
from collector_core.plugins.attempts import Attempts
from collector_core.plugins.discovery import discover
from collector_core.plugins.entry_points import third_party_names
from collector_core.plugins.hookspecs import implements

NONE_NAMED = "good: collectors that fit this machine will run (see `energy-collector doctor`)"


@click.command()
@common_options()
def command(common: Common) -> None:
    """Validate the configuration and report everything that is wrong with it, without touching any device.

    Exit code 0: valid; 2: invalid, with every problem on stderr.
    """
    attempts = Attempts()
    if common.config is None:
        log_broken(discover(third_party_names(), attempts=attempts))
        click.echo(NONE_NAMED)
        return
    plugins, config = load(common.config, attempts=attempts)
    log_broken(plugins)
    unloadable = [each.problem for each in config.unloadable] + [each.problem for each in config.unloadable_outputs]
    problems = [*unloadable, *_clashes(config), *_contested_paths(common, config, attempts)]
    if problems:
        raise ConfigError(problems)
    if config.settings.web_config:
        from collector_core.web import tls  # noqa: PLC0415 - most do without

        tls.check(config.settings.web_config)
    for output in config.outputs:
        click.echo(summary(output))
    if config.instances is None:
        click.echo(NONE_NAMED)
        return
    for instance in config.instances:
        click.echo(f"{instance.name}: plugin {instance.type.name}, every {instance.interval:g} s")
    click.echo(f"good: {len(config.instances)} collectors")


def _clashes(config: Config) -> Iterator[Problem]:
    """Collectors that declare a metric otherwise than one before them: they would not run."""
    from collector_core.exposition.sources import Exposition  # noqa: PLC0415 - most files are good
    from collector_core.model.clock import SystemClock  # noqa: PLC0415

    exposition = Exposition(SystemClock())
    for instance in config.instances or ():
        try:
            exposition.source(instance.name, instance.type.metrics)
        except DeclarationError as error:
            yield Problem(str(config.file), None, f"collectors.{instance.name}", str(error))


def _contested_paths(common: Common, config: Config, attempts: Attempts) -> Iterator[Problem]:
    """HTTP routes that two collectors offer: the program would not start."""
    if not any(implements(instance.type, "collector_routes") for instance in config.instances or ()):
        return
    from collector_core.engine.app import App  # noqa: PLC0415
    from collector_core.web.plugin_routes import PluginRoutes  # noqa: PLC0415 - aiohttp is large, and most do without
    from collector_core.web.routes import Routes  # noqa: PLC0415

    app = App(common.config, root=common.root, redactor=common.redactor, keeps_running=False, attempts=attempts)
    app.load()
    try:
        PluginRoutes(app, Routes(app).table()).settle()
    except StartupError as error:
        yield Problem(str(config.file), None, "collectors", str(error))

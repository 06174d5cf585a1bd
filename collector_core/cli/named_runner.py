"""A collector by the name that somebody typed."""

from __future__ import annotations

from collector_core.config import settings as configuration
from collector_core.config.settings import Instance
from collector_core.config.suggest import did_you_mean
from collector_core.engine.app import App
from collector_core.engine.runner import Runner
from collector_core.errors import CollectorError, StartupError, describe
from collector_core.plugins.discovery import discover


def named_runner(app: App, name: str) -> Runner:
    """A collector of the configuration, or an installed plugin that it does not mention, with its defaults.

    Raises `StartupError` where nothing is called so, and `ConfigError` where options must be given.
    """
    if name in app.runners:
        return app.runners[name]
    instance = _default(app, name)
    try:
        return app.add(instance)
    except CollectorError as error:
        raise StartupError(f"collector {name!r} cannot be built: {describe(error)}") from error


def _default(app: App, name: str) -> Instance:
    plugins = discover({name}, attempts=app.attempts)
    if name in plugins.types:
        return configuration.default_instance(plugins.types[name], app.attempts)
    if name in plugins.unloaded:
        raise StartupError(f"plugin {name!r} cannot be loaded: {plugins.unloaded[name].error}")
    hint = did_you_mean(name, discover(attempts=app.attempts).types) or "`energy-collector list` shows all"
    raise StartupError(f"there is no collector or plugin named {name!r}; {hint}")

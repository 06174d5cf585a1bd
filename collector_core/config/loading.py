"""A configuration file → the plugins it needs and its settings; without one, what fits this machine."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from collector_core.collector import Collector, how_to_enable
from collector_core.config.settings import (
    Config,
    Instance,
    Settings,
    default_instance,
    plugin_names,
    read_document,
    settings_of,
    validate,
)
from collector_core.errors import ConfigError, NotAvailable, Reason
from collector_core.model.clock import Clock
from collector_core.plugins.attempts import Attempts, PluginFailed, StillBusy
from collector_core.plugins.discovery import Plugins, detect, discover

log = logging.getLogger(__name__)


def load(
    file: Path | None,
    *,
    hook: str = "collector_types",
    attempts: Attempts | None = None,
    otherwise: Collection[str] | None = None,
) -> tuple[Plugins, Config]:
    """Load the plugins that a file names and validate what it says; without a file those of `otherwise`, or all.

    `hook` is the one that says which collectors a plugin has. Raises `ConfigError` with everything that is wrong.
    """
    attempts = attempts or Attempts()
    if file is None:
        return discover(otherwise, hook=hook, attempts=attempts), Config()
    document = read_document(file)
    plugins = discover(plugin_names(document), hook=hook, attempts=attempts)
    return plugins, validate(document, plugins, attempts)


def load_settings(file: Path | None) -> Settings | None:
    """What a file says about the program itself, before any plugin is loaded; None where something is wrong with it.

    Raises `ConfigError` where it is not even YAML.
    """
    if file is None:
        return Settings()
    return settings_of(read_document(file))


def log_broken(plugins: Plugins, before: Plugins | None = None) -> None:
    """Log each plugin that could not be loaded or was refused, unless it was so `before`; two of one name together."""
    known = {(plugin.name, plugin.error) for plugin in before.broken} if before else set()
    broken = (plugin for plugin in reversed(plugins.broken) if plugin.reason is not Reason.TIMEOUT)  # logged already
    for key, plugin in {(plugin.name, plugin.error): plugin for plugin in broken}.items():
        if key in known:
            continue
        log.error("plugin %s (%s) %s", plugin.name, plugin.distribution, plugin.problem)


class DefaultInstances(NamedTuple):
    """What runs where no file says so, and why the rest does not, by the collector's name."""

    running: tuple[Instance, ...]
    absent: dict[str, NotAvailable]


def default_instances(
    types: Iterable[type[Collector[Any]]], root: Path, clock: Clock, attempts: Attempts | None = None
) -> DefaultInstances:
    """Choose the collectors that find their source below `root`, with their defaults.

    A source that is there but closed to us is chosen too, so that a metric and the page say what opens it.
    """
    attempts = attempts or Attempts()
    running: list[Instance] = []
    absent: dict[str, NotAvailable] = {}
    for cls in types:
        found = detect(cls, root, clock, attempts)
        if found is not None and found.reason is not Reason.PERMISSION:
            absent[cls.name] = found
            continue
        try:
            running.append(default_instance(cls, attempts))
        except ConfigError as error:
            missing = "; ".join(f"{problem.path}: {problem.message}" for problem in error.problems)
            absent[cls.name] = NotAvailable(Reason.NOT_FOUND, f"needs options: {missing}", fix=how_to_enable(cls))
        except StillBusy as busy:
            absent[cls.name] = busy
        except PluginFailed as failed:
            absent[cls.name] = NotAvailable(Reason.BAD_DATA, f"its options cannot be validated: {failed}")
    return DefaultInstances(tuple(running), absent)

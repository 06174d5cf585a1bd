"""A configuration file → the plugins it needs and its settings; without one, what fits this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from collector_core.collector import Collector, how_to_enable
from collector_core.config.settings import Config, Instance, default_instance, plugin_names, read_document, validate
from collector_core.errors import ConfigError, NotAvailable, Reason
from collector_core.model.clock import Clock
from collector_core.plugins.discovery import Plugins, detect, discover

log = logging.getLogger(__name__)


def load(file: Path | None, *, hook: str = "collector_types") -> tuple[Plugins, Config]:
    """Load the plugins that a file names and validate what it says; without a file load all, with the defaults.

    `hook` is the one that says which collectors a plugin has. Raises `ConfigError` with everything that is wrong.
    """
    if file is None:
        return discover(hook=hook), Config()
    document = read_document(file)
    plugins = discover(plugin_names(document), hook=hook)
    return plugins, validate(document, plugins)


def log_broken(plugins: Plugins) -> None:
    """Log each plugin that could not be loaded or was refused; two that claim one name together."""
    for plugin in {(plugin.name, plugin.error): plugin for plugin in reversed(plugins.broken)}.values():
        log.error("plugin %s (%s) %s", plugin.name, plugin.distribution, plugin.problem)


class DefaultInstances(NamedTuple):
    """What runs where no file says so, and why the rest does not, by the collector's name."""

    running: tuple[Instance, ...]
    absent: dict[str, NotAvailable]


def default_instances(types: Iterable[type[Collector[Any]]], root: Path, clock: Clock) -> DefaultInstances:
    """Choose the collectors that find their source below `root`, with their defaults.

    A source that is there but closed to us is chosen too, so that a metric and the page say what opens it.
    """
    running: list[Instance] = []
    absent: dict[str, NotAvailable] = {}
    for cls in types:
        found = detect(cls, root, clock)
        if found is not None and found.reason is not Reason.PERMISSION:
            absent[cls.name] = found
            continue
        try:
            running.append(default_instance(cls))
        except ConfigError as error:
            missing = "; ".join(f"{problem.path}: {problem.message}" for problem in error.problems)
            absent[cls.name] = NotAvailable(Reason.NOT_FOUND, f"needs options: {missing}", fix=how_to_enable(cls))
    return DefaultInstances(tuple(running), absent)

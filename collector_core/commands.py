"""What a plugin needs to add a command: where to put it, and what it works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from collector_core.collector import Clock, under
from collector_core.errors import NotAvailable

if TYPE_CHECKING:
    from collector_core.app import App
    from collector_core.collector import CollectorConfig

CommandFunction = Callable[..., None]


class Sample(NamedTuple):
    """One series of a collector: the metric's name, its labels and the value in the metric's unit."""

    metric: str
    labels: dict[str, str]
    value: float


class CommandContext:
    """What a plugin's command works with: the machine below `root`, a clock, and what other collectors read."""

    def __init__(self, app: App, find: Callable[[str], Any]) -> None:
        self.root: Path = app.root
        self.clock: Clock = app.clock
        self._find = find

    def path(self, path: str) -> Path:
        """An absolute path of the machine, e.g. `/proc`, below the configured root."""
        return under(self.root, path)

    def options(self, collector: str) -> CollectorConfig:
        """The options of a collector, by its name in the configuration or that of its plugin.

        Raises `StartupError` where nothing is called so, and `ConfigError` where some are missing.
        """
        options: CollectorConfig = self._find(collector).instance.options
        return options

    def read(self, collector: str) -> list[Sample]:
        """Run a collector now, by its name in the configuration or that of its plugin; returns what it publishes.

        Raises `NotAvailable` where it has nothing, with what it says is missing and what fixes it.
        """
        report = self._find(collector).run_now()
        if report.snapshot is None:
            raise NotAvailable(report.reason or "bad_data", f"{collector}: {report.error}", fix=report.fix)
        return [
            Sample(metric.name, dict(zip(metric.labels, key, strict=True)), value)
            for metric in report.snapshot.layout.metrics
            for key, value in report.snapshot.series(metric)
        ]


class Subcommands:
    """Takes the commands of one plugin, below a group of the framework's, such as `calibrate`, or its own name."""

    def __init__(self) -> None:
        self._functions: dict[str, CommandFunction] = {}
        self._own: dict[str, CommandFunction] = {}

    def add(self, group: str, function: CommandFunction) -> None:
        """`energy-collector GROUP NAME` calls `function(context, …)`, where NAME is the plugin's one name.

        `function` may have click's options and arguments; those that every command knows come by themselves. Its
        docstring is the help. `NotAvailable` ends it with exit code 1 and with the reason and the fix on stderr.
        """
        self._functions[group] = function

    def add_own(self, name: str, function: CommandFunction) -> None:
        """`energy-collector PLUGIN NAME` calls `function(context, …)`, as with `add`."""
        self._own[name] = function

    @property
    def own(self) -> Mapping[str, CommandFunction]:
        """The commands of the plugin's own group."""
        return self._own

    def get(self, group: str) -> CommandFunction | None:
        """The plugin's command below a group, None if it has none."""
        return self._functions.get(group)

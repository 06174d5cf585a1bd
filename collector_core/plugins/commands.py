"""What a plugin needs to add a command: where to put it, and what it works with."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from collector_core.collector import CollectorConfig, under
from collector_core.errors import NotAvailable
from collector_core.history.past import History
from collector_core.metering.meters import EnergyMeter
from collector_core.model.clock import Clock
from collector_core.model.readings import Snapshot
from collector_core.model.run_report import RunReport
from collector_core.storage.atomic_file import write_atomically

CommandFunction = Callable[..., None]

READABLE = 0o644
"""The service that reads a result runs as another user than who made it."""


class Sample(NamedTuple):
    """One series of a collector: the metric's name, its labels and the value in the metric's unit."""

    metric: str
    labels: dict[str, str]
    value: float


class FoundCollector(Protocol):
    """A collector that a command can run once."""

    @property
    def options(self) -> CollectorConfig:
        """Its options."""

    def run_now(self) -> RunReport:
        """Run it on this thread."""

    def energy_meters(self) -> Sequence[EnergyMeter]:
        """What it hands over as of its last run."""


class Program(Protocol):
    """What a command's context asks of the program that runs the command."""

    @property
    def root(self) -> Path:
        """Where the machine's `/proc` and `/sys` are found."""

    @property
    def clock(self) -> Clock:
        """Monotonic and wall-clock time."""

    @property
    def service_url(self) -> str:
        """Where the service of this configuration is asked from this machine."""

    @property
    def history(self) -> History:
        """What is kept of the past by this configuration."""

    def find(self, collector: str) -> FoundCollector:
        """A collector by its name in the configuration or that of its plugin.

        Raises `StartupError` where nothing is called so, and `ConfigError` where options are missing.
        """


class CommandContext:
    """What a plugin's command works with: the machine below `root`, a clock, and what other collectors read.

    The configuration is read when the command first asks for something of it, and may then raise `ConfigError`.
    """

    def __init__(self, program: Program) -> None:
        self._program = program

    @property
    def root(self) -> Path:
        """Where the machine's `/proc` and `/sys` are found."""
        return self._program.root

    @property
    def clock(self) -> Clock:
        """Monotonic and wall-clock time."""
        return self._program.clock

    @property
    def service_url(self) -> str:
        """Where the service of this configuration is asked from this machine, e.g. `http://127.0.0.1:9877`."""
        return self._program.service_url

    @property
    def history(self) -> History:
        """What the service of this configuration has kept, whether it runs or not."""
        return self._program.history

    def ask_service(self, path: str, *, url: str | None = None, method: str = "GET", timeout: float = 10.0) -> bytes:
        """What the running service answers for a path: that of this configuration, or the one at `url`.

        Proxies of the environment are ignored. Raises `click.BadParameter` where `url` is not an address,
        `urllib.error.HTTPError` for statuses other than 2xx, and other `OSError` where nothing answers.
        """
        import click  # noqa: PLC0415 - who only imports the framework does without

        from collector_core.http.running_service import ask_service  # noqa: PLC0415

        try:
            return ask_service(url or self.service_url, path, method=method, timeout=timeout)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--url") from None

    def path(self, path: str) -> Path:
        """An absolute path of the machine, e.g. `/proc`, below the configured root."""
        return under(self.root, path)

    def options(self, collector: str) -> CollectorConfig:
        """The options of a collector, by its name in the configuration or that of its plugin.

        Raises `StartupError` where nothing is called so, and `ConfigError` where some are missing.
        """
        return self._program.find(collector).options

    def read(self, collector: str) -> list[Sample]:
        """Run a collector now, by its name in the configuration or that of its plugin; returns what it publishes.

        Raises `NotAvailable` where it has nothing, with what it says is missing and what fixes it.
        """
        _, snapshot = self._run(collector)
        return [
            Sample(metric.name, dict(zip(metric.labels, key, strict=True)), value)
            for metric in snapshot.layout.metrics
            for key, value in snapshot.series(metric)
        ]

    def energy_meters(self, collector: str) -> Sequence[EnergyMeter]:
        """Run a collector now, as `read` does; returns the energy meters that it hands over then."""
        runner, _ = self._run(collector)
        return runner.energy_meters()

    def _run(self, collector: str) -> tuple[FoundCollector, Snapshot]:
        runner = self._program.find(collector)
        report = runner.run_now()
        if report.snapshot is None:
            raise NotAvailable(report.reason or "bad_data", f"{collector}: {report.error}", fix=report.fix)
        return runner, report.snapshot


class ResultFile:
    """The file that a command writes, whole or not at all.

    Raises `NotAvailable`, before the command has done its work, where there is one already that must not be replaced,
    or where none may be written.
    """

    def __init__(self, path: Path, *, replace: bool) -> None:
        if path.exists() and not replace:
            raise NotAvailable("not_supported", f"{path} already exists", fix="--force, or another --output")
        folder = next(each for each in path.absolute().parents if each.exists())
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            detail = f"{path} cannot be written: {folder} is not a writable folder"
            raise NotAvailable("permission", detail, fix="another --output")
        self.path = path

    def write(self, content: str | bytes) -> None:
        """Write it, with the folders above it; raises `NotAvailable` where that is refused."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, content, mode=READABLE)
        except OSError as error:
            raise NotAvailable("permission", f"{self.path} cannot be written: {error.strerror}") from error


class Subcommands:
    """Takes the commands of one plugin, below a group of the framework's, such as `calibrate`, or its own name."""

    def __init__(self, plugin: str) -> None:
        self._plugin = plugin
        self._functions: dict[tuple[str, str], CommandFunction] = {}
        self.default: CommandFunction | None = None
        """What the plugin's own name does, with arguments that are none of its commands."""

    def add(self, group: str, function: CommandFunction, *, name: str | None = None) -> None:
        """`energy-collector GROUP NAME` calls `function(context, …)`, where NAME is the plugin's own if none is given.

        `function` may have click's options and arguments; those that every command knows come by themselves. Its
        docstring is the help. `NotAvailable` ends it with exit code 1 and with the reason and the fix on stderr.
        Another name is for what users call the thing; a plugin that is called so itself takes precedence.
        """
        self._functions[group, name or self._plugin] = function

    def below(self, group: str) -> dict[str, CommandFunction]:
        """The plugin's commands below a group, by name."""
        return {name: function for (of, name), function in self._functions.items() if of == group}

    def add_own(self, name: str, function: CommandFunction) -> None:
        """`energy-collector PLUGIN NAME` calls `function(context, …)`, as with `add`."""
        self.add(self._plugin, function, name=name)

    def set_default(self, function: CommandFunction) -> None:
        """`energy-collector PLUGIN …` calls `function(context, …)` where no command of the plugin follows."""
        self.default = function

    @property
    def own(self) -> dict[str, CommandFunction]:
        """The commands of the plugin's own group."""
        return self.below(self._plugin)

"""All outputs of one process: started, told of runs, reloaded, stopped."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from collector_core.config.outputs import OutputInstance
from collector_core.config.section import Unloadable
from collector_core.errors import describe
from collector_core.exposition.sources import Exposition, Source
from collector_core.model.clock import Clock
from collector_core.model.published import Published
from collector_core.model.readings import NOTHING
from collector_core.outputs.health import METRICS, OutputHealth

if TYPE_CHECKING:
    from collector_core.outputs.runner import OutputRunner

log = logging.getLogger(__name__)

HANDOVER_SECONDS = 1.0  # for an output to put on disk what it has, before another one takes over its queue


class Outputs:
    """The outputs of the configuration. Safe to use from any thread, but for `apply`, which one at a time may call."""

    def __init__(self, exposition: Exposition, clock: Clock, redact: Callable[[str], str]) -> None:
        self.runners: dict[str, OutputRunner] = {}
        self._exposition = exposition
        self._clock = clock
        self._redact = redact
        self._started = False
        self._down: dict[str, OutputHealth] = {}
        self._sources: list[Source] = []

    def apply(self, instances: Iterable[OutputInstance], unloadable: Iterable[Unloadable], root: Path) -> None:
        """Run these outputs and no others; those that are as before go on undisturbed."""
        wanted = {instance.name: instance for instance in instances}
        gone = [name for name, runner in self.runners.items() if wanted.get(name) != runner.instance]
        self._stop([self.runners.pop(name) for name in gone], HANDOVER_SECONDS)
        down = [OutputHealth(each.name, error=each.plugin.error, fix=each.plugin.remedy) for each in unloadable]
        for name in wanted.keys() - self.runners.keys():
            try:
                self._add(wanted[name], root)
            except Exception as error:  # noqa: BLE001 - such as no folder for its queue
                log.error("output %s cannot be built: %s", name, describe(error))  # noqa: TRY400 - one line
                down.append(OutputHealth(name, error=describe(error)))
        self._show_down(down)

    def _add(self, instance: OutputInstance, root: Path) -> None:
        from collector_core.outputs.runner import OutputRunner  # noqa: PLC0415 - most do without

        runner = OutputRunner(instance, self._exposition, self._clock, root, self._redact)
        self.runners[instance.name] = runner
        if self._started:
            runner.start()

    def start(self) -> None:
        """Start all outputs."""
        self._started = True
        for runner in self.runners.values():
            runner.start()

    def stop(self, timeout: float) -> bool:
        """Stop all within `timeout` seconds; returns whether every thread has ended. What waits stays on disk."""
        runners, self.runners = list(self.runners.values()), {}
        return self._stop(runners, timeout)

    def hear(self, time: float, *published: Published) -> None:
        """Let every output know of a run that ended at `time` (seconds since 1970)."""
        from collector_core.outputs.sampling import Heard  # noqa: PLC0415 - most do without outputs

        heard = Heard(time, published)
        for runner in self.runners.copy().values():
            runner.hear(heard)

    def health(self) -> list[OutputHealth]:
        """How every output is, those that do not run too; by name."""
        running = [runner.health for runner in self.runners.copy().values()]
        return sorted([*running, *self._down.values()], key=lambda health: health.output)

    def _stop(self, runners: list[OutputRunner], timeout: float) -> bool:
        for runner in runners:
            runner.stop()
        deadline = self._clock.monotonic() + timeout
        ended = [runner.join(max(0.0, deadline - self._clock.monotonic())) for runner in runners]
        return all(ended)

    def _show_down(self, down: Sequence[OutputHealth]) -> None:
        """Show those that do not run."""
        for source in self._sources:
            source.close()
        self._down = {health.output: health for health in down}
        self._sources = [self._exposition.source(f"{health.output} (output)", METRICS) for health in down]
        for source, health in zip(self._sources, down, strict=True):
            source.publish(health.snapshot(self._clock.time(), NOTHING))

"""Forecasts of any series: models that compete on the series itself, and intervals that hold what they promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from collector_core import (
    Collector,
    Context,
    NotAvailable,
    PageSection,
    Readings,
    Subcommands,
    TopicSelector,
    hookimpl,
)
from collector_plugins.forecast import metrics
from collector_plugins.forecast.batteries import Batteries
from collector_plugins.forecast.config import Config
from collector_plugins.forecast.exhaustion import Resource
from collector_plugins.forecast.publishing import publish_resources, publish_series
from collector_plugins.forecast.specs import specs_of
from collector_plugins.forecast.state import SeriesState, StateFiles
from collector_plugins.forecast.training import Batch, Task, Training
from collector_plugins.forecast.view import View

if TYPE_CHECKING:
    from aiohttp import web

MOST_AT_ONCE = 25
FIRST_PAUSE = 60.0
RESOURCES_EVERY = 3600.0
BATTERIES_EVERY = 900.0
SETTLING = 30.0
"""Seconds after which the history has what was published."""


class Forecasts(Collector[Config]):
    """Has the series of the history forecast in a process beside, and says what follows from the forecasts now."""

    name = "forecast"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 60.0
    after_others = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._series = {spec.name: SeriesState(spec) for spec in specs_of(config)}
        self._results = Counter[str]()
        self._cpu_seconds = 0.0
        self._rest_until = self._resources_due = self._batteries_due = 0.0
        self._resources: list[Resource] = []
        self._batteries = Batteries(config)
        self._training: Training | None = None
        self._files: StateFiles | None = None
        self._view = View()
        self._cost = TopicSelector("cost", of="host")

    def open(self) -> None:
        """Take over what was kept before a restart; raises `NotAvailable` where there is no history to learn from."""
        if self.ctx.keeps_running and not self.ctx.history.is_kept:
            raise NotAvailable("not_found", "no history is kept to learn from", fix="remove `history: off`")
        if self._files is None:
            self._files = StateFiles(self.ctx)
            for name, saved in self._files.load(self._series).items():
                self._series[name].saved = saved
        self._training = self._training or Training(self.ctx.history, self.config)

    def collect(self, out: Readings) -> None:
        """Take over what was trained, begin what is due, publish what is known; waits for neither disk nor process."""
        if self._training and self.ctx.keeps_running:
            if batch := self._training.take():
                self._take_over(batch)
            if not self._training.is_busy:
                self._start(self._training)
        now = self.ctx.clock.time()
        for state in self._series.values():
            publish_series(out, state, now)
        publish_resources(out, self._resources, now)
        batteries = self._batteries.publish(out, self.ctx.published(), self._series, now)
        self._publish_effort(out)
        series = tuple(replace(each) for each in self._series.values())
        self._view = View(now, series, batteries, tuple(self._resources), self.config.zone)
        self._report_failures(out)

    def close(self) -> None:
        """End the process that trains, if one does; what is known stays."""
        if self._training:
            self._training.close()
        self._training = None

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """`/api/v1/forecasts…`; a second instance, which has a name of its own, offers none."""
        if self.ctx.name != self.name:
            return []
        from collector_plugins.forecast.api import routes  # noqa: PLC0415 - only a server needs it

        return routes(lambda: self._view)

    @hookimpl
    def collector_page_sections(self) -> Sequence[PageSection]:
        """The same for people."""
        from collector_plugins.forecast.page import section  # noqa: PLC0415 - only a server needs it

        return [section(self._view)]

    def _start(self, training: Training) -> None:
        now, monotonic = self.ctx.clock.time(), self.ctx.clock.monotonic()
        due = sorted((state for state in self._series.values() if self._is_due(state)), key=lambda state: state.due)
        with_resources = monotonic >= self._resources_due
        batteries = self._batteries.watched if monotonic >= self._batteries_due else ()
        if monotonic < self._rest_until or not (due or with_resources or batteries):
            return
        chosen = [(state.spec, state.saved) for state in due[:MOST_AT_ONCE]]
        everything = {name: (state.spec, state.known) for name, state in self._series.items()}
        if batteries:
            self._batteries_due = monotonic + BATTERIES_EVERY
        training.start(Task(chosen, everything, now, self._currency(), with_resources, batteries))

    def _currency(self) -> str:
        """That of the energy's cost, empty where nobody counts it."""
        found = (series.labels.get("currency", "") for series, _ in self._cost.select(self.ctx.published()))
        return next(found, "")

    def _is_due(self, state: SeriesState) -> bool:
        """Whether it is time to, or the clock was set to where the forecast does not reach."""
        known = state.known
        is_off = known is not None and known.trained.place(self.ctx.clock.time()) is None
        return self.ctx.clock.monotonic() >= (state.earliest if is_off else state.due)

    def _take_over(self, batch: Batch) -> None:
        monotonic = self.ctx.clock.monotonic()
        self._rest_until = monotonic + batch.cpu_seconds / self.config.cpu_share
        self._cpu_seconds += batch.cpu_seconds
        if batch.resources is not None:
            self._resources, self._resources_due = batch.resources, monotonic + RESOURCES_EVERY
        self._batteries.habits = {**self._batteries.habits, **batch.habits}
        for outcome in batch.outcomes:
            state = self._series[outcome.name]
            state.saved = outcome.saved
            self._results.update([outcome.result] if outcome.result else [])
            state.failures = state.failures + 1 if outcome.saved.refusal else 0
            state.due = monotonic + self._pause(state)
            state.earliest = state.due if state.refusal else monotonic + FIRST_PAUSE
            if self._files:
                self._files.save(outcome.name, outcome.saved)

    def _pause(self, state: SeriesState) -> float:
        """Until the next training; of one that failed, doubling, and too few values come no faster.

        Where that makes it no later, it is soon after a step has ended, so that what is newest is learnt from.
        """
        refusal, longest = state.refusal, self.config.retrain_every
        if refusal is None or refusal.reason == "too_short":
            now, step = self.ctx.clock.time(), state.spec.step
            soon_after = (now + longest) // step * step + SETTLING - now
            return soon_after if FIRST_PAUSE <= soon_after < longest else longest
        return min(longest, FIRST_PAUSE * 2.0 ** min(state.failures - 1, 20))

    def _publish_effort(self, out: Readings) -> None:
        out.add(metrics.CPU, self._cpu_seconds)
        for result, count in self._results.items():
            out.add(metrics.TRAININGS, count, result=result)

    def _report_failures(self, out: Readings) -> None:
        """Let the log and `doctor` say what fails; a series that is only too short yet does so in `doctor` alone."""
        for state in self._series.values():
            refusal = state.refusal
            if refusal and not (self.ctx.keeps_running and refusal.reason == "too_short"):
                with out.part(series=state.spec.name):
                    raise NotAvailable("bad_data", refusal.detail, fix=refusal.fix)


@hookimpl
def collector_types() -> list[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return [Forecasts]


@hookimpl
def collector_commands(subcommands: Subcommands) -> None:
    """`energy-collector forecast FILE`, `… backtest FILE` and `… best-window`."""
    from collector_plugins.forecast import commands, window_command  # noqa: PLC0415 - nothing else needs them

    subcommands.set_default(commands.forecast_file)
    subcommands.add_own("backtest", commands.backtest_file)
    subcommands.add_own("best-window", window_command.best_window)


@hookimpl
def collector_demo_types() -> list[type[Collector[Any]]]:
    """Forecasts of what the demo simulates."""
    from collector_plugins.forecast.demo import DemoForecasts  # noqa: PLC0415 - no other command needs it

    return [DemoForecasts]

"""Forecasts of the simulated home and rack, for `run --demo`: the real models, over a past that is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from importlib import import_module

from collector_core import Field, History, PastSeries, Period, Selector, Series
from collector_core.demo.rack import Home, Rack
from collector_plugins.forecast import Forecasts
from collector_plugins.forecast.child import train
from collector_plugins.forecast.config import Config
from collector_plugins.forecast.messages import Job
from collector_plugins.forecast.specs import HOME_LOAD, POWER, SOLAR, specs_of
from collector_plugins.forecast.training import Batch, Task, Training
from collector_plugins.forecast.training_process import Ended, Limits, TrainingProcess

import_module("collector_plugins.forecast.pure")  # now, so that no run looks for files
with suppress(ImportError):
    import_module("collector_plugins.forecast.numeric.forecasting")

DAY = 86_400.0
FIRST_DAYS = (2.0, 1.0, 0.0)
"""How many days ago the first forecasts are made, so that there is something to compare with what came true."""


class DemoConfig(Config):
    """The plugin's options, with defaults for a demo."""

    past: Period = Field(14 * DAY, ge=DAY, le=400 * DAY, description="How much of the simulated past is learnt from.")


class DemoHistory(History):
    """The past of the home and the rack, hour by hour."""

    def __init__(self) -> None:
        self._rack = Rack()
        self._homes: dict[float, Home] = {}
        self._values: Mapping[str, Callable[[float], float]] = {
            POWER: self._rack.machine_watts,
            SOLAR: lambda time: self._home(time).solar_watts,
            HOME_LOAD: lambda time: self._home(time).load_watts,
        }
        self._names = {spec.selector: spec.name for spec in specs_of(Config()) if spec.name in self._values}

    @property
    def is_kept(self) -> bool:
        """There always was a past."""
        return True

    def query(
        self, selector: Selector | None, start: float, end: float, *, step: float | None = None, fn: str = "mean"
    ) -> list[PastSeries]:
        """What the simulation says; the default series only."""
        del fn
        name = self._names.get(selector) if selector else None
        if name is None or step is None:
            return []
        value = self._values[name]
        times = [start + step * number for number in range(round((end - start) / step))]
        series = Series(name, name, {}, "gauge", "watts", "", "demo")
        return [PastSeries(series, [(time, value(time + step / 2)) for time in times])]

    def _home(self, time: float) -> Home:
        if time not in self._homes:
            self._homes[time] = self._rack.home(time)
        return self._homes[time]


class InThisProcess(TrainingProcess):
    """Trains without a process: the demo touches nothing of the machine."""

    def run(self, jobs: bytes, limits: Limits) -> Ended:
        """Answer every job."""
        del limits
        answers = (train(Job.model_validate_json(line)) for line in jobs.splitlines())
        return Ended([answer.model_dump_json().encode() for answer in answers])


class DemoTraining(Training):
    """Makes up for the days before the demo began."""

    def _train(self, task: Task, batch: Batch) -> None:
        known = {spec.name: saved for spec, saved in task.series}
        is_first = not any(saved.known for saved in known.values())
        for days in FIRST_DAYS if is_first else (0.0,):
            batch.outcomes.clear()
            series = [(spec, known[spec.name]) for spec, _ in task.series]
            super()._train(replace(task, series=series, now=task.now - days * DAY), batch)
            known |= {outcome.name: outcome.saved for outcome in batch.outcomes}


class DemoForecasts(Forecasts):
    """Forecasts what the demo simulates; keeps nothing on disk."""

    config_type = DemoConfig
    default_interval = 10.0

    def open(self) -> None:
        """There is nothing to take over."""
        if self._training is None:
            self._training = DemoTraining(DemoHistory(), self.config, InThisProcess())

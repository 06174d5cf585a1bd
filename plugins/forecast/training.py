"""Trains some series at a time on a thread of its own: reads their past, has a process forecast, keeps the score."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from queue import Empty, SimpleQueue

from pydantic import ValidationError

from collector_core import History, NotAvailable, describe
from collector_plugins.forecast import periods
from collector_plugins.forecast.config import Config
from collector_plugins.forecast.exhaustion import Resource, read_resources
from collector_plugins.forecast.habits import Habits, Watched, read_habits
from collector_plugins.forecast.messages import Job, JobResult, Refusal, Trained, Values
from collector_plugins.forecast.past import NoPast, Past, read_past
from collector_plugins.forecast.record import kept_forecasts, score, truths
from collector_plugins.forecast.series import TimeSeries
from collector_plugins.forecast.specs import POWER, PRICE, Spec
from collector_plugins.forecast.state import Known, Saved, Shown
from collector_plugins.forecast.training_process import Ended, Limits, TrainingProcess

DAY = 86_400.0
MOST_SHOWN = 400
WHY = {
    "cpu": ("it needs more CPU time than `cpu_seconds`", "a longer `step`, a shorter `past`, or more `cpu_seconds`"),
    "deadline": ("it was not done before the deadline", "a longer `deadline`, or look what keeps the machine busy"),
    "killed": ("its process was killed", "look whether the machine runs out of memory"),
    "failed": ("its process failed", "a smaller `past`, or more `memory_bytes`"),
}


@dataclass(frozen=True)
class Outcome:
    """What became of a series; `result` is a word for the counter, empty where nothing was tried."""

    name: str
    saved: Saved
    result: str = ""


@dataclass
class Batch:
    """What a thread has done: what became of series, what resources will be exhausted, habits of batteries, CPU
    seconds.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    resources: list[Resource] | None = None
    habits: dict[str, Habits] = field(default_factory=dict)
    cpu_seconds: float = 0.0


@dataclass(frozen=True)
class Task:
    """What to do: series with what is known of them, and all there are, for those that depend on others."""

    series: Sequence[tuple[Spec, Saved]]
    all: Mapping[str, tuple[Spec, Known | None]]
    now: float
    currency: str = ""
    with_resources: bool = False
    batteries: Sequence[Watched] = ()


class Training:
    """Starts one thread at a time; `take` returns what one has done. Neither ever waits."""

    def __init__(self, history: History, config: Config, process: TrainingProcess | None = None) -> None:
        self._history = history
        self._config = config
        self._process = process or TrainingProcess()
        self._done = SimpleQueue[Batch]()
        self._thread: threading.Thread | None = None
        self.limits = Limits(config.cpu_seconds, config.memory_bytes, config.deadline)

    @property
    def is_busy(self) -> bool:
        """Whether a thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, task: Task) -> None:
        """Begin; nothing else may be going on."""
        self._thread = threading.Thread(target=self._work, args=(task,), name="forecast", daemon=True)
        self._thread.start()

    def take(self) -> Batch | None:
        """What was finished since the last call."""
        try:
            return self._done.get_nowait()
        except Empty:
            return None

    def close(self) -> None:
        """End the process that trains; a thread that waits for a disk is left alone."""
        self._process.kill()

    def _work(self, task: Task) -> None:
        batch = Batch()
        try:
            if task.with_resources:
                batch.resources = self._resources(task.now)
            for battery in task.batteries:
                with suppress(NotAvailable):  # asked again
                    batch.habits[battery.name] = read_habits(self._history, battery, task.now)
            self._train(task, batch)
        finally:
            self._done.put(batch)

    def _resources(self, now: float) -> list[Resource] | None:
        try:
            return read_resources(self._history, now)
        except NotAvailable:
            return None  # asked again

    def _train(self, task: Task, batch: Batch) -> None:
        jobs, pasts = list[Job](), dict[str, tuple[Spec, Saved, Past]]()
        for spec, saved in task.series:
            try:
                past = read_past(self._history, spec, task.now, self._config.past)
                jobs.append(self._job(spec, past, task))
                pasts[spec.name] = spec, saved, past
            except Exception as error:  # noqa: BLE001 - one series must not cost the others
                batch.outcomes.append(_unread(spec, saved, error))
        if not jobs:
            return
        ended = self._process.run(b"".join(job.model_dump_json().encode() + b"\n" for job in jobs), self.limits)
        batch.cpu_seconds = ended.cpu_seconds
        answers = _answers(jobs, ended)
        for name, answer in answers.items():
            spec, saved, past = pasts[name]
            batch.outcomes.append(self._outcome(spec, saved, past, answer, task))

    def _job(self, spec: Spec, past: Past, task: Task) -> Job:
        reach = spec.horizon + 2 * self._config.retrain_every + spec.step
        zone = self._config.zone
        tomorrow = periods.day(task.now, zone, ahead=1)
        named = {"today": periods.day(task.now, zone), "tomorrow": tomorrow, "month": periods.month(task.now, zone)}
        return Job(
            name=spec.name,
            series=_values(past.values),
            horizon_steps=ceil(reach / spec.step),
            quantiles=spec.quantiles,
            model=spec.model,
            covariates={name: self._covariate(name, spec, task) for name in spec.covariates},
            periods=named if past.unit == "watts" else {},
            peak=tomorrow,
            limit=spec.limit,
            prices=self._prices(spec, task),
            zone=self._config.time_zone,
            holidays=self._config.holidays,
            cpu_seconds=self._config.cpu_seconds,
        )

    def _prices(self, spec: Spec, task: Task) -> Values | None:
        """Of the energy whose cost is published; None where no price is forecast."""
        try:
            return self._covariate(PRICE, spec, task) if spec.name == POWER else None
        except NotAvailable:
            return None

    def _covariate(self, name: str, spec: Spec, task: Task) -> Values:
        """The past of another series and what is forecast of it, by the step of this one."""
        if name not in task.all or task.all[name][1] is None:
            raise NoPast("not_found", f"its covariate {name} has no forecast", fix=f"a series called {name}")
        other, known = task.all[name]
        past = read_past(self._history, Spec(**{**vars(other), "step": spec.step}), task.now, self._config.past).values
        if known is None:
            raise NoPast("not_found", f"its covariate {name} has no forecast")
        middle = min(known.trained.quantiles, key=lambda quantile: abs(quantile - 0.5))
        values, time = list(past.values), past.end
        while (place := known.trained.place(time)) is not None:
            values.append(known.trained.quantiles[middle][place])
            time += spec.step
        return Values(start=past.start, step=past.step, values=values)

    def _outcome(self, spec: Spec, saved: Saved, past: Past, answer: JobResult, task: Task) -> Outcome:
        if answer.trained is None:
            refusal = answer.refusal or Refusal(reason="failed", detail="its process gave no answer")
            return Outcome(spec.name, Saved(known=saved.known, refusal=refusal), refusal.reason)
        now = task.now
        before = saved.known.earlier if saved.known else []
        rated = score(before, past.values)
        shown = truths(before, past.values, now - max(spec.horizon, 2 * DAY))[-MOST_SHOWN:]
        known = Known(
            trained=answer.trained,
            trained_at=now,
            horizon=spec.horizon,
            unit=past.unit,
            earlier=kept_forecasts(before, answer.trained, spec.horizon),
            shown=[Shown(**each._asdict()) for each in shown],
            past=_tail(past.values, now - max(spec.horizon, 2 * DAY)),
            recent_mase=rated.mase,
            recent_coverage=rated.coverage,
            level=rated.level,
            rates=self._rates(now) if spec.name == POWER else {},
            currency=task.currency,
        )
        return Outcome(spec.name, Saved(known=known), "ok")

    def _rates(self, now: float) -> dict[str, float]:
        """What a joule has cost and emitted in the last 30 days."""
        try:
            found = self._history.energy(now - 30 * DAY, now)
        except NotAvailable:
            return {}
        if found.joules <= 0:
            return {}
        counted = {"cost": found.cost, "grams": found.grams}
        return {name: value / found.joules for name, value in counted.items() if value is not None}


def _unread(spec: Spec, saved: Saved, error: Exception) -> Outcome:
    if isinstance(error, NoPast) and not spec.wanted:
        return Outcome(spec.name, Saved(known=saved.known))
    reason, fix = ("unavailable", error.fix) if isinstance(error, NotAvailable) else ("failed", "")
    detail = error.detail if isinstance(error, NotAvailable) else describe(error)
    return Outcome(spec.name, Saved(known=saved.known, refusal=Refusal(reason=reason, detail=detail, fix=fix)), reason)


def _answers(jobs: Sequence[Job], ended: Ended) -> dict[str, JobResult]:
    """The answer to each job. Where the process ended early, the first job without one is the cause, and those after it
    are tried again; where it did not, all without one have failed.
    """
    found = dict[str, JobResult]()
    for job, line in zip(jobs, ended.lines, strict=False):
        found[job.name] = _answer(job, line)
    missing = [job.name for job in jobs if job.name not in found]
    for name in missing[:1] if ended.why else missing:
        detail, fix = WHY[ended.why or "failed"]
        found[name] = JobResult(name=name, refusal=Refusal(reason=ended.why or "failed", detail=detail, fix=fix))
    return found


def _answer(job: Job, line: bytes) -> JobResult:
    try:
        answer = JobResult.model_validate_json(line)
    except ValidationError:
        answer = JobResult(name="")
    if answer.name != job.name or not _fits(answer.trained, job):
        detail = "its process gave an answer that is not valid"
        return JobResult(name=job.name, refusal=Refusal(reason="failed", detail=detail))
    return answer


def _fits(trained: Trained | None, job: Job) -> bool:
    if trained is None:
        return True
    lines = trained.quantiles
    start = job.series.start + job.series.step * len(job.series.values)
    is_whole = all(len(values) == job.horizon_steps for values in lines.values())
    return is_whole and set(lines) == set(job.quantiles) and trained.step == job.series.step and trained.start == start


def _values(series: TimeSeries) -> Values:
    return Values(start=series.start, step=series.step, values=list(series.values))


def _tail(series: TimeSeries, since: float) -> list[tuple[float, float | None]]:
    first = max(0, ceil((since - series.start) / series.step))
    pairs = [(series.start + place * series.step, series.values[place]) for place in range(first, len(series.values))]
    return pairs[:: -(-len(pairs) // MOST_SHOWN) or 1]

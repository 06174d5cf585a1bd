"""The process that trains: reads jobs from its standard input, one a line, and writes an answer to each."""

from __future__ import annotations

import os
import sys
import time
from math import ceil
from typing import IO
from zoneinfo import ZoneInfo

from collector_core import NotAvailable
from collector_core.metering import JOULES_PER_KWH
from collector_plugins.forecast.covariates import by_step
from collector_plugins.forecast.forecaster import forecast
from collector_plugins.forecast.messages import Job, JobResult, Refusal, Trained, Values
from collector_plugins.forecast.series import TimeSeries, TooShort
from collector_plugins.forecast.sums import Sums


def train(job: Job) -> JobResult:
    """Forecast one series; whatever fails is an answer."""
    try:
        return JobResult(name=job.name, trained=_trained(job))
    except TooShort as error:
        refusal = Refusal(reason="too_short", detail=error.detail, fix=error.fix)
    except NotAvailable as error:
        refusal = Refusal(reason="unavailable", detail=error.detail, fix=error.fix)
    except MemoryError:
        refusal = Refusal(reason="memory", detail="the memory that a training may map is used up")
    except Exception as error:  # noqa: BLE001 - one series must not cost the others
        refusal = Refusal(reason="failed", detail=f"{type(error).__name__}: {error}"[:2000])
    return JobResult(name=job.name, refusal=refusal)


def main() -> None:
    """Answer every job on a stream of its own, because models may print."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        _answer(Job.model_validate_json(line), answers)


def _answer(job: Job, answers: IO[str]) -> None:
    import resource  # noqa: PLC0415 - not on every platform

    until = ceil(time.process_time() + job.cpu_seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    answers.write(train(job).model_dump_json() + "\n")
    answers.flush()


def _trained(job: Job) -> Trained:
    covariates = {name: _series(values) for name, values in job.covariates.items()}
    zone = ZoneInfo(job.zone) if job.zone else None
    found = forecast(
        _series(job.series),
        job.horizon_steps,
        job.quantiles,
        job.model,
        covariates or None,
        zone=zone,
        holidays=job.holidays,
    )
    known = [value for value in job.series.values if value is not None]
    minimum = 0.0 if min(known) >= 0 else None
    sums = Sums(job, found.quantiles, minimum)
    return Trained(
        start=found.start,
        step=found.step,
        quantiles={quantile: list(values) for quantile, values in found.quantiles.items()},
        model=found.model,
        weights=dict(found.weights),
        mase=dict(found.mase),
        coverage=dict(found.coverage),
        seconds=found.seconds,
        minimum=minimum,
        sums={name: sums.total(*period) for name, period in job.periods.items()},
        costs=_costs(job, sums),
        peak=sums.peak(),
        above_limit=sums.above_limit(),
    )


def _costs(job: Job, sums: Sums) -> dict[str, dict[float, float]]:
    """What the energy of each period costs by the price of each hour; none where these are not known."""
    if job.prices is None:
        return {}
    prices = by_step(_series(job.prices), _series(job.series), job.horizon_steps)
    if prices is None:
        return {}
    of_a_joule = [price / JOULES_PER_KWH for price in prices]
    return {name: sums.total(*period, of_a_joule) for name, period in job.periods.items()}


def _series(values: Values) -> TimeSeries:
    return TimeSeries(values.start, values.step, values.values)


if __name__ == "__main__":
    main()

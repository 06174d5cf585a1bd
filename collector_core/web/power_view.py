"""The machine's power as plain data, for the status page and `/api/v1/power`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collector_core.engine import power_history as powerhistory
from collector_core.engine.app import App
from collector_core.engine.power_history import Sample, Total
from collector_core.model.readings import NOTHING

NO_LEDGER = "no energy ledger runs, so there are no watts to add up"
NO_LEDGER_FIX = (
    "add `energy: {}` below `collectors` in the configuration, with a source such as rapl, nvidia or estimate"
)
TOO_EARLY = "no watts yet: they take two readings of a source"


def power(app: App) -> dict[str, Any]:
    """Watts now, joules since the start and watts of the last quarter of an hour, by component; None is not known.

    `reason` and `fix` say why no component has watts.
    """
    ledger = app.power_history.ledger
    samples = app.power_history.samples()
    history = _history(app, samples)
    shown = ledger.snapshot if ledger else NOTHING
    now, joules, estimated = powerhistory.power(shown), powerhistory.energy(shown), powerhistory.estimated(shown)
    components = dict.fromkeys([*now, *joules, *history["watts"]])
    return {
        "time": app.clock.time(),
        "since_timestamp_seconds": app.power_history.since if ledger else None,
        "total_watts": _total_now(samples, now),
        "total_joules": sum(joules.values()) if joules else None,
        "components": {
            name: {"watts": now.get(name), "joules": joules.get(name), "estimated": name in estimated}
            for name in components
        },
        "history": history,
        **_why_nothing(app, now),
    }


def _total_now(samples: Sequence[Sample], now: dict[str, float | None]) -> float | None:
    total = Total()
    for sample in samples:
        total.of(sample.watts)
    return total.of(now)


def _history(app: App, samples: Sequence[Sample]) -> dict[str, Any]:
    offset = app.clock.time() - app.clock.monotonic()
    names = dict.fromkeys(name for sample in samples for name in sample.watts)
    total = Total()
    return {
        "window_seconds": powerhistory.WINDOW,
        "longest_step_seconds": powerhistory.LONGEST_STEP,
        "timestamps": [round(sample.time + offset, 3) for sample in samples],
        "total_watts": [total.of(sample.watts) for sample in samples],
        "watts": {name: [sample.watts.get(name) for sample in samples] for name in names},
    }


def _why_nothing(app: App, now: dict[str, float | None]) -> dict[str, str | None]:
    """Why no component has watts, from the ledger's own last error where it has one."""
    ledger = app.power_history.ledger
    if any(watts is not None for watts in now.values()):
        return {"reason": None, "fix": None}
    if ledger is None:
        return {"reason": NO_LEDGER, "fix": NO_LEDGER_FIX}
    report = ledger.last_report
    if report is None or not report.error:
        return {"reason": TOO_EARLY, "fix": None}
    return {"reason": app.redactor(report.error), "fix": app.redactor(report.fix) or None}

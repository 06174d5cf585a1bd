"""Logs a fault once when it starts and once when it is over."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from collector_core.errors import describe, explain, reason_of, with_fix
from collector_core.model.run_report import RunReport

SETTLED = 3  # successes in a row after which a fault is over: what comes and goes is logged once, too

_RUN = ""  # the name of the fault of a whole run, beside those of parts


@dataclass
class _Fault:
    kind: tuple[str, ...]
    successes: int = 0


@dataclass
class FaultLog:
    """Turns many failures and successes into few log lines: a fault is logged when it starts, when its reason changes
    and when it is over, which takes `SETTLED` successes in a row.
    """

    log: logging.Logger
    _faults: dict[str, _Fault] = field(default_factory=dict, init=False)
    _incidents: dict[str, str] = field(default_factory=dict, init=False)

    def record_failure(self, name: str, error: BaseException) -> None:
        """What is called `name` has failed: `heater fails: no answer within 4 s; fix: …`."""
        self._record_fault(name, ("fails", reason_of(error).value), explain(error))

    def record_success(self, name: str) -> None:
        """What is called `name` has worked."""
        fault = self._faults.get(name)
        if fault is None:
            return
        fault.successes += 1
        if fault.successes >= SETTLED:
            del self._faults[name]
            self.log.info("%s", f"{name} works again".strip())

    def record_run(self, report: RunReport) -> None:
        """Record how a run ended: the whole run, or each of its parts."""
        if not report.result.has_data:
            self._record_fault(_RUN, (report.result.value, str(report.reason)), with_fix(report.error, report.fix))
            if report.traceback:
                self.log.debug("%s", report.traceback)
            return
        failing = {failure.name: failure for failure in report.part_failures}
        for name, failure in failing.items():
            self._record_fault(name, ("fails", reason_of(failure.error).value), failure.text)
        for name in [name for name in self._faults if name not in failing]:
            self.record_success(name)

    def record_incident(self, what: str, error: BaseException) -> None:
        """Log a fault of which nobody can say when it is over: once for each type of error."""
        kind = type(error).__name__
        if self._incidents.get(what) != kind:
            self._incidents[what] = kind
            self.log.warning("%s: %s", what, describe(error))

    def _record_fault(self, name: str, kind: tuple[str, ...], error: str) -> None:
        known = self._faults.get(name)
        if known and known.kind == kind:
            known.successes = 0
            return
        self._faults[name] = _Fault(kind)
        self.log.warning("%s: %s", f"{name} {kind[0].replace('_', ' ')}".strip(), error)

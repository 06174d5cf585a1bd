"""Logs a fault once when it starts and once when it is over."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from collector_core.errors import describe, explain, reason_of, with_fix
from collector_core.model.readings import PartFailure
from collector_core.model.run_report import RunReport
from collector_core.model.words import some_of

MOST_LINES = 20  # for parts that begin to fail in one run; further ones share a line for each reason
MOST_NAMED = 5  # parts in such a line
SETTLED = 3  # successes in a row after which a fault is over: what comes and goes is logged once, too

_RUN = ""  # the name of the fault of a whole run, beside those of parts
CAUSE = {"is_cause": True}
"""Marks a record as the only word about a fault: it is not to be lost among others."""


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
        if self._ends(name):
            self.log.info("%s", f"{name} works again".strip())

    def record_run(self, report: RunReport) -> None:
        """Record how a run ended: the whole run, or each of its parts."""
        if not report.result.has_data:
            self._record_fault(_RUN, (report.result.value, str(report.reason)), with_fix(report.error, report.fix))
            if report.traceback:
                self.log.debug("%s", report.traceback)
            return
        if not (report.part_failures or self._faults):
            return
        failing = {failure.name: failure for failure in report.part_failures}
        self._record_failures(failing)
        over = [name for name in [each for each in self._faults if each not in failing] if self._ends(name)]
        for name in over[:MOST_LINES]:
            self.log.info("%s", f"{name} works again".strip())
        if len(over) > MOST_LINES:
            self.log.info("%s work again", some_of(over[MOST_LINES:], MOST_NAMED))

    def record_incident(self, what: str, error: BaseException) -> None:
        """Log a fault of which nobody can say when it is over: once for each type of error."""
        kind = type(error).__name__
        if self._incidents.get(what) != kind:
            self._incidents[what] = kind
            self.log.warning("%s: %s", what, describe(error), extra=CAUSE)

    def _record_failures(self, failing: Mapping[str, PartFailure]) -> None:
        """Record the parts that fail; of many that begin to fail at once the last ones share a line."""
        changed = [name for name, part in failing.items() if self._begins(name, ("fails", reason_of(part.error).value))]
        others: defaultdict[str, list[str]] = defaultdict(list)
        for number, name in enumerate(changed, 1):
            if number <= MOST_LINES:
                self._warn(f"{name} fails", failing[name].text)
            else:
                others[reason_of(failing[name].error).value].append(name)
        for reason, names in others.items():
            verb = "fail" if len(names) > 1 else "fails"
            self._warn(f"{some_of(names, MOST_NAMED)} {verb} ({reason})", failing[names[0]].text)

    def _record_fault(self, name: str, kind: tuple[str, ...], error: str) -> None:
        if self._begins(name, kind):
            self._warn(f"{name} {kind[0].replace('_', ' ')}".strip(), error)

    def _begins(self, name: str, kind: tuple[str, ...]) -> bool:
        """Whether this fault is new, or another one than before."""
        known = self._faults.get(name)
        if known and known.kind == kind:
            known.successes = 0
            return False
        self._faults[name] = _Fault(kind)
        return True

    def _ends(self, name: str) -> bool:
        """Whether a fault is over with this success."""
        fault = self._faults.get(name)
        if fault is None:
            return False
        fault.successes += 1
        if fault.successes < SETTLED:
            return False
        del self._faults[name]
        return True

    def _warn(self, what: str, error: str) -> None:
        self.log.warning("%s: %s", what, error, extra=CAUSE)

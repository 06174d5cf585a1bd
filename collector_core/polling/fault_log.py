"""Says a thing once when it starts and once when it ends; what comes and goes is said once too."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collector_core.errors import describe, explain, reason_of, with_fix

if TYPE_CHECKING:
    from collector_core.model.run_report import RunReport

SETTLED = 3  # good runs in a row after which a fault counts as over

_RUN = ""  # the name of the fault of a whole run, beside those of parts


@dataclass
class _Fault:
    kind: tuple[str, ...]
    good_runs: int = 0


@dataclass
class Edges:
    """Turns the stream of one collector's reports into few log lines."""

    log: logging.Logger
    _faults: dict[str, _Fault] = field(default_factory=dict)
    _asides: dict[str, str] = field(default_factory=dict)

    def see(self, report: RunReport) -> None:
        """Log what changed with this run."""
        if not report.result.has_data:
            self._see_fault(_RUN, (report.result.value, str(report.reason)), with_fix(report.error, report.fix))
            if report.traceback:
                self.log.debug("%s", report.traceback)
            return
        failing = {failure.name: failure.error for failure in report.part_failures}
        for name, error in failing.items():
            self._see_fault(name, ("fails", reason_of(error).value), explain(error))
        self._see_good(failing)

    def see_aside(self, what: str, error: BaseException) -> None:
        """Log a fault beside the runs, of which nobody can say when it is over: once for each kind of error."""
        kind = type(error).__name__
        if self._asides.get(what) != kind:
            self._asides[what] = kind
            self.log.warning("%s: %s", what, describe(error))

    def _see_fault(self, name: str, kind: tuple[str, ...], error: str) -> None:
        known = self._faults.get(name)
        if known and known.kind == kind:
            known.good_runs = 0
            return
        self._faults[name] = _Fault(kind)
        self.log.warning("%s: %s", f"{name} {kind[0].replace('_', ' ')}".strip(), error)

    def _see_good(self, failing: Mapping[str, Exception]) -> None:
        for name in [name for name in self._faults if name not in failing]:
            fault = self._faults[name]
            fault.good_runs += 1
            if fault.good_runs >= SETTLED:
                del self._faults[name]
                self.log.info("%s", f"{name} works again".strip())

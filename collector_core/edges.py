"""Says a thing once when it starts and once when it ends."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collector_core.errors import Reason, describe, reason_of

if TYPE_CHECKING:
    from collector_core.runner import Report


@dataclass
class Edges:
    """Turns the stream of a collector's reports into few log lines."""

    log: logging.Logger
    _failing: tuple[str, Reason | None] | None = None
    _failed_runs: int = 0
    _failing_parts: dict[str, Reason] = field(default_factory=dict)

    def see(self, report: Report) -> None:
        """Log what changed with this run."""
        if report.result.has_data:
            self._see_good_run(report)
        else:
            self._see_failed_run(report)

    def _see_good_run(self, report: Report) -> None:
        if self._failing:
            self.log.info("works again after %d failed runs", self._failed_runs)
        self._failing, self._failed_runs = None, 0
        failing = {failure.name: failure.error for failure in report.part_failures}
        for name, error in failing.items():
            if self._failing_parts.get(name) != reason_of(error):
                self.log.warning("%s fails: %s%s", name, describe(error), _fix(getattr(error, "fix", "")))
        self._say_recovered(self._failing_parts.keys() - failing.keys())
        self._failing_parts = {name: reason_of(error) for name, error in failing.items()}

    def _see_failed_run(self, report: Report) -> None:
        self._failed_runs += 1
        kind = (report.result.value, report.reason)
        if kind != self._failing:
            self.log.warning("%s: %s%s", report.result.value.replace("_", " "), report.error, _fix(report.fix))
            if report.traceback:
                self.log.debug("%s", report.traceback)
        self._failing = kind

    def _say_recovered(self, names: Iterable[str]) -> None:
        for name in sorted(names):
            self.log.info("%s works again", name)


def _fix(fix: str) -> str:
    return f"; fix: {fix}" if fix else ""

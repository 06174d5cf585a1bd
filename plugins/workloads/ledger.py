"""The joules that are handed out: what the energy ledger counted since the last look."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from collector_core import Component, Context, NotAvailable, Published, Selector
from collector_core.metering import Account, Ledger
from collector_core.procfs import parse_process_stat

ATTRIBUTED = (Component.CPU, Component.DRAM, Component.HOST)
PATIENT_RUNS = 3  # without the ledger's collector, which starts when we do
FIX = "energy-collector doctor   # says what each energy source lacks; `estimate` helps where nothing measures"
_LEDGER = "energy_joules_total"


class LedgerJoules:
    """Follows `energy_joules_total`; where no collector publishes it, adds up the meters itself, by the same rules.

    What was counted before the first look is taken in, too, so that both stand at the same joules; what was added up
    here until a ledger appeared, which counted it, too, is taken once. `machine_joules` are those of all components,
    those that are not handed out among them.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._selector = Selector.parse(_LEDGER)
        self.machine_joules = 0.0
        self._taken: dict[Account, float] = {}
        self._added_up: dict[Account, float] = {}
        self._of_gpus: dict[str, float] = {}
        self._is_published = False
        self._runs_without = 0
        self._own: Ledger | None = None

    def reopen(self) -> None:
        """Look again for who keeps a ledger."""
        self._is_published, self._runs_without, self._own = False, 0, None

    def take(self) -> dict[str, float]:
        """New joules by component, but for those of GPUs; raises `NotAvailable` where nobody counts any."""
        totals = self._totals(self._ctx.published())
        if totals:
            self._is_published, self._runs_without, self._own = True, 0, None
            return self._attributed(self._grown(totals))
        self._runs_without += 1
        if self._runs_without < PATIENT_RUNS and self._ctx.keeps_running:
            return {}
        if self._is_published or not (new := self._attributed(self._count())):
            raise NotAvailable("not_found", "no energy is measured or estimated that could be handed out", fix=FIX)
        return new

    def take_gpus(self) -> dict[str, float]:
        """New joules by GPU, as of the last `take`: all since the start where nobody took them before."""
        taken, self._of_gpus = self._of_gpus, dict.fromkeys(self._of_gpus, 0.0)
        return taken

    def state(self) -> dict[str, Any]:
        """How far the ledger of this process was followed, for JSON."""
        taken = [[*account, joules] for account, joules in self._taken.items()]
        return {"process": _own_identity(), "taken": taken, "of_gpus": self._of_gpus}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there, if the ledger's process is still the same; after a restart it begins at 0."""
        if state["process"] == _own_identity():
            self._taken = {Account(*map(str, account)): float(joules) for *account, joules in state["taken"]}
            self._of_gpus = {str(device): float(joules) for device, joules in state["of_gpus"].items()}

    def _totals(self, published: Sequence[Published]) -> dict[Account, float]:
        """Joules of one ledger: the default one, or whichever there is."""
        found: dict[str, dict[Account, float]] = {}
        for series, joules in self._selector.select(published):
            account = Account(*(series.labels.get(label, "") for label in Account._fields))
            if account.component:
                found.setdefault(series.source, {})[account] = joules
        return found.get("energy") or next(iter(found.values()), {})

    def _grown(self, totals: Mapping[Account, float]) -> dict[Account, float]:
        new = {}
        for account, joules in totals.items():
            before = self._taken.get(account, 0.0)
            grown = joules - before if joules >= before else joules
            new[account] = max(0.0, grown - self._added_up.pop(account, 0.0))
            self._taken[account] = joules
        return new

    def _count(self) -> Mapping[Account, float]:
        self._own = self._own or Ledger()
        new = self._own.update(self._ctx.energy_meters(), self._ctx.clock.monotonic())
        for account, joules in new.items():
            self._added_up[account] = self._added_up.get(account, 0.0) + joules
        return new

    def _attributed(self, new: Mapping[Account, float]) -> dict[str, float]:
        self.machine_joules += sum(new.values())
        found: dict[str, float] = {}
        for account, joules in new.items():
            if account.component in ATTRIBUTED:
                found[account.component] = found.get(account.component, 0.0) + joules
            elif account.component == Component.GPU:
                self._of_gpus[account.device] = self._of_gpus.get(account.device, 0.0) + joules
        return found


def _own_identity() -> list[int]:
    """What tells this process from all others since boot."""
    try:
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123 - not below the configured root
            return [os.getpid(), parse_process_stat(file.read()).start]
    except (OSError, ValueError):
        return [os.getpid(), 0]

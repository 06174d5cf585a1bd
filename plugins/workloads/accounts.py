"""The counters: joules of each workload, for as long as its series is shown, and of what has ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple

from collector_plugins.workloads.paths import OTHER, Workload
from collector_plugins.workloads.rules import Split

_SUMS = ("measured", "idle", "unattributed", "ended")


class SeriesName(NamedTuple):
    """The labels of a workload's counters, but for the component."""

    kind: str
    name: str
    namespace: str
    part: str


class Account:
    """The joules of one workload by component, and when it was last there (Unix seconds)."""

    __slots__ = ("joules", "seen_at")

    def __init__(self, seen_at: float) -> None:
        self.joules: dict[str, float] = {}
        self.seen_at = seen_at


class Accounts:
    """Every joule that was taken is in one of these: a workload's, idle, unattributed, or of workloads that ended.

    `keep` is how many seconds an account outlives its workload, `most` how many workloads have one of their own; the
    joules of those beyond belong to `OTHER`. `name_of` gives the labels of a workload: accounts with the same ones are
    one series, so that one that ends while another lives leaves it its joules.
    """

    def __init__(self, keep: float, most: int, name_of: Callable[[Workload], SeriesName]) -> None:
        self.measured: dict[str, float] = defaultdict(float)
        self.idle: dict[str, float] = defaultdict(float)
        self.unattributed: dict[str, float] = defaultdict(float)
        self.ended: dict[str, float] = defaultdict(float)
        self._keep = keep
        self._most = most
        self._name_of = name_of
        self._accounts: dict[Workload, Account] = {}
        self._displaced: set[Workload] = set()  # since `note_alive`

    @property
    def workloads(self) -> Collection[Workload]:
        """Those with an account."""
        return self._accounts.keys()

    def record(self, component: str, joules: float, split: Split, now: float) -> None:
        """Book `joules` of a component, all of which `split` handed out."""
        self.measured[component] += joules
        self.idle[component] += split.idle
        self.unattributed[component] += split.unattributed
        self.ended[component] += 0.0
        has_room = True
        for workload, share in sorted(split.by_workload.items(), key=lambda item: (-item[1], item[0])):
            account = self._accounts.get(workload) or (self._open(workload, now) if has_room else None)
            has_room = account is not None or workload in self._displaced
            account = account or self._accounts.setdefault(OTHER, Account(now))
            account.joules[component] = account.joules.get(component, 0.0) + share

    def note_alive(self, alive: Collection[Workload], now: float) -> None:
        """Take note of the workloads that are there: none of them makes room for another one.

        Where the clock was set back, those that have ended count as seen now: they still end.
        """
        self._displaced.clear()
        for each in self._accounts.values():
            each.seen_at = min(each.seen_at, now)
        for workload in alive:
            if account := self._accounts.get(workload):
                account.seen_at = now

    def end_expired(self, now: float) -> list[Workload]:
        """End the accounts that have outlived their workloads by more than `keep`; returns these workloads."""
        expired = [
            workload
            for workload, account in self._accounts.items()
            if now - account.seen_at > self._keep and workload != OTHER
        ]
        for workload in expired:
            self._end(workload)
        return expired

    def energy(self) -> Iterator[tuple[SeriesName, str, float]]:
        """Labels, component and joules of every series."""
        totals: dict[tuple[SeriesName, str], float] = {}
        for workload, account in self._accounts.items():
            name = self._name_of(workload)
            for component, joules in account.joules.items():
                key = name, component
                totals[key] = totals.get(key, 0.0) + joules
        for (name, component), joules in totals.items():
            yield name, component, joules

    def joules_of(self, workload: Workload) -> Mapping[str, float]:
        """What a workload was given, by component."""
        account = self._accounts.get(workload)
        return account.joules if account else {}

    def _open(self, workload: Workload, now: float) -> Account | None:
        """A new account; None where there are as many as there may be, or this one has just made room for another."""
        if workload in self._displaced:
            return None
        if workload != OTHER and len(self._accounts) >= self._most and not self._make_room(now):
            return None
        return self._accounts.setdefault(workload, Account(now))

    def _make_room(self, now: float) -> bool:
        """End the account that has outlived its workload for the longest time, if one has."""
        own = (workload for workload in self._accounts if workload != OTHER)
        oldest = min(own, key=lambda workload: self._accounts[workload].seen_at, default=None)
        if oldest is None or self._accounts[oldest].seen_at >= now:
            return False
        self._end(oldest)
        self._displaced.add(oldest)
        return True

    def _end(self, workload: Workload) -> None:
        account = self._accounts.pop(workload)
        heir = self._heir(workload)
        for component, joules in account.joules.items():
            if heir:
                heir.joules[component] = heir.joules.get(component, 0.0) + joules
            else:
                self.ended[component] += joules

    def _heir(self, workload: Workload) -> Account | None:
        name = self._name_of(workload)
        others = (account for other, account in self._accounts.items() if self._name_of(other) == name)
        return next(others, None)

    def state(self) -> dict[str, Any]:
        """All accounts, for JSON."""
        return {
            **{name: dict(getattr(self, name)) for name in _SUMS},
            "workloads": [[list(key), each.joules, each.seen_at] for key, each in self._accounts.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` gave; raises `ValueError`, `TypeError` or `KeyError` for anything else."""
        sums = {name: _checked(state[name]) for name in _SUMS}
        accounts: dict[Workload, Account] = {}
        for key, joules, seen_at in state["workloads"]:
            account = accounts[Workload(*map(str, key))] = Account(float(seen_at))
            account.joules = _checked(joules)
        _check_conservation(sums, accounts.values())
        for name, joules in sums.items():
            getattr(self, name).update(joules)
        self._accounts.update(accounts)


def _checked(joules: Mapping[str, Any]) -> dict[str, float]:
    found = {str(component): float(value) for component, value in joules.items()}
    if not all(isfinite(value) and value >= 0 for value in found.values()):
        raise ValueError("an energy is no number from 0 on")
    return found


def _check_conservation(sums: Mapping[str, Mapping[str, float]], accounts: Collection[Account]) -> None:
    for component, measured in sums["measured"].items():
        parts = [sums[name].get(component, 0.0) for name in _SUMS if name != "measured"]
        total = sum(parts) + sum(account.joules.get(component, 0.0) for account in accounts)
        if abs(total - measured) > max(1e-3 * measured, 1e-3):
            raise ValueError(f"the saved joules of {component} do not add up")

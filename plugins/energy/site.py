"""The site's ledger: all that the agent knows in one sum, its carbon, its cost and the batteries' runtime."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from time import localtime
from typing import Any, NamedTuple

from collector_core import Context, Readings
from collector_core.metering import CarbonMix, EnergyFactors, FlowKind, SiteAccount, SiteLedger, SitePart
from collector_plugins.energy import metrics
from collector_plugins.energy.bill import Bill, publish_bill
from collector_plugins.energy.flow import Flow
from collector_plugins.energy.flow_series import Found, by_name


class Site:
    """Follows the ledger run by run; `agent` is a name that no other collector has, `mix` whence its energy comes.

    Any thread may ask for `data`.
    """

    def __init__(self, ctx: Context) -> None:
        self.agent = uuid.uuid4().hex
        self._clock = ctx.clock
        self._ledger = SiteLedger()
        self.mix = CarbonMix()
        self._mixed: float | None = None
        self._grams: float | None = None
        self._bill = Bill()
        self._runtimes: Mapping[str, float] = {}
        self._last: float | None = None
        self._today = Today(self._clock.time())
        self._state: _State | None = None

    @property
    def has_counted(self) -> bool:
        """Whether anything has ever been known."""
        return bool(self._ledger.joules)

    def update(self, flow: Flow, factors: EnergyFactors) -> None:
        """Take what all parts have counted since the last run."""
        now = self._clock.monotonic()
        seconds = 0.0 if self._last is None else now - self._last
        self._last = now
        new = self._ledger.update(flow.parts, flow.links)
        self._mixed = self.mix.update(flow.graph, factors.grams_per_kwh, seconds, _capacities(flow.found))
        self._account(new, flow.parts, factors)
        self._runtimes = dict(_runtimes(flow.found))
        self._today.add(sum(new.values()), self._clock.time())
        self._state = self._now(flow, factors, now)

    def publish(self, out: Readings) -> None:
        """Show it; what is not known is absent."""
        joules, watts = self._ledger.joules, self._ledger.watts
        out.add_column(metrics.SITE_ENERGY, list(joules), list(joules.values()))
        out.add_column(metrics.SITE_POWER, list(watts), list(watts.values()))
        out.add_row((metrics.MIX, metrics.SITE_EMISSIONS), (self._mixed, self._grams))
        publish_bill(out, self._bill, metrics.SITE_COST, metrics.SITE_CREDIT)
        for device, seconds in self._runtimes.items():
            out.add(metrics.RUNTIME, seconds, device=device)

    def data(self) -> dict[str, Any]:
        """All of it, for `/api/v1/energy/site`; None is not known."""
        age = None if self._last is None else self._clock.monotonic() - self._last
        nothing = {"time": self._clock.time(), "host": "", "parts": []}
        state = self._state
        return {"agent": self.agent, "age_seconds": age} | (state.describe() if state else nothing)

    def _account(self, new: Mapping[SiteAccount, float], parts: Sequence[SitePart], factors: EnergyFactors) -> None:
        """Book grams and money; the energy of another collector emits what is known there."""
        told = {part.account: part.origin.grams_per_kwh for part in parts if part.origin}
        for account, joules in new.items():
            here = told.get(account)
            grams = factors._replace(grams_per_kwh=self._mixed if here is None else here).grams(joules)
            if grams is not None:
                self._grams = (self._grams or 0.0) + grams
            self._bill.add(factors.cost(joules), factors.currency)

    def _now(self, flow: Flow, factors: EnergyFactors, now: float) -> _State:
        return _State(
            time=self._clock.time(),
            now=now,
            host=flow.host,
            parts=flow.parts,
            joules=self._ledger.joules.copy(),
            watts=self._ledger.watts,
            joules_today=self._today.joules,
            grams=self._grams,
            mixed=self._mixed,
            cost=self._bill.total(factors.currency),
            currency=factors.currency,
            runtimes=self._runtimes,
        )


class _State(NamedTuple):
    """What was known after a run, `now` in monotonic seconds; never changed, so that any thread may describe it."""

    time: float
    now: float
    host: str
    parts: Sequence[SitePart]
    joules: Mapping[SiteAccount, float]
    watts: Mapping[SiteAccount, float]
    joules_today: float
    grams: float | None
    mixed: float | None
    cost: float | None
    currency: str
    runtimes: Mapping[str, float]

    def describe(self) -> dict[str, Any]:
        """All of it as plain data."""
        joules, watts = self.joules, self.watts
        booked = {part.account: part for part in self.parts if part.is_consumed and part.account in joules}
        return {
            "time": self.time,
            "host": self.host,
            "total_watts": sum(watts.values()) if watts else None,
            "total_joules": sum(joules.values()) if joules else None,
            "joules_today": self.joules_today if joules else None,
            "emissions_grams": self.grams,
            "cost": self.cost,
            "currency": self.currency,
            "mix_grams_per_kwh": self.mixed,
            "battery_runtime_seconds": self.runtimes,
            "parts": [_part(part, joules[account], watts.get(account), self.now) for account, part in booked.items()],
        }


class Today:
    """Joules since midnight, local time, or since the start."""

    def __init__(self, time: float) -> None:
        self.joules = 0.0
        self._day = localtime(time)[:3]

    def add(self, joules: float, time: float) -> None:
        """Take the joules of a run that ended at `time` (seconds since 1970)."""
        day = localtime(time)[:3]
        self.joules, self._day = joules + (self.joules if day == self._day else 0.0), day


def _part(part: SitePart, joules: float, watts: float | None, now: float) -> dict[str, Any]:
    origin = part.origin
    return {
        **part.account._asdict(),
        "kind": part.node.partition("/")[0],
        "joules": joules,
        "watts": watts,
        "age_seconds": 0.0 if part.time is None else max(0.0, now - part.time),
        "agent": origin.agent if origin else None,
        "hops": origin.hops if origin else 0,
        "is_own_host": origin.is_own_host if origin else part.time is None and bool(part.account.host),
        "grams_per_kwh": origin.grams_per_kwh if origin else None,
    }


def _capacities(found: Mapping[tuple[str, str], Sequence[Found]]) -> dict[str, float]:
    return {f"{FlowKind.BATTERY}/{name}": joules for name, joules in by_name(found["capacity", "battery"]).items()}


def _runtimes(found: Mapping[tuple[str, str], Sequence[Found]]) -> list[tuple[str, float]]:
    """Charge times capacity by the draw, of batteries that discharge."""
    capacity, charge, into, out_of = (
        by_name(found[topic, "battery"]) for topic in ("capacity", "charge", "charge_power", "discharge_power")
    )
    draws = {name: watts - into.get(name, 0.0) for name, watts in out_of.items()}
    return [
        (name, charge[name] * capacity[name] / watts)
        for name, watts in draws.items()
        if watts > 0 and name in charge and name in capacity
    ]

"""One meter, seen in several ways: by this agent, and by other collectors that it takes meters from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from collector_core import Component, EnergyMeter
from collector_core.metering import Account, FollowedMeters, Grown, account_of


class Copy(NamedTuple):
    """How a meter is seen: `source` is empty where this agent sees it itself."""

    source: str
    host: str
    account: Account


_Identity = tuple[str, str, str]


class Copies:
    """Follows the meters that this machine's ledger does not count, and chooses one copy of each thing.

    The same device is the same thing: a GPU by its UUID, whatever its host is called, a component of a host by device
    and host, or by the agent that runs there, what is in no host by device. Who sees it itself is believed first, then
    who is fewer collectors away.
    `agent` is this one: what comes back from others is never taken.
    """

    def __init__(self, agent: str) -> None:
        self._agent = agent
        self._followed = FollowedMeters()

    def update(
        self, meters: Iterable[EnergyMeter], counted: Iterable[EnergyMeter], now: float
    ) -> tuple[dict[Copy, EnergyMeter], dict[Copy, Grown]]:
        """The chosen copies that are alive at `now` and what they say; none of what is `counted` already."""
        copies: dict[Copy, EnergyMeter] = {}
        for meter in meters:
            if not (meter.origin and meter.origin.agent == self._agent):
                source = meter.origin.source if meter.origin else ""
                copies.setdefault(Copy(source, meter.host, account_of(meter)), meter)
        grown = self._followed.update(copies, now)
        known = {_identity(meter) for meter in counted if meter.component == Component.GPU}
        chosen = self._choose(copies, grown, known)
        return {copy: copies[copy] for copy in chosen}, {copy: grown[copy] for copy in chosen}

    def _choose(
        self, copies: Mapping[Copy, EnergyMeter], alive: Iterable[Copy], known: set[_Identity]
    ) -> Iterable[Copy]:
        """One of each thing; what the others count is left out, also once they are chosen."""
        best: dict[_Identity, Copy] = {}
        for copy in sorted(alive, key=lambda each: _distance(copies[each])):
            best.setdefault(_identity(copies[copy]), copy)
        for copy, meter in copies.items():
            if (identity := _identity(meter)) in known or best.get(identity, copy) != copy:
                self._followed.forget(copy)
        return [copy for identity, copy in best.items() if identity not in known]


def _distance(meter: EnergyMeter) -> tuple[int, str]:
    return (meter.origin.hops, meter.origin.agent) if meter.origin else (0, "")


def _identity(meter: EnergyMeter) -> _Identity:
    if meter.component == Component.GPU and not meter.device.isdigit():
        return meter.component, meter.device, ""
    origin = meter.origin
    return meter.component, meter.device, f"agent {origin.agent}" if origin and origin.is_own_host else meter.host

"""The carbon of the mix: what the energy emits that a site draws, whichever way it comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from collector_core.metering.flow import FlowEdge, FlowGraph, FlowKind, FlowLink, kind_of, sort_links

USUAL_CAPACITY = 3.6e7  # joules (10 kWh), of a battery that does not tell its own


class StoredEnergy(NamedTuple):
    """What a battery is known to hold: joules, and the grams of CO2 equivalent per kWh that they have emitted."""

    joules: float
    grams_per_kwh: float


@dataclass
class _Stock:
    """What a battery was charged with, as far as that was seen; `grams_per_kwh` outlives what it is of."""

    joules: float = 0.0
    grams_per_kwh: float | None = None

    def charge(self, joules: float, grams_per_kwh: float | None, capacity: float) -> None:
        if grams_per_kwh is not None and joules > 0:
            before = self.grams_per_kwh or 0.0
            whole = self.joules + joules
            self.grams_per_kwh = (before * self.joules + grams_per_kwh * joules) / whole
            self.joules = min(whole, capacity)

    def discharge(self, joules: float) -> None:
        self.joules = max(0.0, self.joules - joules)


class CarbonMix:
    """Follows the energy graph: solar power emits nothing, a battery gives what it was charged with, all else is grid.

    What a battery held before it was seen charging is not known, and so is what it gives until then.
    """

    def __init__(self) -> None:
        self._stocks: dict[str, _Stock] = {}

    @property
    def has_batteries(self) -> bool:
        """Whether any battery has been seen."""
        return bool(self._stocks)

    @property
    def stored(self) -> dict[str, StoredEnergy]:
        """What batteries are known to hold, by their nodes' IDs: for `assume`, after a restart."""
        return {
            battery: StoredEnergy(stock.joules, stock.grams_per_kwh)
            for battery, stock in self._stocks.items()
            if stock.grams_per_kwh is not None
        }

    def assume(self, stored: Mapping[str, StoredEnergy]) -> None:
        """Take batteries to hold what is known from elsewhere, beside what they have been seen charging."""
        for battery, energy in stored.items():
            seen = self._stocks.get(battery, _Stock())
            stock = self._stocks[battery] = _Stock(*energy)
            stock.charge(seen.joules, seen.grams_per_kwh, energy.joules + seen.joules)

    def update(
        self, graph: FlowGraph, grid: float | None, seconds: float, capacities: Mapping[str, float]
    ) -> float | None:
        """Grams of CO2 equivalent per kWh that is consumed; None while the origin of a part of it is not known.

        `grid` is the same for the grid; `seconds` have passed since the last update, `capacities` are the joules that
        batteries hold, by their nodes' IDs.
        """
        into: dict[str, list[FlowEdge]] = {node.id: [] for node in graph.nodes}
        grams: dict[str, float | None] = {}
        given: dict[str, float] = dict.fromkeys(into, 0.0)
        for edge in graph.edges:
            into[edge.target].append(edge)
            given[edge.source] += edge.watts
        order, _ = sort_links(into, (FlowLink(*edge) for edge in graph.edges))
        for node in order:
            if kind_of(node) == FlowKind.BATTERY:
                grams[node] = self._through(node, into[node], grams, seconds, capacities)
                self._stocks[node].discharge(given[node] * seconds)
            elif into[node]:
                grams[node] = _mean([(edge.watts, grams[edge.source]) for edge in into[node]])
            else:
                grams[node] = 0.0 if kind_of(node) == FlowKind.SOLAR else grid
        sinks = [node for node in graph.nodes if not given[node.id] and _consumes(node.id)]
        return _mean([(sum(edge.watts for edge in into[node.id]), grams[node.id]) for node in sinks])

    def _through(
        self,
        battery: str,
        into: list[FlowEdge],
        grams: Mapping[str, float | None],
        seconds: float,
        capacities: Mapping[str, float],
    ) -> float | None:
        stock = self._stocks.setdefault(battery, _Stock())
        for edge in into:
            stock.charge(edge.watts * seconds, grams[edge.source], capacities.get(battery, USUAL_CAPACITY))
        return stock.grams_per_kwh


def _consumes(node: str) -> bool:
    """What is stored or exported is not consumed."""
    return kind_of(node) not in (FlowKind.BATTERY, FlowKind.GRID)


def _mean(parts: list[tuple[float, float | None]]) -> float | None:
    known = [(watts, grams) for watts, grams in parts if grams is not None]
    whole = sum(watts for watts, _ in known)
    return sum(watts * grams for watts, grams in known) / whole if whole > 0 and len(known) == len(parts) else None

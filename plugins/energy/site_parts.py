"""The parts of the site that no meter counts: the area under what is published of sun, grid, batteries and plugs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collector_core import PowerIntegral
from collector_core.metering import EXPORT, SOURCES, FlowKind, FlowLink, FlowThing, SiteAccount, SitePart, kind_of
from collector_plugins.energy.network import Network

MAX_GAP_SECONDS = 60.0
STORED = "/in"


class SiteParts:
    """Follows powers that are published; what is between two looks further apart than a minute is not known."""

    def __init__(self) -> None:
        self._integrals: dict[str, PowerIntegral] = {}

    def complete(self, network: Network, now: float) -> tuple[Sequence[SitePart], Sequence[FlowLink]]:
        """All parts and links of a network, as of `now` (seconds, monotonic); it is left as it is."""
        metered = {part.node for part in network.parts}
        integrals, self._integrals = self._integrals, {}
        parts = list(network.parts)
        for thing in network.things.values():
            for part, watts in _powers(thing, metered):
                integral = integrals.get(part.node) or PowerIntegral(MAX_GAP_SECONDS)
                self._integrals[part.node] = integral
                parts.append(part._replace(joules=integral.update(min(watts, integral.max_watts), now)))
        batteries = {part.node.removesuffix(STORED) for part in parts if part.node.endswith(STORED)}
        links = [
            link  # a meter counts what comes out, and not what is lost before
            for link in (*network.links, *network.part_links)
            if kind_of(link.target) != FlowKind.LOSS or link.source not in metered
        ]
        return parts, [FlowLink(link.source, _taker(link.target, batteries)) for link in links]


def _powers(thing: FlowThing, metered: set[str]) -> Iterator[tuple[SitePart, float]]:
    """What of a thing is a power that no meter counts."""
    kind, _, device = thing.id.partition("/")
    if kind not in {*SOURCES, FlowKind.LOSS} or kind == FlowKind.UNKNOWN:
        return
    owner = SiteAccount(kind, device, "")
    given = thing.watts if thing.gives is None else thing.gives
    if given is not None and thing.id not in metered:
        watts = max(0.0, given)
        yield SitePart(thing.id, owner, None, watts, is_consumed=not thing.id.endswith(EXPORT)), watts
    if thing.gives is not None and thing.watts is not None:
        watts = max(0.0, thing.watts)
        yield SitePart(f"{thing.id}{STORED}", owner, None, watts, is_consumed=False), watts


def _taker(target: str, batteries: set[str]) -> str:
    """What a battery takes is another part than what it gives."""
    return f"{target}{STORED}" if kind_of(target) == FlowKind.BATTERY and target in batteries else target

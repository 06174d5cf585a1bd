"""Where power comes from and where it goes, as a graph that conserves: what goes into a node comes out of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

NOISE_WATTS = 1e-6  # below, two sums are the same
REMEMBERED = 8  # arrangements of links: a ledger sorts three of them in each run


class FlowKind(StrEnum):
    """What a node is; the first part of its ID."""

    GRID = "grid"
    SOLAR = "solar"
    BATTERY = "battery"
    UPS = "ups"
    PLUG = "plug"
    CIRCUIT = "circuit"
    SITE = "site"
    HOST = "host"
    COMPONENT = "component"
    GUEST = "guest"
    CONTAINER = "container"
    SERVICE = "service"
    WORK = "work"
    LOSS = "loss"
    UNKNOWN = "unknown"


SOURCES = frozenset(
    {FlowKind.GRID, FlowKind.SOLAR, FlowKind.BATTERY, FlowKind.UPS, FlowKind.PLUG, FlowKind.CIRCUIT, FlowKind.UNKNOWN}
)
EXPORT = "/export"  # at the end of the ID of a grid that takes
_FROM = "from/"  # an unknown source, of what follows
_TAKES_WHAT_IS_LEFT = frozenset({FlowKind.SITE, FlowKind.HOST, FlowKind.WORK})
_IN_A_HOST = frozenset({FlowKind.COMPONENT, FlowKind.GUEST, FlowKind.CONTAINER, FlowKind.SERVICE})


class FlowThing(NamedTuple):
    """What may draw or give power: `KIND/NAME…`, and the watts that are measured of it, None where nothing is.

    `gives` is for a battery, whose power out is not its power in.
    """

    id: str
    watts: float | None = None
    gives: float | None = None


class FlowLink(NamedTuple):
    """One thing feeds another; with the `watts` between them where these are known."""

    source: str
    target: str
    watts: float | None = None


class FlowNode(NamedTuple):
    """A node of the graph; `watts` go through it."""

    id: str
    kind: str
    label: str
    watts: float


class FlowEdge(NamedTuple):
    """Power from one node to another, in watts, more than 0."""

    source: str
    target: str
    watts: float


@dataclass(frozen=True)
class FlowGraph:
    """Nodes and edges, one from a node to another. At each node with edges in and out both sums are the same, except
    at a battery's.
    """

    nodes: Sequence[FlowNode] = ()
    edges: Sequence[FlowEdge] = ()


def kind_of(identity: str) -> str:
    """The kind of a node, by its ID."""
    return identity.partition("/")[0]


def host_of(identity: str) -> str:
    """The host that a node is in, by its ID; empty where it says none."""
    return identity.partition("/")[2].partition("/")[0]


def label_of(identity: str) -> str:
    """What people call a node, by its ID: without its kind, the host that it is in, and what it does."""
    kind, _, name = identity.partition("/")
    if kind in _IN_A_HOST:
        return name.partition("/")[2] or name
    if kind in (FlowKind.UNKNOWN, FlowKind.LOSS):
        return label_of(name.removeprefix(_FROM))
    return name.removesuffix(EXPORT) if kind == FlowKind.GRID else name


def read_graph(edges: Iterable[FlowEdge]) -> FlowGraph:
    """The graph that edges are of."""
    edges = tuple(edges)
    into, out_of = _sums(edges)
    watts = {identity: max(into.get(identity, 0.0), out_of.get(identity, 0.0)) for identity in {**out_of, **into}}
    nodes = (FlowNode(identity, kind_of(identity), label_of(identity), value) for identity, value in watts.items())
    return FlowGraph(tuple(nodes), edges)


def balance(things: Iterable[FlowThing], links: Iterable[FlowLink]) -> FlowGraph:
    """The graph of what is measured of things, and of who feeds whom.

    A thing without watts of its own passes on what it gets. What a thing gives beyond what those behind it are known to
    take goes to the host, site or work that it feeds, and else to a node of the kind `unknown`; what is taken and given
    by nobody comes from one. Watts below 0 count as 0. Links in a circle, and those to things that are not there, are
    left out.
    """
    return _Balance(things, links).graph()


class _Balance:
    def __init__(self, things: Iterable[FlowThing], links: Iterable[FlowLink]) -> None:
        self._things = {each.id: FlowThing(each.id, _given(each.watts), _given(each.gives)) for each in things}
        known = [
            FlowLink(source, target, _given(watts))
            for source, target, watts in links
            if source in self._things and target in self._things
        ]
        self._order, self._children = sort_links(self._things, known)
        self._into: dict[str, float] = defaultdict(float)
        self._edges: dict[tuple[str, str], float] = defaultdict(float)
        self._needs: dict[str, float] = {}

    def graph(self) -> FlowGraph:
        for identity in reversed(self._order):
            self._needs[identity] = self._need(identity)
        for identity in self._order:
            self._pass_on(identity)
        return read_graph(FlowEdge(*ends, watts) for ends, watts in self._edges.items())

    def _need(self, identity: str) -> float:
        """What a thing takes, as far as that is known."""
        watts = self._things[identity].watts
        if watts is not None:
            return watts
        return sum(self._wanted(link) for link in self._children[identity])

    def _wanted(self, link: FlowLink) -> float:
        if link.watts is not None:
            return link.watts
        return max(0.0, self._needs[link.target] - self._into[link.target])

    def _pass_on(self, identity: str) -> None:
        """Give those behind a thing what it has, and name what is over or missing."""
        kind, given = kind_of(identity), self._into[identity]
        has, gives, links = self._throughput(identity), self._things[identity].gives, self._children[identity]
        if kind != FlowKind.BATTERY and has > given + NOISE_WATTS and (given > 0 or kind not in SOURCES):
            self._add(f"{FlowKind.UNKNOWN}/{_FROM}{identity}", identity, has - given)
        if kind != FlowKind.BATTERY and links and given > has + NOISE_WATTS:
            self._add(identity, f"{FlowKind.UNKNOWN}/{identity}", given - has)
        if links or gives is not None or (not given and kind in SOURCES):
            self._share_out(identity, has if gives is None else gives, links)

    def _throughput(self, identity: str) -> float:
        watts = self._things[identity].watts
        return max(self._into[identity], self._needs[identity]) if watts is None else watts

    def _share_out(self, identity: str, watts: float, links: Sequence[FlowLink]) -> None:
        wanted = [self._wanted(link) for link in links]
        asked = sum(wanted)
        share = min(1.0, watts / asked) if asked > 0 else 0.0
        left = max(0.0, watts - asked)
        more = self._shares_of_rest(links, wanted) if left > NOISE_WATTS else {}
        for link, want in zip(links, wanted, strict=True):
            self._add(identity, link.target, want * share)
        for target, part in more.items():
            self._add(identity, target, left * part)
        if left > NOISE_WATTS and not more:
            self._add(identity, f"{FlowKind.UNKNOWN}/{identity}", left)

    def _shares_of_rest(self, links: Sequence[FlowLink], wanted: Sequence[float]) -> Mapping[str, float]:
        """Whose what is left over is: the one of whose parts nothing is known; where all are known, in proportion."""
        takers = {
            link.target: want
            for link, want in zip(links, wanted, strict=True)
            if link.watts is None and self._takes_rest(link.target)
        }
        unknown = [identity for identity, want in takers.items() if want <= 0]
        if len(unknown) == 1:
            return {unknown[0]: 1.0}
        asked = sum(takers.values())
        return {} if unknown or not asked else {identity: want / asked for identity, want in takers.items()}

    def _takes_rest(self, identity: str) -> bool:
        return kind_of(identity) in _TAKES_WHAT_IS_LEFT and self._things[identity].watts is None

    def _add(self, source: str, target: str, watts: float) -> None:
        if watts > NOISE_WATTS:
            self._edges[source, target] += watts
            self._into[target] += watts


def _given(watts: float | None) -> float | None:
    """An inverter that draws a little at night gives nothing."""
    return None if watts is None else max(0.0, watts)


def sort_links(ids: Iterable[str], links: Iterable[FlowLink]) -> tuple[list[str], Mapping[str, list[FlowLink]]]:
    """IDs from the sources down, and the links out of each, none of them in a circle."""
    ids, links = tuple(ids), tuple(links)
    order, kept = _sort(ids, tuple([(link.source, link.target) for link in links]))
    children: dict[str, list[FlowLink]] = {identity: [] for identity in ids}
    for place in kept:
        children[links[place].source].append(links[place])
    return list(order), children


@lru_cache(maxsize=REMEMBERED)
def _sort(ids: Sequence[str], ends: Sequence[tuple[str, str]]) -> tuple[Sequence[str], Sequence[int]]:
    """IDs from the sources down, and which of the links are in no circle; who feeds whom seldom changes."""
    kept: Sequence[int] = range(len(ends))
    while True:
        sorter = TopologicalSorter(dict.fromkeys(ids, ()))
        for place in kept:
            sorter.add(ends[place][1], ends[place][0])
        try:
            return tuple(sorter.static_order()), kept
        except CycleError as error:
            circle = error.args[1]
            left_out = {(circle[-2], circle[-1]), (circle[-1], circle[-2])}
            kept = [place for place in kept if ends[place] not in left_out]


def _sums(edges: Iterable[FlowEdge]) -> tuple[Mapping[str, float], Mapping[str, float]]:
    into: dict[str, float] = defaultdict(float)
    out_of: dict[str, float] = defaultdict(float)
    for source, target, watts in edges:
        out_of[source] += watts
        into[target] += watts
    return into, out_of

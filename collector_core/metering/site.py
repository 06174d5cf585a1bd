"""All that is known of a site in one sum, each joule once: what feeds and what is fed are never added.

Parts hang on the nodes of the energy graph, and its links say who feeds whom. What a node gives beyond what the nodes
behind it have counted is booked on the node itself. Nodes that feed the same node are one group, whose sum is compared
with what is behind all of them: two power supplies of one host have a plug each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from collector_core.metering.flow import NOISE_WATTS, FlowLink, sort_links
from collector_core.metering.meters import Origin

NOISE_JOULES = 1e-6


class SiteAccount(NamedTuple):
    """What a sum of the site belongs to; `host` is empty for what is in no host."""

    component: str
    device: str
    host: str


class SitePart(NamedTuple):
    """A meter on a `node` of the energy graph, with the joules that are new and the watts now; None is not known.

    What a battery stores, and what a grid takes back, comes out of what feeds it, and is not consumed. A meter that
    `is_back` counted while those behind it were counted alone. `time` (seconds, monotonic) is that of its reading,
    `origin` whose it is.
    """

    node: str
    account: SiteAccount
    joules: float | None
    watts: float | None
    is_consumed: bool = True
    is_back: bool = False
    time: float | None = None
    origin: Origin | None = None


class _Taken(NamedTuple):
    """What nodes take from those that feed them."""

    joules: float
    watts: float


@dataclass
class _Group:
    """Nodes that feed the same, with the groups behind them; `is_fed` are those whose power comes from within."""

    nodes: frozenset[str]
    behind: list[_Group] = field(default_factory=list)
    is_fed: frozenset[str] = frozenset()
    is_root: bool = True


class SiteLedger:
    """Books what the parts of a site count; `joules` never fall, `watts` are those of the last update.

    Meters are read at different times: what those behind a node are ahead is taken from the node's next growth, so
    that over time the sum is what the outermost meters say.
    """

    def __init__(self) -> None:
        self.joules: dict[SiteAccount, float] = {}
        self.watts: dict[SiteAccount, float] = {}
        self._balances: dict[frozenset[SiteAccount], float] = {}
        self._arranged: tuple[Sequence[str], Sequence[tuple[str, str]]] = (), ()
        self._roots: Sequence[_Group] = ()

    def update(self, parts: Iterable[SitePart], links: Iterable[FlowLink]) -> dict[SiteAccount, float]:
        """Take what parts have counted since the last update; returns the joules that are new, by account."""
        by_node: dict[str, list[SitePart]] = {}
        for part in parts:
            by_node.setdefault(part.node, []).append(part)
        booking = _Booking(by_node, self._balances)
        for group in self._outermost(tuple(by_node), links):
            booking.book(group)
        self._balances, self.watts = booking.balances, booking.watts
        for account, joules in booking.joules.items():
            self.joules[account] = self.joules.get(account, 0.0) + joules
        return booking.joules

    def _outermost(self, nodes: Sequence[str], links: Iterable[FlowLink]) -> Sequence[_Group]:
        """The groups that none feeds; who feeds whom seldom changes."""
        links = tuple(links)
        arranged = nodes, [(link.source, link.target) for link in links]
        if arranged != self._arranged:
            self._arranged = arranged
            self._roots = [group for group in _groups(nodes, links) if group.is_root]
        return self._roots


class _Booking:
    """One update."""

    def __init__(self, parts: Mapping[str, Sequence[SitePart]], before: Mapping[frozenset[SiteAccount], float]) -> None:
        self.joules: dict[SiteAccount, float] = {}
        self.watts: dict[SiteAccount, float] = {}
        self.balances: dict[frozenset[SiteAccount], float] = {}
        self._parts = parts
        self._before = before

    def book(self, group: _Group) -> _Taken:
        """Book what a group and those behind it have counted; returns what it takes of what feeds it."""
        behind = [self.book(each) for each in group.behind]
        parts = [part for node in group.nodes - group.is_fed for part in self._parts[node]]
        if not behind:
            return self._book_each(parts)
        within = _Taken(sum(each.joules for each in behind), sum(each.watts for each in behind))
        joules = self._book_rest(parts, within.joules)
        return _Taken(within.joules + joules, within.watts + self._show_rest(parts, within.watts))

    def _book_each(self, parts: Iterable[SitePart]) -> _Taken:
        joules = watts = 0.0
        for part in parts:
            joules += part.joules or 0.0
            watts += part.watts or 0.0
            if part.is_consumed:
                self._add(part.account, part.joules or 0.0, part.watts)
        return _Taken(joules, watts)

    def _book_rest(self, parts: Sequence[SitePart], within: float) -> float:
        """What the parts have counted beyond what is behind them; nothing while one of them does not know."""
        grown = [part.joules for part in parts if part.joules is not None and not part.is_back]
        if len(grown) < len(parts):
            return 0.0  # a first reading, or a gap: what was counted behind it meanwhile stays theirs
        key = frozenset(part.account for part in parts)
        balance = self._before.get(key, 0.0) + sum(grown) - within
        rest = balance if balance > NOISE_JOULES and sum(grown) > 0 else 0.0
        self.balances[key] = balance - rest
        if rest:
            for part, joules in zip(parts, grown, strict=True):
                self._add(part.account, rest * joules / sum(grown), None)
        return rest

    def _show_rest(self, parts: Sequence[SitePart], within: float) -> float:
        powers = [part.watts for part in parts if part.watts is not None]
        rest = sum(powers) - within
        if len(powers) < len(parts) or rest <= NOISE_WATTS:
            return 0.0
        for part, watts in zip(parts, powers, strict=True):
            self._add(part.account, 0.0, rest * watts / sum(powers))
        return rest

    def _add(self, account: SiteAccount, joules: float, watts: float | None) -> None:
        self.joules[account] = self.joules.get(account, 0.0) + joules
        if watts is not None:
            self.watts[account] = self.watts.get(account, 0.0) + watts


def _groups(nodes: Collection[str], links: Iterable[FlowLink]) -> Collection[_Group]:
    """The nodes that have parts, as a forest of groups: each is fed by one other at most."""
    behind = _behind(nodes, links)
    leader = {node: node for node in nodes}
    while merged := _merge_feeders(leader, behind) or _merge_circles(leader, behind):
        for node, other in leader.items():
            leader[node] = merged.get(other, other)
    members: dict[str, set[str]] = {}
    for node, other in leader.items():
        members.setdefault(other, set()).add(node)
    groups = {first: _Group(frozenset(each)) for first, each in members.items()}
    for first, group in groups.items():
        fed = {node for each in group.nodes for node in behind[each]}
        group.is_fed = frozenset(fed & group.nodes)
        for other in sorted({leader[node] for node in fed} - {first}):
            groups[other].is_root = False
            group.behind.append(groups[other])
    return groups.values()


def _behind(nodes: Collection[str], links: Iterable[FlowLink]) -> Mapping[str, frozenset[str]]:
    """The next nodes with parts behind each, through those that have none."""
    links = tuple(links)
    every = dict.fromkeys([*nodes, *(end for link in links for end in (link.source, link.target))])
    order, children = sort_links(every, links)
    behind: dict[str, frozenset[str]] = {}
    for node in reversed(order):
        targets = (link.target for link in children[node])
        behind[node] = frozenset().union(*(({each} if each in nodes else behind[each]) for each in targets))
    return {node: behind[node] for node in nodes}


def _merge_feeders(leader: Mapping[str, str], behind: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """Leaders of groups that feed one group, by the leader to take instead; of sets that overlap one at a time."""
    feeders: dict[str, set[str]] = {}
    for node, targets in behind.items():
        for target in targets:
            if leader[target] != leader[node]:
                feeders.setdefault(leader[target], set()).add(leader[node])
    merged: dict[str, str] = {}
    for several in feeders.values():
        if len(several) > 1 and several.isdisjoint(merged):
            merged |= dict.fromkeys(several, min(several))
    return merged


def _merge_circles(leader: Mapping[str, str], behind: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """The same for groups that feed each other in a circle."""
    feeder = {leader[target]: leader[node] for node, targets in behind.items() for target in targets}
    feeder = {fed: by for fed, by in feeder.items() if fed != by}
    for start in feeder:
        way = [start]
        while (by := feeder.get(way[-1])) is not None and by not in way:
            way.append(by)
        if by is not None:
            circle = way[way.index(by) :]
            return dict.fromkeys(circle, min(circle))
    return {}

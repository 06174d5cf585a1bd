"""Who feeds whom, of all that the agent knows: things and links of the energy graph, and the parts of the site."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from collector_core import EnergyMeter
from collector_core.metering import (
    MACHINE_NAMES,
    REST,
    Account,
    FlowKind,
    FlowLink,
    FlowThing,
    Grown,
    Ledger,
    SiteAccount,
    SitePart,
    Supply,
    host_of,
    kind_of,
    names_of,
)
from collector_plugins.energy.copies import Copy
from collector_plugins.energy.flow_series import Found, by_name

MOST_WORKLOADS = 12
"""Shown one by one, those that draw the most; the others together."""

OTHERS = "others"
_KINDS_OF_WORKLOADS = {"guest": FlowKind.GUEST, "container": FlowKind.CONTAINER, "pod": FlowKind.CONTAINER}
_KINDS_OF_METERS = {
    kind.value
    for kind in (
        FlowKind.PLUG,
        FlowKind.BATTERY,
        FlowKind.UPS,
        FlowKind.CIRCUIT,
        FlowKind.SOLAR,
        FlowKind.GRID,
        FlowKind.LOSS,
    )
}
_KINDS_OF_SUPPLY = {Supply.UPS: FlowKind.UPS, Supply.PLUG: FlowKind.PLUG, Supply.CHASSIS: FlowKind.CIRCUIT}


_INSIDE = {FlowKind.COMPONENT, FlowKind.GUEST, FlowKind.CONTAINER, FlowKind.SERVICE}


class WorkloadName(NamedTuple):
    """A workload by its labels `kind` and `name`, and the `path` that tells it from others of the same name."""

    kind: str
    name: str
    path: str


class Network:
    """Things and links as they are found; `host` is what this machine is called.

    `parts` are meters on the nodes of things; `part_links` link those that the graph does not show.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self._this = f"{FlowKind.HOST}/{host}"
        self.things: dict[str, FlowThing] = {self._this: FlowThing(self._this)}
        self.links: list[FlowLink] = []
        self.parts: list[SitePart] = []
        self.part_links: list[FlowLink] = []

    def add_machine(self, ledger: Ledger, new: Mapping[Account, float]) -> None:
        """This machine's components, as they count in the ledger, with the joules that are new there."""
        power, watts = ledger.watts(), dict[str, float]()
        for account, value in power.items():
            if account != REST:
                watts[account.component] = watts.get(account.component, 0.0) + value
        for component, value in watts.items():
            self._add(self._component(component), value, self._this)
        for account, joules in new.items():
            node = self._component(account.component)
            owner = SiteAccount(account.component, account.device, self.host)
            self.parts.append(SitePart(node, owner, joules, power.get(account)))
            self.part_links.append(FlowLink(self._this, node))

    def add_meters(self, copies: Mapping[Copy, EnergyMeter], grown: Mapping[Copy, Grown]) -> None:
        """Meters outside of this machine, and what they are said to feed."""
        identities = dict(_sources(meter for meter in copies.values() if not meter.host))
        by_name = {name: identity for meter, identity in identities.items() for name in names_of(meter)}
        for copy, meter in copies.items():
            if copy in grown and meter.host:
                self._add_foreign(meter, grown[copy])
            elif copy in grown and meter in identities:
                targets = [*dict.fromkeys(self._target(name, by_name) for name in meter.feeds)]
                self._add_source(identities[meter], meter, grown[copy], targets)

    def add_workloads(self, workloads: Mapping[WorkloadName, Mapping[str, float]], work: Sequence[Found]) -> None:
        """What the ledger's joules were spent for; their sum is never more than the components.

        Of several kinds of `work` that one workload does the first by name has its node; those of the machine have
        what is left.
        """
        made = {
            (each.labels.get("kind", ""), each.labels.get("name", "")): each
            for each in sorted(work, key=_work, reverse=True)
        }
        ranked = sorted(workloads.items(), key=lambda item: sum(item[1].values()), reverse=True)
        for place, (owner, parts) in enumerate(ranked):
            word = _KINDS_OF_WORKLOADS.get(owner.kind, FlowKind.SERVICE)
            does = made.get((owner.kind, owner.name))
            has_node = place < MOST_WORKLOADS or does is not None
            identity = f"{word}/{self.host}/{owner.path}" if has_node else self._others
            self.things.setdefault(identity, FlowThing(identity))
            if does:
                self._add_work(identity, does)
            for component, watts in parts.items():
                self.links.append(FlowLink(self._component(component), identity, watts))

    def add_work(self, work: Sequence[Found]) -> None:
        """Work that the machine does as a whole: all its watts that have not got another end."""
        for_all = [each for each in work if not each.labels.get("kind")]
        if not for_all:
            return
        does = min(for_all, key=_work)
        inside = [
            identity for identity in self.things if kind_of(identity) in _INSIDE and host_of(identity) == self.host
        ]
        busy = {link.source for link in self.links if kind_of(link.target) == FlowKind.WORK}
        for identity in inside:
            if identity not in busy:
                self._add_work(identity, does)

    def _add_work(self, identity: str, work: Found) -> None:
        node = f"{FlowKind.WORK}/{_work(work)}"
        self.things.setdefault(node, FlowThing(node))
        self.links.append(FlowLink(identity, node))

    def add_guests(self, found: Sequence[Found]) -> None:
        """Virtual machines, where nobody hands out the ledger's joules."""
        cpu = self._component("cpu")
        if cpu not in self.things:
            return  # they are inside of what is not known yet
        watts = by_name(found)
        for name in sorted(watts, key=lambda each: watts[each], reverse=True):
            self._add(f"{FlowKind.GUEST}/{self.host}/{name}", watts[name], cpu)

    def _add_foreign(self, meter: EnergyMeter, grown: Grown) -> None:
        """A component of another host."""
        host, node = f"{FlowKind.HOST}/{meter.host}", f"{FlowKind.COMPONENT}/{meter.host}/{meter.component}"
        self.things.setdefault(host, FlowThing(host))
        if grown.watts is not None:
            if node not in self.things:
                self.links.append(FlowLink(host, node))
            before = self.things.get(node, FlowThing(node)).watts or 0.0
            self.things[node] = FlowThing(node, before + grown.watts)
        self.part_links.append(FlowLink(host, node))
        owner = SiteAccount(meter.component, meter.device, meter.host)
        self._add_part(node, owner, meter, grown)

    def _add_source(self, identity: str, meter: EnergyMeter, grown: Grown, targets: Sequence[str]) -> None:
        hosts = {target for target in targets if target.startswith(f"{FlowKind.HOST}/")}
        host = next(iter(hosts)).partition("/")[2] if len(targets) == len(hosts) == 1 else ""
        owner = SiteAccount(meter.component, meter.device, host)
        self._add_part(identity, owner, meter, grown)
        if grown.watts is not None:
            self.things[identity] = FlowThing(identity, grown.watts)
            self.things.update({target: FlowThing(target) for target in targets if target not in self.things})
            self.links += (FlowLink(identity, target) for target in targets)
        self.part_links += (FlowLink(identity, target) for target in targets)

    def _add_part(self, node: str, owner: SiteAccount, meter: EnergyMeter, grown: Grown) -> None:
        joules, watts, is_back, time = grown
        self.parts.append(SitePart(node, owner, joules, watts, is_back=is_back, time=time, origin=meter.origin))

    def _target(self, name: str, by_name: Mapping[str, str]) -> str:
        return self._this if name in MACHINE_NAMES else by_name.get(name, f"{FlowKind.HOST}/{name}")

    @property
    def _others(self) -> str:
        return f"{FlowKind.SERVICE}/{self.host}/{OTHERS}"

    def _component(self, component: str) -> str:
        return f"{FlowKind.COMPONENT}/{self.host}/{component}"

    def _add(self, identity: str, watts: float, source: str) -> None:
        self.things[identity] = FlowThing(identity, watts)
        self.links.append(FlowLink(source, identity))


def _work(found: Found) -> str:
    return found.labels.get("work", "")


def _sources(meters: Iterable[EnergyMeter]) -> Iterator[tuple[EnergyMeter, str]]:
    """Meters outside of machines with the IDs of their nodes, no ID twice."""
    taken: set[str] = set()
    for meter in meters:
        if meter.component in _KINDS_OF_METERS:
            kind = meter.component
        elif meter.feeds or meter.supply is not Supply.CHASSIS:
            kind = _KINDS_OF_SUPPLY[meter.supply]
        else:
            kind = FlowKind.HOST
        identity = f"{kind}/{meter.device}"
        if identity in taken:
            identity = f"{kind}/{meter.plugin or meter.method}/{meter.device}"
        if identity not in taken:
            taken.add(identity)
            yield meter, identity

"""Where the watts go: from sources through hosts and components to guests, of all that the agent knows."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence

from collector_core import EnergyMeter, Published
from collector_core.metering import (
    MACHINE,
    MACHINE_NAMES,
    REST,
    Account,
    FlowGraph,
    FlowKind,
    FlowLink,
    FlowThing,
    Ledger,
    Supply,
    account_of,
    balance,
    names_of,
)
from collector_plugins.energy.flow_home import HomeFlow
from collector_plugins.energy.flow_series import FlowSeries, Found, by_name, hosts_of
from collector_plugins.energy.meter_watts import CounterWatts, MeterWatts

MOST_WORKLOADS = 12
"""Shown one by one, those that draw the most; the others together."""

OTHERS = "others"
_KINDS_OF_WORKLOADS = {"guest": FlowKind.GUEST, "container": FlowKind.CONTAINER, "pod": FlowKind.CONTAINER}
_KINDS_OF_METERS = {kind.value for kind in (FlowKind.PLUG, FlowKind.BATTERY, FlowKind.UPS, FlowKind.CIRCUIT)}
_KINDS_OF_SUPPLY = {Supply.UPS: FlowKind.UPS, Supply.PLUG: FlowKind.PLUG, Supply.CHASSIS: FlowKind.CIRCUIT}


class EnergyFlow:
    """Follows what is published from run to run and says how power flows."""

    def __init__(self) -> None:
        self._series = FlowSeries()
        self._meters = MeterWatts()
        self._counters = CounterWatts()

    def update(
        self, meters: Sequence[EnergyMeter], ledger: Ledger, published: Sequence[Published], now: float
    ) -> FlowGraph:
        """The graph as of now (seconds, monotonic)."""
        found = self._series.read(published)
        host = _own_name(meters, found["power", "gpu"])
        network = _Network(host)
        network.add_machine(ledger)
        network.add_sources(meters, self._meters.update(meters))
        network.add_remote_gpus(found["power", "gpu"])
        workloads = self._workloads(found["energy", "workload"], now)
        if workloads:
            network.add_workloads(workloads)
        else:
            network.add_guests(found["power", "vm"])
        home = HomeFlow(found, network.things, network.links)
        home.add()
        return balance(network.things.values(), network.links)

    def _workloads(self, found: Sequence[Found], now: float) -> dict[tuple[str, str], dict[str, float]]:
        """Watts of workloads by kind and name, and by component."""
        watts: dict[tuple[str, str], dict[str, float]] = {}
        for each in found:
            component = each.labels.get("component", "")
            power = self._counters.update(each.series.text, each.value, now)
            if component and power:
                name = "/".join(filter(None, (each.labels.get("namespace"), each.name, each.labels.get("part"))))
                parts = watts.setdefault((each.labels.get("kind", ""), name), {})
                parts[component] = parts.get(component, 0.0) + power
        self._counters.keep({each.series.text for each in found})
        return watts


class _Network:
    """Things and links as they are found; `host` is what this machine is called."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._this = f"{FlowKind.HOST}/{host}"
        self.things: dict[str, FlowThing] = {self._this: FlowThing(self._this)}
        self.links: list[FlowLink] = []

    def add_machine(self, ledger: Ledger) -> None:
        """This machine's components, as they count in the ledger."""
        watts: dict[str, float] = {}
        for account, power in ledger.watts().items():
            if account != REST:
                watts[account.component] = watts.get(account.component, 0.0) + power
        for component, power in watts.items():
            self._add(self._component(component), power, self._this)

    def add_sources(self, meters: Sequence[EnergyMeter], watts: Mapping[Account, float]) -> None:
        """Meters outside of machines, and what they are said to feed."""
        identities = dict(_sources(meters))
        by_name = {name: identity for meter, identity in identities.items() for name in names_of(meter)}
        for meter, identity in identities.items():
            power = watts.get(account_of(meter))
            if power is None:
                continue
            self.things[identity] = FlowThing(identity, power)
            for name in meter.feeds:
                target = self._this if name in MACHINE_NAMES else by_name.get(name, f"{FlowKind.HOST}/{name}")
                self.things.setdefault(target, FlowThing(target))
                self.links.append(FlowLink(identity, target))

    def add_remote_gpus(self, found: Sequence[Found]) -> None:
        """The GPUs of other hosts."""
        for host, each in hosts_of(found):
            if host != self._host:
                name = f"{FlowKind.HOST}/{host}"
                gpu = f"{FlowKind.COMPONENT}/{host}/gpu"
                before = self.things.get(gpu, FlowThing(gpu, 0.0)).watts or 0.0
                self.things.setdefault(name, FlowThing(name))
                if gpu not in self.things:
                    self.links.append(FlowLink(name, gpu))
                self.things[gpu] = FlowThing(gpu, before + each.value)

    def add_workloads(self, workloads: Mapping[tuple[str, str], Mapping[str, float]]) -> None:
        """What the ledger's joules were spent for; their sum is never more than the components."""
        ranked = sorted(workloads.items(), key=lambda item: sum(item[1].values()), reverse=True)
        for place, ((kind, name), parts) in enumerate(ranked):
            word = _KINDS_OF_WORKLOADS.get(kind, FlowKind.SERVICE)
            identity = f"{word}/{self._host}/{name}" if place < MOST_WORKLOADS else self._others
            self.things.setdefault(identity, FlowThing(identity))
            for component, watts in parts.items():
                self.links.append(FlowLink(self._component(component), identity, watts))

    def add_guests(self, found: Sequence[Found]) -> None:
        """Virtual machines, where nobody hands out the ledger's joules."""
        cpu = self._component("cpu")
        if cpu not in self.things:
            return  # they are inside of what is not known yet
        watts = by_name(found)
        for name in sorted(watts, key=lambda each: watts[each], reverse=True):
            self._add(f"{FlowKind.GUEST}/{self._host}/{name}", watts[name], cpu)

    @property
    def _others(self) -> str:
        return f"{FlowKind.SERVICE}/{self._host}/{OTHERS}"

    def _component(self, component: str) -> str:
        return f"{FlowKind.COMPONENT}/{self._host}/{component}"

    def _add(self, identity: str, watts: float, source: str) -> None:
        self.things[identity] = FlowThing(identity, watts)
        self.links.append(FlowLink(source, identity))


def _own_name(meters: Sequence[EnergyMeter], gpus: Sequence[Found]) -> str:
    """What this machine is called where its GPUs are published; else its own name."""
    devices = {meter.device for meter in meters if meter.component in MACHINE}
    for host, gpu in hosts_of(gpus):
        if gpu.labels.get("uuid") in devices:
            return host
    return platform.node() or "this"


def _sources(meters: Sequence[EnergyMeter]) -> Iterator[tuple[EnergyMeter, str]]:
    """Meters outside of machines with the IDs of their nodes, no ID twice."""
    taken: set[str] = set()
    for meter in meters:
        if meter.inside is not None or meter.of_machine or (meter.component in MACHINE and not meter.feeds):
            continue
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

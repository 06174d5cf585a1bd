"""Where the watts go: from sources through hosts and components to guests, of all that the agent knows."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from collector_core import EnergyMeter, Published
from collector_core.metering import MACHINE, Account, FlowGraph, FlowLink, Ledger, SitePart, balance
from collector_plugins.energy.copies import Copies
from collector_plugins.energy.counter_watts import CounterWatts
from collector_plugins.energy.flow_home import HomeFlow
from collector_plugins.energy.flow_series import FlowSeries, Found, hosts_of
from collector_plugins.energy.network import Network, WorkloadName
from collector_plugins.energy.site_parts import SiteParts


class Flow(NamedTuple):
    """The graph, and the parts of the site on the nodes that feed each other as `links` say; `host` is this machine."""

    graph: FlowGraph
    parts: Sequence[SitePart]
    links: Sequence[FlowLink]
    host: str
    found: Mapping[tuple[str, str], Sequence[Found]]


class EnergyFlow:
    """Follows what is published from run to run and says how power flows; `agent` is what others call this one."""

    def __init__(self, agent: str) -> None:
        self._series = FlowSeries()
        self._copies = Copies(agent)
        self._counters = CounterWatts()
        self._parts = SiteParts()

    def update(
        self,
        meters: Sequence[EnergyMeter],
        ledger: Ledger,
        new: Mapping[Account, float],
        published: Iterable[Published],
        now: float,
    ) -> Flow:
        """All of it as of now (seconds, monotonic); `new` are the joules that the ledger has just counted."""
        found = self._series.read(published)
        network = Network(_own_name(meters, found["power", "gpu"]))
        network.add_machine(ledger, new)
        network.add_meters(*self._copies.update(_outside(meters), ledger.chosen, now))
        if any(found.values()):
            HomeFlow(found, network.things, network.links).add()
        parts, links = self._parts.complete(network, now)
        workloads = self._workloads(found["energy", "workload"], now)
        if workloads:
            network.add_workloads(workloads, found["made_with", "work"])
        else:
            network.add_guests(found["power", "vm"])
        network.add_work(found["made_with", "work"])
        return Flow(balance(network.things.values(), network.links), parts, links, network.host, found)

    def _workloads(self, found: Sequence[Found], now: float) -> dict[WorkloadName, dict[str, float]]:
        """Watts of workloads by kind and name, and by component."""
        watts: dict[WorkloadName, dict[str, float]] = {}
        for each in found:
            component = each.labels.get("component", "")
            power = self._counters.update(each.series.text, each.value, now)
            if component and power:
                path = "/".join(filter(None, (each.labels.get("namespace"), each.name, each.labels.get("part"))))
                owner = WorkloadName(each.labels.get("kind", ""), each.labels.get("name", ""), path)
                parts = watts.setdefault(owner, {})
                parts[component] = parts.get(component, 0.0) + power
        self._counters.keep({each.series.text for each in found})
        return watts


def _outside(meters: Iterable[EnergyMeter]) -> list[EnergyMeter]:
    """Those of other hosts, and those outside of machines: this machine's ledger cannot count them by itself."""
    return [
        meter
        for meter in meters
        if meter.host
        or (meter.inside is None and not meter.of_machine and (meter.component not in MACHINE or meter.feeds))
    ]


def _own_name(meters: Sequence[EnergyMeter], gpus: Sequence[Found]) -> str:
    """What this machine is called where its GPUs are published; else its own name."""
    devices = {meter.device for meter in meters if meter.component in MACHINE and not meter.is_foreign}
    for host, gpu in hosts_of(gpus):
        if gpu.labels.get("uuid") in devices:
            return host
    return platform.node() or "this"

"""Energy that adds up: the meters of plugins, which of them count, and their sums."""

from collector_core.metering.factors import JOULES_PER_KWH, EnergyFactors
from collector_core.metering.flow import (
    FlowEdge,
    FlowGraph,
    FlowKind,
    FlowLink,
    FlowNode,
    FlowThing,
    balance,
    kind_of,
    label_of,
    read_graph,
)
from collector_core.metering.grid import GridFactors, Price
from collector_core.metering.intensity import Country, Intensity, by_country
from collector_core.metering.ledger import Ledger
from collector_core.metering.meters import (
    Account,
    Component,
    EnergyMeter,
    EnergyMethod,
    EnergyReading,
    Supply,
    account_of,
)
from collector_core.metering.rest import REST
from collector_core.metering.selection import MACHINE, Prefer, choose
from collector_core.metering.supply import MACHINE_NAMES, names_of

__all__ = [
    "JOULES_PER_KWH",
    "MACHINE",
    "MACHINE_NAMES",
    "REST",
    "Account",
    "Component",
    "Country",
    "EnergyFactors",
    "EnergyMeter",
    "EnergyMethod",
    "EnergyReading",
    "FlowEdge",
    "FlowGraph",
    "FlowKind",
    "FlowLink",
    "FlowNode",
    "FlowThing",
    "GridFactors",
    "Intensity",
    "Ledger",
    "Prefer",
    "Price",
    "Supply",
    "account_of",
    "balance",
    "by_country",
    "choose",
    "kind_of",
    "label_of",
    "names_of",
    "read_graph",
]

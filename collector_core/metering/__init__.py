"""Energy that adds up: the meters of plugins, which of them count, and their sums."""

from collector_core.metering.factors import JOULES_PER_KWH, EnergyFactors
from collector_core.metering.flow import (
    SOURCES,
    FlowEdge,
    FlowGraph,
    FlowKind,
    FlowLink,
    FlowNode,
    FlowThing,
    balance,
    host_of,
    kind_of,
    label_of,
    read_graph,
)
from collector_core.metering.followed import FollowedMeters, Grown
from collector_core.metering.grid import GridFactors, Price
from collector_core.metering.intensity import Country, Intensity, by_country
from collector_core.metering.ledger import Ledger
from collector_core.metering.meters import (
    Account,
    Component,
    EnergyMeter,
    EnergyMethod,
    EnergyReading,
    Origin,
    Supply,
    account_of,
)
from collector_core.metering.mix import CarbonMix
from collector_core.metering.rest import REST
from collector_core.metering.selection import MACHINE, Prefer, choose
from collector_core.metering.site import SiteAccount, SiteLedger, SitePart
from collector_core.metering.supply import MACHINE_NAMES, names_of

__all__ = [
    "JOULES_PER_KWH",
    "MACHINE",
    "MACHINE_NAMES",
    "REST",
    "SOURCES",
    "Account",
    "CarbonMix",
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
    "FollowedMeters",
    "GridFactors",
    "Grown",
    "Intensity",
    "Ledger",
    "Origin",
    "Prefer",
    "Price",
    "SiteAccount",
    "SiteLedger",
    "SitePart",
    "Supply",
    "account_of",
    "balance",
    "by_country",
    "choose",
    "host_of",
    "kind_of",
    "label_of",
    "names_of",
    "read_graph",
]

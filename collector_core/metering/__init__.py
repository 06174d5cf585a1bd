"""Energy that adds up: the meters of plugins, which of them count, and their sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector_core.late_names import late_names

if TYPE_CHECKING:
    from collector_core.metering.factors import JOULES_PER_KWH, EnergyFactors
    from collector_core.metering.flow import (
        EXPORT,
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
    from collector_core.metering.mix import CarbonMix, StoredEnergy
    from collector_core.metering.rest import REST
    from collector_core.metering.selection import MACHINE, Prefer, choose
    from collector_core.metering.site import SiteAccount, SiteLedger, SitePart
    from collector_core.metering.supply import MACHINE_NAMES, names_of

__all__ = [
    "EXPORT",
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
    "StoredEnergy",
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

_HOMES = {
    "collector_core.metering.factors": "JOULES_PER_KWH EnergyFactors",
    "collector_core.metering.flow": (
        "EXPORT SOURCES FlowEdge FlowGraph FlowKind FlowLink FlowNode FlowThing "
        "balance host_of kind_of label_of read_graph"
    ),
    "collector_core.metering.followed": "FollowedMeters Grown",
    "collector_core.metering.grid": "GridFactors Price",
    "collector_core.metering.intensity": "Country Intensity by_country",
    "collector_core.metering.ledger": "Ledger",
    "collector_core.metering.meters": (
        "Account Component EnergyMeter EnergyMethod EnergyReading Origin Supply account_of"
    ),
    "collector_core.metering.mix": "CarbonMix StoredEnergy",
    "collector_core.metering.rest": "REST",
    "collector_core.metering.selection": "MACHINE Prefer choose",
    "collector_core.metering.site": "SiteAccount SiteLedger SitePart",
    "collector_core.metering.supply": "MACHINE_NAMES names_of",
}

__getattr__ = late_names(__name__, _HOMES)

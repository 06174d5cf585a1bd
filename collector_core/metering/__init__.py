"""Energy that adds up: the meters of plugins, which of them count, and their sums."""

from collector_core.metering.factors import JOULES_PER_KWH, EnergyFactors
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
from collector_core.metering.selection import Prefer, choose

__all__ = [
    "JOULES_PER_KWH",
    "REST",
    "Account",
    "Component",
    "Country",
    "EnergyFactors",
    "EnergyMeter",
    "EnergyMethod",
    "EnergyReading",
    "Intensity",
    "Ledger",
    "Prefer",
    "Supply",
    "account_of",
    "by_country",
    "choose",
]

"""Energy that adds up: the meters of plugins, which of them count, and their sums."""

from collector_core.metering.factors import EnergyFactors
from collector_core.metering.intensity import Country, Intensity, by_country
from collector_core.metering.ledger import Account, Ledger, account_of
from collector_core.metering.meters import Component, EnergyMeter, EnergyMethod, EnergyReading, Supply
from collector_core.metering.selection import Prefer, choose

__all__ = [
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

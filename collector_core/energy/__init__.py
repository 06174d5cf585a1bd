"""Energy that adds up: the meters that plugins hand over, which of them count, and their sums."""

from collector_core.energy.choice import Prefer, choose
from collector_core.energy.ledger import Account, Ledger, account_of
from collector_core.energy.meters import Component, EnergyMeter, EnergyMethod, EnergyReading

__all__ = [
    "Account",
    "Component",
    "EnergyMeter",
    "EnergyMethod",
    "EnergyReading",
    "Ledger",
    "Prefer",
    "account_of",
    "choose",
]

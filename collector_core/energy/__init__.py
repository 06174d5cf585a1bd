"""Energy that adds up: the meters that plugins hand over, and which of them count."""

from collector_core.energy.meters import Component, EnergyMeter, EnergyMethod, EnergyReading

__all__ = ["Component", "EnergyMeter", "EnergyMethod", "EnergyReading"]

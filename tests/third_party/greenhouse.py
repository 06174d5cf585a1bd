"""A plugin by somebody else, in words that energy-collector does not know: units, a component, a method, topics."""

from collections.abc import Sequence
from typing import Any

from collector_core import (
    Collector,
    CollectorConfig,
    Counter,
    EnergyMeter,
    EnergyReading,
    Field,
    Gauge,
    Readings,
    Unit,
    hookimpl,
)

PLUG = ("plug",)
POWER = Gauge(
    "greenhouse_power_watts",
    "Power.",
    Unit.WATTS,
    PLUG,
    topic="power",
    of="greenhouse",
    title="Power of the greenhouse",
)
ENERGY = Counter("greenhouse_energy_joules_total", "Energy.", "joules", PLUG, topic="energy", of="greenhouse")
VOLTAGE = Gauge("greenhouse_voltage_volts", "Voltage.", Unit.VOLTS, PLUG, topic="voltage", of="greenhouse")
CURRENT = Gauge("greenhouse_current_amperes", "Current.", "amperes", PLUG, topic="current", of="greenhouse")
APPARENT = Gauge("greenhouse_apparent_power_volt_amperes", "Apparent power.", "volt_amperes", PLUG)
REACTIVE = Gauge("greenhouse_reactive_power_volt_amperes_reactive", "Reactive power.", "volt_amperes_reactive", PLUG)
LIGHT = Gauge(
    "greenhouse_light_lux", "Light.", "lux", topic="illuminance", of="greenhouse", title="Light in the greenhouse"
)


class Config(CollectorConfig):
    """What is plugged in."""

    plugs: dict[str, float] = Field({"lamps": 40.0, "fan": 12.0}, description="Watts of each plug.")


class Greenhouse(Collector[Config]):
    """Counts the watts of plugs that always draw the same."""

    name, config_type = "greenhouse", Config
    metrics = (POWER, ENERGY, VOLTAGE, CURRENT, APPARENT, REACTIVE, LIGHT)

    @classmethod
    def detect(cls, ctx: Any) -> None:
        """Always there."""

    def collect(self, out: Readings) -> None:
        now = self.ctx.clock.monotonic()
        for plug, watts in self.config.plugs.items():
            row = (watts, watts * now, 230.0, watts / 200, watts * 1.15, watts * 0.57)
            out.add_row((POWER, ENERGY, VOLTAGE, CURRENT, APPARENT, REACTIVE), row, plug=plug)
        out.add(LIGHT, 12_000)

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        return [self._meter(plug, watts) for plug, watts in self.config.plugs.items()]

    def _meter(self, plug: str, watts: float) -> EnergyMeter:
        def latest() -> EnergyReading:
            now = self.ctx.clock.monotonic()
            return EnergyReading(watts * now, now)

        return EnergyMeter("greenhouse", plug, "clamp", 0.02, 1.0, latest, read=latest)


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    return [Greenhouse]

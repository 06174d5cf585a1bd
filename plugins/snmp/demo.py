"""A simulated rack PDU, for `energy-collector run --demo`."""

from __future__ import annotations

from collections.abc import Sequence

from collector_core import Collector, Context, EnergyMeter, Readings, hookimpl
from collector_core.demo import Totals, noise
from collector_core.demo.rack import Rack
from collector_core.devices import Device, DeviceMeters, DeviceReading, Measured
from collector_core.metering import Supply
from collector_plugins.snmp import metrics
from collector_plugins.snmp.config import Config

HOSTS = tuple(dict.fromkeys(gpu.host for gpu in Rack().gpus if gpu.host != Rack.host))
DEVICE = Device(name="rack-pdu", feeds=HOSTS)
HOST_WATTS = 170.0  # of a host beside its GPUs
OUTLETS = {"1": 0.36, "2": 0.34, "3": 0.18, "4": 0.12}  # shares of the power
VOLTS = 230.0
ENERGY = "energy_joules"


class DemoSnmp(Collector[Config]):
    """One PDU with four outlets, which feeds the GPU hosts."""

    name = "snmp"
    metrics = metrics.ALL
    config_type = Config

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._totals = Totals()
        self._rack = Rack()
        self._meters = DeviceMeters(self.name, Supply.PLUG, ctx.interval, [DEVICE])

    def collect(self, out: Readings) -> None:
        """Show the PDU as it would be at this time of the day."""
        now = self.ctx.clock.time()
        watts = self._watts(now)
        volts = VOLTS + noise(now, "pdu volts", 3)
        reading = DeviceReading()
        reading.tell("power_watts", watts)
        reading.tell("voltage_volts", volts)
        reading.tell("current_amperes", watts / volts)
        reading.tell(ENERGY, 0.0)
        for outlet, share in OUTLETS.items():
            reading.tell("outlet_power_watts", share * watts, outlet)
        self._meters.begin_run()
        self._meters.record(DEVICE, Measured(watts), self.ctx.clock.monotonic())
        metrics.HEALTH.add_up(out, DEVICE.name)
        metrics.METERS.add(out, DEVICE.name, reading, self._totals.grow(ENERGY, watts, now))

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """The PDU."""
        return self._meters.offered

    def _watts(self, when: float) -> float:
        """What the GPU hosts draw."""
        others = len(HOSTS) * HOST_WATTS * (1 + noise(when, "pdu", 0.04))
        return others + sum(gpu.watts(when) for gpu in self._rack.gpus if gpu.host in HOSTS)

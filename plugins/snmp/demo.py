"""A simulated rack PDU, for `energy-collector run --demo`."""

from __future__ import annotations

from collector_core import Collector, Context, Readings
from collector_core.demo import Totals, daily, noise
from collector_core.devices import DeviceReading
from collector_plugins.snmp import metrics
from collector_plugins.snmp.config import Config

DEVICE = "rack-pdu"
OUTLETS = {"1": 0.36, "2": 0.34, "3": 0.18, "4": 0.12}  # shares of the power
VOLTS = 230.0
ENERGY = "energy_joules"


class DemoSnmp(Collector[Config]):
    """One PDU with four outlets."""

    name = "snmp"
    metrics = metrics.ALL
    config_type = Config

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._totals = Totals()

    def collect(self, out: Readings) -> None:
        """Show the PDU as it would be at this time of the day."""
        now = self.ctx.clock.time()
        watts = daily(now, 620, 1150, weekend=0.8) * (1 + noise(now, "pdu", 0.04))
        volts = VOLTS + noise(now, "pdu volts", 3)
        reading = DeviceReading()
        reading.tell("power_watts", watts)
        reading.tell("voltage_volts", volts)
        reading.tell("current_amperes", watts / volts)
        reading.tell(ENERGY, 0.0)
        for outlet, share in OUTLETS.items():
            reading.tell("outlet_power_watts", share * watts, outlet)
        metrics.HEALTH.add_up(out, DEVICE)
        metrics.METERS.add(out, DEVICE, reading, self._totals.grow(ENERGY, watts, now))

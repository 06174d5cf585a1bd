"""A simulated power supply with sensors, for `energy-collector run --demo`."""

from __future__ import annotations

from collector_core import Collector, Readings
from collector_core.demo import daily, noise
from collector_plugins.hwmon import Config, metrics

CHIP = "corsairpsu"


class DemoHwmon(Collector[Config]):
    """A power supply of a workstation that tells its rails."""

    name = "hwmon"
    metrics = metrics.ALL
    config_type = Config

    def collect(self, out: Readings) -> None:
        """Show the supply as it would be at this time of the day."""
        now = self.ctx.clock.time()
        watts = daily(now, 120, 380, weekend=0.6) + noise(now, "psu", 6)
        for rail, volts, share in (("+12v", 12.0, 0.93), ("+5v", 5.0, 0.05), ("+3.3v", 3.3, 0.02)):
            there = volts + noise(now, rail, volts / 400)
            row = (metrics.POWER, metrics.VOLTAGE, metrics.CURRENT)
            out.add_row(row, (watts * share, there, watts * share / there), chip=CHIP, sensor=rail)
        out.add(metrics.POWER, watts, chip=CHIP, sensor="total")
        out.add(metrics.VOLTAGE, 230 + noise(now, "grid", 3), chip=CHIP, sensor="v_in")

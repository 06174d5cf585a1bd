"""A simulated UPS of a small rack, for `energy-collector run --demo`: the grid fails for some minutes now and then."""

from __future__ import annotations

from collector_core import Collector, Readings
from collector_core.demo import daily, noise, spikes
from collector_plugins.ups import Config, metrics

DEVICE = {"device": "rack", "ups": "smart1500"}
NOMINAL_WATTS = 980.0
EFFICIENCY = 0.93
FULL_SECONDS = 5400.0


class DemoUps(Collector[Config]):
    """One UPS at an office's load."""

    name = "ups"
    metrics = metrics.ALL
    config_type = Config

    def collect(self, out: Readings) -> None:
        """Show the UPS as it would be at this time of the day."""
        now = self.ctx.clock.time()
        load = daily(now, 0.22, 0.38, weekend=0.6) + noise(now, "ups load", 0.03)
        outage = spikes(now, "outage", 1.0, every=6 * 3600, length=900)
        charge = 1 - 0.35 * outage
        on_battery = outage > 0
        out.add(metrics.HEALTH.up, 1, device=DEVICE["device"])
        out.add(metrics.POWER, load * NOMINAL_WATTS, **DEVICE)
        out.add(metrics.INPUT_POWER, 0.0 if on_battery else load * NOMINAL_WATTS / EFFICIENCY, **DEVICE)
        out.add(metrics.LOAD, load, **DEVICE)
        out.add(metrics.CHARGE, charge, **DEVICE)
        out.add(metrics.RUNTIME, FULL_SECONDS * charge * 0.2 / load, **DEVICE)
        out.add(metrics.BATTERY_VOLTAGE, 24.5 + 2.6 * charge, **DEVICE)
        out.add(metrics.INPUT_VOLTAGE, 0.0 if on_battery else 230 + noise(now, "grid", 4), **DEVICE)
        out.add(metrics.OUTPUT_VOLTAGE, 230.0, **DEVICE)
        out.add(metrics.INPUT_FREQUENCY, 0.0 if on_battery else 50 + noise(now, "hertz", 0.05, 20), **DEVICE)
        out.add(metrics.TEMPERATURE, 27 + 12 * load, **DEVICE)
        out.add(metrics.ON_BATTERY, on_battery, **DEVICE)
        for flag in ("OB", "DISCHRG") if on_battery else ("OL", "CHRG") if charge < 1 else ("OL",):
            out.add(metrics.STATUS, 1, **DEVICE, status=flag)
        out.add(metrics.INFO, **DEVICE, manufacturer="Demo", model="Smart 1500")

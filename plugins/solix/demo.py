"""Simulated devices, for `run --demo`: a solarbank, a meter, a plug, a wallbox, and a power station for the rack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from collector_core import Collector, CollectorConfig, Context, EnergyMeter, Metric, Readings, hookimpl
from collector_core.demo import Totals, daily, noise
from collector_core.demo.rack import Battery, Home, Rack
from collector_plugins.solix import metrics
from collector_plugins.solix.energymeters import DeviceMeters
from collector_plugins.solix.series import Series

DAY = 86_400.0
TODAY_STEP = 600.0  # seconds
LOW_CHARGE_RATIO = 0.30
CHANNELS = {"1": 0.28, "2": 0.27, "3": 0.24, "4": 0.21}  # of the solar power
VOLTS = 231.0

SITE = ("demo-site", "site", "Demo home", "site", "")
BANK = ("demo-solarbank", "A17C5", "Shed", "solarbank", "1.0.9")
STATION = ("demo-station", "A1790", "Rack", "pps", "2.6.5")
METER = ("demo-meter", "A17X7", "Grid", "smartmeter", "0.1.8")
PLUG = ("demo-plug", "A17X8", "Desk", "smartplug", "0.0.5")
WALLBOX = ("demo-wallbox", "A5191", "Carport", "ev_charger", "1.0.2")
DEVICES = (SITE, BANK, STATION, METER, PLUG, WALLBOX)

FEEDS = {STATION[2]: ("host",)}

Device = tuple[str, str, str, str, str]
Values = Mapping[Series, float]


class Config(CollectorConfig):
    """No options: there is no account."""


class DemoSolix(Collector[Config]):
    """The simulated devices; asks no cloud."""

    name = "solix"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 10.0

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._rack = Rack()
        self._totals = Totals()
        self._today = Today(self._rack)
        self._meters = DeviceMeters(ctx.interval, FEEDS)

    def collect(self, out: Readings) -> None:
        """Show every device as it is now."""
        when = self.ctx.clock.time()
        today = self._today.joules(when)
        home = self._rack.home(when)
        self._meters.begin_run()
        for device, values in self._values(home, when).items():
            self._meters.record(device[2], values, self.ctx.clock.monotonic())
            self._publish(out, device, values)
        for flow, joules in today.items():
            out.add(metrics.ENERGY_TODAY, joules, **_labels(SITE), flow=flow)
        self._publish_state(out, home, when)

    @hookimpl
    def collector_energy_meters(self) -> Sequence[EnergyMeter]:
        """The batteries and the plug; the power station feeds the rack."""
        return self._meters.offered

    def _values(self, home: Home, when: float) -> Mapping[Device, Values]:
        wallbox = 3700.0 if daily(when, 0.0, 1.0, peak_hour=2) > 0.8 else 0.0
        plug = 35 + 60 * (noise(when, "desk", 1.0, 1200.0) > -0.2) * daily(when, 0.1, 1, weekend=0.3)
        grow = self._totals.grow
        return {
            SITE: _site(home),
            BANK: _bank(home, when)
            | {
                Series(metrics.SOLAR_ENERGY): grow("solar", home.solar_watts, when),
                Series(metrics.CHARGED_ENERGY): grow("charged", home.bank.charging_watts, when),
                Series(metrics.DISCHARGED_ENERGY): grow("discharged", home.bank.discharging_watts, when),
                Series(metrics.OUTPUT_ENERGY): grow("output", _bank_output(home), when),
            },
            STATION: _station(home, when),
            METER: {
                Series(metrics.GRID_IMPORT): home.import_watts,
                Series(metrics.GRID_EXPORT): home.export_watts,
                Series(metrics.IMPORT_ENERGY): grow("import", home.import_watts, when),
                Series(metrics.EXPORT_ENERGY): grow("export", home.export_watts, when),
            },
            PLUG: {
                Series(metrics.PLUG): plug,
                Series(metrics.PLUG_VOLTAGE): VOLTS,
                Series(metrics.PLUG_CURRENT): plug / VOLTS,
                Series(metrics.PLUG_ENERGY): grow("plug", plug, when),
            },
            WALLBOX: {
                Series(metrics.EV_POWER): wallbox,
                Series(metrics.EV_ENERGY): grow("wallbox", wallbox, when),
            },
        }

    def _publish(self, out: Readings, device: Device, values: Values) -> None:
        labels = _labels(device)
        for (metric, label), value in values.items():
            out.add(metric, value, **labels, **({metric.labels[-1]: label} if label else {}))
        for source in ("mqtt", "rest") if device is not SITE else ("rest",):
            age = self.ctx.clock.time() % (15.0 if source == "mqtt" else 120.0)
            out.add(metrics.AGE, age, **labels, source=source)
        out.add(metrics.DEVICE_INFO, **labels, type=device[3], firmware=device[4])

    def _publish_state(self, out: Readings, home: Home, when: float) -> None:
        batteries = {BANK: home.bank, STATION: home.station}
        for device, battery in batteries.items():
            out.add(metrics.DISCHARGING, _is_discharging(battery), **_labels(device))
            out.add(metrics.LOW, _is_low(battery), **_labels(device))
        out.add(metrics.FAST, any(map(_is_low, batteries.values())))
        out.add(metrics.CONNECTED, 1)
        out.add(metrics.MESSAGES, int(self._totals.grow("messages", 0.3, when)))
        out.add(metrics.RESTARTS, 0)
        for endpoint in ("scene_info", "energy_analysis"):
            requests = int(self._totals.grow(endpoint, 1 / 120, when))
            out.add(metrics.REQUESTS, requests, endpoint=endpoint, result="ok")


class Today:
    """Joules since midnight (UTC) by flow; one that begins in the middle of a day looks back at it."""

    def __init__(self, rack: Rack) -> None:
        self._rack = rack
        self._until = 0.0
        self._joules: dict[str, float] = {}

    def joules(self, when: float) -> Mapping[str, float]:
        """What has flowed so far."""
        midnight = when - when % DAY
        if not midnight <= self._until <= when:
            self._until, self._joules = midnight, {}
        while self._until < when:
            step = min(TODAY_STEP, when - self._until)
            for flow, watts in _flows(self._rack.home(self._until + step / 2)):
                self._joules[flow] = self._joules.get(flow, 0.0) + watts * step
            self._until += step
        return self._joules


def _flows(home: Home) -> Iterator[tuple[str, float]]:
    yield "solar", home.solar_watts
    yield "home", home.load_watts
    yield "grid_import", home.import_watts
    yield "grid_export", home.export_watts
    yield "battery_charge", home.bank.charging_watts
    yield "battery_discharge", home.bank.discharging_watts


def _labels(device: Device) -> dict[str, str]:
    return dict(zip(metrics.LABELS, device[:3], strict=True))


def _site(home: Home) -> Values:
    return {
        Series(metrics.HOME_LOAD): home.load_watts,
        Series(metrics.SITE_SOLAR): home.solar_watts,
        Series(metrics.SITE_OUTPUT): _bank_output(home),
        Series(metrics.SITE_CHARGE): home.bank.charge_ratio,
        Series(metrics.SITE_CHARGE_POWER): home.bank.charging_watts,
        Series(metrics.SITE_DISCHARGE_POWER): home.bank.discharging_watts,
    }


def _bank(home: Home, when: float) -> dict[Series, float]:
    return {
        **_battery(home.bank, when),
        **{Series(metrics.SOLAR_CHANNEL, channel): part * home.solar_watts for channel, part in CHANNELS.items()},
        Series(metrics.CHARGE_POWER): home.bank.charging_watts,
        Series(metrics.DISCHARGE_POWER): home.bank.discharging_watts,
        Series(metrics.SOLAR): home.solar_watts,
        Series(metrics.INPUT): home.solar_watts,
        Series(metrics.OUTPUT): _bank_output(home),
        Series(metrics.AC_OUTPUT): _bank_output(home),
        Series(metrics.TO_HOME): min(home.load_watts, _bank_output(home)),
    }


def _station(home: Home, when: float) -> Values:
    return {
        **_battery(home.station, when),
        **_remaining(home.station),
        Series(metrics.INPUT): home.station_input_watts,
        Series(metrics.AC_INPUT): home.station_input_watts,
        Series(metrics.OUTPUT): home.station_output_watts,
        Series(metrics.AC_OUTPUT): home.station_output_watts,
        Series(metrics.CHARGE_POWER): home.station.charging_watts,
        Series(metrics.DISCHARGE_POWER): home.station.discharging_watts,
        Series(metrics.DC_INPUT): 0.0,
        Series(metrics.DC_OUTPUT): 0.0,
        Series(metrics.PORT, "usbc_1"): 0.0,
        Series(metrics.GRID_CONNECTED): float(home.grid_is_there),
    }


def _battery(battery: Battery, when: float) -> Values:
    power = battery.charging_watts + battery.discharging_watts
    celsius = daily(when, 17, 26, peak_hour=16) + power / 300
    return {
        Series(metrics.CHARGE): battery.charge_ratio,
        Series(metrics.PACK_CHARGE, "main_battery"): battery.charge_ratio,
        Series(metrics.HEALTH): 0.97,
        Series(metrics.CAPACITY): battery.capacity_joules,
        Series(metrics.STORED): battery.charge_ratio * battery.capacity_joules,
        Series(metrics.TEMPERATURE): celsius,
        Series(metrics.PACK_TEMPERATURE, "main_battery"): celsius,
    }


def _remaining(battery: Battery) -> Mapping[Series, float]:
    """Seconds until it is empty or full; nothing while neither comes nearer."""
    stored = battery.charge_ratio * battery.capacity_joules
    left, watts = (
        (stored, battery.discharging_watts)
        if _is_discharging(battery)
        else (battery.capacity_joules - stored, battery.charging_watts)
    )
    metric: Metric = metrics.REMAINING
    return {Series(metric): left / watts} if watts > 1.0 else {}


def _bank_output(home: Home) -> float:
    """What leaves the solarbank: the sun's and the battery's, less what the battery takes."""
    return max(0.0, home.solar_watts + home.bank.discharging_watts - home.bank.charging_watts)


def _is_discharging(battery: Battery) -> bool:
    return battery.discharging_watts > battery.charging_watts


def _is_low(battery: Battery) -> bool:
    return _is_discharging(battery) and battery.charge_ratio < LOW_CHARGE_RATIO

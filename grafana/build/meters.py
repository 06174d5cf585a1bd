"""Meters: UPS and whatever else on the network tells watts."""

from __future__ import annotations

from grafana.build.dashboard import Dashboard, Variable, row
from grafana.build.fields import CHARGE, LOAD, UP, YES_IS_BAD, Look
from grafana.build.panels import graph, stat, states, table
from grafana.build.queries import Query

DEVICE = Variable("device", "Device", "", '$selected, __name__=~".+_device_up"')
_CHOSEN = '$selected, device=~"$device"'
_BY_DEVICE = "{{device}}"
PDU_COUNTS = "the demo's device that counts energy is a PDU asked by SNMP"
UPS_PLUGIN = "the demo's UPS is asked by the plugin ups"


def _every(family: str, but: str = "phase|outlet|battery|charge|discharge|export") -> str:
    """A family of every plugin that reads devices, without those of their parts."""
    others = f"(energy|solix|collector)_.*|.+_({but})_{family}"
    return f'{{{_CHOSEN}, __name__=~".+_{family}", __name__!~"{others}", device!=""}}'


METERS = row(
    "Meters",
    graph(
        "Power by device",
        "Watts through each meter. A meter may feed another: do not add them up.",
        Look("watt"),
        Query(_every("power_watts"), _BY_DEVICE),
    ),
    states(
        "Devices there",
        "Whether each device can be read.",
        Look("none", words=UP),
        Query(_every("device_up"), _BY_DEVICE),
        width=6,
    ),
    table(
        "Devices that fail",
        "Which devices cannot be read now, and why.",
        Look("none"),
        Query(_every("device_unavailable_info")),
        width=6,
        empty="all devices of the demo answer",
    ),
)

PLUGS = row(
    "Plugs and meters",
    graph(
        "Phases and outlets",
        "Watts of each phase and outlet, parts of their device's.",
        Look("watt"),
        Query(_every("(phase|outlet)_power_watts"), "{{device}} {{phase}}{{outlet}}"),
        width=8,
    ),
    graph(
        "Mean power by the counters",
        "Growth of each device's own energy counter: where it differs from the power, trust the counter.",
        Look("watt", minimum=0),
        Query(f"rate(http_energy_joules_total{{{_CHOSEN}}}[$__rate_interval])", _BY_DEVICE, empty=PDU_COUNTS),
        Query(f"rate(mqtt_energy_joules_total{{{_CHOSEN}}}[$__rate_interval])", _BY_DEVICE, empty=PDU_COUNTS),
        Query(f"rate(modbus_energy_joules_total{{{_CHOSEN}}}[$__rate_interval])", _BY_DEVICE, empty=PDU_COUNTS),
        Query(f"rate(snmp_energy_joules_total{{{_CHOSEN}}}[$__rate_interval])", _BY_DEVICE),
        width=8,
    ),
    graph(
        "Voltage",
        "Voltage at each device.",
        Look("volt"),
        Query(_every("voltage_volts"), _BY_DEVICE),
        width=8,
    ),
)

UPS = row(
    "UPS",
    graph(
        "Load",
        "Load of each UPS; above 1 it is overloaded.",
        Look("percentunit", limits=LOAD, minimum=0),
        Query(f"ups_load_ratio{{{_CHOSEN}}}", "{{device}} {{ups}}"),
        Query(f"snmp_load_ratio{{{_CHOSEN}}}", _BY_DEVICE, empty=UPS_PLUGIN),
        width=6,
    ),
    graph(
        "Battery charge",
        "Charge of the battery of each UPS.",
        Look("percentunit", limits=CHARGE, minimum=0, maximum=1),
        Query(f"ups_battery_charge_ratio{{{_CHOSEN}}}", "{{device}} {{ups}}"),
        width=6,
    ),
    stat(
        "Runtime",
        "How long each battery lasts at this load, as the UPS reckons.",
        Look("s"),
        Query(f"ups_battery_runtime_seconds{{{_CHOSEN}}}", "{{device}} {{ups}}"),
        Query(f"snmp_battery_runtime_seconds{{{_CHOSEN}}}", _BY_DEVICE, empty=UPS_PLUGIN),
        width=6,
    ),
    states(
        "On battery",
        "When the battery supplied the load.",
        Look("none", words=YES_IS_BAD),
        Query(f"ups_on_battery{{{_CHOSEN}}}", "{{device}} {{ups}}"),
        Query(f"snmp_on_battery{{{_CHOSEN}}}", _BY_DEVICE, empty=UPS_PLUGIN),
        width=6,
    ),
)

BOARD = row(
    "Board and batteries",
    graph(
        "Power of the board's sensors",
        "Watts at each sensor of each chip. They overlap: an input feeds rails.",
        Look("watt"),
        Query("hwmon_power_watts{$selected}", "{{chip}} {{sensor}}"),
        width=8,
    ),
    graph(
        "Batteries",
        "Watts that each battery of a laptop supplies, and takes as a negative number.",
        Look("watt"),
        Query("hwmon_battery_discharge_power_watts{$selected}", "{{battery}}"),
        Query("-hwmon_battery_charge_power_watts{$selected} < 0", "{{battery}} charged"),
        width=8,
        empty="the demo's machine is no laptop",
    ),
    graph(
        "Charge",
        "Charge of each battery of a laptop.",
        Look("percentunit", limits=CHARGE, minimum=0, maximum=1),
        Query("hwmon_battery_charge_ratio{$selected}", "{{battery}}"),
        width=8,
        empty="the demo's machine is no laptop",
    ),
)

DASHBOARD = Dashboard(
    "energy-collector-meters",
    "Energy · Meters",
    "UPS, plugs and other meters on the network, the board's own sensors: watts, energy, and what is down.",
    (METERS, PLUGS, UPS, BOARD),
    (DEVICE,),
)

"""Batteries and solar: charge, flows, and when a battery will be empty."""

from __future__ import annotations

from grafana.build.dashboard import Dashboard, Variable, row
from grafana.build.fields import CHARGE, UP, YES_IS_BAD, Look
from grafana.build.panels import bars, gauge, graph, stat, states, table
from grafana.build.queries import Query, chosen_by

NAME = Variable("name", "Device", "solix_device_info")

_chosen = chosen_by("name", "{{name}}")


NOW = row(
    "Now",
    gauge(
        "Charge",
        "State of charge of each battery.",
        Look("percentunit", minimum=0, maximum=1, limits=CHARGE),
        _chosen("solix_battery_charge_ratio{$chosen}"),
        width=8,
    ),
    stat(
        "Solar",
        "Watts of all solar panels now.",
        Look("watt"),
        _chosen("sum(solix_solar_power_watts{$chosen})", legend=""),
        width=4,
    ),
    stat(
        "Into batteries",
        "Watts that charge batteries now.",
        Look("watt"),
        _chosen("sum(solix_battery_charge_power_watts{$chosen})", legend=""),
        width=4,
    ),
    stat(
        "Out of batteries",
        "Watts that come out of batteries now.",
        Look("watt"),
        _chosen("sum(solix_battery_discharge_power_watts{$chosen})", legend=""),
        width=4,
    ),
    stat(
        "Home",
        "Watts that the home uses now, where a meter or a panel knows them.",
        Look("watt"),
        _chosen("sum(solix_home_load_power_watts{$chosen})", legend=""),
        width=4,
    ),
)

FORECAST = row(
    "Charge and forecast",
    graph(
        "State of charge",
        "Charge of each battery over time.",
        Look("percentunit", minimum=0, maximum=1),
        _chosen("solix_battery_charge_ratio{$chosen}"),
    ),
    graph(
        "Forecast to empty",
        "Time until a discharging battery is empty if the flow stays as it is: what it holds by what leaves it. "
        "Nothing is shown while it charges.",
        Look("s", minimum=0),
        _chosen(
            "solix_battery_charge_ratio{$chosen} * solix_battery_capacity_joules{$chosen}"
            " / (solix_battery_discharge_power_watts{$chosen} - solix_battery_charge_power_watts{$chosen} > 1)"
        ),
        width=6,
        empty="shown only while a battery discharges",
    ),
    graph(
        "Time as the device reckons",
        "Time until empty or full, by the device's own word.",
        Look("s", minimum=0),
        _chosen("solix_battery_remaining_time_seconds{$chosen}"),
        width=6,
        empty="shown only while a battery is charged or discharged",
    ),
)

FLOWS = row(
    "Flows",
    graph(
        "Into devices",
        "Power of solar panels and of the grid into each device.",
        Look("watt", minimum=0),
        _chosen("solix_solar_power_watts{$chosen}", "{{name}} solar"),
        _chosen("solix_input_power_watts{$chosen}", "{{name}} all input"),
        width=8,
    ),
    graph(
        "Out of devices",
        "Power out of each device.",
        Look("watt", minimum=0),
        _chosen("solix_output_power_watts{$chosen}"),
        width=8,
    ),
    graph(
        "Batteries",
        "Power into and out of each battery.",
        Look("watt", minimum=0),
        _chosen("solix_battery_charge_power_watts{$chosen}", "{{name}} charges"),
        _chosen("solix_battery_discharge_power_watts{$chosen}", "{{name}} discharges"),
        width=8,
    ),
    graph(
        "Grid",
        "Power from and into the grid.",
        Look("watt", minimum=0),
        _chosen("solix_grid_import_power_watts{$chosen}", "{{name}} import"),
        _chosen("solix_grid_export_power_watts{$chosen}", "{{name}} export"),
        width=8,
    ),
    graph(
        "Plugs",
        "Power through smart plugs.",
        Look("watt", minimum=0),
        _chosen("solix_plug_power_watts{$chosen}"),
        width=8,
    ),
    bars(
        "Energy today",
        "Energy since midnight by flow, as the cloud counts it.",
        Look("watth", minimum=0),
        _chosen("solix_energy_today_joules{$chosen} / 3600", "{{name}} {{flow}}"),
        width=8,
    ),
)

STATE = row(
    "State of devices",
    states(
        "Grid there",
        "Whether the grid is there; no is an outage.",
        Look("none", words=UP),
        _chosen("solix_grid_connected{$chosen}"),
        width=8,
    ),
    states(
        "Low",
        "When a battery was low while it discharged.",
        Look("none", words=YES_IS_BAD),
        _chosen("solix_battery_low{$chosen}"),
        width=8,
    ),
    states(
        "MQTT",
        "Whether the session over which devices report is connected.",
        Look("none", words=UP),
        Query("solix_mqtt_connected{$selected}", "{{instance}}"),
        width=8,
    ),
    graph(
        "Age of readings",
        "How old the newest reading of each device is, by the way it came.",
        Look("s", minimum=0),
        _chosen("solix_reading_age_seconds{$chosen}", "{{name}} {{source}}"),
        width=8,
    ),
    graph(
        "Temperature",
        "Temperature of each device.",
        Look("celsius"),
        _chosen("solix_temperature_celsius{$chosen}"),
        width=8,
    ),
    table(
        "Devices",
        "Model, class and firmware of each device.",
        Look("none"),
        _chosen("solix_device_info{$chosen}"),
        width=8,
    ),
)

DASHBOARD = Dashboard(
    "energy-collector-batteries",
    "Energy · Batteries and solar",
    "Charge, flows and forecast of batteries; solar, grid and home.",
    (NOW, FORECAST, FLOWS, STATE),
    (NAME,),
    period="now-24h",
)

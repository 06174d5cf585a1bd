"""Fleet: where the watts of all machines go, and what they cost."""

from __future__ import annotations

from grafana.build.dashboard import Dashboard, row
from grafana.build.fields import BAD, CURRENCIES, Look
from grafana.build.panels import bars, graph, stat, table
from grafana.build.queries import Query

TO_MACHINE = "/d/energy-collector-machine?var-instance=${__value.raw}&${__url_time_range}"

NOW = row(
    "Now and today",
    stat(
        "Power now",
        "Watts of all chosen machines, each joule once: the sum of the ledger.",
        Look("watt"),
        Query("sum(energy_power_watts{$selected})"),
    ),
    stat(
        "Energy today",
        "Energy of all chosen machines since midnight. Hours in which a collector did not run are not in it.",
        Look("watth"),
        Query("sum(increase(energy_joules_total{$selected}[$__range])) / 3600"),
        today=True,
    ),
    stat(
        "Cost today",
        "Cost since midnight, with the overhead of the building. Needs `price_per_kwh` of the collector `energy`.",
        Look("short", decimals=2, others=CURRENCIES),
        Query("sum by (currency) (increase(energy_cost_total{$selected}[$__range]))", "{{currency}}"),
        today=True,
    ),
    stat(
        "Emissions today",
        "CO₂ equivalent since midnight. Needs `carbon_intensity`, `country` or `live` of the collector `energy`.",
        Look("massg"),
        Query("sum(increase(energy_emissions_grams_total{$selected}[$__range]))"),
        today=True,
    ),
    stat(
        "Machines with watts",
        "Machines whose power is known now.",
        Look("none"),
        Query("count(count by (job, instance) (energy_power_watts{$selected}))"),
    ),
    stat(
        "Sources that are down",
        "Collectors whose last run gave no data; Collector health says which and why.",
        Look("none", limits=BAD),
        Query("sum(1 - collector_up{$selected})"),
    ),
)

WHERE = row(
    "Where the watts go",
    graph(
        "Power by machine",
        "Watts of each machine; the height of the stack is the fleet.",
        Look("watt", minimum=0),
        Query("sum by (job, instance) (energy_power_watts{$selected})", "{{instance}}"),
        stack=True,
    ),
    graph(
        "Power by component",
        "Watts of processors, memory, GPUs and so on, over all chosen machines.",
        Look("watt", minimum=0),
        Query("sum by (component) (energy_power_watts{$selected})", "{{component}}"),
        stack=True,
    ),
    bars(
        "Share of each component",
        "Part of the fleet's power that each component draws now.",
        Look("percentunit", minimum=0, maximum=1),
        Query(
            "sum by (component) (energy_power_watts{$selected})"
            " / ignoring (component) group_left () sum(energy_power_watts{$selected})",
            "{{component}}",
        ),
    ),
    bars(
        "How it is known",
        "Watts by the way in which they are known: counters and meters measure, `model` is an estimate.",
        Look("watt", minimum=0),
        Query("sum by (method) (energy_power_watts{$selected})", "{{method}}"),
    ),
    table(
        "Machines",
        "Watts now, and energy, cost and emissions over the chosen time. A click on a machine opens its dashboard.",
        Look(
            "short",
            others={"Power": "watt", "Energy": "watth", "Emissions": "massg"},
            links={"instance": TO_MACHINE},
        ),
        Query("sum by (job, instance) (energy_power_watts{$selected})", column="Power"),
        Query("sum by (job, instance) (increase(energy_joules_total{$selected}[$__range])) / 3600", column="Energy"),
        Query("sum by (job, instance) (increase(energy_cost_total{$selected}[$__range]))", column="Cost"),
        Query(
            "sum by (job, instance) (increase(energy_emissions_grams_total{$selected}[$__range]))", column="Emissions"
        ),
    ),
)

RATES = row(
    "Cost and carbon",
    graph(
        "Cost per hour",
        "What an hour at this power costs, with the overhead of the building.",
        Look("short", minimum=0, decimals=3, others=CURRENCIES),
        Query("sum by (currency) (rate(energy_cost_total{$selected}[$__rate_interval])) * 3600", "{{currency}}"),
        width=8,
    ),
    graph(
        "Emissions per hour",
        "CO₂ equivalent that an hour at this power emits.",
        Look("massg", minimum=0),
        Query(
            "sum by (component) (rate(energy_emissions_grams_total{$selected}[$__rate_interval])) * 3600",
            "{{component}}",
        ),
        width=8,
        stack=True,
    ),
    graph(
        "Carbon intensity",
        "Grams of CO₂ equivalent per kWh that emissions are reckoned with, and where the number comes from.",
        Look("suffix: g/kWh", minimum=0),
        Query("avg by (zone, source) (energy_carbon_intensity_grams_per_kwh{$selected})", "{{zone}} ({{source}})"),
        width=8,
    ),
)

GRID = row(
    "Grid",
    graph(
        "Price of electricity",
        "Price per kWh of the moment, with the taxes and fees that are configured.",
        Look("short", decimals=3),
        Query("avg by (provider, currency) (grid_price_per_kwh{$selected})", "{{provider}} ({{currency}})"),
        width=8,
    ),
    bars(
        "Price ahead",
        "Mean price per kWh of each hour to come, by the hours until it begins.",
        Look("short", decimals=3),
        Query("avg by (hours) (grid_price_ahead_per_kwh{$selected})", "{{hours}} h"),
        width=8,
    ),
    graph(
        "Carbon intensity by provider",
        "CO₂ equivalent per kWh of the moment, by each provider.",
        Look("suffix: g/kWh", minimum=0),
        Query("avg by (provider, zone) (grid_carbon_grams_per_kwh{$selected})", "{{provider}} {{zone}}"),
        width=8,
    ),
)

DASHBOARD = Dashboard(
    "energy-collector-fleet",
    "Energy · Fleet",
    "Total watts, by machine and component; energy, cost and carbon of today.",
    (NOW, WHERE, RATES, GRID),
)

"""Sites: what they draw, cost and earn, what is expected of them, and what they emit."""

from __future__ import annotations

from grafana.build.dashboard import Dashboard, Variable, row
from grafana.build.fields import Look
from grafana.build.panels import Panel, graph, stat, table
from grafana.build.queries import Query, chosen_by

SITE = Variable("site", "Site", "sites_last_reading_age_seconds")
NOT_YET = "something must have come true first"

_chosen = chosen_by("site", "{{site}}")


NOW = row(
    "Now",
    stat(
        "Power of all",
        "Power of all sites, by their last readings.",
        Look("watt"),
        _chosen("sum(sites_power_watts{$chosen})", "power"),
    ),
    stat(
        "Hash rate of all",
        "Hash rate of all sites, in terahashes per second.",
        Look("suffix: TH/s", decimals=0),
        _chosen("sum(mining_hashrate_th{$chosen})", "hash rate"),
    ),
    stat(
        "Efficiency of all",
        "Joules per terahash of all sites together.",
        Look("suffix: J/TH", decimals=1),
        _chosen("sum(sites_power_watts{$chosen}) / sum(mining_hashrate_th{$chosen})", "efficiency"),
    ),
    stat(
        "Oldest reading",
        "Time since the last reading of the site that has been silent for longest.",
        Look("s", ((300, "orange"), (900, "red"))),
        _chosen("max(sites_last_reading_age_seconds{$chosen})", "age"),
    ),
    graph(
        "Power",
        "Power of each site, by its last reading.",
        Look("watt", minimum=0),
        _chosen("sites_power_watts{$chosen}"),
    ),
    graph(
        "Share of the connection",
        "Power over what the connection to the grid carries.",
        Look("percentunit", ((0.9, "orange"), (1, "red")), minimum=0),
        _chosen("sites_power_watts{$chosen} / on (job, instance, demo, site) sites_grid_connection_watts{$chosen}"),
    ),
    graph(
        "Hash rate",
        "Hash rate of each site, in terahashes per second.",
        Look("suffix: TH/s", minimum=0),
        _chosen("mining_hashrate_th{$chosen}"),
    ),
    graph(
        "Efficiency",
        "Joules per terahash of each site: lower is better.",
        Look("suffix: J/TH", minimum=0),
        _chosen("sites_efficiency_joules_per_terahash{$chosen}"),
    ),
)

ENERGY = row(
    "Energy, cost and readings",
    graph(
        "Energy",
        "What each site used, as mean power of the interval.",
        Look("watt", minimum=0),
        _chosen("rate(sites_energy_joules_total{$chosen}[$__rate_interval])"),
        width=8,
    ),
    graph(
        "Cost per hour",
        "What the energy of all sites costs in an hour, in the currency that is configured.",
        Look("short", minimum=0),
        Query("rate(sites_cost_total{$selected}[$__rate_interval]) * 3600", "{{currency}}"),
        width=8,
    ),
    graph(
        "Readings",
        "Readings per second that were accepted, known already, or rejected.",
        Look("short", minimum=0),
        Query("sum by (result) (rate(sites_ingested_readings_total{$selected}[$__rate_interval]))", "{{result}}"),
        width=8,
    ),
    table(
        "Sites",
        "Metered energy of each site since the first reading.",
        Look("kwatth"),
        _chosen("sum by (site) (mining_energy_consumption_kwh{$chosen})", column="energy"),
        width=24,
    ),
)

AHEAD = row(
    "Expected",
    stat(
        "Highest power within a day",
        "Highest power of the next 24 hours, by the median of the forecast.",
        Look("watt"),
        _chosen("sites_forecast_peak_watts{$chosen}"),
        width=12,
    ),
    stat(
        "Room below the connection",
        "What the connection to the grid carries, less the highest power that is expected within a day.",
        Look("watt", ((-1e15, "red"), (0, "green"))),
        _chosen(
            "sites_grid_connection_watts{$chosen} - on (job, instance, demo, site) sites_forecast_peak_watts{$chosen}"
        ),
        width=12,
    ),
    graph(
        "In an hour, a day and a week",
        "Power that is expected, by the median.",
        Look("watt", minimum=0),
        _chosen('sites_forecast_power_watts{$chosen, quantile="0.5"}', "{{site}} in {{horizon}}"),
        width=24,
    ),
)


def _expected(when: str, horizon: str) -> Panel:
    """What was expected for now, beside what came true."""
    expected = f'sites_forecast_power_watts{{$chosen, horizon="{horizon}"}} offset {horizon}'
    return graph(
        f"{when.capitalize()} for now, and now",
        f"What was expected for now {when}, with its interval, beside what the sites draw.",
        Look("watt", minimum=0),
        _chosen(expected, "{{site}} expected {{quantile}}"),
        _chosen("sites_power_watts{$chosen}", "{{site}}"),
        width=24,
        empty=NOT_YET,
    )


BANDS = row(
    "What came true",
    _expected("an hour ago", "1h"),
    _expected("a day ago", "24h"),
    graph(
        "Error of the models",
        "Error over that of repeating the last season, the median over all sites: below 1 is better.",
        Look("short", ((1, "red"),), minimum=0),
        Query("sites_model_mase{$selected}", "{{kind}}"),
        width=24,
    ),
)

EMITTED = row(
    "Emissions",
    stat(
        "Emitted",
        "CO2 equivalent since the first reading, location-based, with PUE.",
        Look("massg"),
        _chosen("sum(carbon_emission_grams{$chosen})", "emitted"),
        width=8,
    ),
    stat(
        "Per kilowatt hour",
        "Grams of CO2 equivalent per metered kilowatt hour, of all sites since the first reading.",
        Look("suffix: g/kWh", ((200, "orange"), (480, "red")), decimals=0),
        _chosen("sum(carbon_emission_grams{$chosen}) / sum(mining_energy_consumption_kwh{$chosen})", "intensity"),
        width=8,
    ),
    stat(
        "Renewable",
        "Share of renewable energy of each site in the last 30 days.",
        Look("percentunit", ((0, "red"), (0.25, "orange"), (0.5, "green"))),
        _chosen("sites_renewable_ratio{$chosen}"),
        width=8,
    ),
    graph(
        "By source",
        "CO2 equivalent since the first reading, by the source of the energy.",
        Look("massg", minimum=0),
        _chosen("sum by (source) (carbon_emission_grams{$chosen})", "{{source}}"),
    ),
    graph(
        "By site",
        "CO2 equivalent since the first reading, by site.",
        Look("massg", minimum=0),
        _chosen("sum by (site) (carbon_emission_grams{$chosen})"),
    ),
    graph(
        "Renewable share, and what was registered",
        "Share of renewable energy in the last 30 days, beside the shares of the sources that are registered.",
        Look("percentunit", minimum=0, maximum=1),
        _chosen("sites_renewable_ratio{$chosen}"),
        _chosen("sites_promised_renewable_ratio{$chosen}", "{{site}} registered"),
    ),
    graph(
        "Sustainability",
        "Score of the last 30 days, 0 to 100, of sites, regions and operators.",
        Look("short", minimum=0, maximum=100),
        Query("sustainability_score{$selected}", "{{entity}}"),
    ),
)

SITES_DASHBOARD = Dashboard(
    "energy-collector-sites",
    "Energy · Sites",
    "What sites draw, how well they use it, what it costs, and whether they still send.",
    (NOW, ENERGY),
    (SITE,),
)
FORECAST_DASHBOARD = Dashboard(
    "energy-collector-site-forecast",
    "Energy · Site forecast",
    "What is expected of sites, beside what came true.",
    (AHEAD, BANDS),
    (SITE,),
    period="now-24h",
)
CARBON_DASHBOARD = Dashboard(
    "energy-collector-carbon",
    "Energy · Carbon",
    "What sites emit, by source, and how renewable their energy is.",
    (EMITTED,),
    (SITE,),
    period="now-24h",
)

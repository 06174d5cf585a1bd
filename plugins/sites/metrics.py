"""Metrics of the sites plugin: names that the field's dashboards use, and beside them ours in base units."""

from collector_core import Counter, Gauge, Unit

CONSUMPTION = Gauge(
    "mining_energy_consumption_kwh",
    "Metered energy of everything that is kept for the site, in kilowatt hours.",
    labels=("site", "region"),
    given_name=True,
)
HASHRATE = Gauge(
    "mining_hashrate_th",
    "Hash rate of the last reading, in terahashes per second.",
    labels=("site",),
    given_name=True,
)
NETWORK_HASHRATE = Gauge(
    "mining_network_hashrate_th", "Sum of the hash rates of all sites, in terahashes per second.", given_name=True
)
EMISSIONS = Gauge(
    "carbon_emission_grams",
    "CO2 equivalent of everything that is kept for the site: location-based, with PUE.",
    Unit.GRAMS,
    ("site", "source"),
    topic="emissions",
    of="site",
    title="Emissions of the site",
    given_name=True,
)
ENERGY = Counter(
    "sites_energy_joules_total",
    "Metered energy of everything that is kept for the site.",
    Unit.JOULES,
    ("site", "region"),
    topic="energy",
    of="site",
    title="Energy of the site",
)
POWER = Gauge(
    "sites_power_watts",
    "Power of the last reading.",
    Unit.WATTS,
    ("site",),
    topic="power",
    of="site",
    title="Power of the site",
)
EFFICIENCY = Gauge("sites_efficiency_joules_per_terahash", "Energy per work of the last reading.", labels=("site",))
READING_AGE = Gauge(
    "sites_last_reading_age_seconds", "Time since the end of the last reading.", Unit.SECONDS, ("site",)
)
INGESTED = Counter(
    "sites_ingested_readings_total",
    "Readings that were sent since the start: accepted, duplicate or rejected.",
    labels=("result",),
)
COST = Counter(
    "sites_cost_total", "Cost of everything that is kept, of all sites that have a price.", labels=("currency",)
)
CAPACITY = Gauge(
    "sites_capacity_watts",
    "What the site may draw.",
    Unit.WATTS,
    ("site",),
    topic="power_limit",
    of="site",
    title="Capacity of the site",
)
CONNECTION = Gauge(
    "sites_grid_connection_watts",
    "What the site's connection to the grid carries.",
    Unit.WATTS,
    ("site",),
    topic="power_limit",
    of="site",
    title="Grid connection of the site",
)
SCORE = Gauge(
    "sustainability_score",
    "Sustainability of the last 30 days, 0 to 100, of a site, region or operator.",
    labels=("entity",),
    given_name=True,
)
DATABASE_UP = Gauge("sites_database_up", "Whether the database takes readings and answers; absent without one.")
WAITING = Gauge("sites_waiting_readings", "Readings that wait on disk until the database takes them.")
RENEWABLE = Gauge(
    "sites_renewable_ratio",
    "Share of the energy of the last 30 days that came from renewable sources.",
    Unit.RATIO,
    ("site",),
)
PROMISED = Gauge(
    "sites_promised_renewable_ratio",
    "Share of renewable sources, without certificates, that is registered for the site.",
    Unit.RATIO,
    ("site",),
)
FORECAST_POWER = Gauge(
    "sites_forecast_power_watts",
    "Power that is expected in `horizon` from now.",
    Unit.WATTS,
    ("site", "horizon", "quantile"),
)
FORECAST_PEAK = Gauge(
    "sites_forecast_peak_watts",
    "Highest power that is expected within 24 hours: the median of the forecast, by the hour.",
    Unit.WATTS,
    ("site",),
)
MODEL_ERROR = Gauge(
    "sites_model_mase",
    "Error of the forecasts over that of repeating the last season, below 1 is better: the median over all sites.",
    labels=("kind",),
)

ALL = (
    CONSUMPTION,
    HASHRATE,
    NETWORK_HASHRATE,
    EMISSIONS,
    ENERGY,
    POWER,
    EFFICIENCY,
    READING_AGE,
    INGESTED,
    COST,
    CAPACITY,
    CONNECTION,
    SCORE,
    DATABASE_UP,
    WAITING,
    RENEWABLE,
    PROMISED,
    FORECAST_POWER,
    FORECAST_PEAK,
    MODEL_ERROR,
)

"""What the ledger publishes: one declaration for each metric."""

from __future__ import annotations

from collector_core import Counter, Gauge, Info, Unit

_ACCOUNT = ("component", "device", "method")
_SITE_ACCOUNT = ("component", "device", "host")

ENERGY = Counter(
    "energy_joules_total",
    "Energy since the collector started, each joule once: the sum is the machine. method=model is an estimate.",
    Unit.JOULES,
    _ACCOUNT,
    topic="energy",
    of="host",
    title="Energy of this machine",
)
POWER = Gauge(
    "energy_power_watts",
    "Current power of the meters that count: the sum is the machine. method=model is an estimate.",
    Unit.WATTS,
    _ACCOUNT,
    topic="power",
    of="host",
    title="Power of this machine",
)
UNCERTAINTY = Gauge(
    "energy_uncertainty_ratio",
    "Expected relative error of energy and power; the largest one if several devices differ.",
    Unit.RATIO,
    ("component", "method"),
    topic="uncertainty",
    of="host",
    title="Uncertainty of the energy",
)
UNATTRIBUTED = Gauge(
    "energy_unattributed_power_watts",
    "Power of the machine that no known part accounts for: virtual machines, or the components in a platform.",
    Unit.WATTS,
    topic="unattributed_power",
    of="host",
    title="Unattributed power of this machine",
)
METER = Info(
    "energy_meter_info",
    "Known meters; `counts` is false for a meter whose energy is counted by another one.",
    (*_ACCOUNT, "counts"),
    of="host",
    title="Energy meter",
)
EMISSIONS = Counter(
    "energy_emissions_grams_total",
    "CO2 equivalent of the energy since the collector started, with the overhead of the building (PUE).",
    Unit.GRAMS,
    ("component",),
    topic="emissions",
    of="host",
    title="Emissions of this machine",
)
INTENSITY = Gauge(
    "energy_carbon_intensity_grams_per_kwh",
    "CO2 equivalent per kWh used to compute emissions; `source` names its origin.",
    labels=("zone", "source"),
    topic="carbon_intensity",
    of="host",
    title="Carbon intensity of this machine's energy",
)
PUE = Gauge(
    "energy_pue_ratio",
    "Power usage effectiveness: what the building draws for each watt of the machine, from 1.",
    Unit.RATIO,
    topic="power_usage_effectiveness",
    of="building",
    title="Power usage effectiveness",
)
COST = Counter(
    "energy_cost_total",
    "Cost of the energy since the collector started, with the overhead of the building (PUE).",
    labels=("currency",),
    topic="cost",
    of="host",
    title="Energy cost of this machine",
)
CREDIT = Counter(
    "energy_credit_total",
    "What negative prices have paid for the energy since the collector started: the cost less this is the bill.",
    labels=("currency",),
    topic="credit",
    of="host",
    title="What negative prices have paid for this machine's energy",
)
PRICE = Gauge(
    "energy_price_per_kwh",
    "Price per kWh used to compute the cost; `source` is a provider of `grid`, or configured.",
    labels=("currency", "source"),
    topic="price",
    of="host",
    title="Price of energy",
)
FLOW = Gauge(
    "energy_flow_power_watts",
    "Power from one node of the energy graph to another: what goes into a node comes out of it.",
    Unit.WATTS,
    ("from", "to"),
    topic="power_flow",
    of="host",
    title="Flow of power",
)

SITE_POWER = Gauge(
    "energy_site_power_watts",
    "Current power of everything that is known, each watt once: the sum is the site. host is empty outside of hosts.",
    Unit.WATTS,
    _SITE_ACCOUNT,
    topic="total_power",
    of="site",
    title="Power of the whole site",
)
SITE_ENERGY = Counter(
    "energy_site_joules_total",
    "Energy of everything that is known since the collector started, each joule once: the sum is the site.",
    Unit.JOULES,
    _SITE_ACCOUNT,
    topic="total_energy",
    of="site",
    title="Energy of the whole site",
)
SITE_EMISSIONS = Counter(
    "energy_site_emissions_grams_total",
    "CO2 equivalent of the site's energy since the collector started: that of the mix, with the overhead (PUE).",
    Unit.GRAMS,
    topic="total_emissions",
    of="site",
    title="Emissions of the whole site",
)
SITE_COST = Counter(
    "energy_site_cost_total",
    "Cost of the site's energy since the collector started, as if all of it was bought, with the overhead (PUE).",
    labels=("currency",),
    topic="total_cost",
    of="site",
    title="Energy cost of the whole site",
)
SITE_CREDIT = Counter(
    "energy_site_credit_total",
    "What negative prices have paid for the site's energy since the collector started.",
    labels=("currency",),
    topic="total_credit",
    of="site",
    title="What negative prices have paid for the whole site's energy",
)
MIX = Gauge(
    "energy_mix_grams_per_kwh",
    "CO2 equivalent per kWh of what the site draws now: solar 0, batteries what they were charged with, else the grid.",
    topic="carbon_intensity",
    of="site",
    title="Carbon intensity of the mix",
)
RUNTIME = Gauge(
    "energy_battery_runtime_seconds",
    "Time until a battery is empty at its present draw; only while it discharges and its capacity is known.",
    Unit.SECONDS,
    ("device",),
    topic="runtime_at_this_draw",
    of="battery",
    title="Runtime of the battery at this draw",
)

ALL = (
    ENERGY,
    POWER,
    UNCERTAINTY,
    UNATTRIBUTED,
    METER,
    EMISSIONS,
    INTENSITY,
    PUE,
    COST,
    CREDIT,
    PRICE,
    FLOW,
    SITE_POWER,
    SITE_ENERGY,
    SITE_EMISSIONS,
    SITE_COST,
    SITE_CREDIT,
    MIX,
    RUNTIME,
)

"""What the ledger publishes: one declaration for each metric."""

from __future__ import annotations

from collector_core import Counter, Gauge, Info, Unit

_ACCOUNT = ("component", "device", "method")

ENERGY = Counter(
    "energy_joules_total",
    "Energy since the collector started, each joule once: the sum is the machine. method=model is an estimate.",
    Unit.JOULES,
    _ACCOUNT,
)
POWER = Gauge(
    "energy_power_watts",
    "Power now of what counts: the sum is the machine. method=model is an estimate.",
    Unit.WATTS,
    _ACCOUNT,
)
UNCERTAINTY = Gauge(
    "energy_uncertainty_ratio",
    "Expected error of energy and power, as a part of them; the largest where several devices differ.",
    Unit.RATIO,
    ("component", "method"),
)
UNATTRIBUTED = Gauge(
    "energy_unattributed_power_watts",
    "Power of the machine that no known part accounts for: virtual machines, or the components in a platform.",
    Unit.WATTS,
)
METER = Info(
    "energy_meter_info",
    "Meters that there are; `counts` is false for one whose energy is counted with another.",
    (*_ACCOUNT, "counts"),
)
EMISSIONS = Counter(
    "energy_emissions_grams_total",
    "CO2 equivalent of the energy since the collector started, with the overhead of the building (PUE).",
    Unit.GRAMS,
    ("component",),
)
INTENSITY = Gauge(
    "energy_carbon_intensity_grams_per_kwh",
    "CO2 equivalent of a kWh that emissions are reckoned with; `source` says where the number comes from.",
    labels=("zone", "source"),
)
PUE = Gauge(
    "energy_pue_ratio",
    "Power usage effectiveness: what the building draws for each watt of the machine, from 1.",
    Unit.RATIO,
)
COST = Counter(
    "energy_cost_total",
    "Cost of the energy since the collector started, with the overhead of the building (PUE).",
    labels=("currency",),
)

ALL = (ENERGY, POWER, UNCERTAINTY, UNATTRIBUTED, METER, EMISSIONS, INTENSITY, PUE, COST)

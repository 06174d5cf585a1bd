"""What the plugin publishes, beside `GRID_CARBON` and `GRID_PRICE`, which others read."""

from __future__ import annotations

from collector_core import Gauge, Info, Unit
from collector_core.metering import GRID_CARBON, GRID_PRICE

PRICE_AHEAD = Gauge(
    "grid_price_ahead_per_kwh",
    "Mean price per kWh of the hour that begins in so many whole hours, as far as it is known.",
    labels=("provider", "zone", "currency", "hours"),
    topic="price_ahead",
    of="grid",
    title="Price of electricity ahead",
)
CARBON_AHEAD = Gauge(
    "grid_carbon_ahead_grams_per_kwh",
    "Mean CO2 equivalent per kWh that is forecast for the hour that begins in so many whole hours.",
    labels=("provider", "zone", "hours"),
    topic="carbon_intensity_ahead",
    of="grid",
    title="Carbon intensity ahead",
)
AGE = Gauge(
    "grid_answer_age_seconds",
    "Time since the provider's last answer.",
    Unit.SECONDS,
    ("provider",),
    topic="age",
    of="provider",
    title="Age of what a provider of grid data said",
)
UP = Gauge(
    "grid_provider_up",
    "1 if the provider's last answer was good, 0 otherwise.",
    labels=("provider",),
    topic="availability",
    of="provider",
    title="Availability of a provider of grid data",
)
UNAVAILABLE = Info(
    "grid_provider_unavailable_info",
    "Why the provider cannot be read: permission, not_found, not_supported, unreachable, timeout, auth or bad_data.",
    ("provider", "reason"),
)

ALL = (GRID_PRICE, GRID_CARBON, PRICE_AHEAD, CARBON_AHEAD, AGE, UP, UNAVAILABLE)

"""What the plugin publishes; price and carbon intensity are found by others by what they are about."""

from __future__ import annotations

from collector_core import Gauge, Info, Unit

PRICE = Gauge(
    "grid_price_per_kwh",
    "Price per kWh now, with the taxes and fees that are configured; negative where one is paid for using it.",
    labels=("provider", "zone", "currency"),
    topic="price",
    of="grid",
    title="Price of electricity",
)
CARBON = Gauge(
    "grid_carbon_grams_per_kwh",
    "CO2 equivalent per kWh of the grid's electricity now, as its provider says.",
    labels=("provider", "zone"),
    topic="carbon_intensity",
    of="grid",
    title="Carbon intensity of the grid",
)
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

ALL = (PRICE, CARBON, PRICE_AHEAD, CARBON_AHEAD, AGE, UP, UNAVAILABLE)

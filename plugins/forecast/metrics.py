"""What the plugin publishes: one declaration for each metric."""

from __future__ import annotations

from collector_core import Counter, Gauge, Info, Unit

_SERIES = ("series",)

VALUE = Gauge(
    "forecast_value",
    "What the series is expected to be in `horizon` from now, in the unit that forecast_model_info names.",
    labels=("series", "horizon", "quantile"),
    topic="forecast",
    of="series",
    title="Forecast",
)
MASE = Gauge(
    "forecast_mase",
    "Mean absolute error of a model on earlier parts of the series, over that of repeating the last season.",
    labels=("series", "horizon", "model"),
    of="series",
    title="Error of a forecast",
)
COVERAGE = Gauge(
    "forecast_coverage_ratio",
    "How often the interval of a level, such as 0.8, held the value on earlier parts of the series.",
    Unit.RATIO,
    ("series", "level"),
    topic="forecast_coverage",
    of="series",
    title="Coverage of a forecast",
)
RECENT_MASE = Gauge(
    "forecast_recent_mase",
    "Error of the forecasts that were shown in the last 30 days, over that of repeating the last season.",
    labels=("series", "horizon"),
    topic="recent_forecast_error",
    of="series",
    title="Error of recent forecasts",
)
RECENT_COVERAGE = Gauge(
    "forecast_recent_coverage_ratio",
    "How often the interval of a level held what came true in the last 30 days.",
    Unit.RATIO,
    ("series", "level"),
    topic="recent_forecast_coverage",
    of="series",
    title="Coverage of recent forecasts",
)
MODEL = Info(
    "forecast_model_info",
    "Which model forecasts the series, and in which unit its values are.",
    ("series", "model", "unit"),
    of="series",
    title="Model of a forecast",
)
UNAVAILABLE = Info(
    "forecast_unavailable_info",
    "Series that cannot be forecast, or not anew, and why.",
    ("series", "reason"),
    of="series",
    title="Missing forecast",
)
TRAINED_AT = Gauge(
    "forecast_trained_timestamp_seconds",
    "Time of the last training, in seconds since 1970.",
    Unit.SECONDS,
    _SERIES,
    of="series",
    title="Last training of a forecast",
)
AGE = Gauge(
    "forecast_age_seconds",
    "Time since the last training.",
    Unit.SECONDS,
    _SERIES,
    topic="forecast_age",
    of="series",
    title="Age of a forecast",
)
TRAININGS = Counter(
    "forecast_trainings_total",
    "Trainings by result: ok, too_short, unavailable, failed, or what ended them: cpu, memory, deadline, killed.",
    labels=("result",),
)
CPU = Counter("forecast_training_cpu_seconds_total", "CPU time of all trainings.", Unit.SECONDS)

PEAK = Gauge(
    "forecast_peak",
    "Highest value of tomorrow, in the unit that forecast_model_info names.",
    labels=("series", "quantile"),
    topic="peak",
    of="series",
    title="Tomorrow's peak",
)
LIMIT = Gauge(
    "forecast_peak_limit",
    "What tomorrow's peak should stay below, as configured.",
    labels=_SERIES,
    topic="peak_limit",
    of="series",
    title="Limit of the peak",
)
ABOVE_LIMIT = Gauge(
    "forecast_peak_above_limit_ratio",
    "Probability that tomorrow's peak is above the limit.",
    Unit.RATIO,
    _SERIES,
    topic="limit_risk",
    of="series",
    title="Tomorrow's peak above its limit",
)
ENERGY = Gauge(
    "forecast_energy_joules",
    "Energy of a day or month: what has been measured of it and what is expected.",
    Unit.JOULES,
    ("series", "period", "quantile"),
    topic="expected_energy",
    of="series",
    title="Expected energy",
)
COST = Gauge(
    "forecast_cost",
    "Cost of the machine's energy in a day or month, by the hour's price or, without one, the mean of 30 days.",
    labels=("period", "quantile", "currency"),
    topic="expected_cost",
    of="host",
    title="Expected energy cost of this machine",
)
EMISSIONS = Gauge(
    "forecast_emissions_grams",
    "CO2 equivalent of the machine's energy in a day or month, at the intensity of the last 30 days.",
    Unit.GRAMS,
    ("period", "quantile"),
    topic="expected_emissions",
    of="host",
    title="Expected emissions of this machine",
)

_BATTERY = ("battery",)
TIME_TO_EMPTY = Gauge(
    "forecast_battery_time_to_empty_seconds",
    "Time until the battery is empty with the solar power and load that are forecast; absent where it will not be.",
    Unit.SECONDS,
    (*_BATTERY, "quantile"),
    topic="time_to_empty",
    of="battery",
    title="Time until a battery is empty",
)
TIME_TO_FULL = Gauge(
    "forecast_battery_time_to_full_seconds",
    "Time until the battery is full, likewise.",
    Unit.SECONDS,
    (*_BATTERY, "quantile"),
    topic="time_to_full",
    of="battery",
    title="Time until a battery is full",
)
LIKELIEST_TIME_TO_EMPTY = Gauge(
    "forecast_battery_likeliest_time_to_empty_seconds",
    "The likeliest time until the battery is empty, between the quantiles 0.1 and 0.9; absent where it will not be.",
    Unit.SECONDS,
    _BATTERY,
    topic="likeliest_time_to_empty",
    of="battery",
    title="Likeliest time until a battery is empty",
)
LIKELIEST_TIME_TO_FULL = Gauge(
    "forecast_battery_likeliest_time_to_full_seconds",
    "The likeliest time until the battery is full, likewise.",
    Unit.SECONDS,
    _BATTERY,
    topic="likeliest_time_to_full",
    of="battery",
    title="Likeliest time until a battery is full",
)
EMPTY_RISK = Gauge(
    "forecast_battery_empty_risk_ratio",
    "Probability that the battery is empty at some time within the forecast.",
    Unit.RATIO,
    _BATTERY,
    topic="empty_risk",
    of="battery",
    title="Risk that a battery will be empty",
)
RUNTIME = Gauge(
    "forecast_battery_runtime_seconds",
    "Time until the battery is empty if it goes on to give what it gives now.",
    Unit.SECONDS,
    _BATTERY,
    topic="runtime",
    of="battery",
    title="Runtime of a battery at this draw",
)
TIME_TO_EXHAUSTION = Gauge(
    "forecast_time_to_exhaustion_seconds",
    "Time until nothing is left of a disk or memory if it goes on shrinking as in the last weeks.",
    Unit.SECONDS,
    ("resource", "quantile"),
    topic="time_to_exhaustion",
    of="resource",
    title="Time until a resource is exhausted",
)

OF_A_SERIES = (VALUE, MASE, COVERAGE, RECENT_MASE, RECENT_COVERAGE, MODEL, UNAVAILABLE, TRAINED_AT, AGE)
DERIVED = (PEAK, LIMIT, ABOVE_LIMIT, ENERGY, COST, EMISSIONS)
OF_A_BATTERY = (
    TIME_TO_EMPTY,
    TIME_TO_FULL,
    LIKELIEST_TIME_TO_EMPTY,
    LIKELIEST_TIME_TO_FULL,
    EMPTY_RISK,
    RUNTIME,
)
ALL = (*OF_A_SERIES, TRAININGS, CPU, *DERIVED, *OF_A_BATTERY, TIME_TO_EXHAUSTION)

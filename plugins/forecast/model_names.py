"""The names of all models, for those who ask for one before any is imported."""

from __future__ import annotations

from collector_plugins.forecast.outcome import COMBINATION

PURE = "combination without numpy"
MODELS = (
    COMBINATION,
    PURE,
    "seasonal_naive",
    "yesterday",
    "median_weeks",
    "median_days",
    "weighted_week",
    "slow_week",
    "moved_week",
    "shaped_days",
    "shares",
    "similar_hours",
    "similar_days",
    "autoregression",
    "corrected_week",
    "corrected_days",
    "corrected_shares",
    "with_covariates",
    "naive",
    "drift",
    "smoothed",
    "median",
    "mean",
    "prophet",
    "lightgbm",
    "scikit-learn",
)


def known_model(name: str) -> str:
    """The name; raises `ValueError` with those that there are where no model is called so."""
    if name not in MODELS:
        raise ValueError(f"no model is called {name!r}; there are {', '.join(MODELS)}")
    return name

"""What sources of energy are called: people write `Solar`, `pv` or `hydropower`."""

from __future__ import annotations

from functools import lru_cache

_MOST_REMEMBERED = 1024
_ALIASES = {"natural_gas": "gas", "hydropower": "hydro", "photovoltaic": "solar", "pv": "solar", "ocean": "tidal"}


@lru_cache(_MOST_REMEMBERED)
def usual_name(source: str) -> str:
    """The name by which factors and renewables know a source."""
    name = source.lower().replace(" ", "_")
    return _ALIASES.get(name, name)

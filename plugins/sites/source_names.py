"""What sources of energy are called: people write `Solar`, `pv` or `hydropower`."""

from __future__ import annotations

_ALIASES = {"natural_gas": "gas", "hydropower": "hydro", "photovoltaic": "solar", "pv": "solar", "ocean": "tidal"}


def usual_name(source: str) -> str:
    """The name by which factors and renewables know a source."""
    name = source.lower().replace(" ", "_")
    return _ALIASES.get(name, name)

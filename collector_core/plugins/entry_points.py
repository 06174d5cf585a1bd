"""Which plugins there are, by name, without importing any."""

from __future__ import annotations

from collector_core.installed import entry_points

GROUP = "collector_core"
OURS = "energy-collector"  # the distribution that bundled plugins come with


def entry_point_names() -> list[str]:
    """The names of all installed plugins, without loading them."""
    return sorted({entry.name for entry in entry_points(GROUP)})


def third_party_names() -> list[str]:
    """The names of those plugins that are not bundled."""
    return sorted({entry.name for entry in entry_points(GROUP) if entry.distribution != OURS})

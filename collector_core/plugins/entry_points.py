"""What installed distributions offer, by name: read from their metadata, so that nothing is imported."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import lru_cache
from importlib import metadata

from collector_core.errors import describe

log = logging.getLogger(__name__)

GROUP = "collector_core"
OURS = "energy-collector"  # the distribution that bundled plugins come with


def entry_points(group: str) -> list[metadata.EntryPoint]:
    """All installed entry points of a group; a distribution whose own files are damaged is logged and left out."""
    try:
        return list(metadata.entry_points(group=group))
    except Exception:  # noqa: BLE001 - it does not say which one is damaged
        return [entry for found in metadata.distributions() for entry in _entry_points_of(found, group)]


def _entry_points_of(distribution: metadata.Distribution, group: str) -> list[metadata.EntryPoint]:
    try:
        return list(distribution.entry_points.select(group=group))
    except Exception as error:  # noqa: BLE001 - anybody's files
        where = getattr(distribution, "_path", "somewhere")
        log.error("the entry points in %s cannot be read: %s", where, describe(error))  # noqa: TRY400 - one line
        return []


def entry_point_names() -> list[str]:
    """The names of all installed plugins, without loading them."""
    return sorted({entry.name for entry in entry_points(GROUP)})


def third_party_names() -> list[str]:
    """The names of those plugins that are not bundled."""
    return sorted({entry.name for entry in entry_points(GROUP) if distribution_of(entry) != OURS})


def distribution_of(entry: metadata.EntryPoint) -> str:
    """The name of the distribution that an entry point comes with."""
    with suppress(Exception):  # damaged metadata
        return (_identity(entry.dist)[0] if entry.dist else "") or entry.value
    return entry.value


def version_of(entry: metadata.EntryPoint) -> str:
    """The version of that distribution; empty where its metadata does not say."""
    with suppress(Exception):  # damaged metadata
        return _identity(entry.dist)[1] if entry.dist else ""
    return ""


@lru_cache(maxsize=64)
def _identity(distribution: metadata.Distribution) -> tuple[str, str]:
    """Name and version, read once for all entry points of a distribution: its metadata holds a whole README."""
    found = distribution.metadata
    return str(found["Name"] or ""), str(found["Version"] or "")

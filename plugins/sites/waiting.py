"""What an entry that waits for the database holds, in JSON, and how it is written to the database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any

from pydantic import TypeAdapter

from collector_plugins.sites.reading import Reading
from collector_plugins.sites.site import BEGINNING, Change, Site
from collector_plugins.sites.store import SiteExistsError, Store

READINGS, REGISTER, CHANGE = "readings", "register", "change"
_READINGS = TypeAdapter(list[Reading])

Entry = tuple[str, Any]


def encode_readings(readings: Sequence[Reading]) -> bytes:
    """Readings as an entry."""
    return b'{"readings":' + _READINGS.dump_json(list(readings), exclude_none=True) + b"}"


def encode_site(kind: str, site_id: str, change: Change) -> bytes:
    """A new site, or a change of one, as an entry."""
    return json.dumps({kind: {"id": site_id, "valid_from": change.valid_from, "keys": dict(change.keys)}}).encode()


def deliver(store: Store, bodies: Iterable[bytes], find_known: Callable[[str], Site | None]) -> None:
    """Write what waits, in order; what is there already stays. Raises `StorageError`.

    A site that the database lacks is registered as `find_known` says.
    """
    for kind, entries in groupby((entry for body in bodies for entry in _decoded(body)), key=lambda entry: entry[0]):
        if kind == READINGS:
            readings = _READINGS.validate_python([reading for _, found in entries for reading in found])
            _require_sites(store, {reading.site_id for reading in readings}, find_known)
            store.add(readings)
            continue
        for _, said in entries:
            change = Change(said["valid_from"], said["keys"])
            if kind == REGISTER:
                with suppress(SiteExistsError):  # another collector was faster
                    store.add_site(said["id"], change)
            else:
                _require_sites(store, {said["id"]}, find_known)
                store.change_site(Site(0, said["id"], [Change(BEGINNING, {})]), change)


def _decoded(body: bytes) -> Iterator[Entry]:
    """What an entry holds; nothing where it is damaged."""
    with suppress(ValueError):
        yield from json.loads(body).items()


def _require_sites(store: Store, ids: set[str], find_known: Callable[[str], Site | None]) -> None:
    for site_id in sorted(ids - {site.id for site in store.sites()}):
        site = find_known(site_id)
        first, *others = site.changes if site else [Change(BEGINNING, {})]
        added = store.add_site(site_id, first)
        for change in others:
            added = store.change_site(added, change)

"""The sites that are known, in a file of our own: for a start while the database is away."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from collector_core.storage import write_atomically
from collector_plugins.sites.site import Change, Site

MAX_BYTES = 64 << 20


class SiteCache:
    """Keeps sites with their histories. One that waits to be registered has a number below 0."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sites: dict[str, Site] | None = None

    def find(self, site_id: str) -> Site | None:
        """A site, if it is known."""
        return self._known().get(site_id)

    def all(self) -> list[Site]:
        """All sites; none where the file is missing or damaged."""
        return list(self._known().values())

    def add(self, site_id: str, changes: Sequence[Change]) -> Site:
        """Keep a site that waits to be registered; raises `StorageError`."""
        lowest = min((site.number for site in self.all()), default=0)
        site = Site(min(lowest, 0) - 1, site_id, list(changes))
        self.put([*self.all(), site])
        return site

    def put(self, sites: Sequence[Site]) -> None:
        """Keep these sites instead of those before; raises `StorageError`."""
        found = {site.id: site for site in sites}
        document = [
            {
                "number": site.number,
                "id": site.id,
                "changes": [[each.valid_from, dict(each.keys)] for each in site.changes],
            }
            for site in found.values()
        ]
        write_atomically(self._path, json.dumps(document).encode())
        self._sites = found

    def _known(self) -> dict[str, Site]:
        if self._sites is None:
            try:
                document = json.loads(self._path.read_bytes())
                self._sites = {
                    each["id"]: Site(each["number"], each["id"], [Change(*change) for change in each["changes"]])
                    for each in document
                }
            except (OSError, ValueError, KeyError, TypeError):
                self._sites = {}
        return self._sites

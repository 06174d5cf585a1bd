"""The stores of a collector whose sites are in a database."""

from __future__ import annotations

from pathlib import Path

from collector_core import SecretStr
from collector_plugins.sites.config import Config
from collector_plugins.sites.outbox import Outbox
from collector_plugins.sites.postgres_store import PostgresStore
from collector_plugins.sites.queued_store import QueuedStore
from collector_plugins.sites.site_cache import SiteCache

WAITING, KNOWN_SITES = "waiting.db", "known-sites.json"


def make_store(config: Config, url: SecretStr, folder: Path, *, read_only: bool) -> PostgresStore:
    """The store of the thread that writes, or of the one that only reads."""
    if read_only:
        return PostgresStore(url, config.timescaledb, read_only=True)
    outbox = Outbox(folder / WAITING, config.queue_max_bytes)
    return QueuedStore(url, config.timescaledb, outbox, SiteCache(folder / KNOWN_SITES))

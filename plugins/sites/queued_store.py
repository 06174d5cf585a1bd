"""A store in a database that may be away: what is written waits on our own disk meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from collector_core import SecretStr, describe
from collector_core.storage import StorageError, StorageReason
from collector_plugins.sites.outbox import Outbox
from collector_plugins.sites.postgres_store import PostgresStore
from collector_plugins.sites.reading import Reading
from collector_plugins.sites.site import BEGINNING, Change, Site
from collector_plugins.sites.site_cache import SiteCache
from collector_plugins.sites.store import SiteExistsError
from collector_plugins.sites.waiting import CHANGE, REGISTER, deliver, encode_readings, encode_site

ResultT = TypeVar("ResultT")
READINGS_AT_ONCE = 5000
PAUSE_SECONDS = 1.0
STOP_SECONDS = 1.2  # to deliver what still waits; the program has little more when it ends
DELIVERY_SECONDS = 30.0


def is_away(error: StorageError) -> bool:
    """Whether the database may take later what it has refused now."""
    return error.storage_reason is not StorageReason.FAILED


class Deliverer:
    """Brings what waits to the database, in order, on a thread of its own. `trouble` is why that fails now."""

    def __init__(self, outbox: Outbox, make_store: Callable[[], PostgresStore], cache: SiteCache) -> None:
        self.trouble: StorageError | None = None
        self._outbox = outbox
        self._make_store = make_store
        self._cache = cache
        self._wake = threading.Event()
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Something waits."""
        if self._thread is None:
            self._is_stopping = False
            self._thread = threading.Thread(target=self._run, name="sites-deliverer", daemon=True)
            self._thread.start()
        self._wake.set()

    def stop(self, seconds: float) -> None:
        """Deliver what waits, if that succeeds at once, and end; waits for so long at most."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._is_stopping = True
            self._wake.set()
            thread.join(seconds)

    def _run(self) -> None:
        store = self._make_store()
        while True:
            self._deliver_all(store)
            if self._is_stopping:
                break
            self._wake.wait(PAUSE_SECONDS if self.trouble else None)
            self._wake.clear()
            if self.trouble:
                store.close()
        store.close()

    def _deliver_all(self, store: PostgresStore) -> None:
        try:
            while entries := self._outbox.head(READINGS_AT_ONCE):
                deliver(store, [body for _, body in entries], self._cache.find)
                self._outbox.remove_through(entries[-1][0])
            self.trouble = None
        except StorageError as error:
            self.trouble = error
        except Exception as error:  # noqa: BLE001 - the thread must live on
            self.trouble = StorageError(store.address, StorageReason.FAILED, describe(error))


class QueuedStore(PostgresStore):
    """The store of the one that writes. What the database cannot take now waits in `outbox`, and counts as new."""

    def __init__(self, url: SecretStr, timescaledb: str, outbox: Outbox, cache: SiteCache) -> None:
        super().__init__(url, timescaledb)
        self._outbox = outbox
        self._cache = cache
        self._deliverer = Deliverer(outbox, lambda: PostgresStore(url, timescaledb, timeout=DELIVERY_SECONDS), cache)
        self._revision = 0

    def open(self) -> None:
        """As `Store.open`; while the database is away it is open, too."""
        if not self._outbox.is_empty:
            self._deliverer.wake()
        try:
            super().open()
        except StorageError as error:
            if not is_away(error):
                raise

    @property
    def trouble(self) -> StorageError | None:
        """Why the database takes nothing now, as far as that is known."""
        return self._deliverer.trouble

    @property
    def waiting(self) -> int:
        """As `Store.waiting`."""
        return self._outbox.readings

    def close(self) -> None:
        """As `Store.close`, after a last try to deliver what waits."""
        self._deliverer.stop(STOP_SECONDS)
        self._outbox.close()
        super().close()

    def sites(self) -> list[Site]:
        """As `Store.sites`; those that are known of before while the database is away."""
        known, all_arrived = self._cache.all(), self._outbox.is_empty  # before it is asked what has arrived
        try:
            found = super().sites()
        except StorageError as error:
            if not is_away(error):
                raise
            return known
        names = {site.id for site in found}
        waiting = [] if all_arrived else [site for site in known if site.number < 0 and site.id not in names]
        self._cache.put([*found, *waiting])
        return self._cache.all()

    def registry_revision(self) -> int:
        """As `Store.registry_revision`; what waits must have arrived before sites are read anew."""
        try:
            if self._outbox.is_empty:
                self._revision = super().registry_revision()
        except StorageError as error:
            if not is_away(error):
                raise
        return self._revision

    def add_site(self, site_id: str, change: Change) -> Site:
        """As `Store.add_site`."""
        if (site := self._tried(lambda: super(QueuedStore, self).add_site(site_id, change))) is not None:
            self._cache.put([*self._cache.all(), site])
            return site
        if self._cache.find(site_id) is not None:
            raise SiteExistsError(site_id)
        self._wait(encode_site(REGISTER, site_id, change))
        return self._cache.add(site_id, [change])

    def add_sites(self, ids: Sequence[str]) -> list[Site]:
        """As `Store.add_sites`."""
        if (found := self._tried(lambda: super(QueuedStore, self).add_sites(ids))) is not None:
            self._cache.put([*self._cache.all(), *found])
            return found
        return [self._cache.find(each) or self.add_site(each, Change(BEGINNING, {})) for each in ids]

    def change_site(self, site: Site, change: Change) -> Site:
        """As `Store.change_site`."""
        changed = self._tried(lambda: super(QueuedStore, self).change_site(site, change))
        if changed is None:
            self._wait(encode_site(CHANGE, site.id, change))
            changed = site.with_change(change)
        self._cache.put([*self._cache.all(), changed])
        return changed

    def add(self, readings: Sequence[Reading]) -> list[bool]:
        """As `Store.add`."""
        if (new := self._tried(lambda: super(QueuedStore, self).add(readings))) is not None:
            return new
        self._wait(encode_readings(readings), len(readings))
        return [True] * len(readings)

    def _tried(self, work: Callable[[], ResultT]) -> ResultT | None:
        """What the database answers; None where it is away, or others wait to be written before."""
        if not self._outbox.is_empty:
            return None
        try:
            return work()
        except StorageError as error:
            if not is_away(error):
                raise
            self._deliverer.trouble = error
            return None

    def _wait(self, body: bytes, readings: int = 0) -> None:
        self._outbox.append(body, readings)
        self._deliverer.wake()

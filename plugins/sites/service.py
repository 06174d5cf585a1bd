"""Sites and their readings, for everybody in this process: one thread writes, one reads."""

from __future__ import annotations

import asyncio
import threading
import time
from asyncio import wrap_future
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from collector_core import Clock
from collector_plugins.sites.factors import Factors
from collector_plugins.sites.ingest import Ingest
from collector_plugins.sites.own_thread import OwnThread
from collector_plugins.sites.plain_runs import roll_up_hours
from collector_plugins.sites.site import BEGINNING, Change, Site, SiteCreate, SitePatch
from collector_plugins.sites.store import HOUR, Piece, Store, together

ResultT = TypeVar("ResultT")
MOST_HOURS_AT_ONCE = 100
MOST_DELETED_AT_ONCE = 2000
PAUSE_PER_TURN = 2.0  # times as long as it took
SETTLED_HOURS = 1  # after which most readings of an hour have arrived
TURN_SECONDS = 0.01  # that senders wait for the thread that writes, about
DAY_SECONDS = 86_400
LOOK_SECONDS = 1.0  # between two looks for sites that others have registered, however many ask for unknown ones


class _Turn:
    """How many hours the thread that writes works on at a time, so that senders wait for a moment only."""

    def __init__(self) -> None:
        self.count = 10

    @contextmanager
    def timed(self) -> Iterator[int]:
        """How many hours to work on in a block; the next turn has fewer where it takes long, also where it fails."""
        began = time.monotonic()
        try:
            yield self.count
        finally:
            is_slow = time.monotonic() - began > TURN_SECONDS
            self.count = max(1, self.count // 2) if is_slow else min(MOST_HOURS_AT_ONCE, self.count * 2)


class UnknownSiteError(Exception):
    """There is no site of that id."""


class SiteService:
    """The registry of sites, what ingests readings, and answers of the store.

    `make_store` makes the store of the thread that writes, or of the one that only reads. `sites` is known after
    `load`. Safe to use from any thread.
    """

    def __init__(
        self,
        make_store: Callable[[bool], Store],
        factors: Factors,
        clock: Clock,
        *,
        retention: float,
        auto_register: bool,
    ) -> None:
        self._writer = OwnThread("sites-writer", lambda: make_store(False))
        self._reader = OwnThread("sites-reader", lambda: make_store(True))
        self._reporter = OwnThread("sites-reporter", lambda: make_store(True))
        self._looker = OwnThread("sites-looker", lambda: make_store(True))
        self._finder = OwnThread("sites-finder", lambda: make_store(True))
        self._factors = factors
        self._clock = clock
        self._lock = threading.Lock()
        self._sites: dict[str, Site] | None = None
        self._revision = self._found_revision = -1
        self._search: Future[None] | None = None
        self._next_search = 0.0
        self._retention = round((retention + DAY_SECONDS) * 1000)  # late readings still find what is before them
        self._deleted_in = 0
        self._rolled_up, self._sealed = _Turn(), _Turn()
        register = self._register_missing if auto_register else None
        self.ingest = Ingest(self._writer, self._find, register, clock, retention)

    @property
    def now(self) -> int:
        """Milliseconds since 1970."""
        return round(self._clock.time() * 1000)

    @property
    def factors(self) -> Factors:
        """Where factors of emissions come from."""
        return self._factors

    @property
    def is_loaded(self) -> bool:
        """Whether the sites are known."""
        return self._sites is not None

    @property
    def sites(self) -> dict[str, Site]:
        """All sites by id; none before `load`."""
        return self._sites or {}

    def load(self) -> Future[None]:
        """Open the store and learn which sites there are; raises `StorageError` in the future."""

        def load(store: Store) -> None:
            store.open()
            self._read_sites(store)

        return self._writer.submit(load)

    def load_to_read(self) -> Future[None]:
        """Learn which sites there are, beside the service that writes; raises `StorageError` in the future."""

        def load(store: Store) -> None:
            self._sites = {site.id: site for site in store.sites()}

        return self._reader.submit(load)

    def site(self, site_id: str) -> Site:
        """A site by its id; raises `UnknownSiteError`."""
        if (site := self.sites.get(site_id)) is None:
            raise UnknownSiteError(site_id)
        return site

    async def find_new_sites(self) -> None:
        """Learn of sites that others who share the database have registered, unless that was just done.

        Raises `StorageError`.
        """
        with self._lock:
            if (self._search is None or self._search.done()) and time.monotonic() >= self._next_search:
                self._next_search = time.monotonic() + LOOK_SECONDS
                self._search = self._finder.submit(self._add_new_sites)
            search = self._search
        if search is not None:
            await asyncio.shield(wrap_future(search))  # others wait for it, too

    def register(self, wanted: SiteCreate) -> Future[Site]:
        """Register a site; `SiteExistsError` in the future where its id is taken."""
        keys = wanted.model_dump(mode="json", exclude_unset=True, exclude={"id", "valid_from"})
        change = Change(BEGINNING if wanted.valid_from is None else wanted.valid_from, keys)
        return self._writer.submit(lambda store: self._remember(store.add_site(wanted.id, change)))

    async def ensure(self, wanted: SiteCreate) -> Site:
        """A site that is there, or is registered now."""
        if wanted.id in self.sites:
            return self.sites[wanted.id]
        return await wrap_future(self.register(wanted))

    def change(self, site_id: str, wanted: SitePatch) -> Future[Site]:
        """Change what holds for a site; `UnknownSiteError` in the future."""
        change = Change(self.now if wanted.valid_from is None else wanted.valid_from, wanted.changes)
        return self._writer.submit(lambda store: self._remember(store.change_site(self.site(site_id), change)))

    def read(self, question: Callable[[Store], ResultT]) -> Future[ResultT]:
        """The answer of the store to a question."""
        return self._reader.submit(question)

    def report(self, question: Callable[[Store], ResultT]) -> Future[ResultT]:
        """The same for what takes seconds, so that short questions need not wait for it."""
        return self._reporter.submit(question)

    def look(self, question: Callable[[Store], ResultT]) -> Future[ResultT]:
        """The same for what takes long and nobody waits for."""
        return self._looker.submit(question)

    def write(self, work: Callable[[Store], ResultT]) -> Future[ResultT]:
        """Work of the thread that writes."""
        return self._writer.submit(work)

    async def roll_up(self, seconds: float) -> None:
        """Bring hourly sums up to date, for about that many seconds; what is left is done the next time.

        While somebody sends readings it pauses after each turn, so that they do not queue.
        """
        await self._in_turns(self._roll_up_some, seconds)

    async def seal(self, seconds: float) -> None:
        """Keep the hashes of hours that are over, for about that many seconds, with pauses as above."""
        await self._in_turns(self._seal_some, seconds)

    async def _in_turns(self, work: Callable[[Store], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (began := time.monotonic()) < deadline:
            sent = self.ingest.sent
            if not await wrap_future(self._writer.submit(work)):
                return
            if self.ingest.sent != sent:
                await asyncio.sleep(PAUSE_PER_TURN * (time.monotonic() - began))

    async def delete_old(self, seconds: float) -> None:
        """Delete readings that are older than what is kept, once an hour, for about that many seconds at a time."""
        hour, deadline = self.now // HOUR, time.monotonic() + seconds
        while hour != self._deleted_in and time.monotonic() < deadline:
            if not await wrap_future(self._writer.submit(self._delete_some)):
                self._deleted_in = hour

    def close(self) -> None:
        """Close the store after all that is under way."""
        self._finder.close()
        self._looker.close()
        self._reporter.close()
        self._reader.close()
        self._writer.close()

    def _delete_some(self, store: Store) -> bool:
        """Returns whether there may be more to do."""
        return store.delete_before(self.now - self._retention, MOST_DELETED_AT_ONCE)

    def _roll_up_some(self, store: Store) -> bool:
        """Returns whether there may be more to do; takes as many hours as let senders wait for a moment only."""
        with self._rolled_up.timed() as count:
            oldest = store.oldest_stale(count)
            if store.registry_revision() != self._revision:  # after stale hours: a change makes them stale again
                self._read_sites(store)
            by_number = {site.number: site for site in self.sites.values()}
            stale = sorted(place for place in oldest if place[0] in by_number)
            sums: dict[tuple[int, int], Piece | None] = dict.fromkeys(stale)
            for (first, last), numbers in together(stale).items():
                sites = [by_number[number] for number in numbers]
                period = first * HOUR, (last + 1) * HOUR
                for site, hour, piece in roll_up_hours(store, self._factors, sites, period):
                    sums[site.number, hour] = piece
            if sums:
                store.put_hours([(number, hour, piece) for (number, hour), piece in sums.items()])
        return len(stale) == count

    def _seal_some(self, store: Store) -> bool:
        """Returns whether there may be more to do."""
        with self._sealed.timed() as count:
            return store.seal(self.now // HOUR - SETTLED_HOURS, count)

    def _read_sites(self, store: Store) -> None:
        revision = store.registry_revision()
        with self._lock:
            self._sites = {site.id: site for site in store.sites()}
        self._revision = revision

    def _add_new_sites(self, store: Store) -> None:
        """Changes of sites that are known already are left to the thread that writes."""
        revision = store.registry_revision()
        if revision != self._found_revision:
            found = {site.id: site for site in store.sites()}
            with self._lock:
                self._sites = {**found, **self.sites}
            self._found_revision = revision

    def _remember(self, site: Site) -> Site:
        with self._lock:
            self._sites = {**self.sites, site.id: site}
        return site

    def _find(self, site_id: str) -> Site | None:
        return self.sites.get(site_id)

    def _register_missing(self, store: Store, ids: Iterable[str]) -> None:
        """Register those of the sites that are not known, all in one step."""
        if missing := sorted(set(ids) - self.sites.keys()):
            found = {site.id: site for site in store.add_sites(missing)}
            with self._lock:
                self._sites = {**self.sites, **found}

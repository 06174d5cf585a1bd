"""What the grids of sites emit by the hour, as other collectors publish it: kept, so that the past stays right."""

from __future__ import annotations

from asyncio import wrap_future
from collections.abc import Iterable

from collector_core import Published, TopicSelector
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.store import HOUR, GridHour, Mean

MINUTE = 60_000  # milliseconds


class Grids:
    """Follows the carbon intensity of the zones that sites are in; an hour's is the mean of what was said in it."""

    def __init__(self, service: SiteService) -> None:
        self._service = service
        self._selector = TopicSelector("carbon_intensity", of="grid")
        self._means: dict[tuple[str, int, str], Mean] = {}
        self._kept: dict[tuple[str, int], GridHour] = {}
        self._kept_in = -1

    def record(self, published: Iterable[Published]) -> None:
        """Take what is published now; of several that tell of a zone the first."""
        now = self._service.now
        wanted = {site.terms_at(now).zone for site in self._service.sites.values()}
        heard = set[str]()
        for series, grams in self._selector.select(published):
            zone = series.labels.get("zone", "")
            origin = f"{series.labels.get('provider') or series.labels.get('source', '')}_{zone}"
            if zone in wanted - heard and not self._service.factors.is_yearly(origin):
                heard.add(zone)
                self._means.setdefault((zone, now // HOUR, origin), Mean()).add(grams)

    async def keep(self) -> None:
        """Have the store keep what has changed, once a minute; raises `StorageError`, and tries again the next time."""
        minute, hour = self._service.now // MINUTE, self._service.now // HOUR
        if minute == self._kept_in:
            return
        for (zone, of, origin), mean in list(self._means.items()):
            told = GridHour(zone, of, mean.value or 0.0, origin)
            if told != self._kept.get((zone, of)):
                await self._put(told)
                self._kept[zone, of] = told
            if of < hour:
                del self._means[zone, of, origin]
                self._kept.pop((zone, of), None)
        self._kept_in = minute

    async def _put(self, told: GridHour) -> None:
        begin = told.hour * HOUR
        sites = [site.number for site in self._service.sites.values() if site.terms_at(begin).zone == told.zone]
        await wrap_future(self._service.write(lambda store: store.put_grid_hour(told, sites)))

"""What is published of forecasts: each site's power and hash rate ahead, made anew every hour in the background."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import get_args

from collector_core import ApiError, BackgroundTask, Backoff, ForecastedSeries, Readings
from collector_core.storage import StorageError
from collector_plugins.sites import metrics
from collector_plugins.sites.forecasting import HIGHEST, LOWEST, MIDDLE, Kind, forecast, own_mase, past_points
from collector_plugins.sites.periods import DAY
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import Site
from collector_plugins.sites.store import HOUR

HORIZONS = {"1h": 3600.0, "24h": 86_400.0, "7d": 7 * 86_400.0}
AHEAD = 8 * DAY / 1000  # seconds: a week from the end of the hour in which the next forecast is due
FIRST_RETRY, LONGEST_RETRY = 15.0, 3600.0  # seconds, where there was too little to forecast from
PAUSE = 20.0  # times as long as a forecast took, or finding out that there can be none, before the next one


@dataclass(frozen=True)
class Outlook:
    """A forecast, with when it was made, when its model was chosen (both in milliseconds), and that model's error."""

    series: ForecastedSeries
    made_at: int
    chosen_at: int
    mase: float | None

    def value(self, quantile: float, moment: float) -> float | None:
        """What is expected of the step that ends next after a moment, in seconds; None beyond what was forecast."""
        return next((value for end, value in self.series.points[quantile] if end >= moment), None)

    def peak(self, since: float, until: float) -> float | None:
        """The highest median between two moments, in seconds."""
        ahead = (value for end, value in self.series.points[MIDDLE] if since < end <= until)
        return max(ahead, default=None)


class Outlooks:
    """Keeps forecasts of all sites. A model is chosen again after `retrain_every` seconds, and used until then.

    `tell` hears of each forecast that is made.
    """

    def __init__(
        self,
        service: SiteService,
        retrain_every: float,
        tell: Callable[[str, Kind, Outlook], None] | None = None,
    ) -> None:
        self._service = service
        self._retrain_every = round(retrain_every * 1000)
        self._tell = tell
        self._background = BackgroundTask()
        self._known: dict[tuple[str, Kind], Outlook] = {}
        self._tried_in: dict[tuple[str, Kind], int] = {}
        self._retries: dict[tuple[str, Kind], Backoff] = {}

    def start(self) -> None:
        """Make those that are due, unless that goes on."""
        if not self._background.is_busy and any(self._due()):
            self._background.start(self._renew())

    def ask(self, site: str, kind: Kind) -> None:
        """Make the forecast of a site with the next run, where there is none yet; from any thread."""
        if (site, kind) not in self._known:
            self._tried_in.pop((site, kind), None)

    async def close(self) -> None:
        """Stop."""
        await self._background.close()

    def publish(self, out: Readings) -> None:
        """Add the series of all forecasts that still reach ahead."""
        now = self._service.now / 1000
        for (site, kind), outlook in self._known.items():
            if kind == "load":
                _publish_power(out, site, outlook, now)
        for kind in get_args(Kind):
            errors = [each.mase for (_, of), each in self._known.items() if of == kind and each.mase is not None]
            if errors:
                out.add(metrics.MODEL_ERROR, median(errors), kind=kind)

    def _due(self) -> Iterator[tuple[Site, Kind]]:
        now = self._service.now
        for site in self._service.sites.values():
            for kind in get_args(Kind):
                retry = self._retries.get((site.id, kind))
                if self._tried_in.get((site.id, kind)) != now // HOUR or (retry and retry.due(now / 1000)):
                    yield site, kind

    async def _renew(self) -> None:
        for site, kind in list(self._due()):
            began = time.monotonic()
            await self._make(site, kind)
            await asyncio.sleep(PAUSE * (time.monotonic() - began))

    async def _make(self, site: Site, kind: Kind) -> None:
        key, now = (site.id, kind), self._service.now
        self._tried_in[key] = now // HOUR
        try:
            self._known[key] = found = await self._forecast(site, kind)
        except (ApiError, StorageError):  # too little to forecast from; a sender may bring the past at any time
            self._retries.setdefault(key, Backoff(FIRST_RETRY, LONGEST_RETRY)).failed(now / 1000)
            return
        self._retries.pop(key, None)
        if self._tell is not None:
            self._tell(site.id, kind, found)

    async def _forecast(self, site: Site, kind: Kind) -> Outlook:
        now, known = self._service.now, self._known.get((site.id, kind))
        holds = known is not None and now - known.chosen_at < self._retrain_every
        model = known.series.model if known is not None and holds else ""
        points = await asyncio.wrap_future(
            self._service.look(lambda store: past_points(self._service, store, [site], kind, HOUR))
        )
        found = await asyncio.to_thread(forecast, points, AHEAD, HOUR / 1000, model)
        mase = own_mase(found)
        if known is not None and holds:
            return Outlook(found, now, known.chosen_at, known.mase if mase is None else mase)
        return Outlook(found, now, now, mase)


def _publish_power(out: Readings, site: str, outlook: Outlook, now: float) -> None:
    for text, ahead in HORIZONS.items():
        for quantile in (LOWEST, MIDDLE, HIGHEST):
            if (value := outlook.value(quantile, now + ahead)) is not None:
                out.add(metrics.FORECAST_POWER, max(0.0, value), site=site, horizon=text, quantile=f"{quantile:g}")
    if (peak := outlook.peak(now, now + HORIZONS["24h"])) is not None:
        out.add(metrics.FORECAST_PEAK, max(0.0, peak), site=site)

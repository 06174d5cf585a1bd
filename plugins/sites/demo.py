"""Three simulated sites, one of solar, one of hydro and one of the grid: `energy-collector run --demo`."""

from __future__ import annotations

import tempfile
from asyncio import wrap_future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector_core import Context, Readings
from collector_core.demo import daily, daylight, noise
from collector_plugins.sites import FILE, Sites
from collector_plugins.sites.config import Config
from collector_plugins.sites.site import SiteCreate, Source
from collector_plugins.sites.sqlite_store import SqliteStore
from collector_plugins.sites.store import Store

PAST_DAYS = 28  # so that forecasts and scores have something to go by
HOUR_SECONDS = 3600
CURTAILED_LOAD = 0.93  # of the grid's highest: what flexible sites stop at


@dataclass(frozen=True)
class _Site:
    """A site: watts at full load, TH/s then, how flexible it is (0 to 1), and what is registered."""

    watts: float
    terahashes: float
    flexible: float
    terms: SiteCreate


SITES = (
    _Site(
        4.2e6,
        150_000,
        0.6,
        SiteCreate(
            id="solar-west",
            operator="northern",
            region="west",
            zone="US-CAL-CISO",
            capacity_watts=5e6,
            grid_connection_watts=6e6,
            pue=1.06,
            price_per_kwh=0.055,
            sources=[Source(type="solar", share=0.45), Source(type="grid", share=0.55)],
        ),
    ),
    _Site(
        9.5e6,
        390_000,
        0.1,
        SiteCreate(
            id="hydro-north",
            operator="northern",
            region="north",
            zone="NO-NO4",
            capacity_watts=10e6,
            grid_connection_watts=12e6,
            pue=1.03,
            price_per_kwh=0.031,
            sources=[Source(type="hydro", share=1.0)],
        ),
    ),
    _Site(
        2.8e6,
        84_000,
        0.3,
        SiteCreate(
            id="grid-east",
            operator="eastern",
            region="east",
            zone="DE",
            capacity_watts=3e6,
            grid_connection_watts=3.2e6,
            pue=1.12,
            price_per_kwh=0.11,
        ),
    ),
)


class DemoSites(Sites):
    """Simulated sites in a database that disappears with the demo."""

    default_timeout = 60.0  # the first run makes a past of weeks

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def open(self) -> None:
        """Register the sites and send what they did in the last weeks."""
        await super().open()
        now = self.ctx.clock.time()
        latest = now - now % HOUR_SECONDS
        for site in SITES:
            await self._service.ensure(site.terms)
        times = [latest - HOUR_SECONDS * each for each in range(PAST_DAYS * 24)]
        await wrap_future(self._service.ingest.submit([_read(each, t, HOUR_SECONDS) for t in times for each in SITES]))

    async def collect(self, out: Readings) -> None:
        """Send what the sites do now, and publish it."""
        now = self.ctx.clock.time()
        await wrap_future(self._service.ingest.submit([_read(each, now, self.ctx.interval) for each in SITES]))
        await super().collect(out)

    async def close(self) -> None:
        """Close and delete the database."""
        await super().close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _make_store(self, read_only: bool) -> Store:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="energy-collector-demo-")
        return SqliteStore(Path(self._folder.name) / FILE, read_only=read_only)


def _read(site: _Site, when: float, seconds: float) -> dict[str, Any]:
    """What a site says at a time: it draws less while its grid has most to carry."""
    grid = daily(when, 0.6, 1.0, peak_hour=18, weekend=0.85) * (1 + noise(when, f"{site.terms.id} grid", 0.01))
    share = (1 - site.flexible if grid > CURTAILED_LOAD else 1.0) * (1 + noise(when, f"{site.terms.id} power", 0.02))
    reading: dict[str, Any] = {
        "site_id": site.terms.id,
        "timestamp": when,
        "interval_seconds": seconds,
        "power_watts": site.watts * share,
        "hashrate_th": site.terahashes * share,
        "temperature_celsius": daily(when, 8, 24, peak_hour=15),
        "grid": {
            "load_watts": 4e10 * grid,
            "frequency_hz": 50 + noise(when, "frequency", 0.02),
            "price_per_kwh": 0.09 * grid,
        },
    }
    if site.terms.id.startswith("solar"):
        sun = min(1.0, 0.9 * daylight(when))
        reading["sources"] = {"solar": sun, "grid": 1 - sun}
    return reading

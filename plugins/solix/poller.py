"""Brings the account's readings into `merge`: the cloud on its slow schedule, live values in between."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping
from typing import Any

from collector_core import AuthFailed, Clock, NotAvailable
from collector_plugins.solix import mapping
from collector_plugins.solix.account import Account
from collector_plugins.solix.config import Realtime
from collector_plugins.solix.lane import Job, Lane
from collector_plugins.solix.link import Link
from collector_plugins.solix.merge import Merge, Source
from collector_plugins.solix.polling import Polling
from collector_plugins.solix.privacy import Privacy
from collector_plugins.solix.readings import ENERGY_EVERY, CloudReadings

DETAILS_EVERY = 3600.0  # seconds

# A call into the library may wait for the budget of an endpoint, and sleeps where the cloud is overloaded.
CLOUD_SECONDS = 300.0
LIVE_SECONDS = 60.0

# Sites whose power the cloud tells as averages, asked for once the devices are known: it may take a minute.
AVERAGING = frozenset({"powerpanel", "hes"})


class Poller:
    """Starts what is due in the background and takes what comes; one account, on one event loop.

    `realtime` is None where MQTT is off. What fails stays in `failures`; what must not be tried again in `refused`.
    """

    def __init__(
        self,
        account: Account,
        merge: Merge,
        polling: Polling,
        link: Link,
        privacy: Privacy,
        clock: Clock,
        realtime: Realtime | None,
    ) -> None:
        self.messages: dict[str, dict[str, Any]] = {}
        self._account = account
        self._merge = merge
        self._polling = polling
        self._link = link
        self._clock = clock
        self._realtime = realtime
        self._cloud = Lane(privacy.clean)
        self._live = Lane(privacy.clean)
        self._readings = CloudReadings(merge)
        self._logged_in = self._known = False
        self._asks_cloud, self._asks_devices = True, False
        self._was_connected = False
        self._details_at = self._energy_at = -math.inf

    @property
    def known(self) -> bool:
        """Whether the account's devices are known."""
        return self._known

    @property
    def failures(self) -> dict[Source, NotAvailable]:
        """Why the cloud, or the live values, cannot be had at present."""
        lanes = {Source.REST: self._cloud, Source.MQTT: self._live}
        return {source: lane.error for source, lane in lanes.items() if lane.error}

    @property
    def refused(self) -> AuthFailed | None:
        """Why the account must not be tried again."""
        return self._cloud.refused or self._live.refused

    def start(self) -> list[asyncio.Task[None]]:
        """Begin what is due; returns what is worth waiting for."""
        if self.refused:
            return []
        now = self._clock.monotonic()
        if self._polling.due(now):
            asks_cloud = self._polling.begin(now)
            self._asks_cloud |= asks_cloud or self._realtime is None or not self._known
            self._asks_devices = True
        return [*self._start_cloud(), *self._start_live()]

    async def close(self) -> None:
        """Give up what goes on, and end the session."""
        await self._cloud.close()
        await self._live.close()
        await self._account.close()
        self._link.closed()

    def _start_cloud(self) -> Iterator[asyncio.Task[None]]:
        if self._cloud.busy:
            return
        now = self._clock.monotonic()
        if self._known and now - self._details_at >= DETAILS_EVERY:
            self._details_at = now
            yield self._cloud.start(self._update_details, CLOUD_SECONDS)
        elif self._asks_cloud:
            self._asks_cloud = False
            yield self._cloud.start(self._update_sites, CLOUD_SECONDS)
        elif self._known and now - self._energy_at >= ENERGY_EVERY:
            self._energy_at = now
            self._cloud.start(self._update_energy, CLOUD_SECONDS)

    def _start_live(self) -> Iterator[asyncio.Task[None]]:
        if self._realtime is None or not self._known or self._live.busy:
            return
        job: Job | None = None
        connected = self._account.connected
        if self._link.is_due(connected=connected):
            job = self._connect
        elif connected and (self._asks_devices or not self._was_connected):
            job = self._ask_devices
        self._was_connected = connected
        if job:
            yield self._live.start(job, LIVE_SECONDS)

    async def _update_sites(self) -> None:
        try:
            if not self._logged_in:
                await self._account.log_in()
                self._logged_in = True
            quick = not self._known
            await self._account.update_sites(quick=quick)
        except NotAvailable:
            self._polling.ask_again()
            raise
        self._take()
        self._asks_cloud |= quick and any(site.get("site_type") in AVERAGING for site in self._account.sites().values())

    async def _update_details(self) -> None:
        await self._account.update_details()
        self._take()
        self._account.subscribe()
        self._asks_devices = True

    async def _update_energy(self) -> None:
        await self._account.update_energy()
        self._readings.take_energy(self._account.sites(), self._clock.monotonic())

    def _take(self) -> None:
        self._known = True
        sites, devices = self._account.sites(), self._account.devices()
        self._readings.take(sites, devices, self._clock.monotonic())
        self._merge.keep([*sites, *devices])
        self.messages = {serial: values for serial, values in self.messages.items() if serial in devices}

    async def _connect(self) -> None:
        try:
            await self._account.connect(self._receive)
        except BaseException:
            self._link.failed()
            raise
        self._link.started()
        await self._ask_devices()

    async def _ask_devices(self) -> None:
        self._asks_devices, self._was_connected = False, True
        seconds = self._polling.trigger_seconds(self._realtime or Realtime.OFF)
        if seconds is not None:
            for serial in self._account.devices():
                await self._account.ask(serial, seconds)

    def _receive(self, serial: str, values: Mapping[str, Any]) -> None:
        """Take one message; on the event loop."""
        self._link.heard()
        device = self._account.devices().get(serial)
        if device is not None:
            self.messages.setdefault(serial, {}).update(values)
            found = mapping.read_mqtt(str(device.get("type")), values)
            self._merge.put(serial, Source.MQTT, self._link.heard_at, found)

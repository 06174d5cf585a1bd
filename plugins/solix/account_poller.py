"""Fills the reading cache of an account: from the cloud on its slow schedule, with live values in between."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping
from typing import Any

from collector_core import AuthFailed, Clock, NotAvailable
from collector_plugins.solix import mapping
from collector_plugins.solix.account import Account
from collector_plugins.solix.cloud_readings import ENERGY_EVERY, CloudReadings
from collector_plugins.solix.config import Realtime
from collector_plugins.solix.mqtt_session import MqttSessionMonitor
from collector_plugins.solix.poll_schedule import PollSchedule
from collector_plugins.solix.reading_cache import ReadingCache, ReadingSource
from collector_plugins.solix.redaction import Redaction
from collector_plugins.solix.single_flight import Job, SingleFlight

DETAILS_EVERY = 3600.0  # seconds

# A call into the library may wait for the budget of an endpoint, and sleeps where the cloud is overloaded.
CLOUD_SECONDS = 300.0
LIVE_SECONDS = 60.0

# Sites whose power the cloud reports as averages, requested once the devices are known: that may take a minute.
AVERAGING = frozenset({"powerpanel", "hes"})


class AccountPoller:
    """Starts due jobs in the background and takes what arrives; one account, on one event loop.

    `realtime` is None where MQTT is off. `failures` holds what fails at present, `refused` what must not be retried.
    """

    def __init__(
        self,
        account: Account,
        cache: ReadingCache,
        schedule: PollSchedule,
        monitor: MqttSessionMonitor,
        redaction: Redaction,
        clock: Clock,
        realtime: Realtime | None,
    ) -> None:
        self.messages: dict[str, dict[str, Any]] = {}
        self._account = account
        self._cache = cache
        self._schedule = schedule
        self._session_monitor = monitor
        self._clock = clock
        self._realtime = realtime
        self._cloud = SingleFlight(redaction.redact_text)
        self._live = SingleFlight(redaction.redact_text)
        self._readings = CloudReadings(cache)
        self._logged_in = self._knows_devices = False
        self._asks_cloud, self._asks_devices = True, False
        self._was_connected = False
        self._details_at = self._energy_at = -math.inf

    @property
    def knows_devices(self) -> bool:
        """Whether the account's devices are known."""
        return self._knows_devices

    @property
    def failures(self) -> dict[ReadingSource, NotAvailable]:
        """Why the cloud, or live values, are unavailable at present."""
        flights = {ReadingSource.REST: self._cloud, ReadingSource.MQTT: self._live}
        return {source: flight.error for source, flight in flights.items() if flight.error}

    @property
    def refused(self) -> AuthFailed | None:
        """Why the account must not be used again."""
        return self._cloud.refused or self._live.refused

    def start_due_jobs(self) -> list[asyncio.Task[None]]:
        """Start due jobs; returns those worth waiting for."""
        if self.refused:
            return []
        now = self._clock.monotonic()
        if self._schedule.is_cycle_due(now):
            asks_cloud = self._schedule.begin_cycle(now)
            self._asks_cloud |= asks_cloud or self._realtime is None or not self._knows_devices
            self._asks_devices = True
        return [*self._start_cloud(), *self._start_live()]

    async def close(self) -> None:
        """Cancel running jobs and end the session."""
        await self._cloud.close()
        await self._live.close()
        await self._account.close()
        self._session_monitor.record_close()

    def _start_cloud(self) -> Iterator[asyncio.Task[None]]:
        if self._cloud.is_busy:
            return
        now = self._clock.monotonic()
        if self._knows_devices and now - self._details_at >= DETAILS_EVERY:
            self._details_at = now
            yield self._cloud.start_job(self._update_details, CLOUD_SECONDS)
        elif self._asks_cloud:
            self._asks_cloud = False
            yield self._cloud.start_job(self._update_sites, CLOUD_SECONDS)
        elif self._knows_devices and now - self._energy_at >= ENERGY_EVERY:
            self._energy_at = now
            self._cloud.start_job(self._update_energy, CLOUD_SECONDS)

    def _start_live(self) -> Iterator[asyncio.Task[None]]:
        if self._realtime is None or not self._knows_devices or self._live.is_busy:
            return
        job: Job | None = None
        connected = self._account.connected
        if self._session_monitor.needs_start(connected=connected):
            job = self._connect
        elif connected and (self._asks_devices or not self._was_connected):
            job = self._ask_devices
        self._was_connected = connected
        if job:
            yield self._live.start_job(job, LIVE_SECONDS)

    async def _update_sites(self) -> None:
        try:
            if not self._logged_in:
                await self._account.log_in()
                self._logged_in = True
            quick = not self._knows_devices
            await self._account.update_sites(quick=quick)
        except BaseException:  # a deadline, too
            self._schedule.retry_cloud()
            raise
        self._take_answer()
        self._asks_cloud |= quick and any(site.get("site_type") in AVERAGING for site in self._account.sites().values())

    async def _update_details(self) -> None:
        await self._account.update_details()
        self._take_answer()
        self._account.subscribe()
        self._asks_devices = True

    async def _update_energy(self) -> None:
        await self._account.update_energy()
        self._readings.take_energy(self._account.sites(), self._clock.monotonic())

    def _take_answer(self) -> None:
        self._knows_devices = True
        sites, devices = self._account.sites(), self._account.devices()
        self._readings.take_power(sites, devices, self._clock.monotonic())
        self._cache.keep_devices([*sites, *devices])
        self.messages = {serial: values for serial, values in self.messages.items() if serial in devices}

    async def _connect(self) -> None:
        try:
            await self._account.connect(self._receive)
        except BaseException:
            self._session_monitor.record_failure()
            raise
        self._session_monitor.record_start()
        await self._ask_devices()

    async def _ask_devices(self) -> None:
        self._asks_devices, self._was_connected = False, True
        seconds = self._schedule.trigger_seconds(self._realtime or Realtime.OFF)
        if seconds is not None:
            for serial in self._account.devices():
                await self._account.ask(serial, seconds)

    def _receive(self, serial: str, values: Mapping[str, Any]) -> None:
        """Take one message; runs on the event loop."""
        self._session_monitor.record_message()
        device = self._account.devices().get(serial)
        if device is not None:
            self.messages.setdefault(serial, {}).update(values)
            found = mapping.read_message(str(device.get("type")), values)
            self._cache.put_values(serial, ReadingSource.MQTT, self._session_monitor.last_message_at, found)

"""The carbon intensity of this hour, from Electricity Maps.

API: https://portal.electricitymaps.com/docs/api, "Latest carbon intensity": grams of CO2 equivalent per kWh.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

from collector_core import BackgroundTask, Clock, describe
from collector_plugins.energy.config import Live
from collector_plugins.energy.intensity import Intensity

if TYPE_CHECKING:
    import aiohttp

SOURCE = "electricity_maps"
DEADLINE_SECONDS = 20.0
MAX_ANSWER_BYTES = 64 << 10
MAX_GRAMS_PER_KWH = 5000.0
# The service updates every hour; what is older than this says too little about now.
STALE_SECONDS = 2 * 3600.0
LONGEST_PAUSE_SECONDS = 3600.0


class LiveIntensity:
    """Asks now and then, in the background; what it said last holds until it is stale."""

    def __init__(self, options: Live, clock: Clock, log: logging.Logger) -> None:
        self._options = options
        self._clock = clock
        self._log = log
        self._background = BackgroundTask()
        self._last: Intensity | None = None
        self._asked_at = 0.0
        self._next_at = 0.0
        self._failures = 0

    def start(self) -> None:
        """Ask, if it is time to and nobody is asking."""
        if self._clock.monotonic() >= self._next_at and not self._background.is_busy:
            self._background.start(self._refresh())

    def current(self) -> Intensity | None:
        """What it said last, if that still holds."""
        fresh = self._clock.monotonic() - self._asked_at <= STALE_SECONDS
        return self._last if fresh else None

    async def close(self) -> None:
        """Stop asking."""
        await self._background.close()

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                grams = parse(await self._ask())
        except Exception as error:  # noqa: BLE001 - whatever the service does, the ledger goes on
            self._fail(error)
            return
        now = self._clock.monotonic()
        if self._failures:
            self._log.info("Electricity Maps answers again")
        self._last, self._asked_at, self._failures = Intensity(grams, self._options.zone, SOURCE), now, 0
        self._next_at = now + self._options.refresh

    def _fail(self, error: Exception) -> None:
        if not self._failures:
            self._log.warning(
                "Electricity Maps: %s; its last answer holds for two hours, then the fallback", describe(error)
            )
        delay = self._options.refresh * 2.0 ** min(self._failures, 10)
        self._next_at = self._clock.monotonic() + min(delay, max(LONGEST_PAUSE_SECONDS, self._options.refresh))
        self._failures += 1

    async def _ask(self) -> bytes:
        import aiohttp  # noqa: PLC0415 - only where a live source is configured

        headers = {"auth-token": self._options.token.get_secret_value()}
        url = f"{self._options.url}/carbon-intensity/latest?zone={self._options.zone}"
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(url, allow_redirects=False) as answer,  # a redirect would carry the token elsewhere
        ):
            return await _body(answer)


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    if answer.status != 200:
        raise ValueError(f"it answers {answer.status} {answer.reason or ''}".strip())
    body = await answer.content.read(MAX_ANSWER_BYTES + 1)
    while chunk := await answer.content.read(MAX_ANSWER_BYTES + 1):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise ValueError("its answer is too long")
    return body


def parse(body: bytes) -> float:
    """The `carbonIntensity` of an answer, in grams per kWh; raises `ValueError` for anything else."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its answer is no JSON: {error}") from error
    grams = data.get("carbonIntensity") if isinstance(data, dict) else None
    if isinstance(grams, int | float) and not isinstance(grams, bool) and 0 <= grams <= MAX_GRAMS_PER_KWH:
        return float(grams)
    raise ValueError(f"its answer has no carbonIntensity from 0 to {MAX_GRAMS_PER_KWH:g} g/kWh")

"""The carbon intensity of this hour, from Electricity Maps.

API: https://portal.electricitymaps.com/docs/api, "Latest carbon intensity": grams of CO2 equivalent per kWh.
"""

from __future__ import annotations

from typing import Any

from collector_core import AuthFailed, BackgroundTask, Backoff, Context, FaultLog, NotAvailable, Reason
from collector_core.metering import Intensity
from collector_plugins.energy.config import Live

NAME = "Electricity Maps"
SOURCE = "electricity_maps"
DEADLINE_SECONDS = 20.0
MAX_ANSWER_BYTES = 64 << 10
MAX_GRAMS_PER_KWH = 5000.0
# The service updates every hour; what is older than this says too little about now.
STALE_SECONDS = 2 * 3600.0
LONGEST_PAUSE_SECONDS = 3600.0


class LiveIntensity:
    """Asks now and then, in the background; what it said last holds until it is stale.

    A refused token is not sent again.
    """

    def __init__(self, options: Live, ctx: Context) -> None:
        self._options = options
        self._ctx = ctx
        self._background = BackgroundTask()
        self._backoff = Backoff(options.refresh, LONGEST_PAUSE_SECONDS)
        self._faults = FaultLog(ctx.logger)
        self._last: Intensity | None = None
        self._asked_at = 0.0
        self._next_at = 0.0
        self._refused = False

    def start(self) -> None:
        """Ask, if it is time to and nobody is asking."""
        now = self._ctx.clock.monotonic()
        is_due = now >= self._next_at and self._backoff.due(now)
        if is_due and not self._refused and not self._background.is_busy:
            self._background.start(self._refresh())

    def current(self) -> Intensity | None:
        """What it said last, if that still holds."""
        fresh = self._ctx.clock.monotonic() - self._asked_at <= STALE_SECONDS
        return self._last if fresh else None

    async def close(self) -> None:
        """Stop asking."""
        await self._background.close()

    async def _refresh(self) -> None:
        try:
            grams = parse(await self._ask())
        except Exception as error:  # noqa: BLE001 - whatever the service does, the ledger goes on
            self._refused = isinstance(error, AuthFailed)
            self._faults.record_failure(NAME, error)
            self._backoff.failed(self._ctx.clock.monotonic(), getattr(error, "retry_after", None))
            return
        self._faults.record_success(NAME)
        self._backoff.succeeded()
        self._last, self._asked_at = Intensity(grams, self._options.zone, SOURCE), self._ctx.clock.monotonic()
        self._next_at = self._asked_at + self._options.refresh

    async def _ask(self) -> Any:
        return await self._ctx.http.get_json(
            f"{self._options.url}/carbon-intensity/latest?zone={self._options.zone}",
            headers={"auth-token": self._options.token},
            timeout=DEADLINE_SECONDS,
            limit=MAX_ANSWER_BYTES,
        )


def parse(data: Any) -> float:
    """The `carbonIntensity` of an answer, in grams per kWh; raises `NotAvailable` for anything else."""
    grams = data.get("carbonIntensity") if isinstance(data, dict) else None
    if isinstance(grams, int | float) and not isinstance(grams, bool) and 0 <= grams <= MAX_GRAMS_PER_KWH:
        return float(grams)
    detail = f"no carbonIntensity from 0 to {MAX_GRAMS_PER_KWH:g} g/kWh in the answer"
    raise NotAvailable(Reason.BAD_DATA, detail, fix="check `live.url`")

"""Tells a guest its energy over HTTP: posts to the energy-collector inside."""

from __future__ import annotations

from collector_core import BackgroundTask, Backoff, Context, FaultLog
from collector_plugins.workloads.config import GuestTarget

PATH = "/api/v1/push/guest/host"
DEADLINE_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 60.0


class GuestPush:
    """Posts in the background, one reading at a time; what comes meanwhile is left out, the next one says it all."""

    def __init__(self, options: GuestTarget, ctx: Context) -> None:
        self._options = options
        self._ctx = ctx
        self._url = f"{(options.url or '').rstrip('/')}{PATH}"
        self._background = BackgroundTask()
        self._backoff = Backoff(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        self._faults = FaultLog(ctx.logger)

    def send(self, line: bytes) -> None:
        """Begin to post, if nothing is under way and it is time to."""
        if not self._background.is_busy and self._backoff.due(self._ctx.clock.monotonic()):
            self._background.start(self._post(line))

    async def close(self) -> None:
        """Give up what is under way."""
        await self._background.close()

    async def _post(self, line: bytes) -> None:
        place, ca_file = f"guest {self._options.name}", self._options.ca_file
        try:
            await self._ctx.http.post_json(
                self._url,
                line,
                token=self._options.token,
                ca_file=str(ca_file) if ca_file else None,
                timeout=DEADLINE_SECONDS,
                repeatable=True,
                discard=True,
            )
        except Exception as error:  # noqa: BLE001 - whatever a guest answers, the others are told
            self._faults.record_failure(place, error)
            self._backoff.failed(self._ctx.clock.monotonic())
        else:
            self._faults.record_success(place)
            self._backoff.succeeded()

"""When to start an MQTT session, and when to replace one that is silent."""

from __future__ import annotations

import random as chance
from collections.abc import Callable

from collector_core import Backoff, Clock

FIRST_PAUSE = 10.0  # seconds
LONGEST_PAUSE = 300.0  # seconds
LONGEST_PATIENCE = 3600.0  # seconds
OFFLINE_PATIENCE = 300.0  # seconds: the client reconnects by itself, unless its certificates are no longer valid


class MqttSessionMonitor:
    """Decides when a session is started: backs off from a broker that refuses, and watches the age of the last message.

    A session that stays silent for `patience` seconds is replaced; its successor gets twice as long, and so on: one
    malformed message can end the receiving thread while the client still claims to be connected, but devices may also
    have nothing to report. Half of each pause is left to `random`, which returns numbers from 0 to 1.
    """

    def __init__(self, clock: Clock, patience: float, random: Callable[[], float] = chance.random) -> None:
        self.messages = 0
        self.restarts = 0
        self.last_message_at = 0.0
        self._clock = clock
        self._patience = self._first_patience = patience
        self._backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE, jitter=0.5, random=random)
        self._started = False
        self._connected_at = 0.0

    def needs_start(self, *, connected: bool) -> bool:
        """Whether to start a session now, in place of the current one if there is one."""
        now = self._clock.monotonic()
        if not self._started:
            return self._backoff.due(now)
        if connected:
            self._connected_at = now
        is_silent = connected and now - self.last_message_at > self._patience
        return is_silent or now - self._connected_at > OFFLINE_PATIENCE

    def record_start(self) -> None:
        """A session is connected."""
        if self._started:
            self._patience = min(2 * self._patience, LONGEST_PATIENCE)
            self.restarts += 1
        self._started = True
        self._backoff.succeeded()
        self.last_message_at = self._connected_at = self._clock.monotonic()

    def record_failure(self) -> None:
        """A session could not be started."""
        self._started = False
        self._backoff.failed(self._clock.monotonic())

    def record_message(self) -> None:
        """A message arrived."""
        self.messages += 1
        self.last_message_at = self._clock.monotonic()
        self._patience = self._first_patience

    def record_close(self) -> None:
        """The session was closed on purpose; the next one starts at once."""
        self._started = False
        self._backoff.succeeded()

"""All channels: decides what each is told, keeps that safe, and lets each deliver for itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from sqlite3 import Error
from typing import TYPE_CHECKING

from collector_core import Context, NotAvailable, Reason
from collector_plugins.alerts import machine
from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.channeloptions import ChannelOptions
from collector_plugins.alerts.channels import delivery
from collector_plugins.alerts.config import Config
from collector_plugins.alerts.delivery import Delivery
from collector_plugins.alerts.notification import Notification, notification
from collector_plugins.alerts.policy import Policy, Terms
from collector_plugins.alerts.store import State, Store, by_channel
from collector_plugins.alerts.sync import Sync

if TYPE_CHECKING:
    import asyncio


SAVE_EVERY = 60.0  # seconds


class Outbox:
    """The channels of one collector; `counts` are their notifications by result."""

    def __init__(self, config: Config, ctx: Context, store: Store, counts: Mapping[str, Counter[str]]) -> None:
        self.deliveries: dict[str, Delivery | Sync] = {
            name: delivery(options, ctx.clock, counts[name], self._forget, log=ctx.logger, most=config.queue_limit)
            for name, options in config.channels.items()
        }
        self._policies = {
            name: Policy(_terms(config, options))
            for name, options in config.channels.items()
            if isinstance(self.deliveries[name], Delivery)
        }
        self._store = store
        self._clock = ctx.clock
        self._saved: object = None
        self._saved_at = 0.0
        self._unsaved: list[Notification] = []
        self._gone: list[str] = []

    def restore(self, state: State, now: float) -> None:
        """Go on where an earlier process ended; what waits for channels that are no more is forgotten."""
        queued = by_channel(self._store.queued())
        self._gone = [each.id for name in queued.keys() - self._policies.keys() for each in queued[name]]
        for name, each in self.deliveries.items():
            if isinstance(each, Sync):
                each.restore(state.synced.get(name, {}))
            else:
                each.put(queued.get(name, ()))
                if name in state.channels:
                    self._policies[name].restore(state.channels[name], now)

    def take(self, now: float, alerts: Sequence[Alert]) -> None:
        """Queue what is to be told, given all alerts that fire at `now`."""
        for name, each in self.deliveries.items():
            if isinstance(each, Sync):
                each.update(now, alerts)
            else:
                messages = [notification(name, batch, now) for batch in self._policies[name].step(now, alerts)]
                self._unsaved.extend(messages)
                each.put(messages)

    def save(self, rules: machine.Memory, *, at_once: bool = False) -> None:
        """Keep everything; raises `NotAvailable` where it cannot be written, and tries again the next time.

        Where nothing but values and durations changed that waits for up to a minute, unless it must be `at_once`.
        """
        now, shape = self._clock.monotonic(), self._shape(rules)
        if not (at_once or self._unsaved or self._gone or shape != self._saved or now - self._saved_at >= SAVE_EVERY):
            return
        self._write(rules)
        self._saved, self._saved_at = shape, now

    def _shape(self, rules: machine.Memory) -> object:
        """What a restart must know exactly: which alerts there are, and what was told of them."""
        entries = {key: (entry.firing, entry.holds, entry.alert.flapping) for key, entry in rules.entries.items()}
        told = {
            name: {key: each.at for key, each in policy.memory.told.items()} for name, policy in self._policies.items()
        }
        syncs = {name: each for name, each in self.deliveries.items() if isinstance(each, Sync)}
        known = {name: {key: alert.ends_at for key, alert in each.known.items()} for name, each in syncs.items()}
        return entries, told, known

    def _write(self, rules: machine.Memory) -> None:
        known = {name: each.known for name, each in self.deliveries.items() if isinstance(each, Sync)}
        state = State(rules, {name: policy.memory for name, policy in self._policies.items()}, known)
        gone = set(self._gone)
        try:
            self._store.save(state, [each for each in self._unsaved if each.id not in gone], gone)
        except Error as error:
            self._bound()
            detail = f"alerts would not survive a restart now: {type(error).__name__}: {error}"
            raise NotAvailable(Reason.PERMISSION, detail, fix="make room, or name another `state_dir`") from None
        self._unsaved.clear()
        self._gone.clear()

    def _forget(self, id: str) -> None:
        """What was delivered must not be told again, even if the process is killed now."""
        try:
            self._store.remove(id)
        except Error:
            self._gone.append(id)  # the next save tries again, and says what is wrong
        self._unsaved = [each for each in self._unsaved if each.id != id]

    def start(self) -> list[asyncio.Task[None]]:
        """Begin every delivery that is due."""
        return [task for each in self.deliveries.values() if (task := each.start())]

    def failures(self) -> Iterator[tuple[str, NotAvailable]]:
        """The channels whose last delivery failed, and why."""
        for name, each in self.deliveries.items():
            if each.error:
                yield name, each.error.explained

    async def close(self, rules: machine.Memory) -> None:
        """Stop all deliveries and keep what waits."""
        for each in self.deliveries.values():
            await each.close()
        with suppress(NotAvailable):
            self.save(rules, at_once=True)
        self._store.close()

    def _bound(self) -> None:
        """While nothing can be written, remember no more than the queues hold."""
        waiting = sum(len(each) for each in self.deliveries.values())
        self._unsaved = self._unsaved[-max(1, waiting) :]
        self._gone = self._gone[-100_000:]


def _terms(config: Config, options: ChannelOptions) -> Terms:
    return Terms(
        min_severity=options.min_severity,
        send_resolved=options.send_resolved,
        group_by=config.group_by,
        wait=config.group_wait,
        interval=config.group_interval,
        repeat=config.repeat_interval,
        per_minute=config.notifications_per_minute,
    )

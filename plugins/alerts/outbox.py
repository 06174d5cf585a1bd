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
                each.put(messages)
                self._unsaved.extend(messages)

    def save(self, rules: machine.Memory) -> None:
        """Keep everything; raises `NotAvailable` where it cannot be written, and tries again the next time."""
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
            self.save(rules)
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

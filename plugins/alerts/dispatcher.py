"""All channels: decides what each one is notified of, keeps that on disk, and lets each deliver on its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from collector_core import Context, NotAvailable
from collector_core.storage import StorageError
from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.alert_state import AlertStates
from collector_plugins.alerts.alertmanager_sync import AlertmanagerSync
from collector_plugins.alerts.channel_options import ChannelOptions
from collector_plugins.alerts.channels import build_channel_queue
from collector_plugins.alerts.config import Config
from collector_plugins.alerts.delivery_queue import DeliveryQueue
from collector_plugins.alerts.grouping import AlertGrouper, GroupingOptions
from collector_plugins.alerts.notification import Notification, build_notification
from collector_plugins.alerts.store import AlertStore, SavedState

if TYPE_CHECKING:
    import asyncio

SAVE_EVERY = 60.0  # seconds


class Dispatcher:
    """The channels of one collector; `counts` holds, by channel, their notifications by result."""

    def __init__(self, config: Config, ctx: Context, store: AlertStore, counts: Mapping[str, Counter[str]]) -> None:
        channels = {
            name: build_channel_queue(options, ctx, counts[name], self._forget_message, limit=config.queue_limit)
            for name, options in config.channels.items()
        }
        self.channels: Mapping[str, DeliveryQueue | AlertmanagerSync] = channels
        self._queues = {name: each for name, each in channels.items() if isinstance(each, DeliveryQueue)}
        self._syncs = {name: each for name, each in channels.items() if isinstance(each, AlertmanagerSync)}
        self._groupers = {name: AlertGrouper(_grouping_options(config, config.channels[name])) for name in self._queues}
        self._store = store
        self._clock = ctx.clock
        self._saved_shape: object = None
        self._saved_at = 0.0
        self._unsaved: list[Notification] = []
        self._gone: list[str] = []

    def restore_state(self, state: SavedState, now: float) -> None:
        """Continue from an earlier process; what waits for channels that no longer exist is forgotten."""
        queued = self._store.load_queues()
        self._gone = [each.id for name in queued.keys() - self._queues.keys() for each in queued[name]]
        for name, sync in self._syncs.items():
            sync.restore_known(state.known.get(name, {}))
        for name, queue in self._queues.items():
            queue.enqueue(queued.get(name, ()))
            if name in state.logs:
                self._groupers[name].restore_log(state.logs[name], now)

    def dispatch_alerts(self, now: float, firing: Sequence[Alert]) -> None:
        """Queue what is due, given all alerts that fire at `now`, in steady seconds since 1970."""
        for sync in self._syncs.values():
            sync.update_alerts(now, firing)
        for name, grouper in self._groupers.items():
            messages = [build_notification(name, batch, now) for batch in grouper.take_due_batches(now, firing)]
            self._unsaved.extend(messages)
            self._queues[name].enqueue(messages)

    def save_state(self, states: AlertStates, *, at_once: bool = False) -> None:
        """Write everything; raises `NotAvailable` if it cannot be written, and tries again the next time.

        If only values and durations have changed, this may wait up to a minute, unless `at_once`.
        """
        now, shape = self._clock.monotonic(), self._shape(states)
        changed = self._unsaved or self._gone or shape != self._saved_shape
        if at_once or changed or now - self._saved_at >= SAVE_EVERY:
            self._write(states)
            self._saved_shape, self._saved_at = shape, now

    def _shape(self, states: AlertStates) -> object:
        """What a restart must know exactly: which alerts there are, and what each channel was notified of."""
        entries = {key: (each.firing, each.holds, each.alert.flapping) for key, each in states.tracked.items()}
        told = {
            name: {key: each.at for key, each in grouper.log.notified.items()}
            for name, grouper in self._groupers.items()
        }
        known = {name: {key: alert.ends_at for key, alert in sync.known.items()} for name, sync in self._syncs.items()}
        return entries, told, known

    def _write(self, states: AlertStates) -> None:
        logs = {name: grouper.log for name, grouper in self._groupers.items()}
        state = SavedState(states, logs, {name: sync.known for name, sync in self._syncs.items()})
        gone = set(self._gone)
        try:
            self._store.save(state, [each for each in self._unsaved if each.id not in gone], gone)
        except StorageError as error:
            self._bound_unsaved()
            detail = f"alerts would not survive a restart: {error.detail}"
            raise NotAvailable(error.reason, detail, fix=f"{error.fix}, or set another `state_dir`") from None
        self._unsaved.clear()
        self._gone.clear()

    def _forget_message(self, id: str) -> None:
        """What was delivered must not be sent again, even if the process is killed now."""
        try:
            self._store.remove_message(id)
        except StorageError:
            self._gone.append(id)  # the next save tries again, and reports what is wrong
        self._unsaved = [each for each in self._unsaved if each.id != id]

    def start_deliveries(self) -> list[asyncio.Task[None]]:
        """Start every delivery that is due."""
        return [task for each in self.channels.values() if (task := each.start_delivery())]

    def channel_failures(self) -> Iterator[tuple[str, NotAvailable]]:
        """The channels whose last delivery failed, and why."""
        for name, each in self.channels.items():
            if each.delivery.last_error:
                yield name, each.delivery.last_error

    async def close(self, states: AlertStates) -> None:
        """Stop all deliveries and keep what waits."""
        for each in self.channels.values():
            await each.delivery.close()
        with suppress(NotAvailable):
            self.save_state(states, at_once=True)
        self._store.close()

    def _bound_unsaved(self) -> None:
        """While nothing can be written, remember no more than the queues hold."""
        waiting = sum(len(each) for each in self.channels.values())
        self._unsaved = self._unsaved[-max(1, waiting) :]
        self._gone = self._gone[-100_000:]


def _grouping_options(config: Config, options: ChannelOptions) -> GroupingOptions:
    return GroupingOptions(
        min_severity=options.min_severity,
        send_resolved=options.send_resolved,
        group_by=config.group_by,
        group_wait=config.group_wait,
        group_interval=config.group_interval,
        repeat_interval=config.repeat_interval,
        per_minute=config.notifications_per_minute,
    )

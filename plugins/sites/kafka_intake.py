"""Readings from a topic of Kafka: its offsets are committed once what is before them is on disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from collector_core import NotAvailable, Reason, describe
from collector_core.kafka import kafka_settings
from collector_plugins.sites.body import parse_line
from collector_plugins.sites.dead_letters import DeadLetters, Poison
from collector_plugins.sites.ingest import UNKNOWN_SITE, IngestFull, Outcome
from collector_plugins.sites.kafka_client import explain, require_driver
from collector_plugins.sites.kafka_options import KafkaOptions

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

MESSAGES_AT_ONCE = 2000
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 30.0  # for the disk, before messages are fetched again
RETRY_SECONDS = 1.0
LOOK_SECONDS = 5.0
LOOK_TIMEOUT = 2.0
STOP_SECONDS = 1.2  # the program has little more when it ends


class KafkaIntake:
    """Consumes readings on a thread of its own.

    `take` keeps readings, `refresh` learns of sites that others have registered. `trouble` is why nothing comes now;
    `lag` how many messages wait in the partitions that are ours, None where that is not known.
    """

    def __init__(
        self, options: KafkaOptions, take: Callable[[list[Any]], Future[Outcome]], refresh: Callable[[], Future[None]]
    ) -> None:
        self.trouble: NotAvailable | None = None
        self.lag: int | None = None
        self._options = options
        self._take = take
        self._refresh = refresh
        self._dead = DeadLetters(options)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._looked_at = 0.0

    def start(self) -> None:
        """Begin, unless it has begun."""
        try:
            require_driver()
        except NotAvailable as error:
            self.trouble = error
            return
        if self._thread is None or not self._thread.is_alive():
            self._stopping = threading.Event()
            self._thread = threading.Thread(target=self._run, args=(self._stopping,), name="sites-kafka", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after what is under way; brokers that hang are not waited for."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                self._consume(stopping)
            except Exception as error:  # noqa: BLE001 - the thread must live on
                self.trouble = NotAvailable(Reason.BAD_DATA, describe(error))
                stopping.wait(RETRY_SECONDS)
        self._dead.close()

    def _consume(self, stopping: threading.Event) -> None:
        from confluent_kafka import Consumer  # noqa: PLC0415

        consumer = Consumer(
            kafka_settings(
                self._options,
                error_cb=self._note,
                **{
                    "group.id": self._options.group,
                    "enable.auto.commit": False,
                    "auto.offset.reset": "earliest",
                    "session.timeout.ms": 10_000,  # after which others of the group take over from one that was killed
                    "max.poll.interval.ms": 600_000,
                    "partition.assignment.strategy": "cooperative-sticky",
                },
            )
        )
        try:
            consumer.subscribe([self._options.topic_energy])
            while not stopping.is_set():
                messages = consumer.consume(MESSAGES_AT_ONCE, POLL_SECONDS)
                good = [message for message in messages if self._is_good(message)]
                if good and not self._keep(consumer, good):
                    _fetch_again(consumer, good)
                    stopping.wait(RETRY_SECONDS)
                self._look(consumer)
        finally:
            consumer.close()

    def _is_good(self, message: Message) -> bool:
        if (error := message.error()) is not None:
            self._note(error)
            return False
        return True

    def _note(self, error: Any) -> None:
        if error.name() != "_PARTITION_EOF":
            self.trouble = explain(error, self._options.brokers)

    def _keep(self, consumer: Consumer, messages: Sequence[Message]) -> bool:
        """Whether all of them are on disk, or with the poison, and past them is committed."""
        from confluent_kafka import KafkaException  # noqa: PLC0415

        try:
            self._dead.put(self._kept(messages))
            consumer.commit(offsets=_after(messages), asynchronous=False)
            self._dead.forget(messages)
        except (NotAvailable, IngestFull, FutureTimeout) as error:
            self.trouble = error if isinstance(error, NotAvailable) else _too_slow()
            return False
        except KafkaException as error:  # they belong to another member by now, or the broker has gone
            self._note(error.args[0])
            return True
        self.trouble = None
        return True

    def _kept(self, messages: Sequence[Message]) -> list[Poison]:
        """What is left after the readings were kept: what is none, or is refused."""
        items = [parse_line(message.value() or b"") for message in messages]
        outcome = self._take(items).result(PATIENCE_SECONDS)
        unknown = [each.index for each in outcome.rejected if each.error == UNKNOWN_SITE]
        refused = [each for each in outcome.rejected if each.error != UNKNOWN_SITE]
        poison = [Poison(messages[each.index], each.error, each.field) for each in refused]
        if unknown:  # another collector may have registered them
            self._refresh().result(PATIENCE_SECONDS)
            again = self._take([items[index] for index in unknown]).result(PATIENCE_SECONDS)
            poison += [Poison(messages[unknown[each.index]], each.error, each.field) for each in again.rejected]
        return poison

    def _look(self, consumer: Consumer) -> None:
        """Ask how many messages wait, which says as well whether the brokers answer."""
        from confluent_kafka import KafkaException  # noqa: PLC0415

        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        try:
            self.lag = self._count(consumer)
            if self.trouble is not None and self.trouble.reason is Reason.UNREACHABLE:
                self.trouble = None
        except KafkaException as error:
            self.lag = None
            self._note(error.args[0])
        self._looked_at = time.monotonic()

    def _count(self, consumer: Consumer) -> int | None:
        partitions = consumer.assignment()
        if not partitions:
            consumer.list_topics(self._options.topic_energy, timeout=LOOK_TIMEOUT)
            return None
        lag = 0
        for at in consumer.committed(partitions, timeout=LOOK_TIMEOUT):
            low, high = consumer.get_watermark_offsets(at, timeout=LOOK_TIMEOUT)
            lag += max(0, high - max(low, at.offset))
        return lag


def _after(messages: Sequence[Message]) -> list[Any]:
    """The offsets behind the last message of each partition."""
    from confluent_kafka import TopicPartition  # noqa: PLC0415

    last: dict[tuple[str, int], int] = {}
    for message in messages:
        last[str(message.topic()), int(message.partition() or 0)] = int(message.offset() or 0) + 1
    return [TopicPartition(*place, offset) for place, offset in last.items()]


def _fetch_again(consumer: Consumer, messages: Sequence[Message]) -> None:
    from confluent_kafka import KafkaException, TopicPartition  # noqa: PLC0415

    first: dict[tuple[str, int], int] = {}
    for message in messages:
        first.setdefault((str(message.topic()), int(message.partition() or 0)), int(message.offset() or 0))
    for place, offset in first.items():
        with suppress(KafkaException):  # it belongs to another member by now, who fetches it
            consumer.seek(TopicPartition(*place, offset))


def _too_slow() -> NotAvailable:
    return NotAvailable(Reason.TIMEOUT, "readings wait for the disk", fix="check the disk, or the database")

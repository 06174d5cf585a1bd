"""The topic: messages in order, each acknowledged by all replicas in sync before it counts as delivered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from collector_core import NotAvailable, Reason, RecordsRefused
from collector_core.kafka import explain_kafka, make_kafka_producer
from collector_plugins.kafka.config import Config
from collector_plugins.kafka.messages import Message

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Producer

PATIENCE = 0.8  # of the timeout, for a message
BATCH_BYTES = 500_000
LOOK_SECONDS = 0.5  # for one look at the topic
FULL_SECONDS = 0.05  # until a full queue of the client has room again
# What a broker says of a whole batch although it means one message, and of the others in it.
REFUSALS = frozenset(
    {"MSG_SIZE_TOO_LARGE", "INVALID_RECORD", "INVALID_TIMESTAMP", "POLICY_VIOLATION", "_INVALID_DIFFERENT_RECORD"}
)
PURGED = "_PURGE_QUEUE"
NOBODY = "_ALL_BROKERS_DOWN"
TIMED_OUT = "_MSG_TIMED_OUT"
TIMED_OUT_CODE = -192  # of librdkafka

Failures = dict[int, "KafkaError"]  # by the places of messages


class Topic:
    """Delivers to one topic. Each call ends within about `timeout` seconds; for one thread at a time."""

    def __init__(self, config: Config, timeout: float) -> None:
        self._config = config
        self._timeout = timeout
        self._producer: Producer | None = None
        self._trouble: KafkaError | None = None  # what the client has said of its connections
        self._is_nobody_there = False  # it has said that of all brokers
        self._unfinished: Sequence[Message] = ()
        self._arrived: set[int] = set()  # places of the unfinished
        self._refused: Failures = {}

    def check(self) -> None:
        """Connect, and find out whether the topic is there; raises `NotAvailable`."""
        self._opened()

    def send(self, messages: Sequence[Message]) -> None:
        """Deliver; of messages that have failed together, those that had arrived do not go again.

        Raises `NotAvailable` where some have not arrived, `RecordsRefused` where all the others have.
        """
        if messages != self._unfinished:
            self._unfinished, self._arrived, self._refused = messages, set(), {}
        ends = time.monotonic() + self._timeout
        failed = self._attempt(self._opened(), ends)
        if any(error.name() in REFUSALS for error in failed.values()):
            with_batches_of_one = self._new_producer(**{"batch.num.messages": 1})
            failed = self._attempt(with_batches_of_one, ends, takes_refusals=True)
        if failed:
            self.close()
            raise self._explained(failed)
        refused, self._refused, self._unfinished = self._refused, {}, ()
        if refused:
            error = next(iter(refused.values()))
            raise RecordsRefused(len(refused), f"{self._config.brokers}: {error.str()}")

    def close(self) -> None:
        """Let go of the brokers; legal at any time."""
        self._producer = None

    def _attempt(self, producer: Producer, ends: float, *, takes_refusals: bool = False) -> Failures:
        """Send in order what has not arrived yet; returns what failed, and everything behind the first failure."""
        failed: Failures = {}

        def note(place: int, error: KafkaError | None) -> None:
            if error is None:
                self._arrived.add(place)
            elif takes_refusals and error.name() in REFUSALS:
                self._refused[place] = error
            else:
                failed[place] = error
                producer.purge(in_flight=False, blocking=False)

        waiting = [place for place in range(len(self._unfinished)) if self._is_waiting(place)]
        self._produce(producer, waiting, note, failed, ends)
        if producer.flush(max(0.0, ends - time.monotonic())):
            producer.purge()
            producer.flush(FULL_SECONDS)
        return failed | {place: _unknown() for place in waiting if self._is_waiting(place) and place not in failed}

    def _is_waiting(self, place: int) -> bool:
        return place not in self._arrived and place not in self._refused

    def _produce(
        self,
        producer: Producer,
        places: Iterable[int],
        note: Callable[[int, KafkaError | None], None],
        failed: Mapping[int, KafkaError],
        ends: float,
    ) -> None:
        from confluent_kafka import KafkaException  # noqa: PLC0415 - large, and needed only where something is sent

        for place in places:
            message = self._unfinished[place]
            while not failed and time.monotonic() < ends:
                try:
                    producer.produce(
                        self._config.topic,
                        message.value,
                        message.key,
                        timestamp=message.time,
                        on_delivery=lambda error, _, place=place: note(place, error),
                    )
                    break
                except BufferError:
                    producer.poll(FULL_SECONDS)
                except KafkaException as error:  # it is too large, as far as the client knows
                    note(place, error.args[0])
                    break

    def _opened(self) -> Producer:
        if self._producer is None:
            producer = self._new_producer()
            self._find_topic(producer)
            self._producer = producer
        return self._producer

    def _find_topic(self, producer: Producer) -> None:
        """Raise `NotAvailable` unless the topic is there; at once where every broker has refused us."""
        from confluent_kafka import KafkaException  # noqa: PLC0415

        ends = time.monotonic() + PATIENCE * self._timeout
        while True:
            left = ends - time.monotonic()
            try:
                found = producer.list_topics(self._config.topic, max(0.01, min(LOOK_SECONDS, left)))
                break
            except KafkaException as error:
                producer.poll(0)  # which tells of trouble
                explained = self._explained({0: error.args[0]})
                if left <= LOOK_SECONDS or (self._is_nobody_there and explained.reason is Reason.AUTH):
                    raise explained from None
        if (wrong := found.topics[self._config.topic].error) is not None:
            raise self._explained({0: wrong})

    def _new_producer(self, **more: Any) -> Producer:
        from confluent_kafka import KafkaException  # noqa: PLC0415

        self._trouble, self._is_nobody_there = None, False
        settings = {
            "error_cb": self._note_trouble,
            "compression.type": self._config.compression,
            "partitioner": "murmur2_random",  # as Java's clients have it
            "max.in.flight.requests.per.connection": 1,
            "batch.size": BATCH_BYTES,
        }
        try:
            return make_kafka_producer(self._config, PATIENCE * self._timeout, **settings, **more)
        except KafkaException as error:  # such as a file of certificates that is missing
            raise explain_kafka(error.args[0], self._config.brokers) from None

    def _note_trouble(self, error: KafkaError) -> None:
        self._is_nobody_there |= error.name() == NOBODY
        if self._trouble is None or self._trouble.name() == NOBODY:
            self._trouble = error

    def _explained(self, failed: Failures) -> NotAvailable:
        """What is behind the first failure: where nobody answered, what the client has said of its connections."""
        error = next((each for each in failed.values() if each.name() != PURGED), None)
        if self._trouble is not None and (error is None or error.name() in (TIMED_OUT, "_TRANSPORT", "_TIMED_OUT")):
            error = self._trouble
        return explain_kafka(error or _unknown(), self._config.brokers)


def _unknown() -> KafkaError:
    from confluent_kafka import KafkaError  # noqa: PLC0415

    return KafkaError(TIMED_OUT_CODE)

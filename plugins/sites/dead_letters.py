"""Messages that are no readings, in a topic of their own, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from collector_core import NotAvailable, Reason
from collector_core.kafka import make_kafka_producer
from collector_plugins.sites.kafka_client import explain, make_topic
from collector_plugins.sites.kafka_options import KafkaOptions

if TYPE_CHECKING:
    from confluent_kafka import Message, Producer

SUFFIX = ".dead"
TIMEOUT_SECONDS = 10.0


class Poison(NamedTuple):
    """A message, and what is wrong with which key of it."""

    message: Message
    reason: str
    field: str


class DeadLetters:
    """The topic that poison goes to; it is made with the first, or later where brokers are away at that moment."""

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options
        self._topic = options.topic_energy + SUFFIX
        self._producer: Producer | None = None
        self._is_topic_there = False
        self._sent: set[tuple[int, int]] = set()

    def put(self, poison: Sequence[Poison]) -> None:
        """Send what has not been sent; raises `NotAvailable` where the brokers do not take it."""
        new = [each for each in poison if _place(each.message) not in self._sent]
        if not new:
            return
        failures: list[Any] = []
        producer = self._opened()
        for each in new:
            self._produce(producer, each, failures)
        waiting = producer.flush(TIMEOUT_SECONDS + 1)
        if failures:
            self._is_topic_there = False  # as far as is known
            raise explain(failures[0], self._options.brokers)
        if waiting:
            raise NotAvailable(Reason.TIMEOUT, f"{self._options.brokers}: {self._topic} takes nothing")

    def _produce(self, producer: Producer, poison: Poison, failures: list[Any]) -> None:
        from confluent_kafka import KafkaException  # noqa: PLC0415 - large, and needed only where something is sent

        try:
            producer.produce(
                self._topic,
                value=poison.message.value(),
                key=poison.message.key(),
                headers=[("reason", poison.reason.encode()), ("field", poison.field.encode())],
                on_delivery=self._note(poison, failures),
            )
        except KafkaException as error:  # as far as the client knows, the topic is not there yet
            failures.append(error.args[0])

    def _note(self, poison: Poison, failures: list[Any]) -> Callable[[Any, Any], None]:
        """What notes whether a message has arrived."""

        def note(error: Any, _: Any) -> None:
            if error is None:
                self._sent.add(_place(poison.message))
            else:
                failures.append(error)

        return note

    def forget(self, messages: Sequence[Message]) -> None:
        """These do not come again: what is before the offsets that are committed."""
        self._sent.difference_update(map(_place, messages))

    def close(self) -> None:
        """Let go of the brokers."""
        self._producer = None
        self._sent.clear()

    def _opened(self) -> Producer:
        self._is_topic_there = self._is_topic_there or make_topic(self._options, self._topic, TIMEOUT_SECONDS)
        if self._producer is None:
            self._producer = make_kafka_producer(self._options, TIMEOUT_SECONDS)
        return self._producer


def _place(message: Message) -> tuple[int, int]:
    return int(message.partition() or 0), int(message.offset() or 0)

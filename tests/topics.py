"""What is in topics of Kafka, for tests that write and read them."""

import json
import time
import uuid

PATIENCE = 60


def body_of(value):
    """A message: bytes and none as they are, anything else as JSON."""
    return value if value is None or isinstance(value, bytes) else json.dumps(value).encode()


def produce(brokers, topic, *values, key=b"a"):
    """Write messages; returns when all of them are acknowledged."""
    import confluent_kafka

    producer = confluent_kafka.Producer({"bootstrap.servers": brokers, "log_level": 0})
    for value in values:
        producer.produce(topic, value=body_of(value), key=key)
    assert producer.flush(PATIENCE) == 0


def consumer_of(brokers):
    """A consumer that belongs to no group of anybody else."""
    import confluent_kafka

    return confluent_kafka.Consumer({"bootstrap.servers": brokers, "group.id": uuid.uuid4().hex, "log_level": 0})


def partitions(consumer, topic):
    """All partitions of a topic, from the begin, once it is there."""
    import confluent_kafka

    deadline = time.monotonic() + PATIENCE
    while not (found := consumer.list_topics(topic, PATIENCE).topics[topic].partitions):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return [confluent_kafka.TopicPartition(topic, each, 0) for each in found]


def consumed(brokers, topic, count):
    """So many messages from the begin of a topic, as (value, headers)."""
    consumer = consumer_of(brokers)
    consumer.assign(partitions(consumer, topic))
    found, deadline = [], time.monotonic() + PATIENCE
    while len(found) < count and time.monotonic() < deadline:
        found += [each for each in consumer.consume(count, 0.2) if each.error() is None]
    consumer.close()
    return [(each.value(), dict(each.headers() or [])) for each in found]


def ends(brokers, topic):
    """How many messages a topic has had."""
    consumer = consumer_of(brokers)
    found = sum(consumer.get_watermark_offsets(each, timeout=PATIENCE)[1] for each in partitions(consumer, topic))
    consumer.close()
    return found

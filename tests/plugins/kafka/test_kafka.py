"""Messages are in the topic once, in order and as documented; a bad one costs itself, a broker that is away nothing."""

import json
import uuid
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core import NotAvailable, Reason, RecordsRefused
from collector_plugins.kafka import Kafka
from collector_plugins.kafka.messages import Message, MessageEncoder, read_payload
from tests import topics
from tests.kafka import PASSWORD, USER
from tests.sample_blocks import ENERGY, POWER, Runs, make_output

confluent_kafka = pytest.importorskip("confluent_kafka", reason="pip install energy-collector[kafka]")
VALUES = {(POWER, 'a"\\\n'): 12.5, (ENERGY, "b"): 1e16}


@pytest.fixture(scope="module")
def brokers():
    """A cluster within this process; it ends with the client that made it."""
    client = confluent_kafka.Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
    found = client.list_topics(timeout=60).brokers.values()
    yield ",".join(f"{each.host}:{each.port}" for each in found)
    del client


@pytest.fixture
def output():
    made = []

    def make(**options):
        made.append(make_output(Kafka, **{"timeout": 30.0, "topic": f"samples-{uuid.uuid4().hex}", **options}))
        return made[-1]

    yield make
    for each in made:
        each.close()


def payloads(made, *times, values=VALUES, **options):
    runs = Runs(**options)
    return [made.encode_block(block) for time in times for block in runs.blocks(time, values)]


def messages(made, count):
    """So many messages of its topic: key, value and timestamp."""
    consumer = topics.consumer_of(made.config.brokers)
    consumer.assign(topics.partitions(consumer, made.config.topic))
    found = []
    while len(found) < count:
        found += [each for each in consumer.consume(count, topics.PATIENCE) if each.error() is None]
    consumer.close()
    return [(each.key().decode(), json.loads(each.value()), each.timestamp()[1]) for each in found]


def test_a_message_says_what_is_documented(output, brokers):
    made = output(brokers=brokers)
    made.test()
    made.send_payloads(payloads(made, 1.2345, 2.0), may_repeat=False)
    found = messages(made, 4)
    assert next(each for each in found if "watts" in each[0]) == (
        'probe_power_watts{plug="a\\"\\\\\\n"}',
        {
            "name": "probe_power_watts",
            "labels": {"plug": 'a"\\\n'},
            "type": "gauge",
            "unit": "watts",
            "value": 12.5,
            "timestamp": "1970-01-01T00:00:01.234+00:00",
        },
        1234,
    )
    assert [time for key, _, time in found if "joules" in key] == [1234, 2000]


@given(
    st.lists(st.text(st.characters(exclude_categories=["C"]) | st.just("\n"), max_size=12), max_size=4, unique=True),
    st.floats(allow_nan=False),
    st.floats(0, 4e9),
)
def test_what_waits_is_read_as_it_was_written(plugs, value, time):
    encoder, runs = MessageEncoder(), Runs()
    values = {(POWER, plug): value for plug in plugs} if abs(value) != float("inf") else {}
    found = [each for block in runs.blocks(time, values) for each in read_payload(encoder.payload(block))]
    assert sorted(json.loads(each.value)["labels"].get("plug", "") for each in found) == sorted(plugs if values else [])
    for each in found:
        said = json.loads(each.value)
        assert said["value"] == value
        assert round(datetime.fromisoformat(said["timestamp"]).timestamp() * 1000) == each.time == round(time * 1000)


def test_what_is_larger_than_a_client_sends_is_refused_alone(output, brokers):
    made = output(brokers=brokers)
    sent = [Message(1, b"a", b"1"), Message(1, b"b", b"2" * 1_100_000), Message(1, b"c", b"3")]
    with pytest.raises(RecordsRefused, match="too large") as refused:
        made._topic.send(sent)
    assert refused.value.count == 1
    assert sorted(value for _, value, _ in messages(made, 2)) == [1, 3]


def test_brokers_that_are_away_are_named_and_what_arrived_before_does_not_go_again(output, brokers):
    made = output(brokers="127.0.0.1:1", timeout=2.0)
    with pytest.raises(NotAvailable, match=r"127\.0\.0\.1:1") as away:
        made.test()
    assert away.value.reason is Reason.UNREACHABLE
    made = output(brokers=brokers)
    sent = payloads(made, 1.0, 2.0)
    made._topic._unfinished = [each for payload in sent for each in read_payload(payload)]
    made._topic._arrived = {0, 1}  # as after an attempt that broke off
    made.send_payloads(sent, may_repeat=True)
    assert topics.ends(brokers, made.config.topic) == 2
    made.send_payloads(payloads(made, 3.0), may_repeat=False)  # nothing of the batch before is remembered
    assert topics.ends(brokers, made.config.topic) == 4


SCRAM = {"protocol": "SASL_SSL", "mechanism": "SCRAM-SHA-512", "username": "u", "password": "p"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"brokers": ""},
        {"topic": "a b"},
        {"compression": "rar"},
        {"security": {**SCRAM, "password": None}},
        {"security": {**SCRAM, "mechanism": "GSSAPI"}},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong):
    Kafka.config_type.model_validate({"brokers": ["a:1", "b:2"], "security": SCRAM})
    with pytest.raises(ValidationError):
        Kafka.config_type.model_validate({"brokers": "a:1", **wrong})


def test_a_file_of_certificates_that_is_missing_is_said(output):
    made = output(brokers="127.0.0.1:1", security={"protocol": "SSL", "ca_file": "/nowhere/ca.pem"})
    with pytest.raises(NotAvailable, match="ssl.ca.location"):
        made.test()


@pytest.mark.xdist_group("kafka")
@pytest.mark.slow
def test_a_real_broker_may_crash_and_every_series_stays_in_order(output, kafka):
    made = output(brokers=kafka.address, timeout=60.0)
    with pytest.raises(NotAvailable) as missing:
        made.test()
    assert missing.value.fix == "create the topic"
    kafka.make_topic(made.config.topic, partitions=3)
    made.send_payloads(payloads(made, *range(1, 51)), may_repeat=False)
    kafka.crash()
    behind = payloads(made, *range(51, 101))
    made._topic._timeout = 2.0
    try:
        with pytest.raises(NotAvailable):
            made.send_payloads(behind, may_repeat=False)
    finally:
        kafka.start()
    made._topic._timeout = 60.0
    made.send_payloads(behind, may_repeat=True)
    found = messages(made, 200)
    for series in {key for key, _, _ in found}:
        assert [time for key, _, time in found if key == series] == [1000 * second for second in range(1, 101)]


@pytest.mark.xdist_group("kafka")
@pytest.mark.slow
def test_a_topic_that_takes_only_small_batches_refuses_what_is_too_large_and_nothing_else(output, kafka):
    made = output(brokers=kafka.address, timeout=60.0, compression="none")
    kafka.make_topic(made.config.topic, config={"max.message.bytes": "800"})
    values = {(POWER, f"{plug}"): plug for plug in range(40)} | {(POWER, "large" * 200): 40}
    with pytest.raises(RecordsRefused) as refused:
        made.send_payloads(payloads(made, 1.0, 2.0, values=values), may_repeat=False)
    assert refused.value.count == 2
    found = messages(made, 80)
    for plug in range(40):
        assert [time for _, value, time in found if value["value"] == plug] == [1000, 2000]


def security(kafka, listener, **changes):
    """What a client shows at a listener."""
    own = kafka.authority.certificate("client")
    ways = {
        "LOGIN": {"protocol": "SASL_SSL", "mechanism": "SCRAM-SHA-512", "username": USER, "password": PASSWORD},
        "CERTIFIED": {"protocol": "SSL", "certificate_file": own.cert, "key_file": own.key},
    }
    return {"ca_file": kafka.authority.cert, **ways[listener], **changes}


@pytest.mark.xdist_group("kafka")
@pytest.mark.slow
@pytest.mark.parametrize(("listener", "changes"), [("LOGIN", {}), ("LOGIN", {"mechanism": "PLAIN"}), ("CERTIFIED", {})])
def test_a_real_broker_takes_who_shows_a_password_or_a_certificate(output, kafka, listener, changes):
    made = output(brokers=kafka.address_of(listener), timeout=60.0, security=security(kafka, listener, **changes))
    kafka.make_topic(made.config.topic)
    made.test()
    made.send_payloads(payloads(made, 1.0, 2.0), may_repeat=False)
    assert topics.ends(kafka.address, made.config.topic) == 4


@pytest.mark.xdist_group("kafka")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("listener", "changes", "words"),
    [
        ("LOGIN", {"password": "wrong-canary"}, "uthentication failed"),
        ("LOGIN", {"mechanism": "SCRAM-SHA-256"}, "mechanism"),
        ("LOGIN", {"ca_file": None}, "certificate"),
        ("CERTIFIED", {"certificate_file": None, "key_file": None}, "certificate"),
    ],
)
def test_who_shows_a_real_broker_the_wrong_thing_is_told_what_and_no_password(output, kafka, listener, changes, words):
    made = output(brokers=kafka.address_of(listener), timeout=10.0, security=security(kafka, listener, **changes))
    with pytest.raises(NotAvailable, match=words) as refused:
        made.test()
    assert refused.value.reason is Reason.AUTH
    assert refused.value.fix == "correct `security`, or grant what is missing"
    assert "canary" not in f"{refused.value}{made.config!r}"

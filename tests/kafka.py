"""A real Apache Kafka on loopback: one node that is broker and controller, from the jars of Maven Central."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests import services
from tests.background import BackgroundServer, free_port
from tests.certificates import Authority

START_SECONDS = 120
CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg"
USER, PASSWORD = "energy", "canary-of-kafka"
LISTENERS = ("PLAINTEXT", "LOGIN", "CERTIFIED")  # open; TLS and a password; TLS and a certificate of the client
JAVA = ("-Xms64m", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
# Small, quick to come back after a crash, and strict: a topic is there when somebody has made it.
PROPERTIES = """
node.id=1
process.roles=broker,controller
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listeners}
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_SSL,CERTIFIED:SSL
listener.name.login.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.login.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.login.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
  user_{user}="{password}";
listener.name.certified.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={folder}/keystore.pem
ssl.truststore.type=PEM
ssl.truststore.location={authority}
log.dirs={folder}/logs
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
log.cleaner.dedupe.buffer.size=2097152
"""


class Broker:
    """The one node of a cluster, with topics in a folder of its own."""

    def __init__(self, folder, jars):
        self._folder = folder
        self._classes = f"{jars}/*"
        self.authority = Authority(folder)
        self._addresses = {listener: f"127.0.0.1:{free_port()}" for listener in LISTENERS}
        self._properties = folder / "server.properties"
        self._write_properties(folder)
        login = f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"
        subprocess.run(
            [
                *self._java("kafka.tools.StorageTool"),
                *("format", "-t", CLUSTER, "-c", self._properties, "--add-scram", login),
            ],
            check=True,
            capture_output=True,
            timeout=START_SECONDS,
        )
        self.start()

    @property
    def address(self):
        return self._addresses["PLAINTEXT"]

    def address_of(self, listener):
        """That of one of `LISTENERS`."""
        return self._addresses[listener]

    def start(self):
        """Start, also after a crash; returns when it answers."""
        command = (*self._java("kafka.Kafka"), self._properties)
        self._process = BackgroundServer(command, self._folder, end_signal="KILL")
        self._wait_until_ready()

    def stop(self):
        self._process.stop()

    def crash(self):
        """As `kill -9`."""
        self._process.crash()

    def make_topic(self, name, partitions=1, config=None):
        from confluent_kafka.admin import NewTopic

        client = self._client()  # it must outlive the request
        made = client.create_topics(
            [NewTopic(name, num_partitions=partitions, replication_factor=1, config=config or {})]
        )
        made[name].result(START_SECONDS)

    def _write_properties(self, folder):
        own = self.authority.certificate("broker")
        (folder / "keystore.pem").write_bytes(own.key.read_bytes() + own.cert.read_bytes())
        listeners = ",".join(f"{name}://{address}" for name, address in self._addresses.items())
        text = PROPERTIES.format(
            listeners=listeners,
            controller=free_port(),
            folder=folder,
            authority=self.authority.cert,
            user=USER,
            password=PASSWORD,
        )
        self._properties.write_text(text)

    def _java(self, main):
        return ("java", *JAVA, "-cp", self._classes, main)

    def _client(self):
        from confluent_kafka.admin import AdminClient

        return AdminClient({"bootstrap.servers": self.address, "log_level": 0, "reconnect.backoff.max.ms": 100})

    def _wait_until_ready(self):
        from confluent_kafka import KafkaException

        client, deadline = self._client(), time.monotonic() + START_SECONDS
        while True:
            try:
                if client.list_topics(timeout=1).brokers:
                    return
            except KafkaException:
                assert not self._process.has_ended(), "Kafka has ended"
            assert time.monotonic() < deadline, "Kafka does not answer"


@pytest.fixture(scope="session")
def kafka():
    """One broker for all tests; skips where Maven Central is out of reach.

    Where no Debian package may be missing, one that is fails.
    """
    pytest.importorskip("confluent_kafka", reason="pip install energy-collector[kafka]")
    if absent := [program for program in ("java", "mvn") if shutil.which(program) is None]:
        message = f"{' and '.join(absent)} not installed: python tests/services.py install"
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") else pytest.skip)(message)
    if (jars := services.jars(services.KAFKA)) is None:
        pytest.skip(f"Maven has not got {services.KAFKA}: python tests/services.py install")
    with tempfile.TemporaryDirectory(prefix="energy-collector-kafka-") as folder:
        broker = Broker(Path(folder), jars)
        yield broker
        broker.stop()

"""The whole program takes readings: the README's requests work, and what was acknowledged outlives `kill -9`."""

import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests import topics

ROOT = Path(__file__).parents[2]
CONFIG = "collectors:\n  sites:\n    interval: 1s\n"
KILLS = int(os.environ.get("SITES_KILLS", "5"))
GROUP_SECONDS = 240  # some sessions of Kafka: a group waits for members that were killed
WATTS = 3.6e6  # one kWh a second, which is the interval of what is sent: 300 days hold more than any test can send


def readme_requests():
    text = (ROOT / "plugins/sites/README.md").read_text()
    (part,) = re.findall(r"<!-- curl -->(.*?)<!-- /curl -->", text, re.DOTALL)
    blocks = re.findall(r"```bash\n(.*?)```", part, re.DOTALL)
    return [each for block in blocks for each in re.split(r"\n(?=curl )", block.strip())]


def test_every_request_of_the_readme_is_answered(collector):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    program = collector(CONFIG)
    for request in readme_requests():
        line = request.replace("http://127.0.0.1:9877", f"http://127.0.0.1:{program.port}").replace(
            "curl -sS", "curl -sS -w '\\n%{http_code}'"
        )
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, timeout=60)
        body, _, status = done.stdout.rpartition("\n")
        assert status in {"200", "201", "202"}, (request, body)


class Sender(threading.Thread):
    """Sends readings of a meter again and again until each is acknowledged, as senders do."""

    def __init__(self, meter, port, pause=0.0):
        super().__init__(daemon=True)
        self.meter, self.port = meter, port  # the program has another port after each start
        self.pause = pause
        self.acknowledged = 0
        self.sent = 0
        self.ends = threading.Event()

    def run(self):
        start = int(time.time()) - 300 * 86_400
        while not self.ends.wait(self.pause):
            batch = [self.reading(start + self.sent + each) for each in range(20)]
            while not self.take(batch):
                time.sleep(0.02)
            self.sent += len(batch)
            self.acknowledged += len(batch)

    def reading(self, moment):
        reading = {"site_id": "a", "meter": self.meter, "timestamp": moment}
        return reading | {"power_watts": WATTS, "interval_seconds": 1}

    def take(self, batch):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/api/v1/ingest/telemetry", json.dumps({"readings": batch}), headers)
            answer = connection.getresponse()
            told = json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return answer.status == 202 and told["accepted"] + told["duplicates"] == len(batch)


def test_what_was_acknowledged_outlives_kills_and_counts_once(collector, eventually):
    config = "collectors:\n  sites: {interval: 1s, options: {auto_register: true}}\n"
    chance = random.Random(7)
    program = collector(config)
    senders = [Sender(f"m{number}", program.port) for number in range(3)]
    for sender in senders:
        sender.start()
    for _ in range(KILLS):
        before = sum(sender.acknowledged for sender in senders)
        eventually(lambda before=before: sum(sender.acknowledged for sender in senders) > before)
        time.sleep(chance.uniform(0, 0.3))  # the moment of the kill
        program.signal(signal.SIGKILL)
        program.process.wait()
        program = collector(config)
        for sender in senders:
            sender.port = program.port
    for sender in senders:
        sender.ends.set()
        sender.join(60)
    count = sum(sender.acknowledged for sender in senders)
    begin = int(time.time()) - 301 * 86_400
    answer = program.request(f"/api/v1/metrics/site/a?from={begin}&step=30d", timeout=60).json
    assert answer["readings"] == count
    assert answer["energy_kwh"] == pytest.approx(count)
    name = 'mining_energy_consumption_kwh{region="",site="a"}'
    eventually(lambda: program.samples().get(name) == pytest.approx(count))


class TopicSender(threading.Thread):
    """Writes readings of a meter to a topic, each again until it is acknowledged, and now and then what is none."""

    def __init__(self, brokers, topic):
        from confluent_kafka import Producer

        super().__init__(daemon=True)
        self._producer = Producer({"bootstrap.servers": brokers, "acks": "all", "log_level": 0})
        self._topic = topic
        self.sent = self.poison = 0
        self.ends = threading.Event()

    def run(self):
        start = int(time.time()) - 300 * 86_400
        while not self.ends.wait(0.02):
            self.sent += 1
            reading = {"site_id": "k", "timestamp": start + self.sent, "power_watts": WATTS, "interval_seconds": 1}
            self._producer.produce(self._topic, key=b"k", value=json.dumps(reading).encode())
            if self.sent % 50 == 1:
                self._producer.produce(self._topic, key=b"k", value=b"nonsense")
                self.poison += 1
            self._producer.poll(0)
        assert self._producer.flush(60) == 0


@pytest.mark.slow
@pytest.mark.xdist_group("kafka")
def test_what_comes_by_kafka_and_http_outlives_kills_of_both_sides_and_counts_once(collector, kafka, eventually):
    topic = f"readings-{time.time_ns()}"
    kafka.make_topic(topic, partitions=2)
    options = f"{{auto_register: true, kafka: {{brokers: '{kafka.address}', topic_energy: {topic}, group: {topic}}}}}"
    config = f"collectors:\n  sites: {{interval: 1s, options: {options}}}\n"
    program = collector(config)
    chance = random.Random(11)
    by_http, by_kafka = Sender("m", program.port, pause=0.2), TopicSender(kafka.address, topic)
    by_http.start()
    by_kafka.start()

    def count(site):
        begin = int(time.time()) - 301 * 86_400
        path = f"/api/v1/metrics/site/{site}?from={begin}&step=30d"
        return program.request(path, timeout=60).json.get("readings", 0)

    def wait_for_more():
        before = count("k")
        eventually(lambda: count("k") > before, GROUP_SECONDS)

    for number in range(max(1, KILLS // 5)):
        wait_for_more()
        time.sleep(chance.uniform(0, 0.5))  # the moment of the kill
        program.signal(signal.SIGKILL)
        program.process.wait()
        program = collector(config)
        by_http.port = program.port
        if number % 5:  # a broker takes long to come back
            continue
        wait_for_more()
        kafka.crash()
        try:
            acknowledged = by_http.acknowledged
            eventually(lambda acknowledged=acknowledged: by_http.acknowledged > acknowledged)
        finally:
            kafka.start()  # which other tests share
    for sender in (by_http, by_kafka):
        sender.ends.set()
        sender.join(60)
    eventually(lambda: (count("a"), count("k")) == (by_http.acknowledged, by_kafka.sent))
    name = 'mining_energy_consumption_kwh{region="",site="k"}'
    eventually(lambda: program.samples().get(name) == pytest.approx(by_kafka.sent))
    dead = topics.consumed(kafka.address, f"{topic}.dead", by_kafka.poison)
    assert {value for value, _ in dead} == {b"nonsense"}
    assert len(dead) == by_kafka.poison

"""Lines are what carbon and VictoriaMetrics store; what was not read to the end is not delivered."""

import shutil
import socket
import subprocess
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core import NotAvailable, Reason, RecordsRefused, Series
from collector_plugins.graphite import Graphite
from collector_plugins.graphite.lines import LineEncoder, _path, _tagged
from tests.background import BackgroundServer, free_port
from tests.metric_stores import ask
from tests.sample_blocks import ENERGY, POWER, Runs, make_output

VALUES = {(POWER, "a b;c.d"): 12.5, (ENERGY, "b"): 1e16}


def payloads(made, *times, values=VALUES, **options):
    runs = Runs(**options)
    return [made.encode_block(block) for time in times for block in runs.blocks(time, values)]


def test_labels_are_tags_or_parts_of_the_name():
    (block,) = Runs(labels={"host": "~fin", "empty": ""}).blocks(1.9, VALUES)
    assert LineEncoder("home.", tags=True).lines(block) == (
        "home.probe_power_watts;host=%7Efin;plug=a%20b%3Bc.d 12.5 1\n"
        "home.probe_energy_joules_total;host=%7Efin;plug=b 1e+16 1\n"
    )
    assert LineEncoder("", tags=False).lines(block) == (
        "probe_power_watts.host.%7Efin.plug.a%20b%3Bc%2Ed 12.5 1\n"
        "probe_energy_joules_total.host.%7Efin.plug.b 1e+16 1\n"
    )


@given(st.text(max_size=10), st.text(max_size=10), st.sampled_from([_tagged, _path]))
def test_two_series_never_become_one_and_a_name_has_no_blank(one, other, name):
    def named(value):
        return name(Series("", "probe_power_watts", {"plug": value, "rack": "1"}, "gauge", "watts", "", "probe"))

    assert (named(one) == named(other)) == (one == other)
    assert len(named(one).split()) == 1
    assert named(one).count(";") == (2 if name is _tagged and one else 1 if name is _tagged else 0)


class PlainReceiver:
    """Takes one connection after the other, and does with each what the test says."""

    def __init__(self, serve):
        self.received = []
        self.held = []
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            while True:
                connection, _ = self._listener.accept()
                self._serve(self, connection)
        except OSError:
            return

    def read(self, connection):
        with connection, connection.makefile("rb") as file:
            self.received += file.read().splitlines()

    def hold(self, connection):
        self.held.append(connection)

    def close(self):
        for each in self.held:
            each.close()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def receiver():
    made = []

    def make(serve=PlainReceiver.read):
        made.append(PlainReceiver(serve))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_what_has_been_read_to_the_end_is_delivered(receiver):
    receiving = receiver()
    made = make_output(Graphite, timeout=60.0, url=receiving.url)
    made.test()
    made.send_payloads(payloads(made, 1, 2), may_repeat=False)
    assert [line.rpartition(b" ")[2] for line in receiving.received] == [b"1", b"1", b"2", b"2"]


def test_what_a_receiver_has_not_read_is_not_delivered(receiver):
    hanging = receiver(PlainReceiver.hold)
    made = make_output(Graphite, url=hanging.url, timeout=0.2)
    with pytest.raises(NotAvailable, match="not read to the end") as late:
        made.send_payloads(payloads(made, 1), may_repeat=False)
    assert late.value.reason is Reason.TIMEOUT
    breaking = receiver(lambda _, connection: (connection.recv(1), connection.close()))  # the rest unread
    made = make_output(Graphite, timeout=60.0, url=breaking.url)
    with pytest.raises(NotAvailable, match=r"tcp://127\.0\.0\.1") as broken:
        made.send_payloads(payloads(made, 1), may_repeat=False)
    assert broken.value.reason is Reason.UNREACHABLE
    with pytest.raises(NotAvailable, match="refused"):
        make_output(Graphite, timeout=60.0, url=f"tcp://127.0.0.1:{free_port()}").test()


def test_a_call_that_is_cancelled_ends(receiver):
    has_read = threading.Event()

    def read_and_hold(receiving, connection):
        receiving.hold(connection)
        while connection.recv(4096):
            pass
        has_read.set()

    hanging = receiver(read_and_hold)
    made = make_output(Graphite, url=hanging.url, timeout=60)
    canceller = threading.Thread(target=lambda: (has_read.wait(60), made.cancel()))
    canceller.start()
    with pytest.raises(NotAvailable):  # although the connection has ended
        made.send_payloads(payloads(made, 1), may_repeat=False)
    canceller.join()


def test_a_line_that_carbon_would_hang_up_at_is_refused_alone(receiver):
    receiving = receiver()
    made = make_output(Graphite, timeout=60.0, url=receiving.url, tags=False)
    long = {f"label_{number}": "€" * 1000 for number in range(10)}
    sent = payloads(made, 1) + payloads(made, 1, values={(POWER, "a"): 1}, labels=long)
    with pytest.raises(RecordsRefused) as refused:
        made.send_payloads(sent, may_repeat=False)
    assert (refused.value.count, len(receiving.received)) == (1, 2)


@pytest.mark.parametrize("wrong", [{"url": "http://a"}, {"url": "tcp://"}, {"url": "tcp://a:b"}, {"prefix": "a b"}, {}])
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        Graphite.config_type.model_validate(({"url": "tcp://a"} | wrong) if wrong else {})


def test_the_port_is_that_of_carbon_unless_it_is_given():
    assert Graphite.config_type.model_validate({"url": "tcp://[::1]"}).place == ("::1", 2003)


def test_victoria_metrics_stores_every_point(metric_store, graphite_port, eventually):
    base, _ = metric_store("victoria-metrics")
    now = int(time.time()) - 30
    made = make_output(Graphite, timeout=60.0, url=f"tcp://127.0.0.1:{graphite_port}", prefix="graphite.")
    made.test()
    made.send_payloads(payloads(made, *range(now, now + 5)), may_repeat=False)

    def stored():
        found = ask(base, '{plug="a%20b%3Bc.d"}[1m]', now + 20)
        assert all(each["metric"]["__name__"] == "graphite.probe_power_watts" for each in found)
        return found and len(found[0]["values"]) == 5

    eventually(stored)


CARBON = """
[cache]
STORAGE_DIR = {folder}
LOCAL_DATA_DIR = {folder}/whisper
CONF_DIR = {folder}
LOG_DIR = {folder}
PID_DIR = {folder}
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {port}
PICKLE_RECEIVER_PORT = 0
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = {query}
MAX_CREATES_PER_MINUTE = inf
MAX_UPDATES_PER_SECOND = inf
GRAPHITE_URL = http://127.0.0.1:1
"""
SCHEMAS = "[all]\npattern = .*\nretentions = 1s:1h\n"


@pytest.fixture
def carbon(tmp_path, eventually):
    """A real carbon that has just started: the address of its receiver, and the folder of its files."""
    if shutil.which("carbon-cache") is None or shutil.which("whisper-fetch") is None:
        pytest.skip("graphite-carbon is not installed")
    port = free_port()
    (tmp_path / "carbon.conf").write_text(CARBON.format(folder=tmp_path, port=port, query=free_port()))
    (tmp_path / "storage-schemas.conf").write_text(SCHEMAS)
    command = ["carbon-cache", f"--config={tmp_path}/carbon.conf", "--nodaemon", "start"]
    server = BackgroundServer(command, tmp_path, end_signal="KILL")

    def is_listening():
        assert not server.has_ended(), (tmp_path / "carbon-cache.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    eventually(is_listening)
    yield f"tcp://127.0.0.1:{port}", tmp_path / "whisper"
    server.stop()


@pytest.mark.slow
def test_carbon_keeps_every_second(carbon, eventually):
    url, whisper = carbon
    now = int(time.time()) - 60
    made = make_output(Graphite, timeout=60.0, url=url, tags=False, prefix="home.")
    made.test()
    made.send_payloads(payloads(made, *range(now, now + 5)), may_repeat=False)
    with_tags = make_output(Graphite, timeout=60.0, url=url)
    with_tags.send_payloads(payloads(with_tags, *range(now, now + 5)), may_repeat=False)

    def values(file):
        command = ["whisper-fetch", f"--from={now - 1}", f"--until={now + 4}", str(file)]
        told = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        return [line.split()[1] for line in told.stdout.splitlines()]

    plain = whisper / "home/probe_power_watts/plug/a%20b%3Bc%2Ed.wsp"
    eventually(lambda: plain.exists() and values(plain) == ["12.500000"] * 5)
    eventually(lambda: sum(values(file) == ["12.500000"] * 5 for file in whisper.glob("_tagged/*/*/*.wsp")) == 1)

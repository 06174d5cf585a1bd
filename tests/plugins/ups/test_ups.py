"""Servers that answer, refuse, hang and come back."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.ups import Ups, collector_demo_types, metrics, nut
from collector_plugins.ups.reading import power, readings

BUSY = {
    "LIST UPS": 'BEGIN LIST UPS\nUPS a "x"\nEND LIST UPS\n',
    "LIST VAR a": 'BEGIN LIST VAR a\nVAR a ups.realpower "120"\nEND LIST VAR a\n',
}


class Server:
    """An `upsd` on a thread, for the loop of the collector to ask: `answers` may change at any time."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while not self._end.is_set():
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer):
        with peer, peer.makefile("rw", newline="\n") as file:
            for line in file:
                self.asked.append(line.strip())
                answer = self.answers.get(line.strip(), "ERR UNKNOWN-COMMAND\n")
                if answer is None:
                    self._end.wait(60)
                    return
                file.write(answer)
                file.flush()

    def close(self):
        self._end.set()
        self._socket.close()


@contextmanager
def servers(*answers):
    started = [Server(each) for each in answers]
    try:
        yield started
    finally:
        for each in started:
            each.close()


@pytest.fixture
def ups(collector_harness):
    def make(*addresses, **more):
        devices = [{"name": f"d{number}", "address": address} for number, address in enumerate(addresses)]
        return collector_harness(Ups, devices=devices, **more)

    return make


def test_two_servers_that_hang_cost_the_third_nothing(ups):
    with servers({"LIST UPS": None}, BUSY, {"LIST UPS": None}) as (one, good, three):
        harness = ups(one.address, good.address, three.address, interval=0.2)
        for _ in range(2):
            harness.run(advance=0.2)
            assert harness.series(metrics.POWER) == {("d1", "a"): 120.0}
    assert harness.value(metrics.HEALTH.up, device="d0") == 0
    assert harness.value(metrics.HEALTH.up, device="d1") == 1
    assert harness.value(metrics.HEALTH.unavailable, device="d0", reason="timeout") == 1
    assert [part.name for part in harness.part_failures] == ["device=d0", "device=d2"]


def test_a_server_that_refuses_us_is_asked_once_and_never_again(ups):
    with servers({"LIST UPS": "ERR ACCESS-DENIED\n"}) as (server,):
        harness = ups(server.address)
        for _ in range(6):
            harness.run(advance=100)
        assert server.asked == ["LIST UPS"]
    assert harness.value(metrics.HEALTH.unavailable, device="d0", reason="auth") == 1


def test_a_ups_whose_data_are_stale_disappears_and_comes_back(ups):
    with servers(dict(BUSY)) as (server,):
        harness = ups(server.address)
        harness.run()
        assert len(harness.collector.collector_energy_meters()) == 1
        server.answers["LIST VAR a"] = "ERR DATA-STALE\n"
        harness.run(advance=5)
        assert harness.series(metrics.POWER) == {}
        assert harness.collector.collector_energy_meters()[0].latest() is None
        assert harness.value(metrics.HEALTH.unavailable, device="d0", reason="unreachable") == 1
        server.answers.update(BUSY)
        harness.run(advance=10)
        assert harness.series(metrics.POWER) == {("d0", "a"): 120.0}
        assert harness.value(metrics.HEALTH.up, device="d0") == 1


def test_its_energy_is_the_area_under_its_power(ups):
    with servers(BUSY) as (server,):
        harness = ups(server.address)
        for _ in range(3):
            harness.run(advance=5)
        (meter,) = harness.collector.collector_energy_meters()
        assert (meter.component, meter.device, meter.method) == ("ups", "d0", "meter")
        assert meter.latest().joules == pytest.approx(1200)
        assert meter.latest().unknown_gaps == 0


def test_the_power_that_it_takes_is_shown_where_it_is_told():
    assert {each.name: value for each, value in readings({"input.realpower": "110"}).items()} == {
        "ups_input_power_watts": 110
    }


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("<html>\n", "bad_data"),
        ("ERR UNKNOWN-UPS\n", "not_found"),
        ("ERR UNKNOWN-COMMAND\n", "not_supported"),
        ("ERR FEATURE-NOT-CONFIGURED\n", "bad_data"),
        ("BEGIN LIST UPS\n" + "x\n" * 3000, "bad_data"),
        ("x" * 70_000 + "\n", "bad_data"),
    ],
)
def test_what_is_no_answer_says_why(ups, answer, reason):
    with servers({"LIST UPS": answer}) as (server,):
        harness = ups(server.address)
        harness.run()
        assert harness.value(metrics.HEALTH.unavailable, device="d0", reason=reason) == 1


def test_where_nothing_listens_it_says_so(ups):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    harness = ups(f"127.0.0.1:{port}")
    harness.run()
    (failure,) = harness.part_failures
    assert "nothing listens there" in failure.text
    assert "LISTEN in upsd.conf" in failure.text


@given(st.lists(st.text(max_size=60), max_size=8), st.text(max_size=60))
def test_whatever_a_server_says_is_variables_or_nothing(lines, value):
    line = 'VAR a ups.model "' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    found = nut.parse_variables([*lines, line])
    assert found.get("ups.model", value) == value or "\n" in value
    assert all(value >= 0 for value in readings(found).values())


@pytest.mark.parametrize(
    ("variables", "watts"),
    [
        ({"ups.realpower": "100", "ups.load": "5", "ups.realpower.nominal": "900"}, 100.0),
        ({"ups.realpower": "n/a", "ups.load": "5", "ups.realpower.nominal": "900"}, 45.0),
        ({"ups.realpower": "nan", "ups.load": "5"}, None),
        ({"ups.load": "", "ups.realpower.nominal": "900"}, None),
        ({"ups.load": "5", "ups.realpower.nominal": "0"}, None),
        ({"ups.realpower": "-3"}, None),
        ({"ups.load": "0", "ups.realpower.nominal": "900"}, 0.0),
    ],
)
def test_watts_are_measured_or_by_the_load_or_absent(variables, watts):
    assert power(variables) == watts


def test_the_demo_shows_every_metric_but_failures(collector_harness):
    (demo,) = collector_demo_types()
    harness = collector_harness(demo)
    seen = set()
    for _ in range(48):
        harness.run(advance=1800)
        seen |= {metric for metric in metrics.ALL if harness.series(metric)}
        assert 0 < harness.value(metrics.LOAD, device="rack", ups="smart1500") < 1
    assert seen == {*metrics.ALL} - {metrics.HEALTH.unavailable}

"""Lines that hang, end and come back; serial ports; telegrams in pieces."""

from __future__ import annotations

import asyncio
import errno
import os
import pty
import socket
import threading
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core import NotAvailable
from collector_plugins.dsmr import Config, Dsmr, metrics
from collector_plugins.dsmr.line import Line
from collector_plugins.dsmr.telegram import MOST_BYTES, Splitter, crc16, parse
from tests.plugins.dsmr.p1 import telegram

GOOD = telegram("/XXX5METER\n\n1-0:1.8.1(000100.000*kWh)\n1-0:1.7.0(00.500*kW)\n!")


@contextmanager
def reader(content, *, hangs_up=False):
    """Sends `content` to everybody who connects, and keeps the line or hangs up; yields its address."""
    server = socket.create_server(("127.0.0.1", 0))
    peers = []

    def serve():
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            peer.sendall(content)
            if hangs_up:
                peer.close()
            else:
                peers.append(peer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)  # wakes who waits for a peer
        thread.join(10)  # then all peers are known
        server.close()
        for peer in peers:
            peer.close()


def watts(harness):
    return {name: value for (name,), value in harness.series(metrics.IMPORT_POWER).items()}


def test_two_meters_that_say_nothing_cost_the_third_nothing(collector_harness):
    with reader(b"") as silent, reader(GOOD) as good, reader(b"<html>") as odd:
        devices = [{"name": name, "address": at} for name, at in (("a", silent), ("b", good), ("c", odd))]
        harness = collector_harness(Dsmr, devices=devices, interval=0.2, timeout=10.0)
        harness.run(advance=0.2)
        assert watts(harness) == {"b": 500.0}
        assert harness.value(metrics.HEALTH.up, device="b") == 1


def test_a_line_that_ends_says_so_and_is_opened_again(collector_harness):
    with reader(GOOD, hangs_up=True) as address:
        harness = collector_harness(Dsmr, devices=[{"name": "house", "address": address}])
        harness.run()
        assert watts(harness) == {"house": 500.0}
        harness.run(advance=10)
        assert harness.value(metrics.HEALTH.unavailable, device="house", reason="unreachable") == 1
        harness.run(advance=10)
        assert watts(harness) == {"house": 500.0}


async def test_a_line_that_breaks_says_what_to_check():
    with reader(b"") as address:
        stream, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
        stream.set_exception(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
        line = Line(stream, writer.transport, writer)
        with pytest.raises(NotAvailable, match="the line broke: Connection reset by peer") as caught:
            await line.newest()
        line.close()
    assert "check the cable" in caught.value.fix


def test_what_piled_up_since_the_last_run_is_not_taken_for_new(collector_harness):
    old = b"".join(telegram(f"/XXX5METER\n\n1-0:1.7.0(00.{number:03}*kW)\n!") for number in range(1000)) * 3
    with reader(old + GOOD) as address:
        harness = collector_harness(Dsmr, devices=[{"name": "house", "address": address}])
        harness.run()
        assert watts(harness) == {"house": 500.0}


def test_a_gas_meter_that_is_new_shows_0():
    told = parse(b"/XXX5METER\r\n\r\n0-1:24.1.0(003)\r\n0-1:24.2.1(231014120000S)(00000.000*m3)\r\n!")
    assert told.gas == {"1": 0.0}


OLD = """
/KMP5 KA6U001585575011

0-0:96.1.1(204B413655303031353835353735303131)
1-0:1.8.1(00185.000*kWh)
1-0:1.8.2(00084.000*kWh)
1-0:2.8.1(00013.000*kWh)
1-0:2.8.2(00019.000*kWh)
0-0:96.14.0(0001)
1-0:1.7.0(0000.98*kW)
1-0:2.7.0(0000.00*kW)
0-1:24.1.0(3)
0-1:96.1.0(3238313031453631373038389930337131)
0-1:24.3.0(121030140000)(00)(60)(1)(0-1:24.2.1)(m3)
(00024.123)
0-2:24.1.0(7)
0-2:24.3.0(121030140000)(00)(60)(1)(0-2:24.2.1)(m3)
(00099.000)
!
"""


def test_a_meter_of_dsmr_2_or_3_says_its_gas_on_a_line_of_its_own_and_has_no_checksum():
    (framed,) = Splitter().feed(OLD.lstrip().replace("\n", "\r\n").encode())
    told = parse(framed.text)
    assert framed.is_intact
    assert (told.gas, told.import_watts) == ({"1": 24.123}, 980.0)
    assert told.import_joules == {"1": 185 * 3.6e6, "2": 84 * 3.6e6}


async def test_a_reader_is_found_by_its_telegrams():
    with reader(GOOD) as address:
        port = int(address.rpartition(":")[2])
        assert await Dsmr.probe("127.0.0.1", port) == {"name": "127.0.0.1", "address": address}
    with reader(b"login: ", hangs_up=True) as address, pytest.raises(NotAvailable):
        await Dsmr.probe("127.0.0.1", int(address.rpartition(":")[2]))


def test_what_came_between_two_runs_is_there_at_the_second(collector_harness):
    with socket.create_server(("127.0.0.1", 0)) as server:
        harness = collector_harness(Dsmr, devices=[{"name": "h", "address": f"127.0.0.1:{server.getsockname()[1]}"}])
        peers = []

        def serve():
            peer, _ = server.accept()
            peers.append(peer)
            peer.sendall(GOOD)

        threading.Thread(target=serve, daemon=True).start()
        harness.run()
        for watts_now in (b"00.600", b"00.700"):
            peers[0].sendall(telegram(f"/XXX5METER\n\n1-0:1.7.0({watts_now.decode()}*kW)\n!"))
        harness.run(advance=10)
        assert watts(harness) == {"h": 700.0}
        peers[0].close()


def test_nothing_that_listens_is_unreachable(collector_harness):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    harness = collector_harness(Dsmr, devices=[{"name": "house", "address": f"127.0.0.1:{port}"}])
    harness.run()
    assert harness.value(metrics.HEALTH.unavailable, device="house", reason="unreachable") == 1


def test_a_serial_port_is_read_as_it_is(collector_harness, tmp_path):
    ours, theirs = pty.openpty()
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/ttyUSB0").symlink_to(os.ttyname(theirs))
    harness = collector_harness(Dsmr, tmp_path, devices=[{"name": "barn", "serial": "/dev/ttyUSB0"}])
    sender = threading.Timer(0.05, os.write, (ours, GOOD))
    sender.start()
    harness.run()
    sender.join()
    assert watts(harness) == {"barn": 500.0}
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(("path", "reason"), [("/dev/gone", "not_found"), ("/dev/file", "not_supported")])
def test_a_serial_port_that_is_none_says_why(collector_harness, tmp_path, path, reason):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/file").write_text("text")
    harness = collector_harness(Dsmr, tmp_path, devices=[{"name": "barn", "serial": path}])
    harness.run()
    assert harness.value(metrics.HEALTH.unavailable, device="barn", reason=reason) == 1


def test_its_energy_for_the_ledger_is_what_the_house_draws(collector_harness):
    with reader(GOOD) as address:
        harness = collector_harness(Dsmr, devices=[{"name": "house", "address": address, "feeds": ["host"]}])
        harness.run()
        (meter,) = harness.collector.collector_energy_meters()
        assert (meter.component, meter.device, meter.feeds) == ("dsmr", "house", ("host",))
        assert meter.latest().joules == 0


@pytest.mark.parametrize(
    "wrong", [{}, {"address": "p1", "serial": "/dev/x"}, {"serial": "ttyUSB0"}, {"serial": "/dev/x", "baud": 1200}]
)
def test_a_meter_has_one_way(wrong):
    with pytest.raises(ValidationError):
        Config.model_validate({"devices": [{"name": "house"} | wrong]})


@given(st.lists(st.binary(max_size=40)), st.integers(1, 50))
def test_telegrams_are_found_however_they_come(noise, size):
    junk = b"".join(noise).replace(b"!", b"").replace(b"/", b"")
    stream = junk + b"\r\n" + GOOD + GOOD
    splitter, found = Splitter(), []
    for start in range(0, len(stream), size):
        found += splitter.feed(stream[start : start + size])
    assert [parse(each.text).import_watts for each in found if each.is_intact] == [500.0, 500.0]


@given(st.integers(8, len(GOOD) - 8), st.integers(1, 255))
def test_a_byte_that_is_wrong_is_noticed(place, change):
    broken = bytearray(GOOD)
    broken[place] ^= change
    found = [each.text for each in Splitter().feed(bytes(broken)) if each.is_intact]
    assert GOOD[:-6] not in found
    assert all(crc16(each) == int(GOOD[-6:-2], 16) for each in found) or b"!" in broken[place : place + 1]


@given(st.binary(max_size=300))
def test_whatever_a_line_says_is_possible_or_absent(noise):
    told = parse(b"/" + noise + b"!")
    numbers = (*told.import_joules.values(), *told.phase_volts.values(), *told.gas.values())
    assert all(value >= 0 for value in numbers)


def test_a_line_that_never_ends_a_telegram_is_not_kept():
    splitter = Splitter()
    for _ in range(100):
        splitter.feed(b"x" * 4096)
    assert len(splitter._buffer) <= MOST_BYTES


def test_the_checksum_is_that_of_the_standard():
    assert crc16(b"123456789") == 0xBB3D

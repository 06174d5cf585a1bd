"""Devices that hang, refuse, hang up and come back; frames of both kinds; options."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pymodbus.framer import FramerType

from collector_core import NotAvailable
from collector_core.devices import DeviceReading
from collector_plugins.modbus import METRICS, Config, Modbus
from collector_plugins.modbus.client import Connection, Framing, RegisterRefused, RegisterType, content_of, with_crc
from collector_plugins.modbus.registers import Register, Type, WordOrder, blocks, decode, models
from collector_plugins.modbus.sunspec import _POINTS, Model, read_model, told_by
from tests.plugins.modbus.device import device, registers_of

POWER = METRICS["power_watts"]
FAMILIES = (
    "modbus_apparent_power_volt_amperes modbus_voltage_volts modbus_current_amperes modbus_temperature_celsius "
    "modbus_battery_charge_ratio modbus_outlet_power_watts"
)
GOOD = struct.pack(">BBB", 1, 4, 4) + struct.pack(">f", 42.5)
ENTRY = {"registers": [{"metric": "power_watts", "address": 52, "kind": "input", "type": "float32"}]}


@contextmanager
def meter(answer):
    """Answers each request with `answer(request)`, hangs where that is None, hangs up where it is empty."""
    server, peers = socket.create_server(("127.0.0.1", 0)), []

    def talk(peer):
        with suppress(OSError):  # whoever asked has hung up
            while request := peer.recv(260):
                if (said := answer(request)) == b"":
                    peer.close()
                    return
                if said:
                    peer.sendall(said)

    def serve():
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            peers.append(peer)
            threading.Thread(target=talk, args=(peer,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.close()
        for peer in peers:
            peer.close()


def tcp(body):
    return lambda request: request[:4] + struct.pack(">H", len(body)) + body


def collect(collector_harness, *addresses, **more):
    devices = [{"name": f"d{number}", "address": at} | ENTRY for number, at in enumerate(addresses)]
    return collector_harness(Modbus, devices=devices, **more)


def test_two_devices_that_hang_cost_the_third_nothing(collector_harness):
    with meter(lambda _: None) as one, meter(tcp(GOOD)) as good, meter(lambda _: None) as three:
        harness = collect(collector_harness, one, good, three, interval=0.2, timeout=10.0)
        harness.run(advance=0.2)
        assert harness.series(POWER) == {("d1",): 42.5}


def test_a_unit_that_is_silent_leaves_a_turn_to_the_others_behind_its_gateway(collector_harness):
    def answer(request):
        return None if request[6] == 1 else tcp(request[6:7] + GOOD[1:])(request)

    with meter(answer) as gateway:
        devices = [{"name": f"u{unit}", "address": gateway, "unit": unit} | ENTRY for unit in (1, 2, 3)]
        harness = collector_harness(Modbus, devices=devices, timeout=2.0)
        harness.run()
        harness.run(advance=10)
        assert harness.series(POWER) == {("u2",): 42.5, ("u3",): 42.5}
        assert harness.value(METRICS.health.unavailable, device="u1", reason="timeout") == 1


def test_a_unit_that_a_gateway_cannot_reach_does_not_end_the_connection(collector_harness):
    asked = []

    def answer(request):
        asked.append(request[:2])
        return tcp(b"\x01\x84\x0b" if request[6] == 1 else request[6:7] + GOOD[1:])(request)

    with meter(answer) as gateway:
        devices = [{"name": f"u{unit}", "address": gateway, "unit": unit} | ENTRY for unit in (1, 2)]
        harness = collector_harness(Modbus, devices=devices)
        harness.run()
        (connection,) = harness.collector._connections.values()
        streams = connection._streams
        harness.run(advance=10)
        assert len(asked) == 4
        assert streams is not None
        assert connection._streams is streams


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (tcp(b"\x01\x84\x02"), "not_supported"),
        (tcp(b"\x01\x84\x0b"), "unreachable"),
        (tcp(b"\x01\x84\x04"), "bad_data"),
        (tcp(b"\x02" + GOOD[1:]), "bad_data"),
        (tcp(GOOD[:-1]), "bad_data"),
        (lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n", "bad_data"),
        (lambda _: b"", "unreachable"),
    ],
)
def test_what_is_no_answer_says_why(collector_harness, answer, reason):
    with meter(answer) as address:
        harness = collect(collector_harness, address)
        harness.run()
        assert harness.value(METRICS.health.unavailable, device="d0", reason=reason) == 1


def test_a_device_that_hung_up_is_asked_again(collector_harness):
    answers = [b"", None]
    with meter(lambda request: answers.pop(0) if len(answers) > 1 else tcp(GOOD)(request)) as address:
        harness = collect(collector_harness, address)
        harness.run()
        assert harness.value(METRICS.health.up, device="d0") == 0
        harness.run(advance=10)
        assert harness.series(POWER) == {("d0",): 42.5}


@pytest.mark.parametrize(
    ("framing", "framer"), [(Framing.TCP, FramerType.SOCKET), (Framing.RTU, FramerType.RTU)], ids=["tcp", "rtu"]
)
async def test_a_real_server_is_read_in_both_framings(framing, framer):
    async with device(registers_of("input 52 float32 880.25"), unit=9, framer=framer) as port:
        connection = Connection("127.0.0.1", port, framing)
        try:
            found = await asyncio.gather(*(connection.read(9, RegisterType.INPUT, 52, 2) for _ in range(3)))
            assert [decode(each, Type.FLOAT32, WordOrder.BIG) for each in found] == [880.25] * 3
            with pytest.raises(NotAvailable) as caught:
                await connection.read(9, RegisterType.HOLDING, 7, 1)
            assert caught.value.reason == "not_supported"
        finally:
            connection.close()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "either `model` or `registers`"),
        ({"model": "eastron-sdm63"}, "nearest is 'eastron-sdm630'"),
        ({"model": "sunspec"} | ENTRY, "either"),
        ({"registers": [{"metric": "powr_watts", "address": 0}]}, "nearest is 'power_watts'"),
        ({"registers": [{"metric": "phase_power_watts", "address": 0}]}, "names the phase"),
        ({"registers": [{"metric": "power_watts", "address": 70000}]}, "65535"),
        ({"registers": [{"metric": "power_watts", "address": 0, "type": "int12"}]}, "int16"),
    ],
)
def test_options_that_cannot_work_are_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        Config.model_validate({"devices": [{"name": "a", "address": "192.0.2.7"} | wrong]})


def test_a_janitza_counts_all_phases_and_both_ways():
    energy = {each.word: each.address for each in models()["janitza-umg96rm"] if "energy" in each.word}
    assert energy == {"energy_wh": 19068, "export_energy_wh": 19076}


def test_a_counter_that_sunspec_calls_absent_is_absent():
    (meter_points,) = (points for numbers, points in _POINTS.items() if 203 in numbers)
    content = bytearray(140)
    content[2 * 46 : 2 * 46 + 4] = struct.pack(">I", 8)
    reading = told_by(meter_points, bytes(content))
    assert reading["energy_joules", ""] == 8 * 3600
    assert ("export_energy_joules", "") not in reading
    assert reading["power_watts", ""] == 0


async def test_a_model_that_has_moved_is_looked_for_again():
    async def read(_, count):
        return struct.pack(">HH", 203, 105) + bytes(2 * count - 4)

    with pytest.raises(RegisterRefused):
        await read_model(read, Model(103, 40070, 52))


def test_every_register_of_every_model_is_a_quantity():
    for registers in models().values():
        reading = DeviceReading()
        for each in registers:
            reading.tell(each.word, 1.0 * each.scale, each.part)
        assert reading.measured.watts is not None
        assert len(reading) == len(registers)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"\x80\x00", Type.INT16), (b"\xff\xff\xff\xff", Type.UINT32), (b"\xff\xff\x7f\xff", Type.INT32)],
)
def test_what_a_device_does_not_know_or_has_no_room_for_is_absent(content, kind):
    assert decode(content, kind, WordOrder.LITTLE) is None


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from(Type), st.sampled_from(RegisterType)), max_size=40))
def test_every_register_is_asked_for_once_and_nothing_between(chosen):
    registers = [Register("power_watts", "", kind, at, how, WordOrder.BIG, 1) for at, how, kind in chosen]
    found = list(blocks(registers))
    assert sorted(each for block in found for each in block.registers) == sorted(registers)
    for block in found:
        asked = set(range(block.address, block.address + block.size))
        needed = {each.address + number for each in block.registers for number in range(each.size)}
        assert asked == needed
        assert block.size <= 100


@given(st.binary(max_size=300), st.integers(0, 255), st.sampled_from([3, 4]), st.integers(1, 100))
def test_whatever_a_device_says_is_registers_or_a_failure(answer, unit, function, count):
    try:
        content = content_of(answer, unit, function, count)
    except NotAvailable as error:
        assert error.fix
    else:
        assert len(content) == 2 * count


@given(st.sampled_from(list(_POINTS.values())), st.binary(max_size=140))
def test_whatever_a_model_says_is_possible_or_absent(points, content):
    assert all(isfinite(value) for value in told_by(points, content).values())


def test_the_checksum_is_that_of_the_standard():
    assert with_crc(b"123456789")[-2:] == struct.pack("<H", 0x4B37)


def test_its_energy_is_that_of_its_power_and_counter(collector_harness):
    with meter(tcp(GOOD)) as address:
        harness = collect(collector_harness, address)
        for _ in range(3):
            harness.run(advance=10)
        (found,) = harness.collector.collector_energy_meters()
        assert found.latest().joules == pytest.approx(850)

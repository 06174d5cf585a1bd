"""Kasa plugs and strips on loopback: what they say, and those that say something else."""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import NotAvailable, NotListening
from collector_plugins.http.config import Config
from collector_plugins.http.kasa import decode, encode, read_kasa

OLD = {"emeter": {"get_realtime": {"current": 0.26, "voltage": 230.1, "power": 58.3, "total": 12.5, "err_code": 0}}}
NEW = {"emeter": {"get_realtime": {"power_mw": 58300, "voltage_mv": 230100, "current_ma": 260, "total_wh": 12500}}}
PLUG = {"system": {"get_sysinfo": {"alias": "desk", "deviceId": "8006"}}}
STRIP = {
    "system": {
        "get_sysinfo": {
            "deviceId": "8006",
            "children": [{"id": "800600", "alias": "Server"}, {"id": "01", "alias": "\0"}],
        }
    }
}


@asynccontextmanager
async def device(answer):
    """`answer` makes of a question a document, or bytes; yields its port."""

    async def serve(reader, writer):
        length = int.from_bytes(await reader.readexactly(4), "big")
        said = answer(decode(await reader.readexactly(length)))
        writer.write(said if isinstance(said, bytes) else encode(said))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("meter", [OLD, NEW])
async def test_plugs_of_both_generations_say_the_same(meter):
    async with device(lambda asked: meter if "emeter" in asked else PLUG) as port:
        reading = await read_kasa("127.0.0.1", port)
    assert reading == {
        ("power_watts", ""): pytest.approx(58.3),
        ("voltage_volts", ""): pytest.approx(230.1),
        ("current_amperes", ""): pytest.approx(0.26),
        ("energy_joules", ""): pytest.approx(12.5 * 3.6e6),
    }


async def test_a_strip_is_the_sum_of_its_sockets():
    def answer(asked):
        if "system" in asked:
            return STRIP
        watts = {"800600": 40_000, "800601": 2_500}[asked["context"]["child_ids"][0]]
        return {"emeter": {"get_realtime": {"power_mw": watts, "total_wh": 1000, "voltage_mv": 230_000}}}

    async with device(answer) as port:
        reading = await read_kasa("127.0.0.1", port)
    assert reading == {
        ("power_watts", ""): 42.5,
        ("energy_joules", ""): 7.2e6,
        ("voltage_volts", ""): 230.0,
        ("outlet_power_watts", "Server"): 40.0,
        ("outlet_power_watts", "01"): 2.5,
    }


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (PLUG, "not_supported"),
        ({"emeter": {"err_code": -1}}, "not_supported"),
        ({"emeter": {"get_realtime": {"power_mw": "NaN"}}}, "not_supported"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "bad_data"),
        (struct.pack(">I", 5) + b"\xab", "unreachable"),
        (struct.pack(">I", 3) + b"abc", "bad_data"),
        (b"", "unreachable"),
    ],
)
async def test_what_says_something_else_gives_the_reason(answer, reason):
    async with device(lambda _: answer) as port:
        with pytest.raises(NotAvailable) as caught:
            await read_kasa("127.0.0.1", port)
    assert caught.value.reason == reason
    assert caught.value.fix


async def test_nobody_listens():
    async with device(lambda _: PLUG) as port:
        pass
    with pytest.raises(NotListening):
        await read_kasa("127.0.0.1", port)


def test_it_is_a_model_of_http():
    (made,) = Config.model_validate({"devices": [{"name": "k", "url": "http://192.0.2.9", "model": "kasa"}]}).devices
    assert made.model == "kasa"


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=20), max_size=4))
def test_what_is_hidden_can_be_read(message):
    hidden = encode(message)
    assert decode(hidden[4:]) == message
    assert int.from_bytes(hidden[:4], "big") == len(hidden) - 4

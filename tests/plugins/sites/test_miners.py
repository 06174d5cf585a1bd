"""Miners that are asked for hash rate and power, by the shapes of answers that their firmwares give."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import NotAvailable
from collector_plugins.sites.miner import MinerReading, parse_answer, read_answers
from tests.plugins.sites.conftest import NOW, moment

STATUS = [{"STATUS": "S", "When": 1767225600, "Code": 11, "Msg": "Summary", "Description": "cgminer 4.11.1"}]


def status(**sections):
    return json.dumps({"STATUS": STATUS, **sections, "id": 1}).encode()


ANTMINER = {
    "summary": status(SUMMARY=[{"Elapsed": 8000, "GHS 5s": "13601.42", "GHS av": 13500.01, "Utility": 6.1}]),
    "stats": b'{"STATUS":[{"STATUS":"S","Msg":"CGMiner stats"}],"STATS":[{"BMMiner":"2.0.0","Type":"Antminer S9"}'
    b'{"STATS":0,"ID":"BC50","GHS 5s":"13601.42","GHS av":13500.01,"chain_power1":"431.5 W","chain_power2":"440"}]}',
}
WHATSMINER = {
    "summary": status(
        SUMMARY=[{"MHS av": 84e6, "MHS 1m": 85.2e6, "HS RT": 85.0e6, "Power": 3305, "Power Mode": "Normal"}]
    )
}
WHATSMINER_2 = {
    "summary": b'{"STATUS":"S","Code":131,"Msg":{"MHS av":84e6,"HS RT":85e6,"Power":3305},"Desc":"btminer"}'
}
AVALON = {
    "summary": status(SUMMARY=[{"MHS av": 81e6, "MHS 5s": 80e6}]),
    "stats": status(
        STATS=[
            {"STATS": 0, "ID": "AVA100", "MM ID0": "Ver[1246-N] PS[0 1216 1212 224 2692 1211] GHSavg[81000.2]"},
            {"STATS": 1, "ID": "POOL0"},
        ]
    ),
}
BRAIINS = {
    "summary": status(SUMMARY=[{"MHS 5s": 95.5e6, "MHS 1m": 95e6, "MHS av": 94e6}]),
    "stats": status(STATS=[{"STATS": 0, "ID": "bosminer"}]),
    "devs": status(DEVS=[{"ASC": 0, "MHS 1m": 47e6}, {"ASC": 1, "MHS 1m": 48e6}]),
    "tunerstatus": status(TUNERSTATUS=[{"ApproximateMinerPowerConsumption": 3210, "PowerLimit": 3300}]),
}
BOARDS = {"summary": status(SUMMARY=[{"Elapsed": 1}]), "devs": BRAIINS["devs"]}


@pytest.mark.parametrize(
    ("answers", "hashrate", "power"),
    [
        (ANTMINER, 13.60142, 871.5),
        (WHATSMINER, 85.2, 3305),
        (WHATSMINER_2, 85, 3305),
        (AVALON, 80, 2692),
        (BRAIINS, 95, 3210),
        (BOARDS, 95, None),
    ],
)
def test_hash_rate_and_power_of_each_make(answers, hashrate, power):
    found = read_answers({command: parse_answer(answer + b"\0") for command, answer in answers.items()})
    assert found.hashrate == pytest.approx(hashrate)
    assert found.power == (None if power is None else pytest.approx(power))


@pytest.mark.parametrize(
    "said", [{"GHS 5s": "nan"}, {"GHS 5s": 1e300}, {"GHS av": -1}, {"MHS av": True}, {"Power": "-5"}, {}]
)
def test_what_no_miner_can_have_is_not_told(said):
    assert read_answers({"summary": {"SUMMARY": [said]}}) == MinerReading(None, None)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["SUMMARY", "STATS", "Power", "GHS av", "MM ID0", "chain_power1", "x"]), inner
        )
    ),
    max_leaves=20,
)


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_answer_is_read_or_refused(data):
    try:
        answer = parse_answer(data)
    except NotAvailable:
        return
    found = read_answers({"summary": answer, "stats": answer, "devs": answer, "tunerstatus": answer})
    assert found.hashrate is None or 0 <= found.hashrate <= 1e6
    assert found.power is None or 0 < found.power <= 1e6


@contextlib.asynccontextmanager
async def answering(answer):
    """An address on loopback where `await answer(command, writer)` says something and leaves the connection."""

    async def serve(reader, writer):
        command = json.loads(await reader.readline())["command"]
        with contextlib.suppress(ConnectionError):
            await answer(command, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def saying(answers, end=b"\0"):
    async def answer(command, writer):
        unknown = b'{"STATUS":[{"STATUS":"E","Code":14,"Msg":"Invalid command"}],"id":1}'
        writer.write(answers.get(command, unknown) + end)
        await writer.drain()

    return answer


async def asked(client, sites, eventually):
    """The metrics of sites once all of them have power or a hash rate."""

    def told():
        client.harness.run(advance=5)
        text = client.harness.exposition()
        return all(f'mining_hashrate_th{{site="{site}"}}' in text for site in sites)

    await asyncio.to_thread(eventually, told)
    period = {"from": moment(-600), "to": moment(7200)}
    return [await client.metrics(site, **period) for site in sites]


async def test_miners_are_meters_of_their_sites_and_add_up(serving, eventually):
    async with (
        answering(saying(WHATSMINER)) as one,
        answering(saying(ANTMINER, b"")) as two,
        answering(saying(BOARDS)) as silent,
    ):
        miners = [
            {"site": "a", "address": one},
            {"site": "a", "address": two, "watts": 1400},
            {"site": "b", "address": silent},
        ]
        async with serving(now=NOW, miners=miners) as client:
            a, b = await asked(client, ["a", "b"], eventually)
    assert a["hashrate_th"] == pytest.approx(85.2 + 13.60142)
    assert a["power_watts"]["now"] == pytest.approx(3305 + 1400)
    assert b["hashrate_th"] == pytest.approx(95)
    assert b["power_watts"]["now"] is None
    assert b["energy_kwh"] == 0


async def test_a_miner_that_hangs_or_never_ends_costs_the_others_nothing(serving, eventually):
    over = asyncio.Event()

    async def hangs(command, writer):
        del command, writer
        await over.wait()

    async def leaves_open(command, writer):
        await saying(WHATSMINER, b"")(command, writer)
        await over.wait()

    async def never_ends(command, writer):
        del command
        while not over.is_set():
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with (
        answering(hangs) as one,
        answering(leaves_open) as two,
        answering(never_ends) as three,
        answering(saying(BRAIINS)) as four,
    ):
        miners = [{"site": name, "address": each} for name, each in zip("abcd", (one, two, three, four), strict=True)]
        async with serving(now=NOW, miners=miners) as client:
            b, d = await asked(client, ["b", "d"], eventually)
            failed = client.harness.part_failures
        over.set()
    assert b["power_watts"]["now"] == pytest.approx(3305)
    assert d["power_watts"]["now"] == pytest.approx(3210)
    assert failed


@pytest.mark.parametrize("address", ["", "host:0", "host:70000", "http://host", "a b", "host:4028/x"])
def test_an_address_is_a_host_with_a_port(address, collector_harness):
    from collector_plugins.sites.config import Miner

    with pytest.raises(ValueError, match="HOST"):
        Miner(site="a", address=address)


def test_a_miner_is_there_once():
    from collector_plugins.sites.config import Config

    same = [{"site": "a", "address": "h"}, {"site": "b", "address": "h:4028"}]
    with pytest.raises(ValueError, match="twice"):
        Config.model_validate({"miners": same})

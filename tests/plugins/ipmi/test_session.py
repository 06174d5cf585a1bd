"""Sessions with a simulated BMC: kept, lost and opened again; whatever else comes is dropped."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import AuthFailed, NotAvailable
from collector_plugins.ipmi import Ipmi, metrics, rmcp
from collector_plugins.ipmi.dcmi import read_power
from collector_plugins.ipmi.rmcp import Seal
from collector_plugins.ipmi.session import Session
from tests.plugins.ipmi.simulator import Simulator

pytest.importorskip("pyghmi")
pytest.importorskip("cryptography")


@pytest.fixture(scope="module")
def bmc():
    with Simulator("dcmi") as started:
        yield started


async def watts(session):
    """Again where a busy machine was too slow."""
    for _ in range(10):
        try:
            return await read_power(session)
        except NotAvailable as error:
            if error.reason != "timeout":
                raise
    raise AssertionError("never an answer")


async def test_a_session_is_opened_once_for_many_readings(bmc):
    session = Session("127.0.0.1", bmc.port, "monitor", "secret")
    assert await watts(session) == 183
    opened = session._open
    for _ in range(70):  # more than there are numbers of requests
        assert await watts(session) == 183
    assert session._open is opened
    session.close()
    assert session._open is None


async def test_a_session_that_the_bmc_has_forgotten_is_opened_again():
    with Simulator("dcmi") as first:
        session = Session("127.0.0.1", first.port, "monitor", "secret")
        assert await watts(session) == 183
        port = first.port
    with pytest.raises(NotAvailable) as caught:
        await read_power(session)
    assert caught.value.reason in ("unreachable", "timeout")
    with Simulator("dcmi", port=port):
        assert await watts(session) == 183
    session.close()


async def test_a_wrong_password_is_refused_before_anything_is_sent_that_needs_it(bmc):
    session = Session("127.0.0.1", bmc.port, "monitor", "wrong")
    with pytest.raises(AuthFailed, match="refuses the login"):
        await watts(session)
    assert not session.has_worked


async def test_a_bmc_without_dcmi_says_so():
    with Simulator() as without:
        session = Session("127.0.0.1", without.port, "monitor", "secret")
        with pytest.raises(NotAvailable, match="no DCMI") as caught:
            await watts(session)
        assert caught.value.reason == "not_supported"
        session.close()


class Fool(asyncio.DatagramProtocol):
    """Answers every datagram with what it is told to."""

    def __init__(self, answers):
        self._answers = answers

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, addr):
        for answer in self._answers(data):
            self._transport.sendto(answer, addr)


async def fool(answers):
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Fool(answers), local_addr=("127.0.0.1", 0)
    )
    return transport, transport.get_extra_info("sockname")[1]


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (0x01, NotAvailable, "all sessions of the BMC are taken"),
        (0x0D, AuthFailed, "refuses the login"),
        (0x11, NotAvailable, "no cipher suite 3"),
        (0x7F, NotAvailable, "status 127"),
    ],
)
async def test_a_bmc_that_opens_no_session_says_why(status, error, words):
    def answers(data):
        yield b"noise"
        yield data  # an echo
        yield rmcp.encode(rmcp.Payload.OPEN_RESPONSE, bytes([0, status, 0, 0]) + data[20:24])

    transport, port = await fool(answers)
    with pytest.raises(error, match=words):
        await read_power(Session("127.0.0.1", port, "monitor", "secret"))
    transport.close()


def test_ipmitool_is_asked_where_no_session_could_ever_be_opened(collector_harness, tmp_path, monkeypatch):
    (tmp_path / "ipmitool").write_text("#!/bin/sh\necho '  Instantaneous power reading:  77 Watts'\n")
    (tmp_path / "ipmitool").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    device = {"name": "node", "address": "127.0.0.1:1", "username": "monitor", "password": "secret"}
    made = collector_harness(Ipmi, timeout=60.0, devices=[device])
    made.run()
    assert made.value(metrics.POWER, device="node") == 77
    assert made.collector._sessions == {}


def test_where_ipmitool_knows_no_better_our_own_reason_stands(collector_harness, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    device = {"name": "node", "address": "127.0.0.1:1", "username": "monitor", "password": "secret"}
    made = collector_harness(Ipmi, timeout=60.0, devices=[device])
    made.run()
    assert made.value(metrics.HEALTH.unavailable, device="node", reason="unreachable") == 1


SEAL = Seal(b"key of the session")


@given(st.binary(max_size=200), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_what_is_sealed_can_be_opened(body, session, sequence):
    assert SEAL.decode(SEAL.encode(session, sequence, body)) == (rmcp.Payload.IPMI, session, body)


@given(st.binary(max_size=60), st.integers(4, 100), st.integers(1, 255))
def test_what_somebody_has_changed_is_dropped(body, place, change):
    sealed = bytearray(SEAL.encode(1, 2, body))
    sealed[min(place, len(sealed) - 1)] ^= change
    with pytest.raises(ValueError, match="message"):
        SEAL.decode(bytes(sealed))


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda rest: rmcp.RMCP + b"\x06" + rest))
def test_whatever_comes_is_a_message_or_is_dropped(datagram):
    for read in (rmcp.decode, SEAL.decode, rmcp.decode_reply):
        try:
            read(datagram)
        except ValueError:
            continue

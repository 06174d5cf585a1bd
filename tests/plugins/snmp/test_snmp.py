"""Agents that are silent, refuse, answer nonsense and come back; the real snmpd with communities and users."""

from __future__ import annotations

import hmac
import socket
import threading
from contextlib import contextmanager, suppress
from math import isfinite

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core import AuthFailed, NotAvailable
from collector_core.metering import Supply
from collector_plugins.snmp import Config, Snmp, ber, collector_demo_types, metrics
from collector_plugins.snmp.message import Community, Pdu, PduType
from collector_plugins.snmp.session import Session
from collector_plugins.snmp.tables import Instance, Row, known_words, tables, told_by
from collector_plugins.snmp.usm import AuthProtocol, User, UserSecurity, decrypt, encrypt
from tests.plugins.snmp.agent import Agent, agent, snmpd, variables_of

POWER, HEALTH = metrics.METERS["power_watts"], metrics.HEALTH
WATTS = (1, 3, 6, 1, 2, 1, 33, 1, 4, 4, 1, 4, 1)
TEXT = """
.1.3.6.1.2.1.33.1.2.4.0 = INTEGER: 88
.1.3.6.1.2.1.33.1.4.1.0 = INTEGER: 3
.1.3.6.1.2.1.33.1.4.4.1.2.1 = INTEGER: 230
.1.3.6.1.2.1.33.1.4.4.1.4.1 = INTEGER: 450
"""
USER = {"version": "3", "username": "monitor", "auth_password": "auth-password", "privacy_password": "privacy-password"}


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The port of a snmpd that is a UPS of RFC 1628."""
    with snmpd(tmp_path_factory.mktemp("snmpd"), variables_of(TEXT)) as port:
        yield port


@contextmanager
def device(answer):
    """Answers each datagram with what `answer` makes of it, not at all where that is None; yields address and count."""
    asked = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))

        def serve():
            with suppress(OSError):
                while True:
                    datagram, peer = listening.recvfrom(2000)
                    asked.append(datagram)
                    if said := answer(datagram):
                        listening.sendto(said, peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}", asked


def ups(collector_harness, *addresses, timeout=10.0, **options):
    entries = [
        {"name": f"d{number}", "address": each, "table": "rfc1628"} | options for number, each in enumerate(addresses)
    ]
    return collector_harness(Snmp, devices=entries, timeout=timeout)


def answer_of(datagram):
    """What an agent with one variable says: 450 W."""
    _, community, pdu = ber.elements(ber.only(datagram, ber.SEQUENCE))
    request = ber.elements(pdu.content)[0]
    asked = [
        ber.as_oid(ber.elements(each.content)[0].content) for each in ber.elements(ber.elements(pdu.content)[3].content)
    ]
    known = [(name, ber.integer(450) if name == WATTS else ber.element(0x81, b"")) for name in asked]
    if pdu.tag == PduType.GET_BULK:
        known = [(WATTS, ber.integer(450)), ((2, 0), ber.element(0x82, b""))]
    listed = ber.sequence(*(ber.sequence(ber.oid(name), value) for name, value in known))
    body = ber.element(PduType.RESPONSE, ber.element(2, request.content) + ber.integer(0) + ber.integer(0) + listed)
    return ber.sequence(ber.integer(1), ber.octets(community.content), body)


def test_two_devices_that_are_silent_cost_the_third_nothing(collector_harness):
    with device(lambda _: None) as (one, _), device(answer_of) as (good, _), device(lambda _: None) as (three, _):
        harness = ups(collector_harness, one, good, three)
        harness.run()
        assert all("`community`" in failure.text for failure in harness.part_failures), "what is logged first"
        harness.run(advance=10)
        assert harness.series(POWER) == {("d1",): 450}


@pytest.mark.parametrize(
    "options",
    [
        {},
        USER,
        USER | {"username": "strong", "auth_protocol": "sha256"},
        {"version": 3, "username": "signed", "auth_protocol": "sha512", "auth_password": "auth-password"},
    ],
    ids=["community", "sha and aes", "sha256 and aes", "sha512 in the clear"],
)
def test_a_real_agent_is_read(collector_harness, real, options):
    harness = ups(collector_harness, f"127.0.0.1:{real}", **options)
    for _ in range(2):
        harness.run(advance=10)
        assert harness.series(POWER) == {("d0",): 450}
        assert harness.series(metrics.ON_BATTERY) == {("d0",): 0}
        assert not harness.series(metrics.RUNTIME), "the agent has no such object"


@pytest.mark.parametrize(
    ("options", "reason", "fix"),
    [
        ({"community": "wrong"}, "timeout", "`community`"),
        (USER | {"auth_password": "wrong-password"}, "auth", "`auth_password`"),
        (USER | {"username": "nobody"}, "auth", "`username`"),
        (USER | {"privacy_password": "wrong-password"}, "timeout", "`privacy_password`"),
        (USER | {"privacy_password": None}, "permission", "`privacy_password`"),
    ],
)
def test_a_real_agent_that_refuses_says_why(collector_harness, real, options, reason, fix):
    seconds = 1.0 if reason == "timeout" else 30.0  # silence must end, an answer may be slow
    harness = ups(collector_harness, f"127.0.0.1:{real}", timeout=seconds, **options)
    harness.run()
    assert harness.series(HEALTH.unavailable) == {("d0", reason): 1}
    assert fix in harness.part_failures[0].text
    assert not harness.series(POWER)


def test_a_wrong_password_is_not_sent_again(collector_harness, real):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect(("127.0.0.1", real))

        def forward(datagram):
            way.send(datagram)
            return way.recv(2000)

        with device(forward) as (address, asked):
            harness = ups(collector_harness, address, **USER | {"auth_password": "wrong-password"})
            for _ in range(4):
                with suppress(AuthFailed):
                    harness.run(advance=100)
            assert len(asked) == 2


async def test_it_is_found_by_its_table(real):
    found = await Snmp.probe("127.0.0.1", real)
    where = {"name": "127.0.0.1", "address": f"127.0.0.1:{real}"}
    assert found == where | {"version": "2c", "community": "public", "table": "rfc1628"}


async def test_what_is_no_meter_is_not_found():
    async with agent(Agent(variables_of(".1.3.6.1.2.1.1.1.0 = STRING: printer"))) as port:
        with pytest.raises(NotAvailable):
            await Snmp.probe("127.0.0.1", port)


@pytest.mark.parametrize("answer", [lambda _: b"HTTP/1.1 400", lambda data: data, lambda data: answer_of(data)[:-3]])
def test_nonsense_is_called_that(collector_harness, answer):
    with device(answer) as (address, _):
        harness = ups(collector_harness, address)
        harness.run()
        assert harness.series(HEALTH.unavailable) == {("d0", "bad_data"): 1}


def test_where_nothing_listens_it_says_so(collector_harness):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    harness = ups(collector_harness, f"127.0.0.1:{port}")
    harness.run()
    assert "nothing listens there" in harness.part_failures[0].text


def test_a_lost_datagram_is_sent_again(collector_harness):
    lost = [b""]
    with device(lambda data: lost.pop() if lost else answer_of(data)) as (address, _):
        harness = ups(collector_harness, address)
        harness.run()
        harness.run(advance=10)
        assert harness.series(POWER) == {("d0",): 450}


async def test_a_variable_that_a_device_cannot_read_costs_only_itself():
    names = [(1, 3, 6, 1, 9, number) for number in range(40)]
    variables = dict.fromkeys(names, (ber.INTEGER, "7"))
    async with agent(Agent(variables, errors={names[3]: 5, names[30]: 5})) as port:
        session = await Session.open("127.0.0.1", port, Community(b"public"))
        assert set(await session.get(names)) == {*names} - {names[3], names[30]}
        session.close()


async def test_an_answer_too_big_is_asked_for_in_parts():
    names = [(1, 3, 6, 1, 9, number) for number in range(20)]

    class Small(Agent):
        def _answer(self, kind, asked, repetitions):
            return (1, 0, ber.sequence()) if len(asked) > 3 else super()._answer(kind, asked, repetitions)

    async with agent(Small(dict.fromkeys(names, (ber.INTEGER, "7")))) as port:
        session = await Session.open("127.0.0.1", port, Community(b"public"))
        assert set(await session.get(names)) == {*names}
        session.close()


async def test_a_table_longer_than_an_answer_is_read_whole():
    names = [(1, 3, 6, 1, 9, 1, number) for number in range(1, 131)]
    variables = dict.fromkeys([*names, (1, 3, 6, 1, 9, 2, 1)], (ber.INTEGER, "7"))
    async with agent(Agent(variables)) as port:
        session = await Session.open("127.0.0.1", port, Community(b"public"))
        assert list(await session.walk((1, 3, 6, 1, 9, 1))) == names
        session.close()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "either `table` or `oids`"),
        ({"table": "apc-rpdu22"}, "nearest is 'apc-rpdu2'"),
        ({"table": "rfc1628", "oids": [{"metric": "power_watts", "oid": "1.3.6.1"}]}, "either"),
        ({"oids": [{"metric": "powr_watts", "oid": "1.3.6.1"}]}, "nearest is 'power_watts'"),
        ({"oids": [{"metric": "power_watts", "oid": "iso.3"}]}, "object identifier"),
        ({"oids": [{"metric": "power_watts", "oid": "1.3.9999999999"}]}, "that large"),
        ({"oids": [{"metric": "outlet_power_watts", "oid": "1.3.6.1"}]}, "names the phase"),
        ({"table": "rfc1628", "version": "1"}, "2c"),
        ({"table": "rfc1628", "version": "3"}, "needs `username`"),
        ({"table": "rfc1628", "username": "me"}, 'need `version: "3"`'),
        ({"table": "rfc1628", "version": "3", "username": "me", "auth_password": "short"}, "at least 8"),
        ({"table": "rfc1628", "community": "x"} | USER, "`community` is for"),
    ],
)
def test_options_that_cannot_work_are_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        Config.model_validate({"devices": [{"name": "a", "address": "192.0.2.7"} | wrong]})


def test_a_ups_supplies_what_a_pdu_distributes(collector_harness):
    with device(answer_of) as (address, _):
        entries = [
            {"name": "ups", "address": address, "table": "rfc1628", "feeds": ["snmp/pdu"]},
            {"name": "pdu", "address": address, "oids": [{"metric": "power_watts", "oid": ".".join(map(str, WATTS))}]},
        ]
        harness = collector_harness(Snmp, devices=entries)
        for _ in range(3):
            harness.run(advance=10)
        meters = {each.device: each for each in harness.collector.collector_energy_meters()}
        assert {name: each.supply for name, each in meters.items()} == {"ups": Supply.UPS, "pdu": Supply.PLUG}
        assert meters["pdu"].latest().joules == pytest.approx(450 * 20)


def test_every_row_of_every_table_is_a_quantity():
    for rows in tables().values():
        assert {row.word for row in rows} <= known_words()
        assert {"power_watts", "phase_power_watts"} & {row.word for row in rows}


def test_the_keys_are_those_of_the_standard():
    engine = bytes.fromhex("000000000000000000000002")
    user = User(b"", AuthProtocol.SHA, b"maplesyrup", None)
    assert user.localized_key(b"maplesyrup", engine).hex() == "6695febc9288e36282235fc7151f128497b38f3f"  # RFC 3414


ENGINE, STATISTICS = b"\x80\x00\x1f\x88\x04rack", (1, 3, 6, 1, 6, 3, 15, 1, 1)
SIGNER = User(b"signed", AuthProtocol.SHA256, b"auth-password", None)


def says(kind, number, name, boots, seconds, *, signed=True):
    """A message of a device whose clock shows this."""
    key = SIGNER.localized_key(SIGNER.auth_password, ENGINE)
    value = ber.sequence(ber.oid(name), ber.integer(450))
    pdu = ber.element(kind, ber.integer(0) * 3 + ber.sequence(value))

    def message(code):
        header = ber.sequence(ber.integer(number), ber.integer(1500), ber.octets(bytes((signed,))), ber.integer(3))
        clock = ber.integer(boots) + ber.integer(seconds)
        security = ber.sequence(ber.octets(ENGINE), clock, ber.octets(SIGNER.name), ber.octets(code), ber.octets(b""))
        scoped = ber.sequence(ber.octets(ENGINE), ber.octets(b""), pdu)
        return ber.sequence(ber.integer(3), header, ber.octets(security), scoped)

    return message(hmac.digest(key, message(bytes(24)), "sha256")[:24] if signed else b"")


@pytest.fixture
def asking():
    """A session with a device that has told who it is, its clock at 5 boots and 1000 s, and question 7 is open."""
    security = UserSecurity(SIGNER, lambda: 0.0)
    question = Pdu(PduType.GET, 6, 0, 0, ((WATTS, None),))
    security.pack(question)
    security.unpack(says(PduType.REPORT, 6, (*STATISTICS, 4, 0), 5, 1000, signed=False))
    security.pack(question._replace(request=7))
    return security


def test_only_who_knows_the_question_can_refuse(asking):
    unknown_user = (*STATISTICS, 3, 0)
    assert asking.unpack(says(PduType.REPORT, 8, unknown_user, 5, 1000, signed=False)).request == 8
    with pytest.raises(AuthFailed):
        asking.unpack(says(PduType.REPORT, 7, unknown_user, 5, 1000, signed=False))


def test_an_answer_that_is_not_signed_is_none(asking):
    with pytest.raises(ValueError, match="anybody"):
        asking.unpack(says(PduType.RESPONSE, 7, WATTS, 5, 1000, signed=False))


def test_a_signed_answer_of_long_ago_is_none(asking):
    assert asking.unpack(says(PduType.RESPONSE, 7, WATTS, 5, 1000)).variables == ((WATTS, 450),)
    assert asking.unpack(says(PduType.RESPONSE, 7, WATTS, 5, 851)).variables, "on its way for less than the window"
    for boots, seconds in ((5, 849), (4, 9000)):
        with pytest.raises(ValueError, match="long ago"):
            asking.unpack(says(PduType.RESPONSE, 7, WATTS, boots, seconds))
    assert asking.unpack(says(PduType.RESPONSE, 7, WATTS, 6, 3)).variables, "it has been restarted"


def test_the_first_signed_message_corrects_what_anybody_could_have_said_of_the_clock(asking):
    assert asking.unpack(says(PduType.REPORT, 7, (*STATISTICS, 2, 0), 2, 40)).kind == PduType.REPORT
    with pytest.raises(ValueError, match="long ago"):
        asking.unpack(says(PduType.RESPONSE, 7, WATTS, 1, 9000))


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16), st.binary(max_size=200))
def test_what_is_encrypted_comes_back(key, vector, plain):
    assert decrypt(key, vector, encrypt(key, vector, plain)) == plain


@given(st.binary(max_size=200))
@example(ber.sequence(ber.integer(1), ber.octets(b"public"), ber.element(PduType.RESPONSE, b"")))
@example(b"\x30\x84\xff\xff\xff\xff")
def test_whatever_comes_is_an_answer_or_refused(datagram):
    user = UserSecurity(User(b"me", AuthProtocol.SHA, b"password", None), lambda: 0.0)
    for security in (Community(b"public"), user):
        with suppress(ValueError, AuthFailed):
            assert isinstance(security.unpack(datagram), Pdu)


@given(st.lists(st.integers(0, (1 << 32) - 1), max_size=20), st.integers(-(1 << 62), 1 << 62))
def test_names_and_numbers_come_back(arcs, number):
    name = (1, 3, *arcs)
    assert ber.as_oid(ber.elements(ber.oid(name))[0].content) == name
    assert ber.as_integer(ber.elements(ber.integer(number))[0]) == number


ROWS = [row for rows in tables().values() for row in rows]


@given(
    st.dictionaries(
        st.integers(0, len(ROWS) - 1),
        st.one_of(st.none(), st.integers(), st.floats(), st.binary(max_size=9)),
        max_size=9,
    )
)
def test_whatever_the_variables_hold_is_possible_or_absent(held):
    instances = [Instance((number,), ROWS[number], "1") for number in held]
    answer = told_by(instances, {(number,): value for number, value in held.items()})
    assert all(isfinite(value) for value in (*answer.reading.values(), *answer.extra.values()))


@pytest.mark.parametrize("word", ["power_watts", "energy_kwh", "phase_power_watts"])
def test_a_cord_or_phase_that_is_not_answered_leaves_no_smaller_sum(word):
    row = Row(word, (*WATTS[:-1], None), 1.0)
    instances = [Instance((*WATTS[:-1], number), row, str(number)) for number in (1, 2)]
    families = {family for family, _ in told_by(instances, {instances[0].name: 450}).reading}
    assert not families & {"power_watts", "energy_joules"}
    total = told_by(instances, {each.name: 450 for each in instances}).reading.measured
    assert 900 in (total.watts, (total.joules or 0) / 3.6e6)


def test_a_number_that_a_state_does_not_name_is_not_on_battery():
    row = Row("on_battery", WATTS, 1.0, 5)
    assert told_by([Instance(WATTS, row, "")], {WATTS: 3}).extra == {"on_battery": 0.0}


def test_the_demo_shows_a_pdu(collector_harness):
    (demo,) = collector_demo_types()
    harness = collector_harness(demo)
    harness.run()
    harness.run(advance=60)
    watts = harness.value(POWER, device="rack-pdu")
    assert sum(harness.series(metrics.METERS["outlet_power_watts"]).values()) == pytest.approx(watts)
    assert harness.value(metrics.METERS["energy_joules"], device="rack-pdu") > 0
    assert [meter.feeds for meter in harness.collector.collector_energy_meters()] == [("gpu-a", "gpu-b")]


UNSEEN = "snmp_export_energy_joules_total", "snmp_dc_power_watts"  # no table has these

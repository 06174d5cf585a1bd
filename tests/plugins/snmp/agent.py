"""SNMP agents on loopback: one of our own that says what files say, and Debian's snmpd."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from contextlib import asynccontextmanager, contextmanager

import pytest

from collector_core.devices import HostPort
from collector_plugins.snmp import Snmp, ber
from collector_plugins.snmp.message import Community, Pdu, PduType

TAGS = {"INTEGER": 0x02, "Gauge32": 0x42, "Counter32": 0x41, "Timeticks": 0x43, "STRING": 0x04}
END_OF_VIEW, NO_INSTANCE = 0x82, 0x81
MOST_VARIABLES = 60  # of an answer, so that tables take several


def variables_of(text):
    """Lines as `snmpwalk -On` prints them: `.1.3.6.1.2.1.33.1.2.4.0 = INTEGER: 88`."""
    found = {}
    for line in filter(None, text.splitlines()):
        name, _, value = line.partition(" = ")
        kind, _, told = value.partition(": ")
        found[tuple(map(int, name.strip(".").split(".")))] = (TAGS[kind], told)
    return dict(sorted(found.items()))


class Agent(asyncio.DatagramProtocol):
    """Answers whoever knows the community; `errors` are those of single variables, by name."""

    def __init__(self, variables, community=b"public", errors=()):
        self.variables = variables
        self.community = community
        self.errors = dict(errors)
        self.asked = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        _, community, pdu = ber.elements(ber.only(data, ber.SEQUENCE))
        request, first, repetitions, listed = ber.elements(pdu.content)
        names = [ber.as_oid(ber.elements(each.content)[0].content) for each in ber.elements(listed.content)]
        self.asked.append((pdu.tag, names))
        if community.content != self.community:
            return
        status, index, said = self._answer(pdu.tag, names, ber.as_integer(repetitions))
        body = b"".join((ber.integer(ber.as_integer(request)), ber.integer(status), ber.integer(index), said))
        answer = ber.element(PduType.RESPONSE, body)
        self.transport.sendto(ber.sequence(ber.integer(1), ber.octets(self.community), answer), addr)
        del first

    def _answer(self, kind, names, repetitions):
        if kind == PduType.GET:
            for number, name in enumerate(names, 1):
                if name in self.errors:
                    return self.errors[name], number, _listed((each, ber.NULL, "") for each in names)
            return 0, 0, _listed((name, *self.variables.get(name, (NO_INSTANCE, ""))) for name in names)
        found = []
        for _ in range(repetitions):
            names = [self._behind(name) for name in names]
            found += [(name, *self.variables.get(name, (END_OF_VIEW, ""))) for name in names]
        return 0, 0, _listed(found[:MOST_VARIABLES])

    def _behind(self, name):
        return next((each for each in self.variables if each > name), (2, 0))


def _listed(variables):
    return ber.sequence(
        *(ber.sequence(ber.oid(name), ber.element(tag, _content(tag, told))) for name, tag, told in variables)
    )


def _content(tag, told):
    if tag == TAGS["STRING"]:
        return told.strip('"').encode()
    if tag in (END_OF_VIEW, NO_INSTANCE, ber.NULL):
        return b""
    number = int(told)
    return number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)


@asynccontextmanager
async def agent(made):
    """Yields its port."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: made, local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


class RecordedSnmp(Snmp):
    """Asks devices of the tree: what a device has is in `/snmp/ITS NAME.txt`."""

    async def ask(self, device):
        variables = variables_of((self.ctx.path("/snmp") / f"{device.name}.txt").read_text())
        async with agent(Agent(variables)) as port:
            try:
                return await super().ask(device.model_copy(update={"address": HostPort("127.0.0.1", port)}))
            finally:
                self._forget(device.name)


USERS = """
createUser monitor SHA "auth-password" AES "privacy-password"
createUser strong SHA-256 "auth-password" AES "privacy-password"
createUser signed SHA-512 "auth-password"
rouser monitor priv
rouser strong priv
rouser signed auth
"""


@contextmanager
def snmpd(folder, variables):
    """Debian's snmpd with these variables, the community `public` and users; yields its port."""
    program = shutil.which("snmpd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if not program:
        pytest.skip("snmpd is not installed")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    lines = "".join(f"override .{'.'.join(map(str, name))} integer {told}\n" for name, (_, told) in variables.items())
    config = folder / "snmpd.conf"
    config.write_text(f"agentAddress udp:127.0.0.1:{port}\nrocommunity public 127.0.0.1\n{USERS}{lines}")
    state = {"MIBS": "", "SNMP_PERSISTENT_DIR": str(folder / "state"), "SNMPCONFPATH": str(folder)}
    command = [program, "-f", "-Lf", str(folder / "log"), "-C", "-c", str(config), "-p", str(folder / "pid")]
    with subprocess.Popen(command, env=os.environ | state, stdin=subprocess.DEVNULL) as process:
        try:
            _wait_until_it_answers(port, next(iter(variables)))
            yield port
        finally:
            process.terminate()
            process.wait(60)


def _wait_until_it_answers(port, name):
    question = Community(b"public").pack(Pdu(PduType.GET, 1, 0, 0, ((name, None),)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.05)
        asking.connect(("127.0.0.1", port))
        for _ in range(1200):
            try:
                asking.send(question)
                asking.recv(2000)
            except ConnectionRefusedError:
                time.sleep(0.05)
            except TimeoutError:
                pass
            else:
                return
    raise TimeoutError("snmpd does not answer")

"""Whether a broker answers at an address (MQTT 3.1.1), without a client library."""

from __future__ import annotations

from collector_core import NotAvailable, Reason
from collector_core.devices import open_stream

CONNECT = bytes.fromhex("10 0c 00 04") + b"MQTT" + bytes.fromhex("04 02 00 05 00 00")  # clean, without a name
CONNACK = b"\x20\x02"
ACCEPTED, REFUSED = 0, frozenset({4, 5})


async def is_open(host: str, port: int) -> bool:
    """Whether a broker takes who has no login; raises `NotAvailable` where there is no broker."""
    reader, writer = await open_stream(host, port, fix="check that the broker runs")
    try:
        writer.write(CONNECT)
        answer = await reader.readexactly(4)
    except (OSError, EOFError):
        answer = b""
    finally:
        writer.close()
    if answer[:2] != CONNACK or answer[3] not in (ACCEPTED, *REFUSED):
        raise NotAvailable(Reason.NOT_SUPPORTED, "it does not speak MQTT")
    return answer[3] == ACCEPTED

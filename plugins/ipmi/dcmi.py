"""The power reading of DCMI 1.5 (6.6.1) through a session."""

from __future__ import annotations

import struct

from collector_core import AuthFailed, NotAvailable, Reason
from collector_plugins.ipmi.session import Session

GROUP, POWER_READING, DCMI = 0x2C, 0x02, 0xDC
REQUEST = bytes([DCMI, 1, 0, 0])  # of the whole system
READING = struct.Struct("<BHHHHIIB")  # DCMI; watts: now, least, most, mean; time, period, state
IS_ACTIVE = 0x40
INVALID_COMMAND, INVALID_DATA, NO_PRIVILEGE = 0xC1, 0xCC, 0xD4


async def read_power(session: Session) -> float | None:
    """Watts; None where the BMC does not measure now. Raises `NotAvailable`, and `AuthFailed` for a refused login."""
    reply = await session.request(GROUP, POWER_READING, REQUEST)
    if reply.completion == NO_PRIVILEGE:
        raise AuthFailed("the user may not read the power", fix="the user needs the role USER")
    if reply.completion in (INVALID_COMMAND, INVALID_DATA):
        raise NotAvailable(Reason.NOT_SUPPORTED, "the BMC has no DCMI power reading", fix="try the plugin `redfish`")
    if reply.completion:
        raise NotAvailable(Reason.UNREACHABLE, f"the BMC is busy (code {reply.completion:#x})", fix="restart the BMC")
    if len(reply.data) < READING.size or reply.data[0] != DCMI:
        raise NotAvailable(Reason.BAD_DATA, "the BMC's power reading is cut off", fix="update the BMC's firmware")
    _, watts, _, _, _, _, _, state = READING.unpack_from(reply.data)
    return float(watts) if watts and state & IS_ACTIVE else None

"""Asks a BMC through the program `ipmitool`, and understands what it prints."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from collector_core import AuthFailed, NotAvailable, Reason

PROGRAM = "ipmitool"
MAX_OUTPUT = 64 << 10  # bytes

_READING = re.compile(r"Instantaneous power reading\s*:\s*(\d{1,6})\s*Watts")
_STATE = re.compile(r"Power reading state is\s*:\s*(\w+)")
# `Inlet Temp | 04h | ok | 7.1 | 22 degrees C`: name, number, state, entity, reading
_SENSOR = re.compile(r"([^|]{1,60}?)\s*\|[^|]*\|\s*ok\s*\|[^|]*\|\s*(-?\d{1,7}(?:\.\d{1,6})?) (degrees C|Watts)\s*")
_ADDRESS = "check `address`, and that IPMI over LAN is enabled on the BMC"
# What ipmitool says, in lower case → what it means.
_REFUSED = (
    "hmac is invalid",
    "unauthorized name",
    "unauthorized role",
    "invalid role",
    "password verification",
    "invalid user name",
    "insufficient privilege",
)
_PROBLEMS: Sequence[tuple[str, Reason, str, str]] = (
    ("invalid command", Reason.NOT_SUPPORTED, "the BMC has no DCMI power reading", "try the plugin `redfish`"),
    ("invalid data field", Reason.NOT_SUPPORTED, "the BMC has no DCMI power reading", "try the plugin `redfish`"),
    (
        "permission denied",
        Reason.PERMISSION,
        "/dev/ipmi0 may not be opened",
        "sudo chmod a+rw /dev/ipmi0, or a udev rule",
    ),
    ("could not open device", Reason.NOT_FOUND, "there is no /dev/ipmi0", "sudo modprobe ipmi_si ipmi_devintf"),
    ("no matching cipher suite", Reason.NOT_SUPPORTED, "no common cipher suite", "update the BMC's firmware"),
    ("unable to establish", Reason.UNREACHABLE, "no session with the BMC", _ADDRESS),
    ("address lookup", Reason.UNREACHABLE, "its name cannot be resolved", _ADDRESS),
    ("could not open socket", Reason.UNREACHABLE, "no session with the BMC", _ADDRESS),
)


class Sensors(NamedTuple):
    """Degrees and watts by the names of the sensors."""

    temperatures: dict[str, float]
    powers: dict[str, float]


async def run_ipmitool(arguments: Sequence[str], secrets: Mapping[str, str]) -> str:
    """What the program prints; `secrets` are variables of its environment. Raises `NotAvailable`."""
    environment = {**os.environ, "LC_ALL": "C", **secrets}
    quiet, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            PROGRAM, *arguments, stdin=quiet, stdout=pipe, stderr=asyncio.subprocess.STDOUT, env=environment
        )
    except FileNotFoundError:
        raise NotAvailable(Reason.NOT_FOUND, "ipmitool is not installed", fix="sudo apt install ipmitool") from None
    except OSError as error:
        raise NotAvailable(
            Reason.PERMISSION, f"ipmitool cannot be run: {error.strerror}", fix="check its file"
        ) from None
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return output[:MAX_OUTPUT].decode(errors="replace")


def parse_power(output: str) -> float | None:
    """The watts of `dcmi power reading`; None where the BMC does not measure now.

    Raises `AuthFailed` and `NotAvailable` for what else it says.
    """
    if reading := _READING.search(output):
        state = _STATE.search(output)
        watts = float(reading[1])
        return watts if watts > 0 and (state is None or state[1].lower() == "activated") else None
    said = output.lower()
    if any(words in said for words in _REFUSED):
        raise AuthFailed(
            "the BMC refuses the login", fix="check `username` and `password`; the user needs the role USER"
        )
    for words, reason, detail, fix in _PROBLEMS:
        if words in said:
            raise NotAvailable(reason, detail, fix=fix)
    raise NotAvailable(Reason.BAD_DATA, "ipmitool prints no power", fix="run `ipmitool … dcmi power reading` by hand")


def parse_sensors(output: str) -> Sensors:
    """The sensors of `sdr elist full` that are ok and tell degrees or watts; the first of each name."""
    found = Sensors({}, {})
    for line in output.splitlines():
        if match := _SENSOR.fullmatch(line):
            values = found.temperatures if match[3] == "degrees C" else found.powers
            values.setdefault(match[1].strip(), float(match[2]))
    return found

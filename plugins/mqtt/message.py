"""What a message says, whatever dialect it is in."""

from __future__ import annotations

from typing import NamedTuple

from collector_core.devices import DeviceReading


class Told(NamedTuple):
    """What a sensor says that has a name of its own; `value` is None where it says no number."""

    word: str
    name: str
    value: float | None


class Message(NamedTuple):
    """What a device says: the `reading` of one of its channels, or of a sensor (`told`), or whether it is there.

    `refusal` is why nothing that it says can be read; `ends` says that it, or its sensor, is no longer announced.
    """

    device: str
    channel: str = ""
    reading: DeviceReading | None = None
    is_there: bool | None = None
    told: Told | None = None
    refusal: str = ""
    ends: bool = False

"""What devices said last: messages come on the client's thread, readings are taken on the collector's."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import fsum

from collector_core import NotAvailable, Reason
from collector_core.devices import DeviceReading
from collector_plugins.mqtt.message import Message, Told
from collector_plugins.mqtt.sensors import join_sensors

MOST_SENSORS = 100  # of a device
ADDED_UP = frozenset({"power_watts", "energy_joules", "export_energy_joules"})


@dataclass
class _Known:
    """One device, by its channels or by its sensors; `time` is that of its last message, in seconds."""

    channels: dict[str, DeviceReading] = field(default_factory=dict)
    sensors: dict[tuple[str, str], float] = field(default_factory=dict)  # by word and name
    time: float | None = None
    refusal: str = ""

    def take(self, message: Message, now: float) -> bool:
        """Whether it says something; a device that two dialects tell of is followed in the first one."""
        self.refusal = message.refusal
        if message.told and not self.channels:
            self._sense(message.told)
        elif message.reading and not self.sensors:
            self.channels.setdefault(message.channel, DeviceReading()).update(message.reading)
        else:
            return False
        self.time = now
        return True

    @property
    def joined(self) -> DeviceReading:
        """The device as a whole."""
        return join_sensors(self.sensors) if self.sensors else _joined(self.channels)

    def _sense(self, told: Told) -> None:
        self.sensors.pop((told.word, told.name), None)
        if told.value is not None and len(self.sensors) < MOST_SENSORS:
            self.sensors[told.word, told.name] = told.value


class Inbox:
    """Every device that has said something, or has an entry."""

    def __init__(self, names: Iterable[str], *, stale_after: float, max_devices: int) -> None:
        self._devices: dict[str, _Known] = {name: _Known() for name in names}
        self._presence: dict[str, bool] = {}  # by their last wills
        self._stale_after = stale_after
        self._most = max_devices
        self._lock = threading.Lock()

    def record(self, message: Message, now: float, *, is_kept: bool) -> None:
        """Take a message at `now` (seconds); one that the broker had kept does not say that the device is there."""
        name = message.device
        with self._lock:
            if message.ends:
                self._end(message)
            elif message.is_there is not None and (name in self._presence or len(self._presence) < self._most):
                self._presence[name] = message.is_there
            elif self._take(message, now) and not is_kept:
                self._presence.pop(name, None)

    def readings(self, now: float) -> dict[str, DeviceReading | NotAvailable]:
        """What each device says now, or why it says nothing."""
        with self._lock:
            devices = self._devices.items()
            return {name: self._problem(name, known, now) or known.joined for name, known in devices}

    @property
    def has_heard(self) -> bool:
        """Whether any device has said something, and those with entries all have."""
        with self._lock:
            return bool(self._devices) and all(known.time is not None for known in self._devices.values())

    def _end(self, message: Message) -> None:
        """Forget the sensor that it tells of, else the device."""
        if message.told:
            if known := self._devices.get(message.device):
                known.sensors.pop((message.told.word, message.told.name), None)
        else:
            self._devices.pop(message.device, None)
            self._presence.pop(message.device, None)

    def _take(self, message: Message, now: float) -> bool:
        """Whether it says something of a device that there is room for."""
        is_new = message.device not in self._devices
        says_nothing = not (message.told or message.reading or message.refusal)
        if says_nothing or (is_new and len(self._devices) >= self._most):
            return False
        return self._devices.setdefault(message.device, _Known()).take(message, now)

    def _problem(self, name: str, known: _Known, now: float) -> NotAvailable | None:
        if self._presence.get(name) is False:
            fix = "check its power and its wifi"
            return NotAvailable(Reason.UNREACHABLE, "it is offline, as the broker says", fix=fix)
        if known.refusal:
            fix = "give its topic an entry of `devices`"
            return NotAvailable(Reason.NOT_SUPPORTED, known.refusal, fix=fix)
        if known.time is None:
            fix = "check `topic`: `mosquitto_sub -t TOPIC` shows what comes"
            return NotAvailable(Reason.TIMEOUT, "it has not said anything yet", fix=fix)
        if now - known.time > self._stale_after:
            fix = "check its power, or raise `stale_after`"
            return NotAvailable(Reason.TIMEOUT, f"silent for more than {self._stale_after:g} s", fix=fix)
        return None


def _joined(channels: dict[str, DeviceReading]) -> DeviceReading:
    """The device as a whole: power and energy of its channels are added up, of everything else the first counts."""
    reading = DeviceReading()
    for channel, said in channels.items():
        for (family, part), value in said.items():
            if family in ADDED_UP and not part:
                reading[family, part] = fsum(each.get((family, part), 0.0) for each in channels.values())
            else:
                reading.setdefault((family, part), value)
            if family == "power_watts" and len(channels) > 1:
                reading["outlet_power_watts", channel] = value
    return reading

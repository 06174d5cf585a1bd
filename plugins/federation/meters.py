"""The accounts of other collectors as energy meters of other hosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from collector_core import EnergyMeter, EnergyMethod, EnergyReading
from collector_core.metering import Origin, Supply
from collector_plugins.federation.config import RemoteCollector
from collector_plugins.federation.document import Part, RemoteLedger

MOST_HOPS = 8
UNCERTAINTY = 0.05
SAME_SECONDS = 1.0  # within which two times of one reading lie that were told with two answers
_SUPPLY = {"ups": Supply.UPS, "host": Supply.CHASSIS}


class _Key(NamedTuple):
    source: str
    component: str
    device: str
    host: str


class ForeignMeters:
    """Makes meters of answers; `interval` in seconds."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._readings: dict[_Key, EnergyReading] = {}
        self._fresh: set[_Key] = set()
        self.offered: tuple[EnergyMeter, ...] = ()

    def update(self, answers: Iterable[tuple[str, RemoteCollector, RemoteLedger, float]]) -> None:
        """Take what sources have answered, each at a time (seconds, monotonic); those of all others are gone."""
        self._fresh = set()
        self.offered = tuple(meter for each in answers for meter in self._meters(*each))
        self._readings = {key: self._readings[key] for key in self._fresh}

    def _meters(self, name: str, source: RemoteCollector, answer: RemoteLedger, time: float) -> Iterator[EnergyMeter]:
        for part in answer.parts:
            key = _Key(name, part.component, part.device, part.host)
            if part.hops < MOST_HOPS and key not in self._fresh:
                self._record(key, EnergyReading(part.joules, time - answer.age_seconds - part.age_seconds))
                yield self._meter(
                    key, _host(name, source, answer, part), _device(source, part), _origin(name, answer, part), part
                )

    def _record(self, key: _Key, reading: EnergyReading) -> None:
        """The same reading has the same time, whenever it is told: else it would look like no power."""
        before = self._readings.get(key)
        is_known = before and before.joules == reading.joules and reading.time - before.time < SAME_SECONDS
        self._readings[key] = before if before and is_known else reading
        self._fresh.add(key)

    def _meter(self, key: _Key, host: str, device: str, origin: Origin, part: Part) -> EnergyMeter:
        def latest() -> EnergyReading | None:
            return self._readings.get(key)

        return EnergyMeter(
            part.component,
            device,
            EnergyMethod.METER,
            UNCERTAINTY,
            self._interval,
            latest,
            read=latest,
            supply=_SUPPLY.get(part.kind, Supply.PLUG),
            host=host,
            origin=origin,
        )


def _host(name: str, source: RemoteCollector, answer: RemoteLedger, part: Part) -> str:
    """The other collector's own machine is called as it is here."""
    if part.host and part.host == answer.host and not part.hops:
        return name
    return f"{part.host}.{source.site}" if part.host and source.site else part.host


def _device(source: RemoteCollector, part: Part) -> str:
    return f"{source.site}/{part.device}" if source.site and not part.host else part.device


def _origin(name: str, answer: RemoteLedger, part: Part) -> Origin:
    grams = answer.mix_grams_per_kwh if part.grams_per_kwh is None else part.grams_per_kwh
    return Origin(part.agent or answer.agent, name, part.hops + 1, part.is_own_host, grams)

"""What batteries were charged with, on disk: a restart does not forget it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import inf, isfinite
from pathlib import Path
from threading import Thread
from typing import Any

from collector_core import Context, FaultLog
from collector_core.metering import CarbonMix, StoredEnergy
from collector_core.storage import parse_document, read_bounded, set_aside, write_atomically

SAVE_SECONDS = 60.0
LONGEST_AWAY = 7 * 86_400.0  # seconds; what a battery holds after that has another origin
LAST_SAVE_SECONDS = 0.5
_MOST_BYTES = 1 << 20
_VERSION = 1

Stored = Mapping[str, StoredEnergy]


class BatteryFile:
    """`batteries.json` in the collector's folder: read when the first battery is seen, written once a minute.

    Both happen on a thread of their own: a disk that hangs costs the file alone. One that cannot be used is set aside.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._faults = FaultLog(ctx.logger)
        self._thread: Thread | None = None
        self._read: Stored | None = None
        self._is_told = False
        self._next_at = -inf

    def follow(self, mix: CarbonMix) -> None:
        """Tell the mix what was kept, once that is read, and from then on keep what it knows."""
        if not (self._ctx.keeps_running and mix.has_batteries) or self._is_busy:
            return
        now = self._ctx.clock.monotonic()
        if self._read is None:
            self._start(self._load)
        elif not self._is_told:
            self._is_told = True
            mix.assume(self._read)
        elif mix.stored and now >= self._next_at:
            self._next_at = now + SAVE_SECONDS
            self._save(mix)

    def close(self, mix: CarbonMix) -> None:
        """Keep what is known, unless the disk takes longer than a moment."""
        if self._is_told and mix.stored and not self._is_busy:
            self._save(mix).join(LAST_SAVE_SECONDS)

    @property
    def _is_busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _save(self, mix: CarbonMix) -> Thread:
        batteries = {battery: energy._asdict() for battery, energy in mix.stored.items()}
        text = json.dumps({"version": _VERSION, "time": self._ctx.clock.time(), "batteries": batteries})
        return self._start(lambda: self._write(text))

    def _start(self, work: Callable[[], None]) -> Thread:
        self._thread = Thread(target=work, name="energy-batteries", daemon=True)
        self._thread.start()
        return self._thread

    def _write(self, text: str) -> None:
        try:
            write_atomically(self._path(), text)
        except OSError as error:
            self._faults.record_failure("batteries", error)
        else:
            self._faults.record_success("batteries")

    def _load(self) -> None:
        self._read = {}
        try:
            self._read = _parse(read_bounded(self._path(), _MOST_BYTES), self._ctx.clock.time())
        except FileNotFoundError:
            return
        except OSError as error:
            self._faults.record_failure("batteries", error)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._faults.record_failure("batteries", error)
            self._set_aside()

    def _path(self) -> Path:
        return self._ctx.state_dir / "batteries.json"

    def _set_aside(self) -> None:
        try:
            set_aside(self._path())
        except OSError as error:
            self._faults.record_failure("batteries", error)


def _parse(content: bytes, now: float) -> Stored:
    kept = parse_document(content)
    if kept["version"] != _VERSION:
        raise ValueError("the file is of another version")
    if now - float(kept["time"]) > LONGEST_AWAY:
        return {}
    return {str(battery): _energy(each) for battery, each in kept["batteries"].items()}


def _energy(saved: Mapping[str, Any]) -> StoredEnergy:
    energy = StoredEnergy(float(saved["joules"]), float(saved["grams_per_kwh"]))
    if not all(isfinite(each) and each >= 0 for each in energy):
        raise ValueError("a battery holds less than nothing")
    return energy

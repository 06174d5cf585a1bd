"""Runs in an environment of its own, with those who measure too: `python trackers.py NAME ROOT BLOCKS`.

Prints what entering and leaving one empty block takes, in microseconds: the median of so many. They know no other root
than /, so that names below powercap are sent to the one below ROOT.
"""

from __future__ import annotations

import builtins
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

POWERCAP = "/sys/class/powercap"


def main() -> None:
    name, root, blocks = sys.argv[1:]
    _redirect(root)
    with TRACKERS[name]() as block:
        samples = [_microseconds(block) for _ in range(int(blocks))]
    print(median(samples))


def _microseconds(block: Callable[[], None]) -> float:
    before = time.perf_counter_ns()
    block()
    return (time.perf_counter_ns() - before) / 1e3


def _redirect(root: str) -> None:
    def below(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(path: Any, *arguments: Any, **options: Any) -> Any:
            inside = isinstance(path, str) and path.startswith(POWERCAP)
            return function(root + path if inside else path, *arguments, **options)

        return wrapper

    builtins.open = below(builtins.open)
    for module, name in ((os, "listdir"), (os, "access"), (os.path, "exists"), (os.path, "isdir"), (os.path, "isfile")):
        setattr(module, name, below(getattr(module, name)))


@contextmanager
def _pyrapl() -> Iterator[Callable[[], None]]:
    import pyRAPL
    import pyRAPL.device_api

    pyRAPL.device_api.get_socket_ids = lambda: [0, 1]
    pyRAPL.setup()

    def block() -> None:
        measurement = pyRAPL.Measurement("work")
        measurement.begin()
        measurement.end()

    yield block


@contextmanager
def _pyjoules() -> Iterator[Callable[[], None]]:
    from pyJoules.device import DeviceFactory
    from pyJoules.energy_meter import EnergyMeter

    meter = EnergyMeter(DeviceFactory.create_devices())

    def block() -> None:
        meter.start(tag="work")
        meter.stop()

    yield block


@contextmanager
def _codecarbon() -> Iterator[Callable[[], None]]:
    from codecarbon import OfflineEmissionsTracker

    logging.disable(logging.CRITICAL)
    tracker = OfflineEmissionsTracker(country_iso_code="FRA", save_to_file=False, log_level="critical", gpu_ids=[])

    def block() -> None:
        tracker.start_task("work")
        tracker.stop_task()

    yield block


TRACKERS = {"pyRAPL": _pyrapl, "pyJoules": _pyjoules, "codecarbon": _codecarbon}

if __name__ == "__main__":
    main()

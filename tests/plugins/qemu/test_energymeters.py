"""Guests as parts of the machine: what the ledger makes of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collector_core import Component
from collector_core.energy import choose
from collector_core.testing import Harness

from .conftest import Machine

Watching = Callable[..., Harness]


def test_guests_are_parts_of_the_cpu_and_never_count_themselves(machine: Machine, watching: Watching) -> None:
    guests = [machine.guest("-name", name) for name in ("web", "db")]
    harness = watching(interval=1.0, coefficients=[10, 10], server_cores=16)
    harness.run()
    for guest in guests:
        guest.burn(1.0)
    harness.run(advance=1.0)
    meters = harness.collector.collector_energy_meters()
    assert {meter.device for meter in meters} == {"web", "db"}
    assert {meter.inside for meter in meters} == {Component.CPU}
    assert choose(meters) == []
    one = meters[0].latest()
    assert one.time == harness.clock.monotonic()
    for guest in guests:
        guest.burn(1.0)
    harness.run(advance=1.0)
    again = harness.collector.collector_energy_meters()[0].latest()
    assert again.watts_since(one) == pytest.approx(10 / 16 + 10)


def test_without_a_model_or_a_run_there_are_none(machine: Machine, watching: Watching) -> None:
    machine.guest("-name", "web")
    harness = watching(coefficients="off")
    assert harness.collector.collector_energy_meters() == ()
    harness.run()
    harness.run(advance=1.0)
    assert harness.collector.collector_energy_meters() == ()


def test_the_meters_stay_as_long_as_the_guests_are_the_same(machine: Machine, watching: Watching) -> None:
    machine.guest("-name", "web")
    db = machine.guest("-name", "db")
    harness = watching(interval=1.0, coefficients=[10, 10], server_cores=16)
    harness.run()
    harness.run(advance=1.0)
    before = harness.collector.collector_energy_meters()
    harness.run(advance=1.0)
    assert harness.collector.collector_energy_meters() is before
    of_db = next(meter for meter in before if meter.device == "db")
    last = of_db.latest()
    db.vanish()
    harness.run(advance=1.0)
    (of_web,) = harness.collector.collector_energy_meters()
    assert of_web.device == "web"
    assert of_web.latest().time == harness.clock.monotonic()
    assert of_db.latest() == last, "a meter of a guest that has ended never says what another one drew"

"""REST answers as cinergy's clients expect them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from collector_core.testing import Harness, serve_routes

from .conftest import MODEL, Machine

Ask = Callable[[str], tuple[int, Any]]


@pytest.fixture
def harness(machine: Machine, watching: Callable[..., Harness]) -> Iterator[Harness]:
    """The worked example's guest, and some others, after two readings."""
    guests = [
        machine.guest("-name", "web", "-smp", "4", "-uuid", "6d8a3c52-6b1f-4a0e-9d0e-0c2f6a1b7f01"),
        machine.guest("-name", "twin", pid=5001, start=10),
        machine.guest("-name", "twin", pid=5002, start=20),
        machine.guest("-id", "100", "-name", "näme &?#/x"),
    ]
    harness = watching(**MODEL)
    harness.run()
    for guest in guests:
        guest.burn(1.5)
    harness.run(advance=1)
    return harness


@pytest.fixture
def ask(harness: Harness) -> Ask:
    """Ask the collector's routes over HTTP: status and JSON."""

    async def answer(path: str) -> tuple[int, Any]:
        routes = harness.collector.collector_routes()  # type: ignore[attr-defined]
        async with serve_routes(routes) as session, session.get(path) as response:
            return response.status, await response.json()

    return lambda path: asyncio.run(answer(path))


def test_power(ask: Ask) -> None:
    assert ask("/power?vm=web") == (
        200,
        {
            "vm": "web",
            "cpu_usage": 1.5,
            "vm_cores": 4,
            "server_cores": 16,
            "cinergy_ratio": 0.75,
            "static_power_watts": 2.5,
            "dynamic_power_watts": 11.25,
            "total_power_watts": 13.75,
        },
    )


def test_carbon(ask: Ask) -> None:
    status, answer = ask("/carbon?vm=web")
    assert status == 200
    assert answer == {
        "vm": "web",
        "power_watts": 13.75,
        "pue": 1.3,
        "emission_factor_gco2_per_kwh": 50,
        "carbon_intensity_gco2_per_hour": pytest.approx(0.89375, rel=1e-12),
    }


@pytest.mark.parametrize("path", ["/power", "/carbon"])
def test_what_has_no_answer_is_an_error_in_json(ask: Ask, path: str) -> None:
    for query, status in (("", 400), ("?vm=", 400), ("?other=web", 400), ("?vm=nobody", 404), ("?uuid=nobody", 404)):
        found, answer = ask(path + query)
        assert (found, list(answer)) == (status, ["error"]), query


@pytest.mark.parametrize(
    "query",
    [
        "uuid=6d8a3c52-6b1f-4a0e-9d0e-0c2f6a1b7f01",
        "uuid=6D8A3C52-6B1F-4A0E-9D0E-0C2F6A1B7F01",
        "vm=web&uuid=6d8a3c52-6b1f-4a0e-9d0e-0c2f6a1b7f01",
        "vm=6d8a3c52-6b1f-4a0e-9d0e-0c2f6a1b7f01",
        "vm=&uuid=pid-4001-1000",
    ],
)
def test_lookup_by_uuid(ask: Ask, query: str) -> None:
    assert ask(f"/power?{query}")[1]["vm"] == "web"


def test_name_and_uuid_of_different_guests(ask: Ask) -> None:
    assert ask("/power?vm=twin&uuid=6d8a3c52-6b1f-4a0e-9d0e-0c2f6a1b7f01")[0] == 404


def test_a_name_of_two_guests_is_said_to_be_one(ask: Ask) -> None:
    status, answer = ask("/power?vm=twin")
    assert status == 409
    assert "2 guests are called 'twin'" in answer["error"]
    assert [vm["identity"] for vm in answer["vms"]] == ["pid-5001-10", "pid-5002-20"]
    for identity in ("pid-5001-10", "pid-5002-20"):
        assert ask(f"/power?vm=twin&uuid={identity}")[0] == 200


def test_names_with_odd_characters_and_proxmox_numbers(ask: Ask) -> None:
    assert ask("/power?vm=n%C3%A4me%20%26%3F%23%2Fx")[1]["vm"] == "näme &?#/x"
    assert ask("/power?vm=100")[1]["vm"] == "näme &?#/x"


def test_all_guests(ask: Ask) -> None:
    status, answer = ask("/api/v1/vms")
    assert (status, answer["cpu_unit"]) == (200, "cores")
    assert [(vm["vm"], vm["name_is_shared"]) for vm in answer["vms"]] == [
        ("näme &?#/x", False),
        ("twin", True),
        ("twin", True),
        ("web", False),
    ]
    web = answer["vms"][-1]
    assert web["total_power_watts"] == 13.75
    assert web["energy_joules"] == 13.75
    assert (web["pid"], web["cpu_seconds"], web["outside_fitted_range"]) == (4001, 1.5, None)
    assert ask("/api/v1/vms?vm=web") == (200, web)
    assert ask("/api/v1/vms/6d8a3c52-6b1f-4a0e-9d0e-0c2f6a1b7f01") == (200, web)
    assert ask("/api/v1/vms/nobody")[0] == 404


def test_cpu_usage_is_in_the_models_unit(machine: Machine, watching: Callable[..., Harness]) -> None:
    guest = machine.guest("-name", "vm")
    harness = watching(coefficients=[10, 0.1], cpu_unit="core_percent", server_cores=16)
    harness.run()
    guest.burn(1.5)
    harness.run(advance=1)
    view = harness.collector._latest()  # type: ignore[attr-defined]
    assert view.power(view.find("vm", ""))["cpu_usage"] == 150
    assert view.power(view.find("vm", ""))["dynamic_power_watts"] == pytest.approx(15)


def test_a_guest_that_was_read_once_has_no_power_yet(machine: Machine, harness: Harness, ask: Ask) -> None:
    machine.guest("-name", "new")
    harness.run(advance=1)
    status, answer = ask("/power?vm=new")
    assert status == 404
    assert "next reading" in answer["error"]
    assert ask("/api/v1/vms?vm=new")[1]["total_power_watts"] is None


def test_without_fresh_readings_it_says_so(harness: Harness, ask: Ask) -> None:
    harness.clock.advance(4.9)
    assert ask("/power?vm=web")[0] == 200
    harness.clock.advance(0.2)
    for path in ("/power?vm=web", "/carbon?vm=web", "/api/v1/vms"):
        status, answer = ask(path)
        assert status == 503
        assert "no fresh readings" in answer["error"]
    harness.run()
    assert ask("/api/v1/vms")[0] == 200
    harness.collector.close()
    assert ask("/api/v1/vms")[0] == 503


@pytest.mark.parametrize(
    ("options", "path", "reason"),
    [
        ({"coefficients": "off"}, "/power?vm=vm", "no power model"),
        ({"coefficients": "off"}, "/carbon?vm=vm", "no power model"),
        ({"coefficients": [10], "server_cores": 1}, "/carbon?vm=vm", "no `emission_factor`"),
    ],
)
def test_what_is_not_configured(
    machine: Machine, watching: Callable[..., Harness], options: dict[str, Any], path: str, reason: str
) -> None:
    machine.guest("-name", "vm")
    harness = watching(**options)
    harness.run()
    harness.run(advance=1)
    view = harness.collector._latest()  # type: ignore[attr-defined]
    answer = view.carbon if "carbon" in path else view.power
    with pytest.raises(Exception, match=reason) as caught:
        answer(view.find("vm", ""))
    assert caught.value.status == 503  # type: ignore[attr-defined]

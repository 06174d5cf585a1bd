"""The demo rack over a simulated week: numbers that could be real, and that fit together."""

from itertools import pairwise

import pytest

from collector_core.demo.rack import Rack

HOUR = 3600.0
DAY = 24 * HOUR
MONDAY = 1_767_571_200.0  # 2026-01-05 00:00 UTC
STEP = 300.0
WEEK = [MONDAY + number * STEP + 150 for number in range(7 * 288)]


@pytest.fixture(scope="module")
def rack():
    return Rack()


@pytest.fixture(scope="module")
def homes(rack):
    return [rack.home(when) for when in WEEK]


def test_there_are_twelve_guests_that_never_use_more_than_their_cpus(rack):
    assert len({guest.uuid for guest in rack.guests}) == len({guest.name for guest in rack.guests}) == 12
    for guest in rack.guests:
        use = [guest.busy_cores(when) for when in WEEK]
        assert min(use) > 0
        assert max(use) <= guest.vcpus
        assert max(use) > 1.5 * min(use), guest.name


def test_the_machine_is_busier_by_day_than_by_night(rack):
    day, night = (
        sum(rack.busy_cores(MONDAY + n * DAY + hour * HOUR) for n in range(7) for hour in hours)
        for hours in ((17, 18, 19), (3, 4, 5))
    )
    assert day > 1.3 * night
    assert all(0 < rack.busy_cores(when) <= rack.cores and 0 < rack.cpu_load(when) <= 1 for when in WEEK)


def test_busy_cores_draw_more(rack):
    quiet, busy = min(WEEK, key=rack.busy_cores), max(WEEK, key=rack.busy_cores)
    assert sum(rack.package_watts(busy)) > 1.5 * sum(rack.package_watts(quiet))
    assert rack.memory_watts(busy) > rack.memory_watts(quiet) > 5
    assert all(20 < watts < 120 for when in WEEK for watts in rack.package_watts(when))
    assert all(0.3 < rack.memory_used_ratio(when) < 0.9 for when in WEEK)


def test_packages_and_memory_follow_the_curve_that_guests_are_reckoned_with(rack):
    c0, c1, c2 = rack.coefficients
    for when in WEEK[::7]:
        busy = rack.busy_cores(when)
        assert sum(rack.package_watts(when)) + rack.memory_watts(when) == pytest.approx(
            c0 + c1 * busy + c2 * busy**2, rel=0.025
        )


def test_the_machine_draws_what_is_in_it_and_something_more(rack):
    own = [gpu for gpu in rack.gpus if gpu.host == rack.host]
    assert own
    for when in WEEK[::7]:
        parts = sum(rack.package_watts(when)) + rack.memory_watts(when) + sum(gpu.watts(when) for gpu in own)
        assert 1.1 * parts < rack.machine_watts(when) < 2 * parts


def test_gpus_stay_within_their_limits_and_come_near_them(rack):
    for gpu in rack.gpus:
        watts = [gpu.watts(when) for when in WEEK]
        assert gpu.idle_watts <= min(watts)
        assert max(watts) <= gpu.limit_watts
        assert all(30 < gpu.celsius(when) < 95 for when in WEEK[::5])
        assert all(0 < gpu.memory_used_bytes(when) < gpu.memory_bytes for when in WEEK[::5])
    near = [gpu.watts(when) / gpu.limit_watts > 0.95 for gpu in rack.gpus for when in WEEK]
    assert 0.02 < sum(near) / len(near) < 0.4
    hot = [gpu.celsius(when) > 83 for gpu in rack.gpus for when in WEEK[::3]]
    assert 0.001 < sum(hot) / len(hot) < 0.2


def test_every_watt_of_the_home_comes_from_somewhere_and_goes_somewhere(homes):
    for home in homes:
        sources = home.solar_watts + home.bank.discharging_watts + home.import_watts
        sinks = home.load_watts + home.bank.charging_watts + home.export_watts
        assert sources == pytest.approx(sinks)
        assert home.import_watts * home.export_watts == 0


def test_the_power_station_passes_on_what_the_rack_draws(rack, homes):
    for home, when in zip(homes, WEEK, strict=True):
        assert home.station_output_watts == pytest.approx(rack.machine_watts(when - 150))
        assert home.station_input_watts + home.station.discharging_watts == pytest.approx(
            home.station_output_watts + home.station.charging_watts
        )


@pytest.mark.parametrize("which", ["bank", "station"])
def test_the_charge_is_what_went_in_less_what_went_out(homes, which):
    batteries = [getattr(home, which) for home in homes]
    for before, after in pairwise(batteries):
        flow = before.charging_watts - before.discharging_watts
        next_flow = after.charging_watts - after.discharging_watts
        joules = (flow + next_flow) * STEP / 2  # asked for in the middle of each step
        grown = (after.charge_ratio - before.charge_ratio) * before.capacity_joules
        assert grown == pytest.approx(joules, abs=1.0)
        assert 0 <= after.charge_ratio <= 1
        assert after.charging_watts * after.discharging_watts == 0


def test_the_battery_fills_by_day_and_is_low_in_some_nights(homes):
    charges = [home.bank.charge_ratio for home in homes]
    days = [charges[n : n + 288] for n in range(0, len(charges), 288)]
    assert any(max(day) == 1 for day in days)
    assert any(min(day) < 0.1 for day in days)
    assert all(max(day) > min(day) + 0.2 for day in days)


def test_the_sun_shines_by_day_only_and_gives_to_the_grid_sometimes(homes):
    night = [home for home, when in zip(homes, WEEK, strict=True) if not 6 < when % DAY / HOUR < 20]
    assert {home.solar_watts for home in night} == {0.0}
    assert max(home.solar_watts for home in homes) > 2000
    assert any(home.export_watts > 500 for home in homes)
    assert any(home.import_watts > 300 for home in homes)


def test_the_rack_lives_on_its_station_now_and_then(homes):
    alone = [not home.grid_is_there for home in homes]
    assert 0.02 < sum(alone) / len(alone) < 0.2
    assert all(home.station_input_watts == 0 for home in homes if not home.grid_is_there)
    assert min(home.station.charge_ratio for home in homes) < 0.8


@pytest.mark.parametrize("days", [0.3, 11, 399])
def test_whoever_begins_later_sees_the_same(days):
    when = MONDAY + days * DAY
    early = Rack()
    for before in (5 * DAY, 2 * DAY, DAY, 600, 0):
        early.home(when - before)
    assert early.home(when).bank.charge_ratio == pytest.approx(Rack().home(when).bank.charge_ratio, abs=1e-9)
    assert early.home(when).station.charge_ratio == pytest.approx(Rack().home(when).station.charge_ratio, abs=1e-9)


def test_a_clock_that_runs_backwards_does_no_harm():
    rack = Rack()
    later = rack.home(MONDAY + DAY)
    rack.home(MONDAY)
    assert rack.home(MONDAY + DAY) == later

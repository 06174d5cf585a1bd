"""Joules of every meter that counts, once each, over meters that come, go, lapse and start again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.energy import Account, Component, EnergyMeter, EnergyMethod, EnergyReading, Ledger, Prefer


class Source:
    """A meter whose reading the test sets."""

    def __init__(self, component, device, method="rapl", covers=(), **more):
        self.reading = None
        self.account = Account(Component(component), device, EnergyMethod(method))
        read = {"latest": lambda: self.reading, "read": lambda: self.reading}
        self.meter = EnergyMeter(*self.account, 0.05, 1.0, **read, covers=frozenset(map(Component, covers)), **more)

    def says(self, joules, time):
        self.reading = EnergyReading(joules, time)
        return self.meter


@pytest.fixture
def package():
    return Source("cpu", "package-0")


@pytest.fixture
def model():
    return Source("cpu", "cpu", "model")


def test_growth_is_counted_and_power_is_growth_over_its_own_time(package):
    ledger = Ledger()
    assert ledger.update([package.says(0, 10.0)], 10.1) == {package.account: 0}
    assert ledger.watts() == {}
    ledger.update([package.says(500, 15.0)], 16.0)
    assert ledger.joules == {package.account: 500}
    assert ledger.watts() == {package.account: 100}


def test_a_reading_that_has_not_moved_on_keeps_its_power(package):
    ledger = Ledger()
    ledger.update([package.says(0, 10.0)], 10)
    ledger.update([package.says(500, 15.0)], 15)
    ledger.update([package.meter], 16)
    assert ledger.watts() == {package.account: 100}
    assert ledger.joules == {package.account: 500}


def test_what_a_device_counted_in_its_life_before_is_no_energy_since_the_start():
    plug = Source("host", "plug", "meter")
    ledger = Ledger()
    assert ledger.update([plug.says(5.4e6, 10.0)], 10) == {plug.account: 0}
    assert ledger.joules == {plug.account: 0}
    ledger.update([plug.says(5.4e6 + 60, 11.0)], 11)
    assert ledger.joules == {plug.account: 60}


@pytest.mark.parametrize(("counting_since", "joules"), [(99.0, 30), (101.0, 30), (20.0, 0)])
def test_a_meter_that_began_with_the_ledger_loses_nothing(counting_since, joules):
    """One that began long before, in a ledger that a reload has built anew, brings nothing of that time."""
    package = Source("cpu", "package-0", counting_since=counting_since)
    ledger = Ledger()
    ledger.update([], 100)
    ledger.update([package.says(30, 105.0)], 105)
    assert ledger.joules == {package.account: joules}


def test_a_meter_that_began_with_the_ledger_brings_nothing_of_the_time_in_which_another_stood_in(model):
    package = Source("cpu", "package-0", counting_since=0.0)
    ledger = Ledger()
    ledger.update([model.says(0, 0.0)], 0)
    ledger.update([model.says(50, 5.0), package.says(40, 5.0)], 5)
    assert ledger.joules == {model.account: 0, package.account: 0}


def test_a_second_package_that_appears_later_begins_at_0(package):
    other = Source("cpu", "package-1")
    ledger = Ledger()
    ledger.update([package.says(30, 10.0)], 10)
    ledger.update([package.says(60, 11.0), other.says(25, 11.0)], 11)
    assert ledger.joules == {package.account: 30, other.account: 0}
    ledger.update([package.says(90, 12.0), other.says(50, 12.0)], 12)
    assert ledger.joules == {package.account: 60, other.account: 25}


def test_a_model_stands_in_until_there_is_a_counter_and_again_when_it_is_lost(package, model):
    ledger = Ledger()
    ledger.update([model.says(0, 0.0)], 0)
    ledger.update([model.says(50, 5.0)], 5)
    ledger.update([model.says(100, 10.0), package.says(40, 10.0)], 10)
    assert ledger.joules == {model.account: 50, package.account: 0}, "40 J are within the model's"
    ledger.update([model.says(150, 15.0), package.says(90, 15.0)], 15)
    assert ledger.joules == {model.account: 50, package.account: 50}
    ledger.update([model.says(500, 50.0), package.meter], 50)
    assert ledger.joules == {model.account: 50, package.account: 50}, "the model begins anew when the counter is stale"
    ledger.update([model.says(550, 55.0), package.meter], 55)
    assert ledger.joules == {model.account: 100, package.account: 50}
    ledger.update([model.says(600, 60.0), package.says(900, 60.0)], 60)
    ledger.update([model.says(650, 65.0), package.says(950, 65.0)], 65)
    assert ledger.joules == {model.account: 100, package.account: 100}


def test_a_meter_that_was_away_while_nobody_stood_in_brings_what_it_counted(package):
    ledger = Ledger()
    ledger.update([package.says(0, 0.0)], 0)
    ledger.update([package.meter], 100)
    assert ledger.chosen == ()
    assert ledger.watts() == {}
    ledger.update([package.says(5000, 101.0)], 101)
    assert ledger.joules == {package.account: 5000}


def test_a_collector_that_was_built_anew_counts_from_0(package):
    ledger = Ledger()
    ledger.update([package.says(0, 0.0)], 0)
    ledger.update([package.says(500, 5.0)], 5)
    ledger.update([package.says(20, 10.0)], 10)
    assert ledger.joules == {package.account: 500}, "it may return"
    ledger.update([package.says(60, 11.0)], 11)
    assert ledger.joules == {package.account: 560}
    assert ledger.watts() == {}


def test_a_device_that_was_reset_adds_what_it_counted_since():
    plug = Source("host", "plug", "meter")
    ledger = Ledger()
    for second in range(3):
        ledger.update([plug.says(5.4e6 + 60 * second, second)], second)
    ledger.update([plug.says(50, 3.0)], 3)
    ledger.update([plug.says(110, 4.0)], 4)
    assert ledger.joules == {plug.account: 120 + 50 + 60}


def test_another_device_under_the_name_of_the_first_adds_nothing_of_its_life_before():
    plug = Source("host", "plug", "meter")
    ledger = Ledger()
    for second in range(3):
        ledger.update([plug.says(5.4e6 + 60 * second, second)], second)
    ledger.update([plug.says(3.1e6, 3.0)], 3)
    ledger.update([plug.says(3.1e6 + 60, 4.0)], 4)
    assert ledger.joules == {plug.account: 120 + 60}


def test_a_fall_adds_nothing_while_no_power_is_known_to_judge_it_by(package):
    ledger = Ledger()
    ledger.update([package.says(500, 0.0)], 0)
    ledger.update([package.says(20, 1.0)], 1)
    assert ledger.joules == {package.account: 0}


def test_a_device_that_was_unplugged_brings_what_it_counted_meanwhile_once():
    plug = Source("host", "plug", "meter")
    ledger = Ledger()
    ledger.update([plug.says(5.4e6, 0.0)], 0)
    ledger.update([plug.says(5.4e6 + 60, 1.0)], 1)
    for second in range(2, 120):
        ledger.update([], second)
    ledger.update([plug.says(5.4e6 + 90, 120.0)], 120)
    ledger.update([plug.meter], 121)
    assert ledger.joules == {plug.account: 90}


def test_how_often_energy_was_not_known_is_counted(package, model):
    ledger = Ledger()
    ledger.update([package.says(500, 0.0)], 0)
    ledger.update([package.says(560, 1.0)], 1)
    assert ledger.unknown == {package.account: 0}
    package.reading = EnergyReading(620, 2.0, unknown_gaps=1)
    ledger.update([package.meter], 2)
    assert ledger.unknown == {package.account: 1}
    for joules, time in ((10, 3.0), (12, 4.0)):
        package.reading = EnergyReading(joules, time)
        ledger.update([package.meter], time)
    assert ledger.unknown == {package.account: 2}
    ledger.update([package.meter, model.says(0, 30.0)], 30)
    ledger.update([package.says(20, 31.0), model.meter], 31)
    assert ledger.unknown == {package.account: 3, model.account: 0}


def test_the_platform_and_what_it_covers_never_count_together(package):
    psys = Source("host", "psys", covers=["cpu", "dram"])
    for prefer, counted in ((Prefer.PACKAGE, package), (Prefer.PSYS, psys)):
        ledger = Ledger(prefer)
        for time in range(3):
            ledger.update([package.says(100 * time, time), psys.says(150 * time, time)], time)
        assert ledger.joules == {counted.account: 200 if counted is package else 300}


def test_a_platform_steps_in_when_the_packages_are_lost_without_counting_their_time_again(package):
    psys = Source("host", "psys", covers=["cpu", "dram"])
    ledger = Ledger()
    ledger.update([package.says(0, 0.0), psys.says(0, 0.0)], 0)
    ledger.update([package.says(100, 1.0), psys.says(150, 1.0)], 1)
    ledger.update([package.meter, psys.says(900, 20.0)], 20)
    ledger.update([package.meter, psys.says(1000, 21.0)], 21)
    assert ledger.joules == {package.account: 100, psys.account: 100}


steps = st.lists(st.tuples(st.floats(0, 1e6), st.booleans(), st.booleans()), max_size=20)


@given(steps)
def test_the_sum_never_falls_and_never_exceeds_what_both_saw(runs):
    package, model, ledger = Source("cpu", "package-0"), Source("cpu", "cpu", "model"), Ledger()
    true, total = 0.0, 0.0
    for time, (joules, counter_there, model_there) in enumerate(runs):
        true += joules
        shown = [package.says(true, time)] * counter_there + [model.says(true, time)] * model_there
        ledger.update(shown, float(time))
        assert total <= sum(ledger.joules.values()) <= true * (1 + 1e-9)
        total = sum(ledger.joules.values())


def test_power_across_a_gap_is_unknown_and_not_0(package):
    ledger = Ledger()
    ledger.update([package.says(0, 0.0)], 0)
    ledger.update([package.says(500, 5.0)], 5)
    package.reading = EnergyReading(500, 10.0, unknown_gaps=1)
    ledger.update([package.meter], 10)
    assert ledger.watts() == {}
    package.reading = EnergyReading(900, 15.0, unknown_gaps=1)
    ledger.update([package.meter], 15)
    assert ledger.watts() == {package.account: 80}


def test_a_meter_that_is_heard_of_seldom_is_not_late_before_three_of_its_intervals(package):
    ledger = Ledger()
    for now in range(0, 121, 5):
        if now % 60 == 0:
            package.says(100.0 * now, float(now))
        ledger.update([package.meter], float(now))
    assert ledger.watts() == {package.account: 100}
    ledger.update([package.meter], 299.0)
    assert ledger.watts() == {package.account: 100}
    ledger.update([package.meter], 301.0)
    assert ledger.watts() == {}
    assert ledger.joules == {package.account: 12_000}


@pytest.mark.parametrize(("said", "counted"), [(1500, 5500), (1501, 4000)])
def test_after_a_fall_no_more_counts_than_a_few_times_the_highest_power_allows(package, said, counted):
    ledger = Ledger()
    readings = ((0, 10.0), (3900, 49.0), (4000, 50.0), (said, 55.0), (said, 56.0))  # never more than 100 W
    for joules, time in readings:
        ledger.update([package.says(joules, time)], time)
    assert ledger.joules == {package.account: counted}


@pytest.mark.parametrize("told", [0, 3000, 5.4e6 - 30, 5.4e6 + 60_000, 9e9])
def test_a_reading_that_the_next_one_takes_back_never_counted(told):
    """The cases of a plug that says 0 once, less once, or far too much once."""
    plug = Source("host", "plug", "meter", max_watts=3680.0)
    ledger = Ledger()
    watts = []
    for second, joules in enumerate([5.4e6, 5.4e6 + 60, told, 5.4e6 + 180, told, 5.4e6 + 300]):
        ledger.update([plug.says(joules, float(second))], second)
        watts += ledger.watts().values()
    assert ledger.joules == {plug.account: 300}
    assert max(watts) == 60


def test_growth_that_the_device_cannot_draw_is_left_out_also_where_it_stands():
    gpu = Source("gpu", "0", "power_integral", max_watts=900.0)
    ledger = Ledger()
    for second, joules in enumerate([0, 300, 4_295_267, 4_295_567, 4_295_867]):
        ledger.update([gpu.says(joules, float(second))], second)
    assert ledger.joules == {gpu.account: 600}
    assert ledger.unknown == {gpu.account: 1}


def test_a_field_full_of_ones_is_left_out_of_a_meter_without_a_limit():
    gpu = Source("gpu", "0", "power_integral")
    ledger = Ledger()
    for second in range(25):
        ledger.update([gpu.says(4_294_967 * second, float(second))], second)
        ledger.update([gpu.meter], second + 0.5)
    assert ledger.joules == {gpu.account: 0}
    assert ledger.watts() == {}


def test_a_reading_that_is_shown_twice_does_not_confirm_itself(package):
    ledger = Ledger()
    ledger.update([package.says(500, 0.0)], 0)
    ledger.update([package.says(560, 1.0)], 1)
    package.says(0, 2.0)
    for now in (2, 3, 4):
        ledger.update([package.meter], now)
    ledger.update([package.says(740, 4.0)], 4)
    assert ledger.joules == {package.account: 240}


def test_what_a_part_counted_while_the_platform_that_covers_it_counted_is_left_out(package):
    platform = Source("host", "platform", "meter", covers=("cpu",))
    ledger = Ledger(Prefer.PSYS)
    ledger.update([package.says(0, 10.0)], 10)
    ledger.update([package.says(100, 11.0), platform.says(0, 11.0)], 11)
    ledger.update([package.says(200, 12.0), platform.says(300, 12.0)], 12)
    ledger.update([package.says(300, 13.0)], 13)
    ledger.update([package.says(400, 14.0)], 14)
    assert ledger.joules == {package.account: 100, platform.account: 300}


def test_what_a_meter_counted_while_only_others_counted_is_taken_in_when_it_returns(package):
    gpu = Source("gpu", "GPU-0", "nvml_counter")
    ledger = Ledger()
    ledger.update([package.says(0, 10.0), gpu.says(0, 10.0)], 10)
    ledger.update([package.says(100, 11.0)], 11)
    ledger.update([package.says(200, 12.0), gpu.says(500, 12.0)], 12)
    assert ledger.joules == {package.account: 200, gpu.account: 500}


def fed(ledger, source, *readings):
    """The ledger after readings of one meter, each as (joules, time)."""
    for joules, time in readings:
        ledger.update([source.says(joules, time)], time)
    return ledger


def test_what_the_next_reading_has_to_confirm_is_told_and_has_no_power(package):
    ledger = fed(Ledger(), package, (0, 0.0), (50, 1.0), (100, 2.0))
    assert ledger.doubted() == frozenset()
    fed(ledger, package, (90_000, 3.0))
    assert ledger.doubted() == {package.account}
    assert ledger.watts() == {}
    fed(ledger, package, (200, 4.0))
    assert ledger.doubted() == frozenset()
    assert ledger.watts() == {package.account: 50}


def test_where_a_small_step_is_taken_back_the_power_is_that_since_the_reading_before(package):
    ledger = fed(Ledger(), package, (1000, 0.0), (1050, 1.0), (1100, 2.0), (1080, 3.0))
    assert ledger.watts() == {package.account: 15}
    fed(ledger, package, (1130, 4.0))
    assert ledger.watts() == {package.account: 50}


def test_where_more_is_taken_back_than_one_step_no_power_is_known(package):
    ledger = fed(Ledger(), package, (1000, 0.0), (1050, 1.0), (1100, 2.0), (1040, 3.0))
    assert ledger.watts() == {}


def test_a_meter_is_late_after_15_seconds_and_not_at_them(package, model):
    ledger = fed(Ledger(), package, (0, 0.0), (10, 1.0))
    ledger.update([package.meter, model.says(0, 16.0)], 16.0)
    assert ledger.chosen == (package.meter,)
    ledger.update([package.meter, model.says(5, 16.1)], 16.1)
    assert ledger.chosen == (model.meter,)


@pytest.mark.parametrize(("begun", "joules"), [(85.0, 30), (84.9, 0)])
def test_what_began_at_most_15_seconds_before_the_ledger_brings_all_it_counted(begun, joules):
    package = Source("cpu", "package-0", counting_since=begun)
    ledger = Ledger()
    ledger.update([], 100)
    ledger.update([package.says(30, 105.0)], 105)
    assert ledger.joules == {package.account: joules}


def test_a_meter_that_does_not_say_since_when_it_counts_brings_nothing(package):
    ledger = Ledger()
    ledger.update([], 100)
    ledger.update([package.says(30, 105.0)], 105)
    assert ledger.joules == {package.account: 0}


def test_a_counter_of_one_device_is_not_stood_in_for_by_that_of_another():
    first, second = (
        Source("gpu", "gpu-0", "meter", counting_since=0.0),
        Source("gpu", "gpu-1", "meter", counting_since=0.0),
    )
    ledger = Ledger()
    ledger.update([first.says(0, 0.0)], 0)
    ledger.update([first.says(50, 5.0), second.says(40, 5.0)], 5)
    assert ledger.joules == {first.account: 50, second.account: 40}


def test_another_component_of_a_device_is_not_stood_in_for():
    cpu, dram = Source("cpu", "package-0", counting_since=0.0), Source("dram", "package-0", counting_since=0.0)
    ledger = Ledger()
    ledger.update([cpu.says(0, 0.0)], 0)
    ledger.update([cpu.says(50, 5.0), dram.says(40, 5.0)], 5)
    assert ledger.joules == {cpu.account: 50, dram.account: 40}

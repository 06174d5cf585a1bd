"""What the past of a battery says about it: its losses, and the charge below which it does not go."""

import pytest

from collector_core import Selector
from collector_core.testing import RecordedHistory
from collector_plugins.forecast.config import Config
from collector_plugins.forecast.habits import STEP, Habits, Watched, learn_habits, read_habits
from collector_plugins.forecast.specs import HOME_LOAD, SOLAR, specs_of
from tests.plugins.forecast import home

CAPACITY = 10 * 3.6e6
DAY_STEPS = 96


def days(count, *, drawn=1.0, kept=1.0, reserve=0.0, load=1200.0):
    """Means of charge and net draw of a battery that is charged from eight to four, and used otherwise."""
    charge, charges, nets = 0.5, [], []
    for step in range(count * DAY_STEPS):
        net = -1800.0 if 32 <= step % DAY_STEPS < 64 else load
        before = charge
        charge -= net * (drawn if net > 0 else kept) * STEP / CAPACITY
        charge = min(1.0, max(reserve, charge))
        charges.append((before + charge) / 2)
        nets.append(net)
    return charges, nets


def test_losses_are_learnt_from_what_left_the_charge_and_what_came_of_it():
    habits = learn_habits(*days(14, drawn=1 / 0.92, kept=0.94), CAPACITY)
    assert habits.drawn == pytest.approx(1 / 0.92, rel=0.01)
    assert habits.kept == pytest.approx(0.94, rel=0.01)


def test_the_charge_at_which_it_stays_although_the_load_goes_on_is_its_reserve():
    assert learn_habits(*days(14, reserve=0.2), CAPACITY).reserve == pytest.approx(0.2, abs=0.005)
    assert learn_habits(*days(14, load=500.0), CAPACITY).reserve == 0.0


def test_what_cannot_be_and_what_is_too_little_say_nothing():
    assert learn_habits([], [], CAPACITY) == Habits()
    assert learn_habits([None] * 96, [500.0] * 96, CAPACITY) == Habits()
    charges, nets = days(14)
    assert learn_habits(charges, nets, 10 * CAPACITY).drawn == 1.0
    assert learn_habits(charges[:20], nets[:20], CAPACITY) == Habits()


def test_gaps_are_left_out():
    charges, nets = days(14, drawn=1.1)
    charges[100:200] = [None] * 100
    nets[300::50] = [None] * len(nets[300::50])
    assert learn_habits(charges, nets, CAPACITY).drawn == pytest.approx(1.1, rel=0.01)


def test_they_are_read_from_the_history(tmp_path):
    history = RecordedHistory(tmp_path)
    try:
        moments = home.simulate(15, 1)
        for metric, name in ((home.SOLAR, "solar"), (home.LOAD, "load"), (home.CHARGE, "charge")):
            recorded = history.record(metric, [(each.time, getattr(each, name)) for each in moments], name="Shed")
        specs = {spec.name: spec for spec in specs_of(Config())}
        battery = Watched("shed", Selector.parse(recorded.text), home.CAPACITY, specs[HOME_LOAD], specs[SOLAR])
        habits = read_habits(history, battery, moments[-1].time)
        assert habits.drawn == pytest.approx(1.0, abs=0.03)
        assert habits.kept == pytest.approx(1.0, abs=0.03)
        assert habits.reserve == pytest.approx(0.0, abs=0.01)
    finally:
        history.close()

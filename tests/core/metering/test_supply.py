"""Chains of meters outside of the machine: the outermost that is alive is the sum, and each joule counts once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.energy import Account, EnergyMeter, EnergyReading, Ledger
from collector_core.metering import REST, Supply
from collector_core.metering.supply import contradictions, fed, outermost


class Wire:
    """A meter through which a test sends watts."""

    def __init__(self, component, device, *feeds, supply=Supply.PLUG, method="meter", start=0.0):
        self.joules, self.time, self.alive = start, 0.0, True
        latest = self.latest
        self.meter = EnergyMeter(component, device, method, 0.01, 1.0, latest, latest, feeds=feeds, supply=supply)

    def latest(self):
        return EnergyReading(self.joules, self.time) if self.alive else None

    def draws(self, watts, now):
        self.joules += watts * (now - self.time)
        self.time = now


@pytest.fixture
def cpu():
    return Wire("cpu", "package-0", method="rapl")


def drawn(ledger):
    return sum(ledger.joules.values())


def follow(ledger, powers, seconds, since=0.0):
    """Each second: every wire draws its watts, the ledger looks. Returns the time afterwards."""
    now = since
    for _ in range(seconds):
        now += 1.0
        for wire, watts in powers.items():
            wire.draws(watts, now)
        ledger.update([wire.meter for wire in powers], now)
    return now


def chain():
    return (
        Wire("ups", "rack", "mqtt/wall", supply=Supply.UPS, start=1e9),
        Wire("mqtt", "wall", "host", start=5e8),
        Wire("ipmi", "bmc", "this", supply=Supply.CHASSIS),
    )


def test_the_outermost_is_the_sum_and_the_components_are_its_parts(cpu):
    ups, plug, bmc = chain()
    ledger = Ledger()
    follow(ledger, {ups: 100, plug: 90, bmc: 80, cpu: 30}, 11)
    assert ledger.supply == (ups.meter,)
    assert ledger.watts() == {Account("cpu", "package-0", "rapl"): 30.0, REST: pytest.approx(70.0)}
    assert drawn(ledger) == pytest.approx(1000.0)


def test_where_the_outermost_dies_the_next_goes_on_without_a_jump_and_back(cpu):
    ups, plug, bmc = chain()
    ledger, powers = Ledger(), {ups: 100, plug: 90, bmc: 80, cpu: 30}
    now = follow(ledger, powers, 11)
    before = drawn(ledger)
    ups.alive = False
    now = follow(ledger, powers, 10, now)
    assert ledger.supply == (plug.meter,)
    assert drawn(ledger) - before == pytest.approx(900)
    before, plug.alive = drawn(ledger), False
    now = follow(ledger, powers, 10, now)
    assert ledger.supply == (bmc.meter,)
    assert drawn(ledger) - before == pytest.approx(800)
    before, bmc.alive = drawn(ledger), False
    now = follow(ledger, powers, 10, now)
    assert ledger.supply == ()
    assert drawn(ledger) - before == pytest.approx(300)
    assert REST not in ledger.watts()
    before = drawn(ledger)
    ups.alive = plug.alive = bmc.alive = True
    now = follow(ledger, powers, 11, now)
    assert ledger.supply == (ups.meter,)
    assert drawn(ledger) - before == pytest.approx(1030), "its first second is the components': it has just come back"


def test_kinds_that_do_not_name_each_other_are_a_chain_and_plugs_are_added_up(cpu):
    ups = Wire("ups", "rack", "host", supply=Supply.UPS)
    plugs = [Wire("http", name, "host") for name in ("left", "right")]
    ledger = Ledger()
    now = follow(ledger, {ups: 100, plugs[0]: 50, plugs[1]: 40, cpu: 30}, 5)
    assert ledger.supply == (ups.meter,)
    ups.alive = False
    follow(ledger, {ups: 100, plugs[0]: 50, plugs[1]: 40, cpu: 30}, 5, now)
    assert set(ledger.supply) == {plug.meter for plug in plugs}
    assert sum(ledger.watts().values()) == pytest.approx(90)


def test_one_of_two_supplies_alone_is_not_the_machine(cpu):
    plugs = [Wire("http", name, "host") for name in ("left", "right")]
    ledger, powers = Ledger(), {plugs[0]: 50, plugs[1]: 40, cpu: 30}
    now = follow(ledger, powers, 5)
    plugs[1].alive = False
    before = drawn(ledger)
    follow(ledger, powers, 10, now)
    assert ledger.supply == ()
    assert drawn(ledger) - before == pytest.approx(300)


@pytest.mark.parametrize("feeds", [("host", "nas"), ("host", "mqtt/other"), ("mqtt/wall", "mqtt/nas")])
def test_what_feeds_others_too_is_not_this_machine(feeds):
    ups = Wire("ups", "rack", *feeds, supply=Supply.UPS).meter
    wall, other = Wire("mqtt", "wall", "host").meter, Wire("mqtt", "nas", "nas").meter
    assert outermost([ups, wall, other], [ups, wall, other]) == [wall]
    assert outermost([ups], [ups]) == []


def test_a_circle_is_nobodys_supply():
    one, two = Wire("mqtt", "a", "mqtt/b").meter, Wire("mqtt", "b", "mqtt/a", "host").meter
    assert outermost([one, two], [one, two]) == []
    own = Wire("mqtt", "a", "mqtt/a").meter
    assert outermost([own], [own]) == []


def test_a_machine_without_an_outer_meter_is_as_before(cpu):
    plug = Wire("mqtt", "kettle")
    ledger = Ledger()
    follow(ledger, {plug: 2000, cpu: 30}, 5)
    assert set(ledger.joules) == {Account("cpu", "package-0", "rapl")}


def test_components_that_claim_more_than_the_wall_leave_no_rest(cpu):
    plug = Wire("mqtt", "wall", "host")
    ledger = Ledger()
    follow(ledger, {plug: 20, cpu: 30}, 5)
    assert ledger.watts()[REST] == 0
    assert ledger.joules[REST] == 0


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 200), st.booleans()), max_size=40))
def test_a_plug_that_is_read_now_and_then_is_the_sum_in_the_end(seconds):
    """Components draw as they like; the plug, which always draws 200 W more, tells only sometimes."""
    plug, part = Wire("mqtt", "wall", "host"), Wire("cpu", "package-0", method="rapl")
    ledger, wall, now, before = Ledger(), 0.0, 0.0, 0.0
    ledger.update([plug.meter, part.meter], now)
    for extra, watts, tells in seconds:
        now += 1.0
        part.draws(watts, now)
        wall += watts + 200 + extra
        if tells:
            plug.joules, plug.time = wall, now
        ledger.update([plug.meter, part.meter], now)
        assert drawn(ledger) >= before
        before = drawn(ledger)
    plug.joules, plug.time = wall + 1, now + 1.0
    ledger.update([plug.meter, part.meter], now + 1.0)
    ledger.update([plug.meter, part.meter], now + 2.0)
    if ledger.supply and not ledger._rest._entries[plug.meter.component, plug.meter.device, "meter"].in_doubt:
        assert drawn(ledger) == pytest.approx(max(wall + 1, part.joules), rel=1e-6)


def test_the_files_feeds_are_a_meters_own():
    wall = Wire("plug", "desk").meter
    assert fed(wall, {"plug/desk": ("this",)}).feeds == ("this",)
    assert fed(wall, {"plug/other": ("this",)}) is wall


def test_two_places_that_say_the_same_do_not_contradict_each_other():
    assert list(contradictions({"mqtt/a": ("this",)}, {"mqtt/a": ("host",)})) == []
    assert list(contradictions({"mqtt/a": ("this", "nas")}, {"mqtt/a": ("host",)})) == ["mqtt/a"]


def test_twice_as_many_ways_with_each_layer_take_no_time():
    layers = [
        [Wire("plug", f"{layer}{side}", f"plug/{layer - 1}a", f"plug/{layer - 1}b") for side in "ab"]
        for layer in range(1, 60)
    ]
    meters = [Wire("plug", f"0{side}", "this").meter for side in "ab"]
    meters += [wire.meter for layer in layers for wire in layer]
    assert outermost(meters, set(meters)) == [wire.meter for wire in layers[-1]]

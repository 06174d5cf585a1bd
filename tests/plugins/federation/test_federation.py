"""Collectors that take from each other: each joule once, whoever hangs, and circles end."""

from __future__ import annotations

import platform

import pytest

from collector_core import NotAvailable
from collector_plugins.energy import metrics as energy
from collector_plugins.federation import metrics

HERE = platform.node()


def up(agent):
    return {name: value for (name,), value in agent.federation.series(metrics.HEALTH.up).items()}


def test_the_machine_of_another_collector_is_a_host_here(agent, meter, linked, turn):
    nas = agent(meter("cpu", "package-0", 30))
    page = agent(meter("cpu", "package-0", 50))
    linked(page, nas=nas)
    turn(nas, page)
    assert page.watts == {("cpu", "package-0", HERE): 50, ("cpu", "package-0", "nas"): 30}
    assert page.energy.series(energy.FLOW)["host/nas", "component/nas/cpu"] == pytest.approx(30)
    assert page.energy.series(energy.POWER) == {("cpu", "package-0", "meter"): pytest.approx(50)}
    assert page.joules == pytest.approx(80 * 30)


def test_what_feeds_a_machine_there_counts_once_here(agent, meter, linked, turn):
    nas = agent(meter("cpu", "package-0", 30), meter("plug", "desk", 45, feeds=("this",)))
    page = agent()
    linked(page, nas=nas)
    turn(nas, page)
    assert sum(page.energy.series(energy.SITE_POWER).values()) == pytest.approx(45)


def test_a_plug_here_that_feeds_a_machine_there_counts_beyond_its_parts(agent, meter, linked, turn):
    nas = agent(meter("cpu", "package-0", 30))
    page = agent(meter("plug", "wall", 40, feeds=("nas",)))
    linked(page, nas=nas)
    turn(nas, page)
    assert page.watts == {("cpu", "package-0", "nas"): 30, ("plug", "wall", "nas"): 10}


def test_a_gpu_that_both_read_and_a_battery_that_both_see_count_once(agent, meter, linked, turn):
    theirs = meter("gpu", "GPU-7", 200, host="gpu-a"), meter("battery", "garage", 90)
    mine = meter("gpu", "GPU-7", 200, host="gpua.lan"), meter("battery", "garage", 90)
    nas, page = agent(*theirs), agent(*mine)
    linked(page, nas=nas)
    turn(nas, page)
    assert page.watts == {("gpu", "GPU-7", "gpua.lan"): 200, ("battery", "garage", ""): 90}
    assert page.joules == pytest.approx(290 * 30)


def test_another_site_has_devices_of_its_own(agent, meter, linked, turn):
    mill, page = agent(meter("plug", "desk", 20), meter("gpu", "0", 70, host="gpu-a")), agent(meter("plug", "desk", 5))
    linked(page, mill={"url": mill.url, "site": "mill"})
    turn(mill, page)
    assert page.watts == {("plug", "desk", ""): 5, ("plug", "mill/desk", ""): 20, ("gpu", "0", "gpu-a.mill"): 70}


def test_two_that_take_from_each_other_count_each_joule_once(agent, meter, linked, turn):
    one = agent(meter("cpu", "package-0", 30), meter("plug", "lamp", 8))
    other = agent(meter("cpu", "package-0", 50))
    linked(one, other=other)
    linked(other, one=one)
    turn(one, other, times=8)
    for each in (one, other):
        assert sum(each.watts.values()) == pytest.approx(88)
        assert len(each.watts) == 3


def test_in_a_circle_of_three_what_nobody_measures_any_more_ends(agent, meter, linked, turn):
    lamp = meter("plug", "lamp", 8)
    a, b, c = agent(lamp), agent(meter("cpu", "package-0", 50)), agent()
    linked(a, b=b, c=c)
    linked(b, a=a, c=c)
    linked(c, a=a, b=b)
    turn(a, b, c, times=6)
    assert all(sum(each.watts.values()) == pytest.approx(58) for each in (a, b, c))
    lamp.alive = False
    turn(a, b, c, times=12)
    assert all(sum(each.watts.values()) == pytest.approx(50) for each in (a, b, c))


def test_a_machine_that_is_seen_directly_and_through_another_counts_once(agent, meter, linked, turn):
    cellar, street = agent(meter("cpu", "package-0", 30)), agent(meter("cpu", "package-0", 40))
    page = agent()
    linked(street, deep=cellar)
    linked(page, cellar=cellar, street=street)
    turn(cellar, street, page, times=6)
    assert page.watts == {("cpu", "package-0", "cellar"): 30, ("cpu", "package-0", "street"): 40}


def test_a_meter_that_is_read_seldom_there_has_its_power_here(agent, meter, linked, turn, clock):
    """The same reading, told twice, is no new one without power."""
    slow = meter("plug", "desk", 20)
    nas, page = agent(slow), agent()
    linked(page, nas=nas)
    for number in range(9):
        slow.alive = number % 2 == 0
        turn(nas, page, times=1)
        if number > 2:
            assert page.watts == {("plug", "desk", ""): 20}
    assert page.joules == pytest.approx(20 * 80)


def test_a_collector_that_starts_again_makes_no_jump(agent, meter, linked, turn):
    nas, page = agent(meter("plug", "desk", 20)), agent()
    linked(page, nas=nas)
    turn(nas, page)
    nas.start_again()
    turn(nas, page, times=6)
    assert 20 * 70 <= page.joules <= 20 * 90


def test_its_emissions_are_those_of_the_mix_there(agent, meter, linked, turn):
    nas, page = agent(meter("cpu", "package-0", 36_000), carbon_intensity=50), agent(carbon_intensity=400)
    linked(page, nas=nas)
    turn(nas, page)
    kwh = page.joules / 3.6e6
    assert page.energy.value(energy.SITE_EMISSIONS) == pytest.approx(50 * kwh, rel=0.01)


def test_two_that_hang_or_refuse_leave_the_third_whole(agent, meter, linked, turn, silent, eventually, clock):
    nas, page = agent(meter("cpu", "package-0", 30)), agent()
    linked(page, nas=nas, hangs={"url": silent}, refuses={"url": "http://127.0.0.1:1"})
    for _ in range(4):
        turn(nas, page, times=1)
        assert up(page)["nas"] == 1
        assert page.federation.value(metrics.METERS, device="nas") == 1
    assert page.watts == {("cpu", "package-0", "nas"): 30}
    clock.advance(50)
    eventually(lambda: [page.run(), clock.advance(0.2), up(page)][-1] == {"nas": 1, "hangs": 0, "refuses": 0})


def test_its_age_is_published(agent, meter, linked, turn, clock):
    nas, page = agent(meter("cpu", "package-0", 30)), agent()
    linked(page, nas=nas)
    turn(nas)
    page.run()
    assert page.federation.value(metrics.AGE, device="nas") == pytest.approx(10.0)
    assert page.federation.value(metrics.METER_AGE, device="nas") == pytest.approx(10.0)
    assert page.federation.value(metrics.POWER, device="nas") == pytest.approx(30.0)


def test_while_nobody_answers_the_counters_stay(agent, meter, linked, turn):
    lamp = meter("plug", "lamp", 8)
    nas, page = agent(lamp), agent()
    linked(page, nas=nas)
    turn(nas, page)
    lamp.alive = False
    turn(nas, page, times=8)
    assert page.watts == {}
    assert page.joules == pytest.approx(8 * 30)


def test_without_a_source_it_says_what_to_write(collector_harness):
    from collector_plugins.federation import Federation

    with pytest.raises(NotAvailable, match="no other collector is configured") as raised:
        collector_harness(Federation).run()
    assert "federation: {options: {sources:" in raised.value.fix

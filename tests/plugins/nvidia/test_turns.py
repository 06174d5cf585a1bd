"""Hosts connect a few at a time, so that the first ones answer early, and none that hangs keeps the others out."""

from __future__ import annotations

import asyncio

import pytest

from collector_plugins.nvidia import turns
from collector_plugins.nvidia.turns import AT_ONCE, Turns


@pytest.fixture
def entered():
    return []


async def enter(door, entered, name, leave):
    async with door.turn():
        entered.append(name)
        await leave.wait()


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_few_go_first_and_the_others_follow(entered):
    door, leave = Turns(), asyncio.Event()
    tasks = [asyncio.create_task(enter(door, entered, number, leave)) for number in range(AT_ONCE + 3)]
    await settle()
    assert entered == list(range(AT_ONCE))
    leave.set()
    await asyncio.gather(*tasks)
    assert entered == list(range(AT_ONCE + 3))


async def test_those_that_hang_hold_up_the_others_only_for_a_while(entered, monkeypatch):
    monkeypatch.setattr(turns, "LONGEST_WAIT", 0.01)
    door, never, at_once = Turns(), asyncio.Event(), asyncio.Event()
    at_once.set()
    hanging = [asyncio.create_task(enter(door, entered, "hangs", never)) for _ in range(AT_ONCE)]
    await settle()
    await enter(door, entered, "well", at_once)
    assert entered == AT_ONCE * ["hangs"] + ["well"]
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    for number in range(AT_ONCE):
        await enter(door, entered, number, at_once)


async def test_whoever_is_cancelled_gives_its_place_back(entered):
    door, never, at_once = Turns(), asyncio.Event(), asyncio.Event()
    at_once.set()
    tasks = [asyncio.create_task(enter(door, entered, "hangs", never)) for _ in range(2 * AT_ONCE)]
    await settle()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.wait_for(enter(door, entered, "well", at_once), 1)
    assert entered[-1] == "well"

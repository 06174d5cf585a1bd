"""Simulated series on which nothing happens, in rows of a minute."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from math import exp, pi, sin

MONTH = 30 * 24 * 60  # rows
ROW_SECONDS = 60
Series = Iterator[float]

START = 1_700_000_000  # some moment, in seconds since 1970


def white_noise(dice: random.Random) -> Series:
    """Independent normal numbers about 50."""
    while True:
        yield dice.gauss(50, 5)


def random_walk(dice: random.Random) -> Series:
    """The sum of independent normal steps."""
    value = 1000.0
    while True:
        value += dice.gauss(0, 1)
        yield value


def daily(dice: random.Random) -> Series:
    """A sine with the period of a day, and noise."""
    row = 0
    while True:
        yield 50 + 20 * sin(2 * pi * row / (24 * 60)) + dice.gauss(0, 2)
        row += 1


def log_normal(dice: random.Random) -> Series:
    """Independent numbers with a long tail, such as latencies."""
    while True:
        yield exp(dice.gauss(3, 0.5))


KINDS: tuple[Callable[[random.Random], Series], ...] = (white_noise, random_walk, daily, log_normal)

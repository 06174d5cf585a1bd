"""Simulated series on which nothing happens, in rows of a minute."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from math import exp, pi, sin, sqrt

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


def exponential(dice: random.Random) -> Series:
    """Independent waiting times."""
    while True:
        yield dice.expovariate(1 / 20)


def student(dice: random.Random) -> Series:
    """Independent numbers of Student's t distribution with 3 degrees of freedom: far outliers on both sides."""
    while True:
        yield 50 + 5 * dice.gauss(0, 1) / sqrt(dice.gammavariate(1.5, 2 / 3))


def pareto(dice: random.Random) -> Series:
    """Independent sizes whose tail falls by a power of 2.5."""
    while True:
        yield 10 * dice.paretovariate(2.5)


Kind = Callable[[random.Random], Series]
KINDS: Sequence[Kind] = (white_noise, random_walk, daily, log_normal)
LONG_TAILS: Sequence[Kind] = (exponential, student, pareto)  # no rule tells their records from anomalies

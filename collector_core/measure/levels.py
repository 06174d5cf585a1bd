"""At which level energy is measured, and which meters that leaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from collector_core.errors import NotAvailable, Reason
from collector_core.metering.meters import Component, EnergyMeter, EnergyMethod
from collector_core.metering.selection import Prefer, choose


class Level(StrEnum):
    """`hardware`: counters of parts; `system`: the whole machine; `estimate`: a model; `auto`: the best there is."""

    AUTO = "auto"
    HARDWARE = "hardware"
    SYSTEM = "system"
    ESTIMATE = "estimate"


def level_called(name: str) -> Level:
    """The level of that name; raises `ValueError` where there is none, with all there are."""
    try:
        return Level(name)
    except ValueError:
        raise ValueError(f"there is no level {name!r}; use one of {', '.join(Level)}") from None


def chosen(level: Level, meters: Iterable[EnergyMeter]) -> list[EnergyMeter]:
    """Of the meters those that count at a level."""
    found = list(meters)
    if level is Level.AUTO:
        return choose(found)
    if level is Level.ESTIMATE:
        return choose(meter for meter in found if meter.method == EnergyMethod.MODEL)
    measured = [meter for meter in found if meter.method != EnergyMethod.MODEL]
    if level is Level.SYSTEM:
        return choose((meter for meter in measured if meter.component == Component.HOST), Prefer.PSYS)
    parts = [meter for meter in measured if meter.component != Component.HOST]
    return choose(parts or measured)


def no_meter(level: Level, meters: Sequence[EnergyMeter], problems: Mapping[str, NotAvailable]) -> NotAvailable:
    """Why a level cannot be had with these meters, where each source has its problem, and what helps."""
    reasons = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in _by_reason(problems).items())
    others = [each for each in Level if each not in (Level.AUTO, level) and chosen(each, meters)]
    closed = [problem for problem in problems.values() if problem.reason is Reason.PERMISSION and problem.fix]
    ways = [f"use level {' or '.join(others)}"] if others else []
    ways += [closed[0].fix] if closed else []  # what is there, but closed, is nearest
    return NotAvailable(
        Reason.PERMISSION if closed else Reason.NOT_FOUND,
        f"no energy can be measured at level {level}" + (f": {reasons}" if reasons else " here"),
        fix="; or: ".join(ways) or "apply one of the fixes above; see `energy-collector doctor`",
    )


def _by_reason(problems: Mapping[str, NotAvailable]) -> dict[str, list[str]]:
    """What is in the way of which sources."""
    found: dict[str, list[str]] = {}
    for name, problem in problems.items():
        found.setdefault(_with_remedy(problem), []).append(name)
    return found


def _with_remedy(problem: NotAvailable) -> str:
    return f"{problem.detail} ({problem.fix})" if problem.fix else problem.detail

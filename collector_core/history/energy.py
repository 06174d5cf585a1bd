"""Energy, cost and emissions of a period, from what the ledger counted in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum
from typing import Any

from collector_core.history.catalogue import KeptSeries
from collector_core.history.interface import HistoryReader
from collector_core.history.periods import Piece, pieces, read_steps

JOULES_PER_KWH = 3.6e6
BY = ("component", "device", "method")
MINUTE = 60_000
DAY = 86_400_000  # a multiple of every tier's step

Account = tuple[str, str, str]  # component, device, method


@dataclass
class Sum:
    """What adds up to one row; `covered` is in milliseconds, and what nobody counts is None."""

    joules: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    grams: list[float] = field(default_factory=list)
    covered: int = 0

    def to_dict(self, *, has_cost: bool, has_grams: bool) -> dict[str, float | None]:
        """Plain data; energy in joules and kilowatt hours."""
        joules = round(fsum(self.joules), 6)
        return {
            "joules": joules,
            "kwh": joules / JOULES_PER_KWH,
            "cost": round(fsum(self.cost), 9) if has_cost else None,
            "grams": round(fsum(self.grams), 6) if has_grams else None,
            "covered_seconds": self.covered / 1000,
        }


@dataclass
class Moment:
    """What the ledger counted within one step."""

    joules: dict[Account, float] = field(default_factory=dict)
    covered: dict[Account, int] = field(default_factory=dict)
    cost: float = 0.0
    grams: dict[str, float] = field(default_factory=dict)


def energy_of(store: HistoryReader, start: int, end: int, by: str) -> dict[str, Any]:
    """The energy of a period in total and by component, device or method, with its cost and emissions then.

    Cost and emissions of a step are shared out by energy: what one joule costs is the same for all at one moment.
    """
    ledger = _ledger(store.catalogue)
    has_cost, has_grams = (any(kept.series.topic == topic for _, kept in ledger) for topic in ("cost", "emissions"))
    total, rows = Sum(), defaultdict[str, Sum](Sum)
    for moment in _moments(store, ledger, start, end):
        _add(total, rows, moment, BY.index(by))
    shown = {"has_cost": has_cost, "has_grams": has_grams}
    ordered = sorted(rows.items(), key=lambda item: -fsum(item[1].joules))
    return {"total": total.to_dict(**shown), "rows": [{by: name, **row.to_dict(**shown)} for name, row in ordered]}


def _ledger(series: Iterable[tuple[int, KeptSeries]]) -> list[tuple[int, KeptSeries]]:
    """The series of the ledger; where there are several ledgers, of the one that has its plugin's name."""
    found = [(number, kept) for number, kept in series if kept.is_ledger and _is_account(kept)]
    sources = sorted({(kept.series.source != kept.plugin, kept.series.source) for _, kept in found})
    return [(number, kept) for number, kept in found if kept.series.source == sources[0][1]]


def _is_account(kept: KeptSeries) -> bool:
    return kept.series.topic != "energy" or set(BY) <= set(kept.series.labels)


def _moments(store: HistoryReader, ledger: Iterable[tuple[int, KeptSeries]], start: int, end: int) -> Iterable[Moment]:
    found: dict[tuple[Piece, int], Moment] = defaultdict(Moment)
    parts = pieces(store, start, end, DAY)
    for number, kept in ledger:
        for part in parts:
            for time, summary in read_steps(store, number, kept, [part], part.tier or MINUTE).items():
                _note(found[part, time], kept, summary.rise, summary.covered)
    return found.values()


def _note(moment: Moment, kept: KeptSeries, rise: float, covered: int) -> None:
    labels = kept.series.labels
    if kept.series.topic == "cost":
        moment.cost += rise
    elif kept.series.topic == "emissions":
        component = labels.get("component", "")
        moment.grams[component] = moment.grams.get(component, 0.0) + rise
    else:
        account = labels["component"], labels["device"], labels["method"]
        moment.joules[account] = moment.joules.get(account, 0.0) + rise
        moment.covered[account] = max(moment.covered.get(account, 0), covered)


def _add(total: Sum, rows: Mapping[str, Sum], moment: Moment, place: int) -> None:
    joules = fsum(moment.joules.values())
    of_component: dict[str, float] = defaultdict(float)
    alike: dict[str, int] = defaultdict(int)
    for (component, _, _), amount in moment.joules.items():
        of_component[component] += amount
        alike[component] += 1
    total.joules.append(joules)
    total.cost.append(moment.cost)
    total.grams.extend(moment.grams.values())
    total.covered += max(moment.covered.values(), default=0)
    covered: dict[str, int] = {}
    for account, amount in moment.joules.items():
        row, component = rows[account[place]], account[0]
        row.joules.append(amount)
        row.cost.append(moment.cost * _share(amount, joules, len(moment.joules)))
        share = _share(amount, of_component[component], alike[component])
        row.grams.append(moment.grams.get(component, 0.0) * share)
        covered[account[place]] = max(covered.get(account[place], 0), moment.covered[account])
    for name, milliseconds in covered.items():
        rows[name].covered += milliseconds


def _share(part: float, whole: float, count: int) -> float:
    return part / whole if whole else 1 / count

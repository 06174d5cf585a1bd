"""Energy, cost and emissions of a period, from what the ledger counted in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from math import fsum
from operator import add, mul
from typing import Any

from collector_core.history.catalogue import KeptSeries
from collector_core.history.interface import Columns, HistoryReader
from collector_core.history.periods import Piece, pieces, read_steps
from collector_core.metering.factors import JOULES_PER_KWH

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


class _Counted:
    """What the ledger counted within a part of the period: columns of one number for each of `times`."""

    def __init__(self, times: Sequence[int]) -> None:
        self.times = times
        self.joules: dict[Account, Sequence[float]] = {}
        self.covered: dict[Account, Sequence[float]] = {}
        self.cost = [0.0] * len(times)
        self.grams: dict[str, list[float]] = {}
        self._times_of: dict[Account, list[Sequence[int]]] = defaultdict(list)

    def add(self, kept: KeptSeries, times: Sequence[int], rises: Sequence[float], covered: Sequence[float]) -> None:
        """Take the steps of a series, which may not have all of the times."""
        labels = kept.series.labels
        rises, covered = (self._aligned(times, column) for column in (rises, covered))
        if kept.series.topic == "cost":
            self.cost = list(map(add, self.cost, rises))
        elif kept.series.topic == "emissions":
            component = labels.get("component", "")
            self.grams[component] = list(map(add, self.grams.get(component, self._zeros), rises))
        else:
            account = labels["component"], labels["device"], labels["method"]
            known = account in self.joules
            self.joules[account] = list(map(add, self.joules[account], rises)) if known else rises
            self.covered[account] = list(map(max, self.covered[account], covered)) if known else covered
            self._times_of[account].append(times)

    def shared_out(self, whole: Sequence[float], accounts: Sequence[Account]) -> Iterator[tuple[Account, list[float]]]:
        """Each account's part of the numbers in `whole`: by energy, and the same for all where none has any."""
        joules = _sums(self.joules[account] for account in accounts)
        rates = [each / energy if energy else 0.0 for each, energy in zip(whole, joules, strict=False)]
        for account in accounts:
            yield account, list(map(mul, rates, self.joules[account]))
        for time, each, energy in zip(self.times, whole, joules, strict=False):
            if each and not energy:
                there = [account for account in accounts if any(time in times for times in self._times_of[account])]
                yield from ((account, [each / len(there)]) for account in there)

    @property
    def _zeros(self) -> list[float]:
        return [0.0] * len(self.times)

    def _aligned(self, times: Sequence[int], column: Sequence[float]) -> Sequence[float]:
        if times == self.times:
            return column
        return list(map(dict(zip(times, column, strict=True)).get, self.times, repeat(0.0)))


def energy_of(store: HistoryReader, start: int, end: int, by: str) -> dict[str, Any]:
    """The energy of a period in total and by component, device or method, with its cost and emissions then.

    Cost and emissions of a step are shared out by energy: what one joule costs is the same for all at one moment.
    """
    ledger = _ledger(store.catalogue)
    has_cost, has_grams = (any(kept.series.topic == topic for _, kept in ledger) for topic in ("cost", "emissions"))
    total, rows = Sum(), defaultdict[str, Sum](Sum)
    for part in pieces(store, start, end, DAY):
        _add(total, rows, _counted(store, ledger, part), BY.index(by))
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


def _counted(store: HistoryReader, ledger: Iterable[tuple[int, KeptSeries]], part: Piece) -> _Counted:
    steps = [(kept, _steps(store, number, kept, part)) for number, kept in ledger]
    found = _Counted(_union([times for _, (times, *_) in steps]))
    for kept, (times, *columns) in steps:
        if times:
            found.add(kept, times, *columns)
    return found


def _steps(store: HistoryReader, number: int, kept: KeptSeries, part: Piece) -> Columns:
    """Times, rises and covered milliseconds of the steps of a part."""
    if part.tier:
        return store.summaries.read_columns(number, part.tier, part.start, part.end, ("rise", "covered"))
    found = sorted(read_steps(store, number, kept, [part], MINUTE).items())
    summaries = [summary for _, summary in found]
    return [
        [time for time, _ in found],
        [summary.rise for summary in summaries],
        [summary.covered for summary in summaries],
    ]


def _union(columns: Sequence[Sequence[int]]) -> Sequence[int]:
    longest = max(columns, key=len, default=())
    return longest if all(column in (longest, []) for column in columns) else sorted(set().union(*columns))


def _add(total: Sum, rows: Mapping[str, Sum], counted: _Counted, place: int) -> None:
    total.joules += _sums(counted.joules.values())
    total.cost += counted.cost
    total.grams += chain.from_iterable(counted.grams.values())
    total.covered += round(sum(_largest(counted.covered.values())))
    accounts = defaultdict[str, list[Account]](list)
    for account, joules in counted.joules.items():
        rows[account[place]].joules += joules
        accounts[account[place]].append(account)
    for name, alike in accounts.items():
        rows[name].covered += round(sum(_largest(counted.covered[account] for account in alike)))
    if any(counted.cost):
        for account, cost in counted.shared_out(counted.cost, list(counted.joules)):
            rows[account[place]].cost += cost
    for component, emitted in counted.grams.items():
        for account, grams in counted.shared_out(emitted, [each for each in counted.joules if each[0] == component]):
            rows[account[place]].grams += grams


def _sums(columns: Iterable[Sequence[float]]) -> list[float]:
    return list(map(fsum, zip(*columns, strict=True)))


def _largest(columns: Iterable[Sequence[float]]) -> Iterator[float]:
    return map(max, zip(*columns, strict=True))

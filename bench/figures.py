"""What a benchmark found: pairs of samples and the goal they are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Goal:
    """The floor to beat and what is hoped for; `more` where larger is better."""

    bar: float
    stretch: float
    more: bool = False

    def verdict(self, value: float) -> str:
        """What `value` reaches: `stretch`, `bar` or `missed`."""
        if self._reaches(value, self.stretch):
            return "stretch"
        return "bar" if self._reaches(value, self.bar) else "missed"

    def _reaches(self, value: float, limit: float) -> bool:
        return value >= limit if self.more else value <= limit


@dataclass(frozen=True)
class Figure:
    """One measured thing in `unit`: samples of ours and, of the same rounds, theirs (none where nothing compares).

    What is `counted` is the same at each run, however busy the machine is, and less is better.
    """

    row: str
    title: str
    unit: str
    ours: Sequence[float]
    theirs: Sequence[float] = ()
    goal: Goal | None = None
    note: str = ""
    counted: bool = False

    @property
    def samples(self) -> list[float]:
        """What is judged: the ratio of each pair, or ours alone."""
        if not self.theirs:
            return list(self.ours)
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def value(self) -> float:
        """The median of `samples`."""
        return median(self.samples)

    @property
    def verdict(self) -> str:
        """What the figure reaches of its goal."""
        return self.goal.verdict(self.value) if self.goal else ""


@dataclass(frozen=True)
class Table:
    """Figures with columns of their own."""

    row: str
    title: str
    head: tuple[str, ...]
    lines: Sequence[tuple[str | float, ...]]


class MissingProgramError(Exception):
    """A program to compare with is not installed."""

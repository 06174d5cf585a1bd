"""Chosen series of a page in Prometheus' text format.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

LONGEST_LINE = 16_384  # characters
_AFTER_A_NAME = frozenset("{ \t")


@dataclass(frozen=True)
class Wanted:
    """A series by its name and some of its labels: `chain_head_block` or `txs{state="pending"}`."""

    name: str
    labels: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Wanted:
        """Raises `ValueError` for what is no series."""
        name, _, rest = text.strip().partition("{")
        try:
            ((found, labels, _),) = _samples(f"{text.strip()} 1")
        except ValueError:
            raise ValueError(f'{text[:100]!r} is no series: write name or name{{label="value"}}') from None
        if found != name.strip() or (rest and not rest.endswith("}")):
            raise ValueError(f'{text[:100]!r} is no series: write name or name{{label="value"}}')
        return cls(found, frozenset(labels.items()))

    def takes(self, labels: Mapping[str, str]) -> bool:
        """Whether a series of this name, with these labels, is meant."""
        return self.labels <= labels.items()


def read_page(page: bytes, wanted: Collection[Wanted]) -> dict[Wanted, float]:
    """The sum of the series that each of `wanted` takes; what is not there is absent, and so is NaN.

    Raises `ValueError` where a line that is wanted cannot be read. Other lines are not looked at.
    """
    by_name: dict[str, set[Wanted]] = defaultdict(set)
    for each in wanted:
        by_name[each.name].add(each)
    sums: dict[Wanted, float] = defaultdict(float)
    for name, labels, value in _lines(page.decode("utf-8", "replace"), by_name):
        for each in by_name[name]:
            if each.takes(labels) and isfinite(value):
                sums[each] += value
    return sums


def _lines(page: str, names: Collection[str]) -> Iterator[tuple[str, Mapping[str, str], float]]:
    starts = tuple(names)
    for raw in page.split("\n"):
        line = raw.strip()
        if not starts or not line.startswith(starts) or len(line) > LONGEST_LINE:
            continue
        name = _name_of(line)
        if name in names:
            yield from _samples(line)


def _name_of(line: str) -> str:
    end = next((place for place, letter in enumerate(line) if letter in _AFTER_A_NAME), len(line))
    return line[:end]


def _samples(line: str) -> list[tuple[str, Mapping[str, str], float]]:
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - only where a page is read

    try:
        families = list(text_string_to_metric_families(line + "\n"))
    except Exception:  # noqa: BLE001 - the parser raises what its parts raise, IndexError too
        raise ValueError(f"{line[:60]!r} is no line of Prometheus' text format") from None
    return [(sample.name, sample.labels, float(sample.value)) for family in families for sample in family.samples]

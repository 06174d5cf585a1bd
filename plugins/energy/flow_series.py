"""What other collectors publish that says where power comes from and goes to, found by what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from collector_core import Published, Series, TopicsSelector

_WANTED = (
    ("power", "gpu"),
    ("power", "vm"),
    ("power", "solar"),
    ("dc_power", "solar"),
    ("dc_power", "plug"),
    ("power", "home"),
    ("power", "plug"),
    ("power", "ups"),
    ("power", "ev_charger"),
    ("import_power", "grid"),
    ("export_power", "grid"),
    ("input_power", "battery"),
    ("output_power", "battery"),
    ("ac_input_power", "battery"),
    ("home_power", "battery"),
    ("capacity", "battery"),
    ("charge", "battery"),
    ("charge_power", "battery"),
    ("discharge_power", "battery"),
    ("energy", "workload"),
    ("made_with", "work"),
    ("input_power", "ups"),
    ("charge", "ups"),
)
_NAMES = ("name", "device", "vm", "gpu", "plug", "ups")
_NO_NAMES = frozenset({"demo", "host", "uuid", "model"})


class Found(NamedTuple):
    """A series and its value now."""

    series: Series
    value: float

    @property
    def labels(self) -> Mapping[str, str]:
        """The series' labels."""
        return self.series.labels

    @property
    def name(self) -> str:
        """What people call the thing that it is about."""
        return thing_name(self.labels)


def thing_name(labels: Mapping[str, str]) -> str:
    """The label that tells one thing from others of its kind."""
    named = next((labels[label] for label in _NAMES if labels.get(label)), "")
    return named or next((value for label, value in labels.items() if value and label not in _NO_NAMES), "")


class FlowSeries:
    """Looks through what is published."""

    def __init__(self) -> None:
        self._chooser = TopicsSelector(_WANTED)

    def read(self, published: Iterable[Published]) -> Mapping[tuple[str, str], Sequence[Found]]:
        """The series by topic and by what they are of."""
        found: dict[tuple[str, str], list[Found]] = {about: [] for about in _WANTED}
        for series, value in self._chooser.select(published):
            found[series.topic, series.of].append(Found(series, value))
        return found


def by_name(found: Iterable[Found]) -> dict[str, float]:
    """Watts by the name of the thing, those of one name together."""
    watts: dict[str, float] = {}
    for each in found:
        watts[each.name] = watts.get(each.name, 0.0) + each.value
    return watts


def hosts_of(found: Iterable[Found]) -> Iterator[tuple[str, Found]]:
    """Series that say which host they are of."""
    return ((each.labels["host"], each) for each in found if each.labels.get("host"))

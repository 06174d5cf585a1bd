"""What the rules say of the series that are published now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from collector_core import Published, Selector, Series
from collector_plugins.alerts.alert import INSTANCE, NAME, SEVERITY, Alert, identity
from collector_plugins.alerts.machine import Sighting, Terms
from collector_plugins.alerts.ruleoptions import COMPARE, Rule

OWN = (NAME, SEVERITY, INSTANCE)
UNKNOWN = "unknown"
_PLACE = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_]*)\}")


class Watching:
    """Looks at all series that the rules name; `labels` are those of every alert, such as `instance`."""

    def __init__(self, rules: Iterable[Rule], labels: Mapping[str, str]) -> None:
        self._watched = [_Watched(rule, labels) for rule in rules]
        self._reasons = Selector.parse("collector_unavailable_info")

    def look(
        self, published: Sequence[Published], tracked: Mapping[str, object], *, starting: bool
    ) -> dict[str, Sighting]:
        """Every series whose rule holds, and those of `tracked` alerts that are there, by rule and series.

        While it is `starting` no series counts as missing.
        """
        reasons = {series.labels.get("collector", ""): series.labels for series, _ in self._reasons.select(published)}
        found: dict[str, Sighting] = {}
        for watched in self._watched:
            if watched.rule.absent:
                found.update(watched.missing(published, starting=starting))
            else:
                found.update(watched.look(published, tracked, reasons))
        return found


class _Watched:
    def __init__(self, rule: Rule, labels: Mapping[str, str]) -> None:
        self.rule = rule
        self._labels = labels
        self._selector = Selector.parse(rule.series)
        self._terms = Terms(rule.hold, rule.keep_firing)

    def look(
        self, published: Sequence[Published], tracked: Mapping[str, object], reasons: Mapping[str, Mapping[str, str]]
    ) -> Iterator[tuple[str, Sighting]]:
        comparison, threshold = self.rule.test
        compare = COMPARE[comparison]
        for series, value in self._selector.select(published):
            holds = compare(value, threshold)
            key = f"{self.rule.alert}\n{series.text}"
            if holds or key in tracked:
                reason = reasons.get(series.labels.get("collector", ""), {}).get("reason", UNKNOWN)
                make = partial(self._alert, series, value, {"reason": reason})
                yield key, Sighting(self.rule.alert, self._terms, make, holds)

    def missing(self, published: Sequence[Published], *, starting: bool) -> Iterator[tuple[str, Sighting]]:
        holds = not starting and next(self._selector.select(published), None) is None
        key = f"{self.rule.alert}\n{self.rule.series}"
        yield key, Sighting(self.rule.alert, self._terms, partial(self._alert, None, None, {}), holds)

    def _alert(self, series: Series | None, value: float | None, extra: Mapping[str, str], starts_at: float) -> Alert:
        labels = self._all_labels(series.labels if series else {})
        words = {**extra, **labels, "value": f"{value:g}" if value is not None else "absent"}
        rule = self.rule
        return Alert(
            id=identity(labels),
            labels=labels,
            starts_at=starts_at,
            summary=fill(rule.summary, words) or self._plainly(series, value),
            description=fill(rule.description, words),
            fix=fill(rule.fix, words),
            value=value,
        )

    def _all_labels(self, of_series: Mapping[str, str]) -> dict[str, str]:
        """Labels of the series, except that ours win; what they hide is `exported_…`, as in Prometheus."""
        ours = {**self._labels, **self.rule.labels, NAME: self.rule.alert, SEVERITY: self.rule.severity.value}
        theirs = {f"exported_{name}" if name in ours else name: text for name, text in of_series.items()}
        return {name: text for name, text in sorted({**theirs, **ours}.items()) if text}

    def _plainly(self, series: Series | None, value: float | None) -> str:
        if series is None:
            return f"{self.rule.series} is missing"
        comparison, threshold = self.rule.test
        return f"{series.text} is {value:g} ({comparison} {threshold:g})"


def fill(text: str, words: Mapping[str, str]) -> str:
    """`{word}` replaced where the word is known; nothing else is special."""
    return _PLACE.sub(lambda found: words.get(found[1], found[0]), text)

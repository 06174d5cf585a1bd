"""Which series somebody means: `system_cpu_*{cpu=~"0|1"}`, as in PromQL, with `*` in the name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate

from collector_core.model.bounded_regex import Matches, compile_bounded
from collector_core.model.families import Family
from collector_core.model.labels import label_text
from collector_core.model.metrics import Metric
from collector_core.model.published import Published
from collector_core.model.series import MetricChooser, Series

_NAME = re.compile(r"[a-zA-Z_:*][a-zA-Z0-9_:*]*")
_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(,|(?=\}))')
_ESCAPED = re.compile(r'\\([\\"n])')
_NAME_LABEL = "__name__"  # what PromQL calls the name of a series where it stands among the labels
MAX_NAMES_KEPT = 1000
_META = (_NAME_LABEL, "__topic__", "__of__")  # of the metric, not of the series


@dataclass(frozen=True, slots=True)
class _Matcher:
    """One condition on a label, or on one of `_META`; what is missing is empty, as in PromQL."""

    label: str
    matches: Matches
    wanted: bool

    def __call__(self, labels: Mapping[str, str]) -> bool:
        return bool(self.matches(labels.get(self.label, ""))) is self.wanted


class Selector(MetricChooser):
    """Chooses among published series; made by `Selector.parse`. Equal where the text is."""

    def __init__(self, text: str, matchers: Sequence[_Matcher]) -> None:
        super().__init__()
        self.text = text
        self._of_metric = [matcher for matcher in matchers if matcher.label in _META]
        self._of_labels = [matcher for matcher in matchers if matcher.label not in _META]
        self._of_names: dict[tuple[str, ...], bool] = {}
        self._may_mean_foreign = all(matcher({}) for matcher in self._of_metric if matcher.label != _NAME_LABEL)

    @classmethod
    def parse(cls, text: str) -> Selector:
        """Read `name`, `name{label="value"}` and so on; raises `ValueError` that says where it is wrong.

        Matchers are `=`, `!=`, `=~` and `!~`, regular expressions are anchored (Python's dialect) and match in bounded
        time, so that a selector may come from anybody; `*` in the name stands for any characters. `{…}` alone is any
        name. Among the labels `__name__` is the name, and `__topic__` and `__of__` say what the metric is about:
        `{__topic__="power",__of__="gpu"}`.
        """
        text = text.strip()
        found = _NAME.match(text)
        end = found.end() if found else 0
        name = [_Matcher(_NAME_LABEL, re.compile(translate(found[0])).fullmatch, wanted=True)] if found else []
        rest = text[end:].lstrip()
        if not found and not rest:
            raise ValueError("a selector is empty; write a metric's name, e.g. system_cpu_usage_ratio")
        return cls(text, [*name, *(_matchers(text, len(text) - len(rest)) if rest else ())])

    def matches(self, name: str, labels: Mapping[str, str], *, topic: str = "", of: str = "") -> bool:
        """Whether a series with this name and all these labels, whose metric is about `topic` of `of`, is meant."""
        return self._means_name(name, topic, of) and self._means_labels(labels)

    def means(self, series: Series) -> bool:
        """Whether the series is meant."""
        return self.matches(series.name, series.labels, topic=series.topic, of=series.of)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selector) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Selector.parse({self.text!r})"

    def _means_metric(self, metric: Metric) -> bool:
        return self._means_name(metric.name, metric.topic, metric.of)

    def _means_name(self, *meta: str) -> bool:
        """Many series share a name, so that it is looked at once."""
        found = self._of_names.get(meta)
        if found is None:
            if len(self._of_names) >= MAX_NAMES_KEPT:
                self._of_names.clear()
            known = dict(zip(_META, meta, strict=True))
            found = self._of_names[meta] = all(matcher(known) for matcher in self._of_metric)
        return found

    def _means_labels(self, labels: Mapping[str, str]) -> bool:
        return all(matcher(labels) for matcher in self._of_labels)

    def _foreign(self, published: Published, family: Family) -> Iterator[tuple[Series, float]]:
        if not self._may_mean_foreign:
            return
        names = {sample.name for sample in family.samples}
        meant = {name for name in names if self._means_name(name, "", "")}
        for sample in family.samples if meant else ():
            if sample.name not in meant:
                continue
            labels = {**published.labels, **dict(sample.labels)}
            if self._means_labels(labels):
                about = (family.type, family.unit, family.documentation, published.source)
                yield Series(sample.name + label_text(labels), sample.name, labels, *about), sample.value


def _matchers(text: str, start: int) -> list[_Matcher]:
    """What stands in braces from `start` to the end of `text`."""
    if text[start] != "{" or not text.endswith("}"):
        raise ValueError(f'{text!r}: expected {{label="value"}} at position {start}')
    place, found = start + 1, list[_Matcher]()
    while text[place:].strip() != "}":
        match = _MATCHER.match(text, place)
        if match is None:
            raise ValueError(f'{text!r}: expected label="value" at position {place}')
        found.append(_matcher(text, match))
        place = match.end()
    return found


def _matcher(text: str, match: re.Match[str]) -> _Matcher:
    label, operator = match[1], match[2]
    value = _ESCAPED.sub(lambda escaped: escaped[1].replace("n", "\n"), match[3])
    if "~" not in operator:
        return _Matcher(label, value.__eq__, wanted=operator == "=")
    try:
        return _Matcher(label, compile_bounded(value), wanted=operator == "=~")
    except ValueError as error:
        raise ValueError(f"{text!r}: {value!r} at position {match.start(3)}: {error}") from None

"""Evaluates the rules against everything that is published now."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from collector_core import Published, Selector, Series
from collector_plugins.alerts.alert import ALERTNAME, SEVERITY, Alert, fingerprint
from collector_plugins.alerts.alert_state import AlertTiming, Evaluation
from collector_plugins.alerts.rule_options import OPERATORS, Rule

UNKNOWN_REASON = "unknown"
MAX_FACTS = 3  # sentences about one series in one text
_PLACEHOLDER = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_]*)(?:\|([^{}]*))?\}")


class RuleEvaluator:
    """Holds the rules, with their selectors parsed; every alert gets `labels`, such as `instance`."""

    def __init__(self, rules: Iterable[Rule], labels: Mapping[str, str]) -> None:
        self._rules = [_ParsedRule(rule, labels) for rule in rules]
        self._unavailable = Selector.parse("collector_unavailable_info")
        self._infos = {parsed.rule.info: Selector.parse(parsed.rule.info) for parsed in self._rules if parsed.rule.info}

    def evaluate_rules(
        self, published: Sequence[Published], tracked: Collection[str], *, starting: bool
    ) -> dict[str, Evaluation]:
        """Evaluations by rule and series: of series for which a rule holds, and of those that are `tracked` anyway.

        While the program is `starting`, nobody knows whether a series is absent.
        """
        unavailable = (series.labels for series, _ in self._unavailable.select(published))
        reasons = {labels.get("collector", ""): labels.get("reason", UNKNOWN_REASON) for labels in unavailable}
        facts = {text: [info.labels for info, _ in each.select(published)] for text, each in self._infos.items()}
        found: dict[str, Evaluation] = {}
        for parsed in self._rules:
            if parsed.rule.absent:
                found.update(parsed.evaluate_absence(published, starting=starting))
            else:
                known = facts.get(parsed.rule.info, ())
                found.update(parsed.evaluate_series(published, tracked, reasons, known))
        return found


class _ParsedRule:
    def __init__(self, rule: Rule, labels: Mapping[str, str]) -> None:
        self.rule = rule
        self._labels = labels
        self._selector = Selector.parse(rule.series)
        self._timing = AlertTiming(rule.hold, rule.keep_firing)

    def evaluate_series(
        self,
        published: Sequence[Published],
        tracked: Collection[str],
        reasons: Mapping[str, str],
        facts: Sequence[Mapping[str, str]],
    ) -> Iterator[tuple[str, Evaluation]]:
        comparison, threshold = self.rule.condition
        compare = OPERATORS[comparison]
        for series, value in self._selector.select(published):
            holds = compare(value, threshold)
            key = f"{self.rule.alert}\n{series.text}"
            if holds or key in tracked:
                reason = reasons.get(series.labels.get("collector", ""), UNKNOWN_REASON)
                words = {"reason": reason, "title": series.heading, **_facts_about(series, facts)}
                make_alert = partial(self._make_alert, series, value, words)
                yield key, Evaluation(self.rule.alert, self._timing, make_alert, holds)

    def evaluate_absence(self, published: Sequence[Published], *, starting: bool) -> Iterator[tuple[str, Evaluation]]:
        absent = next(self._selector.select(published), None) is None
        if absent and starting:
            return  # nobody knows yet
        key = f"{self.rule.alert}\n{self.rule.series}"
        yield key, Evaluation(self.rule.alert, self._timing, partial(self._make_alert, None, None, {}), absent)

    def _make_alert(
        self, series: Series | None, value: float | None, extra: Mapping[str, str], starts_at: float
    ) -> Alert:
        labels = self._alert_labels(series.labels if series else {})
        words = {**extra, **labels, "value": f"{value:g}" if value is not None else "absent"}
        rule = self.rule
        return Alert(
            id=fingerprint(labels),
            labels=labels,
            starts_at=starts_at,
            summary=fill_placeholders(rule.summary, words) or self._default_summary(series, value),
            description=fill_placeholders(rule.description, words),
            fix=fill_placeholders(rule.fix, words),
            value=value,
        )

    def _alert_labels(self, of_series: Mapping[str, str]) -> dict[str, str]:
        """The series' labels and ours; where both exist ours win and the other is `exported_…`, as in Prometheus."""
        ours = {**self._labels, **self.rule.labels, ALERTNAME: self.rule.alert, SEVERITY: self.rule.severity.value}
        theirs = {f"exported_{name}" if name in ours else name: text for name, text in of_series.items()}
        return {name: text for name, text in sorted({**theirs, **ours}.items()) if text}

    def _default_summary(self, series: Series | None, value: float | None) -> str:
        if series is None:
            return f"{self.rule.series} is missing"
        comparison, threshold = self.rule.condition
        return f"{series.text} is {value:g} ({comparison} {threshold:g})"


def fill_placeholders(text: str, words: Mapping[str, str]) -> str:
    """Replace `{word}`, and `{word|what else}`, where the word is known or something else is given."""
    return _PLACEHOLDER.sub(lambda found: words.get(found[1]) or found[2] or words.get(found[1], found[0]), text)


def _facts_about(series: Series, facts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """By label, what those facts say that have labels of the series and agree in all of them."""
    own = {label: text for label, text in series.labels.items() if text}
    said: dict[str, list[str]] = {}
    for fact in facts:
        told = {label: text for label, text in fact.items() if text}
        shared = own.keys() & told.keys()
        if shared and all(own[label] == told[label] for label in shared):
            for label in told.keys() - own.keys():
                texts = said.setdefault(label, [])
                if told[label] not in texts:
                    texts.append(told[label])
    return {label: _joined(texts) for label, texts in said.items()}


def _joined(texts: Sequence[str]) -> str:
    more = f" … and {len(texts) - MAX_FACTS} more" if len(texts) > MAX_FACTS else ""
    return "; ".join(texts[:MAX_FACTS]) + more

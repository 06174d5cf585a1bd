"""What a PromQL expression asks for, and the labels of what it gives, by the metrics that are declared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import promql_parser as promql

LABELS_OF_A_TARGET = frozenset({"job", "instance", "demo"})
SET_OPERATORS = ("or",)
NAME = "__name__"
KEEP_LABELS = ("topk", "bottomk")

Labels = frozenset[str]
Declared = Mapping[str, Labels]


def metrics_in(expression: str) -> set[str]:
    """Names of the metrics that the expression reads."""
    found: set[str] = set()

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector) and node.name:
            found.add(node.name)

    promql.walk(parse(expression), visit)
    return found


def parse(expression: str) -> promql.Expr:
    """Parse PromQL as panels have it, with Grafana's variables. Raises ValueError."""
    timed = re.sub(r"\$__(rate_interval|interval|range)\b", "5m", expression)
    return promql.parse(timed)


@dataclass
class Reading:
    """Walks an expression; `problems` names metrics and labels that nobody declares."""

    declared: Declared
    problems: list[str] = field(default_factory=list)

    def labels(self, node: promql.Expr) -> Labels:
        """Labels that the series of a part of an expression may have."""
        match node:
            case promql.VectorSelector():
                return self._selected(node)
            case promql.AggregateExpr():
                return self._aggregated(node)
            case promql.BinaryExpr():
                return self._joined(node)
            case promql.Call():
                return self._called(node)
            case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr() | promql.MatrixSelector():
                return self.labels(getattr(node, "expr", None) or node.vector_selector)
        return frozenset()

    def _selected(self, node: promql.VectorSelector) -> Labels:
        if not node.name:
            return self._selected_by_pattern(node)
        if node.name not in self.declared:
            self.problems.append(f"no metric is called {node.name}")
            return frozenset()
        labels = self.declared[node.name] | LABELS_OF_A_TARGET
        self._expect({matcher.name for matcher in node.matchers.matchers}, labels, f"a selector of {node.name}")
        return labels

    def _selected_by_pattern(self, node: promql.VectorSelector) -> Labels:
        """Labels of all metrics whose names fit; a variable of Grafana fits any."""
        named = [each for each in node.matchers.matchers if each.name == NAME and "$" not in each.value]
        fitting = [name for name in self.declared if all(_fits(each, name) for each in named)]
        if not fitting:
            self.problems.append(f"no metric fits {node.prettify()}")
        return frozenset({NAME}).union(LABELS_OF_A_TARGET, *(self.declared[name] for name in fitting))

    def _aggregated(self, node: promql.AggregateExpr) -> Labels:
        inner = self.labels(node.expr)
        if node.modifier is None:
            return inner if str(node.op) in KEEP_LABELS else frozenset()
        named = frozenset(node.modifier.labels)
        self._expect(named, inner, f"{node.op} over {sorted(metrics_in(node.expr.prettify()))}")
        return named if node.modifier.type == promql.AggModifierType.By else inner - named

    def _joined(self, node: promql.BinaryExpr) -> Labels:
        left, right = self.labels(node.lhs), self.labels(node.rhs)
        if str(node.op) in SET_OPERATORS:
            return left | right
        modifier = node.modifier
        matching = modifier.matching if modifier else None
        if matching is not None and matching.type == promql.LabelModifierType.Include:
            for side in (left, right):
                self._expect(set(matching.labels), side, f"on ({', '.join(matching.labels)})")
        group = frozenset((modifier.group_labels if modifier else None) or ())
        if group:
            many, one = (left, right) if modifier.card == promql.VectorMatchCardinality.ManyToOne else (right, left)
            self._expect(group, one, f"group ({', '.join(sorted(group))})")
            return many | group
        return left or right

    def _called(self, node: promql.Call) -> Labels:
        inner = [self.labels(each) for each in node.args if isinstance(each, promql.Expr) or hasattr(each, "prettify")]
        if node.func.name in ("absent", "absent_over_time", "scalar", "vector", "time"):
            return frozenset()
        return frozenset().union(*inner)

    def _expect(self, named: set[str] | Labels, there: Labels, where: str) -> None:
        self.problems += [f"{where} names the label {label}, which is not there" for label in sorted(named - there)]


def _fits(matcher: promql.Matcher, name: str) -> bool:
    equal = matcher.op in (promql.MatchOp.Equal, promql.MatchOp.Re)
    return (re.fullmatch(matcher.value, name) is not None) is equal


def problems_of(expression: str, declared: Declared) -> list[str]:
    """Metrics and labels in the expression that nobody declares; what cannot be parsed is a problem too."""
    try:
        node = parse(expression)
    except ValueError as error:
        return [f"{error}: {expression}"]
    reading = Reading(declared)
    reading.labels(node)
    return reading.problems


def labels_of(expression: str, declared: Declared) -> Labels:
    """Labels that the series of the expression may have."""
    return Reading(declared).labels(parse(expression))

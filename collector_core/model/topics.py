"""Which series are about something: by what their declarations say, whoever publishes them."""

from __future__ import annotations

from collections.abc import Iterable

from collector_core.model.metrics import Metric
from collector_core.model.series import MetricChooser


class TopicSelector(MetricChooser):
    """Chooses the published series about `topic`, of `of` or of anything: `TopicSelector("power", of="gpu")`.

    Both are words as in `Metric`; without a `topic` every series is chosen that has one. Families of foreign code say
    nothing of that kind and are never chosen.
    """

    def __init__(self, topic: str | None = None, *, of: str | None = None) -> None:
        super().__init__()
        self.topic = topic
        self.of = of

    def __repr__(self) -> str:
        return f"TopicSelector({self.topic!r}, of={self.of!r})"

    def _means_metric(self, metric: Metric) -> bool:
        return bool(metric.topic) and self.topic in (None, metric.topic) and self.of in (None, metric.of)


class TopicsSelector(MetricChooser):
    """Chooses the published series about any of several things, in one pass: pairs of a topic and what it is of."""

    def __init__(self, wanted: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self.wanted = frozenset(wanted)

    def __repr__(self) -> str:
        return f"TopicsSelector({sorted(self.wanted)!r})"

    def _means_metric(self, metric: Metric) -> bool:
        return (metric.topic, metric.of) in self.wanted

"""Incidents that last: which series they cover, what joins them, and when they are over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from collector_plugins.anomaly.detector.component_detector import ComponentDetector
from collector_plugins.anomaly.detector.value_rules import ZERO
from collector_plugins.anomaly.incidents.incident import MUTED, Incident, Kind
from collector_plugins.anomaly.incidents.severity import floor_of, severity_of
from collector_plugins.anomaly.incidents.symptoms import DRIFT, MISSING, TYPES_OF_RULES, Symptom, family_of
from collector_plugins.anomaly.series.watched_series import WatchedSeries

CALM_SIZE = 3.0  # robust scales
CALM_SCORE = 0.5
CALM_ROWS = 3
SHORTEST_ROWS = 5  # an incident is shown for at least this long, so that no scrape misses it
LONGEST_ROWS = 1440  # of what detectors find; by then the unusual has become usual
MERGE_ROWS = 10  # what begins this soon after an incident of the component belongs to it
WAIT_ROWS = 10  # after a restart, for the series of what lasted before


@dataclass(eq=False)
class ActiveIncident:
    """One incident that lasts, followed by its leading series; by `component` where that is unusual as a whole."""

    incident: Incident
    lead: WatchedSeries
    component: ComponentDetector | None = None
    members: set[str] = field(default_factory=set)
    rows: int = 0
    calm_rows: int = 0

    def accepts(self, component: str, family: str) -> bool:
        """Whether what begins now in `component` belongs to this one."""
        same = self.incident.component == component and family_of(self.incident.type) == family
        return same and self.rows <= MERGE_ROWS

    def join(self, symptoms: Collection[Symptom]) -> None:
        """Take more series in; the severity may rise."""
        texts = [symptom.series for symptom in symptoms]
        self.members.update(texts)
        self.incident.add_related(texts)
        size = max(abs(symptom.watched.size) for symptom in symptoms)
        severity = severity_of(size, len(self.members) - 1, floor_of(self.incident.type))
        self.incident.severity = max(self.incident.severity, severity)

    def close_row(self) -> None:
        """Count the row that was just closed."""
        self.rows += 1
        self.calm_rows = self.calm_rows + 1 if self._is_calm() else 0

    @property
    def is_over(self) -> bool:
        """Whether it has been calm for long enough, or has lasted too long to be unusual."""
        if self.incident.type in TYPES_OF_RULES:
            return self.calm_rows >= 1 and self.rows >= SHORTEST_ROWS
        return self.rows >= LONGEST_ROWS or (self.calm_rows >= CALM_ROWS and self.rows >= SHORTEST_ROWS)

    def _is_calm(self) -> bool:
        anomaly_type, lead = self.incident.type, self.lead
        if anomaly_type == MISSING:
            return lead.rows_missed == 0
        if anomaly_type == DRIFT:
            return lead.trend.drift is None
        if anomaly_type == ZERO:
            return lead.value is not None and lead.value != 0.0
        if anomaly_type in TYPES_OF_RULES:
            return lead.rules.active != anomaly_type
        verdict = self.component.verdict if self.component else lead.verdict
        return verdict is not None and abs(verdict.size or 0.0) < CALM_SIZE and verdict.score < CALM_SCORE


class ActiveIncidents:
    """All incidents that last."""

    def __init__(self) -> None:
        self._active: list[ActiveIncident] = []
        self._interrupted: list[Incident] = []
        self._waited_rows = 0
        self._kinds_seen: set[Kind] = set()

    def __iter__(self) -> Iterator[ActiveIncident]:
        return iter(self._active)

    def shown(self) -> list[Incident]:
        """All that nobody has muted; what is muted is followed until it is over, so that it does not begin again."""
        lasting = [*self._interrupted, *(active.incident for active in self._active)]
        return [incident for incident in lasting if incident.outcome != MUTED]

    def interrupt(self, incidents: Iterable[Incident]) -> None:
        """Let those that lasted before a restart wait until their leading series is watched again."""
        self._interrupted += incidents

    def resume(self, watched: WatchedSeries) -> None:
        """Go on with those that wait for this series."""
        found = [incident for incident in self._interrupted if incident.series == watched.series.text]
        for incident in found:
            self._interrupted.remove(incident)
            members = {incident.series, *incident.related}
            self.add(ActiveIncident(incident, watched, members=members, rows=MERGE_ROWS + 1))

    def add(self, active: ActiveIncident) -> None:
        """Follow one that begins."""
        self._active.append(active)

    def covers(self, series: str, rule: str) -> bool:
        """Whether what this rule says of a series is part of one already; a drift of months hides nothing else."""
        covering = (active.incident.type for active in self._active if series in active.members)
        return any(rule == DRIFT or anomaly_type != DRIFT for anomaly_type in covering)

    def find(self, component: str, family: str) -> ActiveIncident | None:
        """The first to which something that begins now belongs."""
        return next((active for active in self._active if active.accepts(component, family)), None)

    def close_row(self, when: float, watched: Collection[str]) -> None:
        """End those that are over at `when`, and those whose leading series is not among `watched` any more."""
        self._waited_rows += 1
        if self._waited_rows > WAIT_ROWS:
            for incident in self._interrupted:
                incident.ended = when
            self._interrupted.clear()
        for active in self._active:
            active.close_row()
            if active.is_over or active.incident.series not in watched:
                active.incident.ended = when
        self._active = [active for active in self._active if active.incident.ended is None]

    def count_by_kind(self, others: Iterable[Incident] = ()) -> Counter[Kind]:
        """How many of each kind last, including `others`; 0 for a kind of which there was one before."""
        counts = Counter(incident.kind for incident in [*self.shown(), *others])
        self._kinds_seen |= counts.keys()
        return Counter({kind: counts[kind] for kind in self._kinds_seen})

"""Turns the symptoms of each row into incidents: begins them, lets later symptoms join, and ends them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from collector_plugins.anomaly.detector.component_detector import SECOND_SIZE, ComponentDetector
from collector_plugins.anomaly.incidents.active_incidents import ActiveIncident, ActiveIncidents
from collector_plugins.anomaly.incidents.catalogue import actions_for
from collector_plugins.anomaly.incidents.incident import Incident
from collector_plugins.anomaly.incidents.incident_store import IncidentStore
from collector_plugins.anomaly.incidents.messages import describe_anomaly, describe_company, observe
from collector_plugins.anomaly.incidents.severity import NEUTRAL_SIZE, floor_of, severity_of
from collector_plugins.anomaly.incidents.symptoms import MULTIVARIATE, TYPES_OF_RULES, Symptom
from collector_plugins.anomaly.series.watched_series import WatchedSeries


class IncidentTracker:
    """All incidents: those that last in `active`, the most recent ones in `store`."""

    def __init__(self, limit: int) -> None:
        self.active = ActiveIncidents()
        self.store = IncidentStore(limit)

    def restore(self, incidents: Sequence[Incident]) -> None:
        """Take over those of before a restart, the oldest first; those that lasted then go on."""
        self.store.restore(incidents)
        self.active.interrupt(each for each in incidents if each.ended is None)

    def record_symptoms(
        self,
        symptoms: Sequence[Symptom],
        when: float,
        watched: Mapping[str, WatchedSeries],
        components: Mapping[str, ComponentDetector],
    ) -> list[Incident]:
        """Take the symptoms of a row that ended at `when`; returns the incidents that begin with it.

        Symptoms of one component and family are one incident, and belong to one that began at most ten rows before.
        """
        begun = []
        groups: dict[tuple[str, str], list[Symptom]] = defaultdict(list)
        for symptom in symptoms:
            groups[symptom.watched.component, symptom.family].append(symptom)
        for (component, family), group in groups.items():
            active = self.active.find(component, family)
            if active:
                active.join(group)
                continue
            lead = max(group, key=_importance)
            related = _related_series(lead, group, symptoms, watched.values())
            incident = _incident(lead, related, when)
            detector = components.get(component) if lead.type == MULTIVARIATE else None
            members = {symptom.series for symptom in group}
            self.active.add(ActiveIncident(incident, lead.watched, detector, members))
            self.store.add(incident)
            begun.append(incident)
        return begun

    def close_row(self, when: float, watched: Collection[str]) -> None:
        """End what is over at `when`; `watched` are the series that are still watched."""
        self.active.close_row(when, watched)


def _importance(symptom: Symptom) -> tuple[bool, float]:
    """A component as a whole leads before a single series, then the larger size."""
    return symptom.type == MULTIVARIATE, abs(symptom.watched.size)


def _related_series(
    lead: Symptom, group: Sequence[Symptom], symptoms: Sequence[Symptom], watched: Collection[WatchedSeries]
) -> list[str]:
    """The other unusual series of the row, those of the same component first; of a whole component, its members too."""
    members = []
    if lead.type == MULTIVARIATE:
        component = lead.watched.component
        members = [each for each in watched if each.component == component and abs(each.size) >= SECOND_SIZE]
    unusual = [*(each.watched for each in group), *members, *(each.watched for each in symptoms)]
    return [text for text in dict.fromkeys(each.series.text for each in unusual) if text != lead.series]


def _incident(lead: Symptom, related: Sequence[str], when: float) -> Incident:
    watched, anomaly_type = lead
    score, size = (watched.verdict.score, abs(watched.size)) if watched.verdict else (1.0, 0.0)
    graded = NEUTRAL_SIZE if anomaly_type in TYPES_OF_RULES else size
    incident = Incident(
        when,
        anomaly_type,
        severity_of(graded, len(related), floor_of(anomaly_type)),
        watched.component,
        watched.series.text,
        describe_anomaly(anomaly_type, observe(watched, when)) + describe_company(anomaly_type, len(related)),
        score,
        watched.value,
        watched.expected,
        actions=actions_for(watched.component, anomaly_type),
    )
    incident.add_related(related)
    return incident

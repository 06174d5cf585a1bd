"""What the status page shows of anomalies: those that are active, the recent ones, and how right they were."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from collector_core import PageLink, PageSection, PageTable
from collector_plugins.anomaly import api
from collector_plugins.anomaly.german import GERMAN
from collector_plugins.anomaly.incidents.incident import Incident
from collector_plugins.anomaly.incidents.track_record import summary_of

MAX_SHOWN = 10
MAX_TEXT = 1000  # characters of a cell
COLUMNS = ("since", "what", "what to do", "severity", "state", "id")


def section(latest: Sequence[Incident], record: Mapping[str, Any]) -> PageSection:
    """The section, of incidents with the newest first, and what `TrackRecord.to_json` returns."""
    rows = [_row(each) for each in islice(latest, MAX_SHOWN)]
    return PageSection(
        name="anomalies",
        page="events",
        translations={"de": GERMAN},
        title="Anomalies",
        note=summary_of(record),
        text="" if rows else "No anomaly was seen.",
        tables=[PageTable(columns=COLUMNS, rows=rows)] if rows else [],
        links=[PageLink(text="anomalies", path=api.PATH), PageLink(text="record", path=api.RECORD_PATH)],
    )


def _row(incident: Incident) -> list[str]:
    state = incident.outcome or ("active" if incident.ended is None else "over")
    texts = (incident.description, "; ".join(incident.actions))
    shown = (text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…" for text in texts)
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(incident.time))
    return [since, *shown, str(incident.severity), state, incident.id]

"""What the page of events shows of alerts: those that fire."""

from __future__ import annotations

import time
from collections.abc import Sequence

from collector_core import PageLink, PageSection, PageTable
from collector_plugins.alerts import routes
from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.chat.text import shortened
from collector_plugins.alerts.german import GERMAN

MAX_SHOWN = 50
MAX_TEXT = 1000  # characters of a cell
COLUMNS = ("since", "alert", "what", "what to do", "severity")


def section(firing: Sequence[Alert]) -> PageSection:
    """The section, with the alerts that have come last first."""
    latest = sorted(firing, key=lambda alert: alert.starts_at, reverse=True)[:MAX_SHOWN]
    rows = [_row(alert) for alert in latest]
    return PageSection(
        name="alerts",
        page="events",
        translations={"de": GERMAN},
        title="Alerts",
        text="" if rows else "No alert fires.",
        tables=[PageTable(columns=COLUMNS, rows=rows)] if rows else [],
        links=[PageLink(text="alerts", path=routes.PATH)],
    )


def _row(alert: Alert) -> list[str]:
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(alert.starts_at))
    summary, fix = shortened(alert.summary, MAX_TEXT), shortened(alert.fix, MAX_TEXT)
    return [since, alert.name[:MAX_TEXT], summary, fix, alert.severity.value]

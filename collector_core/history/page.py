"""The section of the status page: power of the last day and month, which survives restarts."""

from __future__ import annotations

from collections.abc import Iterator

from collector_core.history.catalogue import KeptSeries
from collector_core.history.energy import BY, energy_of
from collector_core.history.interface import HistoryReader
from collector_core.history.periods import pieces, read_steps
from collector_core.model.page_section import PageChart, PageLink, PageSection
from collector_core.model.quantities import quantity

HOUR = 3_600_000
DAY = 24 * HOUR
JOULES_PER_WATT_HOUR = 3600
GERMAN = {
    "Power of yesterday and before": "Leistung von gestern und davor",
    "Last 24 hours": "Letzte 24 Stunden",
    "Last 30 days": "Letzte 30 Tage",
    "history (JSON)": "Verlauf (JSON)",
}
PERIODS = (("Last 24 hours", DAY, HOUR // 4), ("Last 30 days", 30 * DAY, 6 * HOUR))  # title, length, step


def power_section(store: HistoryReader, now: int) -> PageSection | None:
    """Charts of the machine's power at `now` (milliseconds since 1970); None where nothing of it is kept."""
    charts = [chart for title, length, step in PERIODS if (chart := _chart(store, title, now - length, now, step))]
    links = (PageLink(text="history (JSON)", path="/api/v1/history/series"),)
    section = PageSection(
        name="history",
        title="Power of yesterday and before",
        charts=charts,
        links=links,
        order=1,
        translations={"de": GERMAN},
    )
    return section if charts else None


def _chart(store: HistoryReader, title: str, start: int, now: int, step: int) -> PageChart | None:
    watts = _watts(store, start // step * step, now, step)
    if not watts:
        return None
    times = sorted(watts)
    joules = energy_of(store, start, now, "component")["total"]["joules"]
    return PageChart(
        title=title,
        unit="W",
        times=[min(time + step, now) / 1000 for time in times],
        values=[watts[time] for time in times],
        window=(now - start) / 1000,
        longest_step=2 * step / 1000,
        note=quantity(joules / JOULES_PER_WATT_HOUR, "Wh") if joules else "",
        wide=True,
    )


def _watts(store: HistoryReader, start: int, end: int, step: int) -> dict[int, float]:
    """The mean power of the machine by step: the sum of what counts."""
    watts: dict[int, float] = {}
    parts = pieces(store, start, end, step)
    for number, kept in _series_of_ledger(store):
        for time, summary in read_steps(store, number, kept, parts, step).items():
            if summary.count:
                watts[time] = watts.get(time, 0.0) + summary.mean
    return watts


def _series_of_ledger(store: HistoryReader) -> Iterator[tuple[int, KeptSeries]]:
    found = [
        (number, kept)
        for number, kept in store.catalogue
        if (kept.series.topic, kept.series.of) == ("power", "host") and set(BY) <= set(kept.series.labels)
    ]
    sources = sorted({(kept.series.source != kept.plugin, kept.series.source) for _, kept in found})
    return ((number, kept) for number, kept in found if kept.series.source == sources[0][1])

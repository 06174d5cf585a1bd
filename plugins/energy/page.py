"""The section Power of the status page: watts now by component, each with its chart, and the energy since the start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collector_core import PageChart, PageLink, PageSection, quantity
from collector_core.metering import Component, FlowGraph
from collector_plugins.energy.power_view import TOO_EARLY

PATH = "/api/v1/power"
FLOW_PATH = "/api/v1/energy/flow"
SITE_PATH = "/api/v1/energy/site"
TITLES = {"cpu": "CPU", "dram": "memory", "gpu": "GPU", "host": "whole machine", "psys": "platform"}
GERMAN = {
    "Power": "Leistung",
    "last {} minutes": "letzte {} Minuten",
    "Total": "Gesamt",
    "memory": "Arbeitsspeicher",
    "GPU": "Grafikkarte",
    "whole machine": "ganze Maschine",
    "the rest": "der Rest",
    "platform": "Plattform",
    "estimate": "geschätzt",
    "power (JSON)": "Leistung (JSON)",
    TOO_EARLY: "noch keine Watt: dazu braucht es zwei Messungen einer Quelle",
}
ORDER = 0  # before everything else


def power_section(power: dict[str, Any]) -> PageSection:
    """What `PowerView.data` says, for people; why a run has failed is said by the page itself."""
    history = power["history"]
    return PageSection(
        name="power",
        title="Power",
        note=f"last {history['window_seconds'] / 60:g} minutes",
        text=TOO_EARLY if power["reason"] == TOO_EARLY else "",
        charts=_charts(power) if power["components"] else (),
        links=(PageLink(text="power (JSON)", path=PATH),),
        order=ORDER,
        page="now",
        translations={"de": GERMAN},
    )


def flow_data(graph: FlowGraph, time: float) -> dict[str, Any]:
    """The energy graph as of `time` (seconds since 1970) as JSON."""
    edges = ({"from": edge.source, "to": edge.target, "watts": edge.watts} for edge in graph.edges)
    return {"time": time, "nodes": [node._asdict() for node in graph.nodes], "edges": list(edges)}


def _charts(power: dict[str, Any]) -> Sequence[PageChart]:
    history, components = power["history"], power["components"]
    seconds = power["time"] - power["since_timestamp_seconds"]
    estimated = any(each["estimated"] for each in components.values())
    now = {"watts": power["total_watts"], "joules": power["total_joules"], "estimated": estimated}
    charts = [_chart(power, "Total", now, history["total_watts"], seconds=seconds)]
    for name, each in components.items():
        values = history["watts"].get(name, [None] * len(history["timestamps"]))
        title = "the rest" if name == Component.HOST and len(components) > 1 else TITLES.get(name, name)
        charts.append(_chart(power, title, each, values))
    return charts


def _chart(
    power: dict[str, Any], title: str, now: dict[str, Any], values: Sequence[float | None], seconds: float | None = None
) -> PageChart:
    """`seconds` since the ledger began to count, for the chart that says so."""
    history = power["history"]
    times, values = _with_now(power["time"], history["timestamps"], now["watts"], values)
    return PageChart(
        title=title,
        unit="W",
        times=times,
        values=values,
        window=history["window_seconds"],
        longest_step=history["longest_step_seconds"],
        note=_energy(now["joules"], seconds, about="≈ " if now["estimated"] else ""),
        tag="estimate" if now["estimated"] else "",
        approximate=now["estimated"],
        wide=seconds is not None,
    )


def _with_now(
    time: float, times: Sequence[float], watts: float | None, values: Sequence[float | None]
) -> tuple[Sequence[float], Sequence[float | None]]:
    """The last sample may be older than the ledger's last run, and is that run where it is not."""
    if times and time <= times[-1]:
        return times, [*values[:-1], watts]
    return [*times, time], [*values, watts]


def _energy(joules: float | None, seconds: float | None, *, about: str) -> str:
    if joules is None:
        return ""
    energy = f"{about}{quantity(joules / 3600, 'Wh')}"
    return energy if seconds is None else f"{energy} in {_duration(seconds)}"


def _duration(seconds: float) -> str:
    """Two units at most: `45 s`, `12 min`, `3 h 20 min`, `4 d 2 h`."""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{max(0, int(seconds))} s"

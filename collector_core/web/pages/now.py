"""Now: the energy graph, the total, who draws the most, and the health in one line."""

from __future__ import annotations

from html import escape

from collector_core.metering.flow import FlowEdge, FlowGraph, FlowKind, FlowNode, host_of, read_graph
from collector_core.web import api
from collector_core.web.pages.days import render_days
from collector_core.web.pages.layout import live, scrolled, tile
from collector_core.web.pages.page_sections import sections_of
from collector_core.web.pages.sankey import draw, kind_word, label_html
from collector_core.web.pages.view import View
from collector_core.web.pages.whole_site import WholeSite

MOST = 6
_ORIGINS = frozenset({FlowKind.GRID, FlowKind.SOLAR, FlowKind.BATTERY})
_DRAWS = frozenset({FlowKind.COMPONENT, FlowKind.GUEST, FlowKind.CONTAINER, FlowKind.SERVICE, FlowKind.PLUG})


def graph_of(view: View) -> FlowGraph:
    """The energy graph, of the collector that has one."""
    edges: dict[str, list[FlowEdge]] = {}
    for series, watts in view.select("power_flow"):
        edge = FlowEdge(series.labels.get("from", ""), series.labels.get("to", ""), watts)
        edges.setdefault(series.source, []).append(edge)
    return read_graph(next(iter(edges.values()), []))


def render(view: View) -> str:
    """The page."""
    graph = graph_of(view)
    content = _picture(view, graph) if graph.edges else f'<p class="empty">{escape(view.words("flow_empty"))}</p>'
    return live("now", f"{_health(view)}{content}{sections_of(view, 'now')}")


def _picture(view: View, graph: FlowGraph) -> str:
    words, site = view.words, WholeSite(view)
    total = site.total()
    days = render_days(view, of=words("this_host") if total else "")
    return (
        f'<ul class="tiles">{_tiles(view, graph, total)}{days}{"".join(site.tiles())}</ul>'
        f"{scrolled(words('flow'), draw(view, graph))}"
        f'<section aria-labelledby="most"><h2 id="most">{escape(words("most"))}</h2>'
        f'<ol class="bars">{"".join(_bars(view, graph))}</ol></section>{site.parts()}'
        f'<details id="nodes"><summary>{escape(words("flow_nodes"))}</summary>{_list(view, graph)}</details>'
    )


def _tiles(view: View, graph: FlowGraph, total: str) -> str:
    fed = {edge.target for edge in graph.edges}
    hosts = sum(node.watts for node in graph.nodes if node.kind == FlowKind.HOST)
    sums: dict[str, float] = {}
    for node in graph.nodes:
        if node.id not in fed:
            sums[node.kind] = sums.get(node.kind, 0.0) + node.watts
    tiles = [(view.words("hosts"), hosts)] if hosts and not total else []
    tiles += [(view.words.maybe(kind, kind), watts) for kind, watts in sums.items() if kind in _ORIGINS]
    return total + "".join(tile(name, view.words.quantity(watts, "W")) for name, watts in tiles)


def _bars(view: View, graph: FlowGraph) -> list[str]:
    gives = {edge.source for edge in graph.edges}
    drawing = sorted(
        (node for node in graph.nodes if node.kind in _DRAWS and (node.id not in gives or node.kind == "component")),
        key=lambda node: -node.watts,
    )
    return [_bar(view, node, drawing[0].watts) for node in drawing[:MOST]]


def _bar(view: View, node: FlowNode, most: float) -> str:
    where = view.text(host_of(node.id) if node.kind != FlowKind.PLUG else kind_word(node, view.words))
    name = f"{label_html(view, node, 'span')} <small>{where}</small>"
    return (
        f'<li><span class="name">{name}</span>'
        f'<meter min="0" max="{most:.3f}" value="{node.watts:.3f}" aria-label="{view.text(node.label)}"></meter>'
        f'<span class="number">{view.words.quantity(node.watts, "W")}</span></li>'
    )


def _list(view: View, graph: FlowGraph) -> str:
    rows = "".join(
        f"<tr><td>{escape(kind_word(node, view.words))}</td>"
        f"<td>{label_html(view, node, 'span')}</td>"
        f'<td class="number">{view.words.quantity(node.watts, "W")}</td></tr>'
        for node in sorted(graph.nodes, key=lambda node: -node.watts)
    )
    head = "".join(f'<th scope="col">{escape(view.words(key))}</th>' for key in ("kind", "name", "power"))
    table = f'<table class="words"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return scrolled(view.words("flow_nodes"), table)


def _health(view: View) -> str:
    rows = [row for row in api.collectors(view.app) if row["up"] is not None]
    good = [row for row in rows if row["up"] and row["state"] == "ok"]
    troubled = ", ".join(
        f'<a href="/collectors#collector-{escape(row["name"])}">{view.text(row["name"])}</a>'
        for row in rows
        if row not in good and row["state"] != "starting"
    )
    words = view.words
    text = f"{len(good)} {escape(words('of'))} {len(rows)} {escape(words('collectors_up'))}"
    tone = "warn" if troubled else "good"
    return f'<p class="health {tone}">{text}{f": {troubled}" if troubled else ""}</p>'

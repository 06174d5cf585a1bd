"""A Sankey diagram: where each node and each flow stands, and its drawing as SVG."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate
from typing import NamedTuple
from unicodedata import east_asian_width

from collector_core.metering.flow import EXPORT, FlowGraph, FlowKind, FlowNode, kind_of
from collector_core.web.pages.view import View
from collector_core.web.pages.words import Words

WIDTH, NODE_WIDTH, LABEL_WIDTH = 1000.0, 10.0, 175.0
_ABBREVIATIONS = frozenset({"cpu", "gpu", "dram"})
_SPEAK_FOR_THEMSELVES = frozenset({FlowKind.COMPONENT, FlowKind.UNKNOWN, FlowKind.LOSS})
LABEL_GAP = 6.0  # pixels on both sides of a label
NARROW, BROAD = 7.0, 12.5  # pixels of a small letter, and of capitals and Asian characters
TOP, GAP = 12.0, 10.0  # pixels above the first box, and between two
SLOT = 30.0  # pixels that a label needs
PIXELS_OF_ALL = 300.0  # the height of the fullest column's watts


class Box(NamedTuple):
    """Where a node stands, and how wide its label may be."""

    node: FlowNode
    x: float
    y: float
    height: float
    room: float


class Band(NamedTuple):
    """Where a flow runs: from the right side of a box to the left side of another."""

    source: str
    target: str
    watts: float
    x0: float
    y0: float
    x1: float
    y1: float
    height: float


class _Wanted(NamedTuple):
    """By what the boxes of a column are ordered: the middle of those that feed each, then what is known, then size."""

    middle: float
    is_unknown: bool
    size: float


@dataclass(frozen=True)
class SankeyLayout:
    """The places of all nodes and flows, within `height` pixels and `WIDTH`."""

    boxes: Mapping[str, Box]
    bands: Sequence[Band]
    height: float


def place(graph: FlowGraph) -> SankeyLayout:
    """Nodes in columns by how far they are from the sources, each in the order of those that feed it."""
    columns = _columns(graph)
    nodes = {node.id: node for node in graph.nodes}
    fullest = max((sum(nodes[each].watts for each in column) for column in columns), default=0.0)
    scale = PIXELS_OF_ALL / fullest if fullest else 0.0
    step = (WIDTH - LABEL_WIDTH - NODE_WIDTH) / max(1, len(columns) - 1)
    heights = {node.id: max(1.5, node.watts * scale) for node in graph.nodes}
    tallest = max((_needed(heights, column) for column in columns), default=0.0)
    boxes: dict[str, Box] = {}
    for number, column in enumerate(columns, 1):
        y, room = TOP, (LABEL_WIDTH if number == len(columns) else step - NODE_WIDTH) - 2 * LABEL_GAP
        spare = tallest - _needed(heights, column)
        for identity in sorted(column, key=lambda each: _wanted_place(graph, boxes, each)):
            wanted = _wanted_place(graph, boxes, identity).middle - heights[identity] / 2
            lower = min(spare, max(0.0, wanted - y)) if number > 1 else 0.0
            y, spare = y + lower, spare - lower
            boxes[identity] = Box(nodes[identity], (number - 1) * step, y, heights[identity], room)
            y += _slot(heights[identity])
    bottom = max((box.y + max(SLOT, box.height) for box in boxes.values()), default=0.0)
    return SankeyLayout(boxes, _bands(graph, boxes, scale), bottom + 4.0)


def _needed(heights: Mapping[str, float], column: Sequence[str]) -> float:
    """The height of a column whose boxes stand as close as their labels let them."""
    return sum(_slot(heights[identity]) for identity in column)


def _slot(height: float) -> float:
    """From the top of a box to that of the next one: labels stand beside the middle of theirs."""
    return max(SLOT, height + GAP, height / 2 + SLOT)


def _columns(graph: FlowGraph) -> list[list[str]]:
    """The longest way from a source; one that is only a source stands just before what it feeds."""
    depth = dict.fromkeys((node.id for node in graph.nodes), 0)
    for _ in graph.nodes:
        moved = False
        for edge in graph.edges:
            if depth[edge.target] <= depth[edge.source] < len(depth):
                depth[edge.target] = depth[edge.source] + 1
                moved = True
        if not moved:
            break
    fed = {edge.target for edge in graph.edges}
    for identity in depth.keys() - fed:
        targets = [depth[edge.target] for edge in graph.edges if edge.source == identity]
        depth[identity] = max(0, min(targets, default=1) - 1)
    columns: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for identity, number in depth.items():
        columns[number].append(identity)
    return [column for column in columns if column]


def _wanted_place(graph: FlowGraph, boxes: Mapping[str, Box], identity: str) -> _Wanted:
    """Beside those that feed it, the largest first, what is unknown last."""
    feeders = [
        (boxes[edge.source], edge.watts) for edge in graph.edges if edge.target == identity and edge.source in boxes
    ]
    watts = sum(each for _, each in feeders)
    middle = sum((box.y + box.height / 2) * each for box, each in feeders) / watts if watts else 0.0
    size = sum(edge.watts for edge in graph.edges if identity in (edge.source, edge.target))
    return _Wanted(round(middle, 1), kind_of(identity) == FlowKind.UNKNOWN, -size)


def _bands(graph: FlowGraph, boxes: Mapping[str, Box], scale: float) -> list[Band]:
    used_out: dict[str, float] = defaultdict(float)
    used_in: dict[str, float] = defaultdict(float)
    bands = []
    for edge in sorted(graph.edges, key=lambda each: (boxes[each.source].y, boxes[each.target].y)):
        source, target, height = boxes[edge.source], boxes[edge.target], max(0.75, edge.watts * scale)
        y0 = source.y + used_out[edge.source] + height / 2
        y1 = target.y + used_in[edge.target] + height / 2
        used_out[edge.source] += height
        used_in[edge.target] += height
        bands.append(Band(edge.source, edge.target, edge.watts, source.x + NODE_WIDTH, y0, target.x, y1, height))
    return bands


def node_label(node: FlowNode, words: Words) -> str:
    """What a node is called on the page."""
    word = _word_of_neighbour(node, words)
    return f"{node.label}: {word}" if word else node.label


def kind_word(node: FlowNode, words: Words) -> str:
    """What kind of thing a node is."""
    if node.id.endswith(EXPORT):
        return words("export_power")
    return words.maybe(f"one_{node.kind}", words.maybe(node.kind, node.kind))


def label_html(view: View, node: FlowNode, tag: str) -> str:
    """The same as HTML; abbreviations are written large, by the style sheet."""
    return _with_abbreviation(view, node, node_label(node, view.words), tag)


def _with_abbreviation(view: View, node: FlowNode, text: str, tag: str) -> str:
    if node.label not in _ABBREVIATIONS or not text.startswith(node.label):
        return view.text(text)
    rest = text.removeprefix(node.label)
    return f'<{tag} class="abbreviation">{escape(node.label)}</{tag}>{view.text(rest)}'


def _short(node: FlowNode, words: Words) -> str:
    """What stands beside a box."""
    return _word_of_neighbour(node, words) or node.label


def _word_of_neighbour(node: FlowNode, words: Words) -> str:
    """What a node is to the neighbour whose name it has: what is not known there, or lost; empty for all others."""
    if node.kind == FlowKind.UNKNOWN:
        return words("unknown_source" if node.id.startswith("unknown/from/") else "rest")
    return words("loss") if node.kind == FlowKind.LOSS else ""


def shortened(text: str, room: float) -> str:
    """As much of a text as fits into `room` pixels, with an ellipsis where some is left out."""
    ends = list(accumulate(map(_width, text)))
    if not ends or ends[-1] <= room:
        return text
    return text[: sum(end <= room - BROAD for end in ends)] + "…"


def _width(character: str) -> float:
    return BROAD if character.isupper() or east_asian_width(character) in "WF" else NARROW


def draw(view: View, graph: FlowGraph) -> str:
    """The diagram as SVG, with a text for each node and each flow."""
    layout = place(graph)
    names = {node.id: view.text(node_label(node, view.words)) for node in graph.nodes}
    bands = "".join(_draw_band(band, names, view.words) for band in layout.bands)
    boxes = "".join(_draw_box(view, box, names[box.node.id]) for box in layout.boxes.values())
    return (
        f'<svg class="sankey" viewBox="0 0 {WIDTH:g} {layout.height:.0f}" role="img" '
        f'aria-label="{escape(view.words("flow"))}">{bands}{boxes}</svg>'
    )


def _draw_band(band: Band, names: Mapping[str, str], words: Words) -> str:
    middle = (band.x0 + band.x1) / 2
    title = f"{names[band.source]} → {names[band.target]}: {words.quantity(band.watts, 'W')}"
    kinds = escape(f"{kind_of(band.source)} to-{kind_of(band.target)}")
    return (
        f'<path class="flow {kinds}" stroke-width="{band.height:.2f}" '
        f'd="M{band.x0:.1f} {band.y0:.1f}C{middle:.1f} {band.y0:.1f} {middle:.1f} {band.y1:.1f} '
        f'{band.x1:.1f} {band.y1:.1f}"><title>{title}</title></path>'
    )


def _draw_box(view: View, box: Box, name: str) -> str:
    y = box.y + min(box.height / 2, max(6.0, box.height / 2))
    watts, x = view.words.quantity(box.node.watts, "W"), f"{box.x + NODE_WIDTH + LABEL_GAP:.1f}"
    short = shortened(view.app.redactor(_short(box.node, view.words)), box.room)
    label = _with_abbreviation(view, box.node, short, "tspan")
    kind = "" if box.node.kind in _SPEAK_FOR_THEMSELVES else f" · {escape(kind_word(box.node, view.words))}"
    return (
        f'<g class="node {escape(box.node.kind)}"><title>{name}: {watts}</title>'
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{NODE_WIDTH:g}" '
        f'height="{box.height:.1f}" rx="2"/><text x="{x}" y="{y:.1f}">{label}'
        f'<tspan class="watts" x="{x}" dy="13">{watts}{kind}</tspan></text></g>'
    )

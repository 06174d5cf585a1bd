"""`analytics/carbon`: what was emitted, by source and step, as a report that can be checked again."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Container, Iterable
from typing import Any, Literal

from collector_plugins.sites.digests import DEFINITION, data_sha256
from collector_plugins.sites.fields import rfc3339
from collector_plugins.sites.periods import SteppedQuery, coverage, in_steps, total_of, uncovered
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import Site
from collector_plugins.sites.store import Part, Piece, Store

COLUMNS = (
    "t",
    "source",
    "origin",
    "energy_kwh",
    "location_based_grams",
    "market_based_grams",
    "factor_g_per_kwh",
)
FORMULAS = {
    "location_based_grams": "sum over readings of energy x PUE x share x factor; "
    "a share with a certificate has the factor of `grid`",
    "market_based_grams": "the same, each share with its own factor",
    "hourly_matched_ratio": "metered energy whose source in its interval was renewable, by contract or by line / "
    "metered energy",
    "uncertainty_ratio": "sqrt(u^2 + (1 - coverage_ratio)^2); u: half-ranges of the factors, weighted by grams",
    "data_sha256": DEFINITION,
}


class CarbonQuery(SteppedQuery):
    """The parameters of `analytics/carbon`."""

    format: Literal["json", "csv", "md"] = "json"


def carbon(
    service: SiteService,
    store: Store,
    entity: str,
    sites: list[Site],
    query: CarbonQuery,
    *,
    renewables: Container[str],
) -> dict[str, Any]:
    """The report as JSON."""
    start, end, step = query.steps(service.now)
    pieces = {site.id: in_steps(service, store, site, (start, end, step)) for site in sites}
    totals = {name: total_of(found.values()) for name, found in pieces.items()}
    whole = total_of(totals.values())
    missing = {site.id: uncovered(store, site, totals[site.id].spans, (start, end), service.now) for site in sites}
    covered = coverage(missing.values(), (start, end), service.now)
    grams = whole.location_grams
    terahashes = sum(piece.terahashes for piece in totals.values())
    return {
        "entity": entity,
        "sites": [site.id for site in sites],
        "from": rfc3339(start),
        "to": rfc3339(end),
        "step_seconds": step / 1000,
        "location_based_grams": grams,
        "market_based_grams": whole.market_grams,
        "energy_kwh": whole.kwh,
        "pue": whole.facility_kwh / whole.kwh if whole.kwh else None,
        "by_source": [_source(key, part) for key, part in sorted(whole.parts.items())],
        "grams_per_kwh": grams / whole.kwh if grams is not None and whole.kwh else None,
        "grams_per_th": grams / terahashes if grams is not None and terahashes else None,
        "hourly_matched_ratio": whole.share_of(renewables),
        "coverage_ratio": covered,
        "uncertainty_ratio": _uncertainty(service, whole, covered),
        "gaps": [
            {"site_id": name, "from": rfc3339(a), "to": rfc3339(b), "seconds": (b - a) / 1000}
            for name, spans in missing.items()
            for a, b in spans
        ],
        "series": _rows(pieces.values()),
        "formulas": FORMULAS,
        "data_sha256": data_sha256(store, sites, start, end),
    }


def as_csv(report: dict[str, Any]) -> str:
    """A row for each step and source."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(report["series"])
    return text.getvalue()


def as_markdown(report: dict[str, Any]) -> str:
    """The report for people."""
    rows = [
        f"| {_cell(each['source'])} | {_figure(each['energy_kwh'])} | {_figure(each['factor_g_per_kwh'])} | "
        f"{_cell(each['origin'])} | {_figure(each['location_based_grams'])} | {_figure(each['market_based_grams'])} |"
        for each in report["by_source"]
    ]
    formulas = [f"- `{name}`: {text}" for name, text in report["formulas"].items()]
    facts = [
        f"- Metered energy: {_figure(report['energy_kwh'])} kWh, PUE {_figure(report['pue'])}",
        f"- Location-based: {_figure(report['location_based_grams'])} g CO2e",
        f"- Market-based: {_figure(report['market_based_grams'])} g CO2e",
        f"- Per kWh: {_figure(report['grams_per_kwh'])} g",
        f"- Matched with renewable sources by the interval: {_figure(report['hourly_matched_ratio'])}",
        f"- Coverage of the data: {_figure(report['coverage_ratio'])}",
        f"- Uncertainty: {_figure(report['uncertainty_ratio'])}",
        f"- Gaps: {len(report['gaps'])}",
    ]
    head = ["| source | kWh | g/kWh | origin | location-based g | market-based g |", "|---|---|---|---|---|---|"]
    title = f"# Carbon report of {_cell(report['entity'])}\n\n{report['from']} to {report['to']}"
    blocks = [title, "\n".join(facts), "\n".join([*head, *rows]), "\n".join(formulas)]
    return "\n\n".join([*blocks, f"SHA-256 of the data: `{report['data_sha256']}`"]) + "\n"


def _uncertainty(service: SiteService, whole: Piece, covered: float | None) -> float | None:
    grams = whole.location_grams
    if not grams or covered is None:
        return None
    weighted = sum(
        (part.location_grams or 0.0) * service.factors.uncertainty(source, origin)
        for (source, origin), part in whole.parts.items()
    )
    return math.hypot(weighted / grams, 1 - covered)


def _source(key: tuple[str, str], part: Part) -> dict[str, Any]:
    source, origin = key
    known = part.market_grams is not None and part.facility_kwh
    return {
        "source": source,
        "origin": origin,
        "energy_kwh": part.kwh,
        "location_based_grams": part.location_grams,
        "market_based_grams": part.market_grams,
        "factor_g_per_kwh": (part.market_grams or 0.0) / part.facility_kwh if known else None,
    }


def _rows(sites: Iterable[dict[int, Piece]]) -> list[dict[str, Any]]:
    steps: dict[int, Piece] = {}
    for pieces in sites:
        for moment, piece in pieces.items():
            steps.setdefault(moment, Piece()).add(piece)
    return [
        {"t": rfc3339(moment), **_source(key, part)}
        for moment, piece in sorted(steps.items())
        for key, part in sorted(piece.parts.items())
    ]


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"


def _cell(text: str) -> str:
    """A name within a table: what would end the cell or mean something is escaped."""
    return "".join(f"\\{letter}" if letter in "\\|`*_[]<>#" else letter for letter in text)

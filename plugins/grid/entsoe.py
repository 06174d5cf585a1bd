"""ENTSO-E's transparency platform: day-ahead prices of Europe's bidding zones (document type A44), in XML.

API: https://transparencyplatform.zendesk.com/hc/en-us/articles/15692855254548
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlencode
from xml.etree import ElementTree as Tree

from pydantic import SecretStr

from collector_plugins.grid.curve import HOUR, Slot, hour_of, seconds_of
from collector_plugins.grid.provider import PER_MWH, Document, Place, ProviderKind, Question, Told

ZONES = {
    "AT": "10YAT-APG------L",
    "BE": "10YBE----------2",
    "BG": "10YCA-BULGARIA-R",
    "CH": "10YCH-SWISSGRIDZ",
    "CZ": "10YCZ-CEPS-----N",
    "DE_LU": "10Y1001A1001A82H",
    "DK_1": "10YDK-1--------W",
    "DK_2": "10YDK-2--------M",
    "EE": "10Y1001A1001A39I",
    "ES": "10YES-REE------0",
    "FI": "10YFI-1--------U",
    "FR": "10YFR-RTE------C",
    "GR": "10YGR-HTSO-----Y",
    "HR": "10YHR-HEP------M",
    "HU": "10YHU-MAVIR----U",
    "IE_SEM": "10Y1001A1001A59C",
    "IT_NORD": "10Y1001A1001A73I",
    "LT": "10YLT-1001A0008Q",
    "LV": "10YLV-1001A00074",
    "NL": "10YNL----------L",
    "NO_1": "10YNO-1--------2",
    "NO_2": "10YNO-2--------T",
    "NO_3": "10YNO-3--------J",
    "NO_4": "10YNO-4--------9",
    "NO_5": "10Y1001A1001A48H",
    "PL": "10YPL-AREA-----S",
    "PT": "10YPT-REN------W",
    "RO": "10YRO-TEL------P",
    "SE_1": "10Y1001A1001A44P",
    "SE_2": "10Y1001A1001A45N",
    "SE_3": "10Y1001A1001A46L",
    "SE_4": "10Y1001A1001A47J",
    "SI": "10YSI-ELES-----O",
    "SK": "10YSK-SEPS-----K",
}
_RESOLUTIONS = {"PT15M": 900.0, "PT30M": 1800.0, "PT60M": HOUR, "PT1H": HOUR}
_SEQUENCE = "classificationSequence_AttributeInstanceComponent.position"
MOST_POINTS = 1000


def _question(place: Place) -> Question:
    area = ZONES.get(place.zone, place.zone)
    period = [time.strftime("%Y%m%d%H00", time.gmtime(hour_of(place.now) + hours * HOUR)) for hours in (-1, 47)]
    token = place.token.get_secret_value() if place.token else ""
    query = {
        "securityToken": token,
        "documentType": "A44",
        "in_Domain": area,
        "out_Domain": area,
        "periodStart": period[0],
        "periodEnd": period[1],
    }
    return Question(SecretStr(f"{place.url}?{urlencode(query)}"))


def parse(body: bytes, place: Place) -> Told:
    """Of several auctions of the same time the first holds."""
    del place
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise ValueError("defines entities")
    try:
        root = Tree.fromstring(body)  # noqa: S314 - without entities nothing can expand
    except Tree.ParseError:
        raise ValueError("not XML") from None
    if root.tag.endswith("}Acknowledgement_MarketDocument"):  # it has nothing
        return Told()
    if not root.tag.endswith("}Publication_MarketDocument"):
        raise ValueError("another document")
    found, currencies = list[Slot](), set[str]()
    for series in sorted(root.iterfind("{*}TimeSeries"), key=_sequence):
        currencies.add(series.findtext("{*}currency_Unit.name", ""))
        if series.findtext("{*}price_Measure_Unit.name", "") != "MWH":
            raise ValueError("another unit")
        known = tuple(found)
        found += (slot for slot in _slots(series) if not any(_overlap(slot, other) for other in known))
    (currency,) = currencies or {""}
    return Told(prices=found, currency=currency)


def _overlap(slot: Slot, other: Slot) -> bool:
    return slot.start < other.end and other.start < slot.end


def _sequence(series: Tree.Element) -> int:
    return int(series.findtext(f"{{*}}{_SEQUENCE}", "1"))


def _slots(series: Tree.Element) -> Iterator[Slot]:
    for period in series.iterfind("{*}Period"):
        step = _RESOLUTIONS[period.findtext("{*}resolution", "")]
        start = seconds_of(period.findtext("{*}timeInterval/{*}start"))
        end = seconds_of(period.findtext("{*}timeInterval/{*}end"))
        told = {
            int(point.findtext("{*}position", "")): float(point.findtext("{*}price.amount", ""))
            for point in period.iterfind("{*}Point")
        }
        value = None
        for position in range(1, min(round((end - start) / step), MOST_POINTS) + 1):
            value = told.get(position, value)  # a price that repeats the one before may be left out (curve A03)
            if value is not None:
                at = start + (position - 1) * step
                yield Slot(at, at + step, value * PER_MWH)


ENTSOE = ProviderKind(
    "https://web-api.tp.entsoe.eu/api",
    "|".join(ZONES) + "|[0-9A-Z][0-9A-Z-]{15}",
    "DE_LU, or the EIC code of a bidding zone",
    (Document(_question, parse),),
    needs_token=True,
)

"""The other providers: one or two JSON documents each."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from collector_core import AuthFailed
from collector_plugins.grid.curve import HOUR, Slot, hour_of, seconds_of, until_the_next
from collector_plugins.grid.entsoe import ENTSOE
from collector_plugins.grid.provider import PER_MWH, Document, Place, ProviderKind, Question, Told

OLDEST = 3 * HOUR  # of a carbon intensity of "now"
DAY = 24 * HOUR
# A provider is asked every quarter of an hour: what it says of now holds until it is asked again, or the hour is over.
UNTIL_ASKED_AGAIN = 1000.0


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    return float(value)


def _rfc3339(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(seconds))


# Electricity Maps: https://portal.electricitymaps.com/docs/api


def _maps_latest(place: Place) -> Question:
    return Question(f"{place.url}/carbon-intensity/latest?zone={place.zone}", headers=_maps_token(place))


def _maps_forecast(place: Place) -> Question:
    return Question(f"{place.url}/carbon-intensity/forecast?zone={place.zone}", headers=_maps_token(place))


def _maps_token(place: Place) -> Mapping[str, Any]:
    return {"auth-token": place.token} if place.token else {}


def parse_maps_latest(body: bytes, place: Place) -> Told:
    """The intensity of this hour; one of long ago is nothing."""
    said = json.loads(body)
    start = seconds_of(said["datetime"])
    if place.now - start > OLDEST:
        return Told()
    end = max(hour_of(place.now) + HOUR, place.now + UNTIL_ASKED_AGAIN)
    return Told(carbon=[Slot(min(start, place.now), end, _number(said["carbonIntensity"]))])


def parse_maps_forecast(body: bytes, place: Place) -> Told:
    """The hours that follow this one."""
    told = [(seconds_of(each["datetime"]), _number(each["carbonIntensity"])) for each in json.loads(body)["forecast"]]
    return Told(carbon=[slot for slot in until_the_next(told) if slot.start > place.now])


# UK Carbon Intensity: https://carbon-intensity.github.io/api-definitions/


def _uk(place: Place) -> Question:
    start = _rfc3339(place.now)
    if place.zone == "GB":
        return Question(f"{place.url}/intensity/{start}/fw48h")
    kind = "regionid" if place.zone.isdecimal() else "postcode"
    return Question(f"{place.url}/regional/intensity/{start}/fw48h/{kind}/{place.zone}")


def parse_uk(body: bytes, place: Place) -> Told:
    """Half hours: what was measured, else what was forecast."""
    del place
    data = json.loads(body)["data"]
    found = []
    for each in data["data"] if isinstance(data, dict) else data:
        said = each["intensity"]
        grams = said.get("actual") if said.get("actual") is not None else said["forecast"]
        if grams is not None:
            found.append(Slot(seconds_of(each["from"]), seconds_of(each["to"]), _number(grams)))
    return Told(carbon=found)


# Tibber: https://developer.tibber.com/docs/overview

_TIBBER = (
    "{ viewer { homes { id currentSubscription { priceInfo(resolution: QUARTER_HOURLY) "
    "{ today { total startsAt currency } tomorrow { total startsAt currency } } } } } }"
)


def _tibber(place: Place) -> Question:
    return Question(place.url, token=place.token, body={"query": _TIBBER})


def parse_tibber(body: bytes, place: Place) -> Told:
    """Today and tomorrow of a home, with all taxes and fees; raises `AuthFailed` where the token is refused."""
    said = json.loads(body)
    for error in said.get("errors") or ():
        if (error.get("extensions") or {}).get("code") == "UNAUTHENTICATED":
            raise AuthFailed("Tibber refuses the token", fix="make a new one at developer.tibber.com")
    homes = said["data"]["viewer"]["homes"]
    mine = [each for each in homes if place.zone in ("home", each["id"]) and each["currentSubscription"]]
    info = mine[0]["currentSubscription"]["priceInfo"]
    told = [*info["today"], *(info["tomorrow"] or ())]
    prices = until_the_next((seconds_of(each["startsAt"]), _number(each["total"])) for each in told)
    (currency,) = {each["currency"] for each in told}
    return Told(prices=list(prices), currency=currency)


# aWATTar: https://www.awattar.de/services/api


def _awattar(place: Place) -> Question:
    host = place.url.replace("{zone}", place.zone.lower())
    start, end = (round((hour_of(place.now) + hours * HOUR) * 1000) for hours in (0, 48))
    return Question(f"{host}/v1/marketdata?start={start}&end={end}")


def parse_awattar(body: bytes, place: Place) -> Told:
    """Hours of the market, without taxes and fees."""
    del place
    found = []
    for each in json.loads(body)["data"]:
        if each["unit"] != "Eur/MWh":
            raise ValueError("another unit")
        times = _number(each["start_timestamp"]) / 1000, _number(each["end_timestamp"]) / 1000
        found.append(Slot(*times, _number(each["marketprice"]) * PER_MWH))
    return Told(prices=found, currency="EUR")


# Energy-Charts: https://api.energy-charts.info/


def _charts_price(place: Place) -> Question:
    start, end = (time.strftime("%Y-%m-%d", time.gmtime(place.now + days * DAY)) for days in (-1, 2))
    return Question(f"{place.url}/price?bzn={place.zone}&start={start}&end={end}")


def parse_charts_price(body: bytes, place: Place) -> Told:
    """Prices of the market, without taxes and fees."""
    del place
    said = json.loads(body)
    if said["unit"].replace(" ", "") != "EUR/MWh":
        raise ValueError("another unit")
    pairs = zip(said["unix_seconds"], said["price"], strict=True)
    prices = until_the_next((_number(at), _number(each) * PER_MWH) for at, each in pairs if each is not None)
    return Told(prices=list(prices), currency="EUR")


def _charts_carbon(place: Place) -> Question:
    return Question(f"{place.url}/co2eq?country={place.zone.partition('-')[0].lower()}")


def parse_charts_carbon(body: bytes, place: Place) -> Told:
    """Quarters of an hour: what was computed from generation, else what was forecast."""
    del place
    said = json.loads(body)
    columns = [said["co2eq"], said["co2eq_forecast"]]
    grams = [first if first is not None else second for first, second in zip(*columns, strict=True)]
    pairs = zip(said["unix_seconds"], grams, strict=True)
    return Told(carbon=list(until_the_next((_number(at), _number(each)) for at, each in pairs if each is not None)))


KINDS: Mapping[str, ProviderKind] = {
    "entsoe": ENTSOE,
    "electricity_maps": ProviderKind(
        "https://api.electricitymaps.com/v3",
        "[A-Z0-9-]{2,32}",
        "DE or US-CAL-CISO",
        (Document(_maps_latest, parse_maps_latest),),
        needs_token=True,
    ),
    "electricity_maps_forecast": ProviderKind(
        "https://api.electricitymaps.com/v3",
        "[A-Z0-9-]{2,32}",
        "DE or US-CAL-CISO",
        (Document(_maps_latest, parse_maps_latest), Document(_maps_forecast, parse_maps_forecast)),
        needs_token=True,
    ),
    "uk_carbon_intensity": ProviderKind(
        "https://api.carbonintensity.org.uk",
        "GB|[1-9]|1[0-8]|[A-Z]{1,2}[0-9][0-9A-Z]?",
        "GB, the number of a region, or the first half of a postcode",
        (Document(_uk, parse_uk),),
        default_zone="GB",
    ),
    "tibber": ProviderKind(
        "https://api.tibber.com/v1-beta/gql",
        "home|[0-9a-f-]{36}",
        "the id of a home, where there are several",
        (Document(_tibber, parse_tibber),),
        needs_token=True,
        default_zone="home",
    ),
    "awattar": ProviderKind(
        "https://api.awattar.{zone}", "DE|AT", "DE or AT", (Document(_awattar, parse_awattar),), default_zone="DE"
    ),
    "energy_charts": ProviderKind(
        "https://api.energy-charts.info",
        "[A-Z]{2}(-[A-Za-z0-9-]{1,20})?",
        "DE-LU, AT or IT-North",
        (Document(_charts_price, parse_charts_price), Document(_charts_carbon, parse_charts_carbon)),
        default_zone="DE-LU",
    ),
}

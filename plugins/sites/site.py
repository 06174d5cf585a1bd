"""A site, as people register and change it, and what held for it at any time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from collector_core import Field, TimeZoneName
from collector_plugins.sites.fields import (
    SHARES_TOLERANCE,
    GramsPerKilowattHour,
    HashPrice,
    Latitude,
    Longitude,
    Moment,
    Price,
    Pue,
    Share,
    Text,
    Watts,
    rfc3339,
)

_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)
MAX_SOURCES = 50
BEGINNING = 0  # of time, for what holds for all readings


def _usable_id(text: str) -> str:
    if "/" in text or text in (".", ".."):
        raise ValueError("must hold no slash, and not be `.` or `..`")
    return text


class Source(BaseModel):
    """Where a part of a site's energy comes from. With a `certificate` it is a contract on paper, not a line."""

    model_config = _STRICT

    type: Text = Field(description="Such as grid, solar, wind, hydro, gas.")
    share: Share
    factor_g_per_kwh: GramsPerKilowattHour | None = None
    certificate: bool | Text | None = None


def _whole(sources: list[Source]) -> list[Source]:
    total = sum(source.share for source in sources)
    if sources and abs(total - 1) > SHARES_TOLERANCE:
        raise ValueError(f"the shares must add up to 1, not {total:g}")
    return sources


SiteId = Annotated[Text, AfterValidator(_usable_id)]
_SITE_ID = TypeAdapter[str](SiteId)


def is_site_id(text: str) -> bool:
    """Whether a site may be called so: a reading's `site_id` may hold what a path cannot."""
    try:
        _SITE_ID.validate_python(text)
    except ValidationError:
        return False
    return True


Sources = Annotated[list[Source], Field(max_length=MAX_SOURCES), AfterValidator(_whole)]


class Terms(BaseModel):
    """All that can be said of a site, and changed."""

    model_config = _STRICT

    name: Text | None = Field(None, description="For people; by default its id.")
    operator: Text | None = None
    region: Text | None = None
    zone: Text | None = Field(None, description="Zone of the grid, such as DE or US-TX: its country gives a factor.")
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    capacity_watts: Watts | None = Field(None, description="What the site may draw.")
    grid_connection_watts: Watts | None = Field(None, description="What its connection to the grid carries.")
    pue: Pue = 1.0
    sources: Sources = Field([], description="Where the energy comes from; without any, the grid.")
    price_per_kwh: Price | None = None
    hash_price: HashPrice | None = Field(None, description="What a TH/s earns in a day; by default the option.")
    timezone: TimeZoneName = "UTC"


class SiteCreate(Terms):
    """The body of `POST sites`."""

    id: SiteId
    valid_from: Moment | None = Field(None, description="From when it holds; by default from the beginning of time.")


class SitePatch(Terms):
    """The body of `PATCH sites/{id}`: the keys that change."""

    valid_from: Moment | None = Field(None, description="From when it holds; by default from now.")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.changes:
            raise ValueError("names nothing that changes")
        return self

    @property
    def changes(self) -> dict[str, Any]:
        """The keys that were given, as JSON."""
        return self.model_dump(mode="json", exclude_unset=True, exclude={"valid_from"})


@dataclass(frozen=True)
class Change:
    """What a site was said to be, from a moment on."""

    valid_from: int
    keys: Mapping[str, Any]


class Site:
    """A site with its history: `terms_at` is what held at a moment."""

    def __init__(self, number: int, site_id: str, changes: list[Change]) -> None:
        self.number = number
        self.id = site_id
        self.changes = sorted(changes, key=lambda change: change.valid_from)
        self._moments = [change.valid_from for change in self.changes]
        self._terms: list[Terms] = []
        keys: dict[str, Any] = {}
        for change in self.changes:
            keys = {**keys, **change.keys}
            self._terms.append(Terms.model_validate(keys))

    @property
    def zones(self) -> list[str]:
        """All zones of the grid that it is or was in."""
        return sorted({terms.zone for terms in self._terms if terms.zone is not None})

    def terms_at(self, moment: int) -> Terms:
        """What held at a moment; before the first change, what was said first."""
        return self._terms[max(0, bisect_right(self._moments, moment) - 1)]

    def with_change(self, change: Change) -> Site:
        """The same site, with one more change; one of the same moment is amended."""
        same = [each for each in self.changes if each.valid_from == change.valid_from]
        keys = {**same[0].keys, **change.keys} if same else change.keys
        others = [each for each in self.changes if each.valid_from != change.valid_from]
        return Site(self.number, self.id, [*others, Change(change.valid_from, keys)])

    def describe(self, now: int) -> dict[str, Any]:
        """What holds now, and every change before and after."""
        history = [
            {"valid_from": rfc3339(moment), **self._shown(terms)}
            for moment, terms in zip(self._moments, self._terms, strict=True)
        ]
        return {"id": self.id, **self._shown(self.terms_at(now)), "history": history}

    def _shown(self, terms: Terms) -> dict[str, Any]:
        shown = terms.model_dump(mode="json")
        return shown | {"name": terms.name or self.id}


def sites_from(sites: Iterable[tuple[int, str]], changes: Iterable[tuple[int, int, Mapping[str, Any]]]) -> list[Site]:
    """Sites (number, id) with their changes (number of the site, from when, keys), in any order."""
    by_number: dict[int, list[Change]] = {}
    for number, moment, keys in changes:
        by_number.setdefault(number, []).append(Change(moment, keys))
    return [Site(number, name, by_number.get(number) or [Change(BEGINNING, {})]) for number, name in sites]


def chosen(sites: Iterable[Site], ids: Iterable[str]) -> list[Site]:
    """Those of the sites that are called so."""
    wanted = set(ids)
    return [site for site in sites if site.id in wanted]

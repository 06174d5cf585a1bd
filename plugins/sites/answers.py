"""What the API answers: the models that the OpenAPI document shows."""

from __future__ import annotations

from pydantic import BaseModel

from collector_core import Field
from collector_plugins.sites.site import Terms


class Problem(BaseModel):
    """Why a request was refused."""

    error: str
    field: str
    fix: str


class RejectedReading(BaseModel):
    """Why one reading was not taken."""

    index: int = Field(description="Its place in the request, from 0.")
    field: str
    error: str


class IngestAnswer(BaseModel):
    """What became of the readings; what was accepted is on disk."""

    accepted: int
    duplicates: int
    rejected: list[RejectedReading]


class IngestProblem(Problem):
    """Nothing of a batch was taken."""

    accepted: int = 0
    duplicates: int = 0
    rejected: list[RejectedReading] = []


class SiteVersion(Terms):
    """What holds for a site from a moment on."""

    name: str
    valid_from: str


class SiteAnswer(Terms):
    """What holds for a site now, and every change."""

    id: str
    name: str
    history: list[SiteVersion]


class SitesAnswer(BaseModel):
    """A page of sites."""

    sites: list[SiteAnswer]
    next: str | None = Field(description="The cursor of the next page; null at the end.")


class Point(BaseModel):
    """A value of the step that begins at `t`."""

    t: str
    value: float


class PowerAnswer(BaseModel):
    """Watts."""

    now: float | None
    mean: float | None
    peak: float | None


class Gap(BaseModel):
    """A time that no reading covers."""

    model_config = {"populate_by_name": True}

    start: str = Field(alias="from")
    end: str = Field(alias="to")
    seconds: float


class SiteSeries(BaseModel):
    """Values of each step in which there are readings."""

    power_watts: list[Point]
    energy_kwh: list[Point]
    hashrate_th: list[Point]


class SiteMetrics(BaseModel):
    """What a site did in a period."""

    model_config = {"populate_by_name": True}

    site_id: str
    start: str = Field(alias="from")
    end: str = Field(alias="to")
    step_seconds: float
    readings: int
    energy_kwh: float
    cost: float | None
    currency: str
    carbon_grams: float | None = Field(description="Location-based, with PUE.")
    power_watts: PowerAnswer
    hashrate_th: float | None
    efficiency_j_per_th: float | None
    load_factor: float | None
    gaps: list[Gap]
    series: SiteSeries


class Sums(BaseModel):
    """Sums over sites."""

    sites: int
    sites_reporting: int
    readings: int
    energy_kwh: float
    cost: float | None
    currency: str
    carbon_grams: float | None
    power_watts_mean: float | None = Field(description="Sum of the sites' mean power.")
    network_hashrate_th: float | None = Field(description="Sum of the sites' mean hash rates.")
    efficiency_j_per_th: float | None


class GroupSums(Sums):
    """Sums over the sites of a group, which is named by one of the keys."""

    region: str | None = None
    operator: str | None = None
    source: str | None = None


class AggregateAnswer(BaseModel):
    """What all sites did in a period, by group."""

    model_config = {"populate_by_name": True}

    start: str = Field(alias="from")
    end: str = Field(alias="to")
    group_by: str
    groups: list[GroupSums]
    total: Sums

"""What the API answers: the models that the OpenAPI document shows."""

from __future__ import annotations

from pydantic import BaseModel

from collector_core import Field
from collector_plugins.sites.site import Terms

PROFIT = "Mean hash rate x hash price / 24 - cost per covered hour; null where one of them is not known."


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
    profit_per_hour: float | None = Field(description=PROFIT)
    currency: str
    carbon_grams: float | None = Field(description="Location-based, with PUE.")
    power_watts: PowerAnswer
    hashrate_th: float | None
    efficiency_j_per_th: float | None
    load_factor: float | None
    gaps: list[Gap]
    series: SiteSeries
    formulas: dict[str, str]


class Sums(BaseModel):
    """Sums over sites."""

    sites: int
    sites_reporting: int
    readings: int
    energy_kwh: float
    cost: float | None
    profit_per_hour: float | None = Field(description=PROFIT)
    currency: str
    carbon_grams: float | None
    power_watts_mean: float | None = Field(description="Sum of the sites' mean power.")
    network_hashrate_th: float | None = Field(description="Sum of the sites' mean hash rates.")
    efficiency_j_per_th: float | None
    series: SiteSeries | None = Field(None, description="The same by steps; only where the query has `step`.")


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
    formulas: dict[str, str]


class SourceCarbon(BaseModel):
    """Energy and emissions of one source, by where its factor comes from."""

    source: str
    origin: str
    energy_kwh: float
    location_based_grams: float | None
    market_based_grams: float | None
    factor_g_per_kwh: float | None


class StepCarbon(SourceCarbon):
    """The same, of the step that begins at `t`."""

    t: str


class SiteGap(Gap):
    """A time that no reading of a site covers."""

    site_id: str


class CarbonAnswer(BaseModel):
    """What an entity emitted in a period."""

    model_config = {"populate_by_name": True}

    entity: str
    sites: list[str]
    start: str = Field(alias="from")
    end: str = Field(alias="to")
    step_seconds: float
    location_based_grams: float | None
    market_based_grams: float | None
    energy_kwh: float = Field(description="Metered.")
    pue: float | None
    by_source: list[SourceCarbon]
    grams_per_kwh: float | None = Field(description="Location-based, of metered energy.")
    grams_per_th: float | None
    hourly_matched_ratio: float | None = Field(
        description="Share of the metered energy whose source in its interval was renewable, certificates included."
    )
    coverage_ratio: float | None
    uncertainty_ratio: float | None
    gaps: list[SiteGap]
    series: list[StepCarbon]
    formulas: dict[str, str]
    data_sha256: str


class ScoreParts(BaseModel):
    """Parts of the score, 0 to 1; null where it cannot be known."""

    renewable: float | None
    intensity: float | None
    efficiency: float | None
    flexibility: float | None


class SustainabilityAnswer(BaseModel):
    """The score of an entity."""

    model_config = {"populate_by_name": True}

    entity: str
    start: str = Field(alias="from")
    end: str = Field(alias="to")
    score: float | None
    parts: ScoreParts
    weights: dict[str, float]
    reference_g_per_kwh: float
    coverage_ratio: float | None
    formula: str


class Correlations(BaseModel):
    """Pearson's coefficients; null where one of the two does not move."""

    load: float | None
    price: float | None
    frequency: float | None


class Ramps(BaseModel):
    """How fast power changes."""

    p95_watts_per_minute: float | None


class Curtailment(BaseModel):
    """How long power was held back, and the energy that was not used."""

    seconds: float
    energy_kwh: float


class GridImpactAnswer(BaseModel):
    """What the sites of a region mean to its grid."""

    model_config = {"populate_by_name": True}

    region: str
    start: str = Field(alias="from")
    end: str = Field(alias="to")
    sites: int
    share_of_load: float | None
    correlation: Correlations
    ramps: Ramps
    coincident_peak_watts: float | None
    peak_watts: float | None
    curtailment: Curtailment
    forecast_peak_watts: float | None = Field(description="Highest median of the next day.")
    definitions: dict[str, str]


class ForecastScore(BaseModel):
    """How good the model was on earlier parts of the series."""

    mase: float | None
    coverage: float | None = Field(description="How often the 80 % interval held the value.")


class Bands(BaseModel):
    """Quantiles of what comes."""

    p10: list[Point]
    p50: list[Point]
    p90: list[Point]


class ForecastAnswer(BaseModel):
    """A forecast."""

    model: str
    trained_at: str
    step_seconds: float
    score: ForecastScore
    series: Bands


class ForecastPending(BaseModel):
    """A forecast that takes longer: ask for `forecast/custom/{id}`."""

    id: str


class ForecastMissing(Problem):
    """There is too little to forecast from."""

    missing: str

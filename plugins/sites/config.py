"""Options of the sites plugin."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, model_validator

from collector_core import (
    CollectorConfig,
    ConfigPath,
    Field,
    Options,
    SecretStr,
    parse_duration,
    read_env_file,
)
from collector_core.metering import Country
from collector_core.storage import check_postgres_url
from collector_plugins.sites import env
from collector_plugins.sites.cors import ANY
from collector_plugins.sites.fields import HashPrice
from collector_plugins.sites.kafka_options import KafkaOptions
from collector_plugins.sites.miner import PORT
from collector_plugins.sites.neo4j_options import Neo4jOptions
from collector_plugins.sites.site import SiteId
from collector_plugins.sites.source_names import usual_name

RENEWABLES = (
    "solar",
    "solar_rooftop",
    "concentrated_solar",
    "wind",
    "wind_offshore",
    "hydro",
    "geothermal",
    "biomass",
    "tidal",
)

LongDuration = Annotated[float, BeforeValidator(parse_duration), Field(ge=3600, le=100 * 366 * 86_400)]
"""A duration from an hour to a century."""


_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:.]+\](:\d{1,5})?")


def _origin(text: str) -> str:
    origin = text.lower()
    if origin != ANY and not _ORIGIN.fullmatch(origin):
        raise ValueError("write an origin such as https://dashboards.example.org, without a path, or *")
    return origin


Origin = Annotated[str, AfterValidator(_origin)]
"""Where a web page comes from: scheme, host and, where it is not the usual one, port."""


class DatabaseOptions(Options):
    """A PostgreSQL database; what is missing is as in libpq."""

    host: str = Field("localhost", min_length=1, description="Name or address of its server.")
    port: int = Field(5432, ge=1, le=65535, description="Port of its server.")
    user: str | None = Field(None, min_length=1, description="Who writes.")
    password: SecretStr | None = Field(None, description="The password of that user.")
    name: str | None = Field(None, min_length=1, description="Name of the database.")

    @property
    def url(self) -> SecretStr:
        """All of it as an address."""
        password = f":{quote(self.password.get_secret_value(), safe='')}" if self.password else ""
        login = f"{quote(self.user or '', safe='')}{password}@" if self.user or password else ""
        host = f"[{self.host}]" if ":" in self.host else quote(self.host, safe="")
        return SecretStr(f"postgresql://{login}{host}:{self.port}/{quote(self.name or '', safe='')}")


def _section_or_url(value: Any) -> Any:
    return value if value is None or isinstance(value, dict | DatabaseOptions) else SecretStr(str(value))


def _switch(value: Any) -> Any:
    """YAML takes `on` and `off` for truth values."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


DatabaseUrl = Annotated[SecretStr, AfterValidator(check_postgres_url)]
DatabasePlace = Annotated[DatabaseOptions | DatabaseUrl | None, BeforeValidator(_section_or_url)]
"""`{host, port, user, password, name}`, or an address that begins with postgresql://."""


class Local(Options):
    """This machine as a site."""

    site: SiteId = Field(description="Its id; it is registered by itself, and can be changed like any other.")


# A meter has it in its name, which has 200 letters at most.
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,180})(?::(\d{1,5}))?")


def _address(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    if match is None or not 0 < int(match[2] or PORT) < 65_536:
        raise ValueError("write HOST or HOST:PORT, such as 10.0.0.21:4028")
    return text


class Miner(Options):
    """A miner with the API of cgminer."""

    site: SiteId = Field(description="The site that it belongs to; it is registered by itself.")
    address: Annotated[str, AfterValidator(_address)] = Field(
        description="`HOST` or `HOST:PORT`, by default port 4028."
    )
    watts: float | None = Field(
        None, gt=0, le=1e6, allow_inf_nan=False, description="What it draws, for a miner that does not tell."
    )
    counts: bool = Field(
        True, description="Whether its power adds to the energy of the site; off where a meter measures it already."
    )

    @property
    def host(self) -> str:
        """The host of its address."""
        return self._parts[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of its address."""
        return int(self._parts[1] or PORT)

    @property
    def _parts(self) -> tuple[str, str | None]:
        match = _ADDRESS.fullmatch(self.address)
        assert match is not None  # noqa: S101 - it has been checked
        return match[1], match[2]


def _different(miners: tuple[Miner, ...]) -> tuple[Miner, ...]:
    places = Counter(f"{miner.host}:{miner.port}" for miner in miners)
    if twice := next((place for place, count in places.items() if count > 1), None):
        raise ValueError(f"{twice} is there twice")
    return miners


Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class Weights(Options):
    """How much each part of the sustainability score counts; only their ratios matter."""

    renewable: Weight = Field(0.5, description="Weight of the renewable share, hour by hour.")
    intensity: Weight = Field(0.2, description="Weight of the carbon intensity.")
    efficiency: Weight = Field(0.15, description="Weight of the efficiency.")
    flexibility: Weight = Field(0.15, description="Weight of drawing less when the grid needs it.")


class Config(CollectorConfig):
    """Options of the sites plugin."""

    env_file: ConfigPath | None = Field(
        None, description="A file of `NAME=value` lines for what is not set here, such as `.env`."
    )
    token: SecretStr | None = Field(
        None, description="Bearer token that writers present; required from other machines."
    )
    database: DatabasePlace = Field(
        None,
        description="PostgreSQL, as a URL or `{host, port, user, password, name}`; without it a file of its own.",
    )
    timescaledb: Annotated[Literal["auto", "on", "off"], BeforeValidator(_switch)] = Field(
        "auto", description="Keep readings in a hypertable of TimescaleDB: where the extension is, `on` or `off`."
    )
    kafka: KafkaOptions | None = Field(None, description="Readings from Kafka, and forecasts to it.")
    neo4j: Neo4jOptions | None = Field(None, description="A graph of sites, sources and grids, merged once an hour.")
    queue_max_bytes: int = Field(
        1 << 30, ge=1 << 16, description="What may wait on disk while the database is away; then senders get 503."
    )
    cors: tuple[Origin, ...] = Field(
        (), description="Other web sites that may read, such as https://dashboards.example.org; `*`: all."
    )
    auto_register: bool = Field(False, description="Register a site with its first reading.")
    retention: LongDuration = Field(400 * 86_400, description="How long readings are kept; hourly sums stay for ever.")
    currency: str = Field("EUR", pattern=r"^[A-Z]{3}$", description="ISO 4217 code of all prices.")
    country: Country | None = Field(
        None, description="ISO 3166 code, e.g. DE: its yearly mean is the factor of `grid` for sites without a zone."
    )
    hash_price: HashPrice | None = Field(
        None,
        description="What a TH/s earns in a day, in `currency`, for sites that say nothing else; gives their profit.",
    )
    forecast_days: float = Field(30.0, gt=0, le=366, allow_inf_nan=False, description="Longest horizon of forecasts.")
    retrain_every: LongDuration = Field(
        7 * 86_400, description="After how long the model of a site's published forecast is chosen again."
    )
    weights: Weights = Field(Weights(), description="Weights of the parts of the sustainability score.")
    renewables: tuple[Annotated[str, AfterValidator(usual_name)], ...] = Field(
        RENEWABLES, description="Sources that count as renewable in the sustainability score."
    )
    reference_g_per_kwh: float = Field(
        480.0,
        gt=0,
        le=5000,
        allow_inf_nan=False,
        description="Carbon intensity that scores 0; by default the world's mean of 2023, rounded: 481 by Ember's "
        "yearly data of July 2024.",
    )
    miners: Annotated[tuple[Miner, ...], AfterValidator(_different)] = Field(
        (), description="Miners to ask for hash rate and power every minute, as `[{site: tx-1, address: 10.0.0.21}]`."
    )
    local: Local | None = Field(
        None, description="Makes a site of this machine, as `{site: home}`: what the ledger of energy adds up."
    )

    @model_validator(mode="before")
    @classmethod
    def _with_env_file(cls, options: Any, info: ValidationInfo) -> Any:
        if not isinstance(options, dict) or not isinstance(options.get("env_file"), str | Path):
            return options
        folder = (info.context or {}).get("folder", "")
        try:
            values = read_env_file(Path(folder) / options["env_file"])
            return env.completed(options, env.options_of(values))
        except ValueError as error:
            raise ValueError(f"env_file: {error}") from None

    def variables_without_effect(self) -> list[str]:
        """The names in the env file that nothing here depends on; raises `ValueError` where it cannot be read."""
        return env.without_effect(read_env_file(self.env_file)) if self.env_file is not None else []

    @property
    def database_url(self) -> SecretStr | None:
        """Where the database is; None where there is none."""
        return self.database.url if isinstance(self.database, DatabaseOptions) else self.database

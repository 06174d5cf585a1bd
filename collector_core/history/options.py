"""The key `history` of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator

from collector_core.options import CENTURY, ConfigPath, Options, Period, SelectorText, parse_duration
from collector_core.storage.postgres import check_postgres_name, check_postgres_url
from collector_core.storage.user_folders import state_home

RAW = "raw"
EMBEDDED = "sqlite"
MANIFOLD = "cpu_time|core_load|throttling"  # there are dozens to hundreds of each on a large machine
DEFAULT_SERIES = (f'{{__topic__!="",__topic__!~"{MANIFOLD}"}}',)
DECIMALS = {"joules": 3, "watts": 2, "celsius": 2, "ratio": 4, "seconds": 3, "hertz": 0, "bytes": 0, "grams": 3}

Pause = Annotated[float, BeforeValidator(parse_duration), Field(ge=0, le=3600, allow_inf_nan=False)]


class HistoryOptions(Options):
    """What is kept, for how long, and where; times in seconds."""

    path: ConfigPath | None = Field(
        None, description="Folder of the store; default: $XDG_STATE_HOME/energy-collector/history."
    )
    series: tuple[SelectorText, ...] = Field(
        DEFAULT_SERIES, description="Selectors of the series to keep, instead of all that say what they are about."
    )
    retention: Period = Field(CENTURY, description="Nothing is kept longer, whatever `tiers` say.")
    tiers: dict[str, Period] = Field(
        {RAW: 2 * 86_400.0, "1m": 30 * 86_400.0, "15m": 180 * 86_400.0, "1h": 730 * 86_400.0},
        description="How long readings (`raw`) and summaries by step (`1m`, `1h`, …) are kept.",
    )
    max_bytes: int = Field(268_435_456, ge=100_000, description="What the files may take on disk.")
    flush: Pause = Field(10.0, description="Time between two writes, which a crash may lose; 0s: after every run.")
    store: SecretStr = Field(
        SecretStr(EMBEDDED),
        description="`sqlite` for files in `path`, or a database as `{$env: NAME}`: `postgresql://user:password@host/db`.",
    )
    schema_name: Annotated[str, AfterValidator(check_postgres_name)] = Field(
        "energy_collector", description="Schema in the database of `store`; created when missing."
    )
    agent: str = Field(
        "",
        max_length=200,
        description="Name of this agent there, unlike that of every other; default: the host's name.",
    )
    decimals: dict[str, int] = Field(
        DECIMALS, description="Decimal places that are kept of values, by their unit; other units keep all of them."
    )

    @field_validator("tiers")
    @classmethod
    def _steps(cls, tiers: dict[str, float]) -> dict[str, float]:
        if RAW not in tiers:
            raise ValueError("`raw` is missing: how long readings are kept as they were collected, e.g. raw: 2d")
        for name in tiers:
            if name != RAW and not (1 <= parse_duration(name) <= 86_400 and 86_400 % parse_duration(name) == 0):
                raise ValueError(f"{name!r} is neither raw nor a step of which a day is a multiple, such as 1m or 1h")
        return tiers

    @field_validator("decimals")
    @classmethod
    def _places(cls, decimals: dict[str, int]) -> dict[str, int]:
        wrong = [unit for unit, places in decimals.items() if not 0 <= places <= 9]
        if wrong:
            raise ValueError(f"{wrong[0]}: 0 to 9 decimal places are possible")
        return decimals

    @field_validator("store")
    @classmethod
    def _store(cls, store: SecretStr) -> SecretStr:
        if store.get_secret_value() == EMBEDDED:
            return store
        try:
            return check_postgres_url(store)
        except ValueError as error:
            raise ValueError(f"is neither {EMBEDDED} nor the address of a database: {error}") from None

    @property
    def is_embedded(self) -> bool:
        """Whether the store is files in `folder`, and not a database."""
        return self.store.get_secret_value() == EMBEDDED

    @property
    def folder(self) -> Path:
        """Where the store's files are."""
        return self.path or state_home() / "history"

    @property
    def of_demo(self) -> HistoryOptions:
        """The same with a folder of its own, for a demo."""
        return self.model_copy(update={"path": self.folder.with_name(f"{self.folder.name}-demo")})

    @property
    def steps(self) -> list[int]:
        """The tiers' steps in milliseconds, without that of readings."""
        return sorted(round(parse_duration(name) * 1000) for name in self.tiers if name != RAW)

    @property
    def keep(self) -> dict[int, int]:
        """How long each tier is kept by its step, both in milliseconds; that of readings is 0."""
        return {
            0 if name == RAW else round(parse_duration(name) * 1000): round(kept * 1000)
            for name, kept in self.tiers.items()
        }


def parse_history(value: object) -> object:
    """`history: off` is one word, whatever YAML takes it for; without a value there are the defaults."""
    if value is False or value == "off":
        return None
    if value is None or value is True or value == "on":
        return {}
    if not isinstance(value, (dict, HistoryOptions)):
        text = f"{value!r} is neither `off` nor a section with keys such as `path` and `tiers`"
        raise ValueError(text)  # noqa: TRY004 - the type that pydantic explains
    return value

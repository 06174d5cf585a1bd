"""Options of the output, checked before anything is connected."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, field_validator

from collector_core import Field, Options, OutputConfig, SecretStr, SelectorText

_BAD_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
MAX_IDENTIFIER_BYTES = 63  # PostgreSQL cuts off what is longer


def _check_identifier(name: str) -> str:
    if not name or "\0" in name or len(name.encode()) > MAX_IDENTIFIER_BYTES:
        raise ValueError(f"is not a name in PostgreSQL: 1 to {MAX_IDENTIFIER_BYTES} bytes")
    return name


def _check_table(name: str) -> str:
    for part in name.split(".", 1):
        _check_identifier(part)
    return name


Identifier = Annotated[str, AfterValidator(_check_identifier)]


class Columns(Options):
    """Names of the columns, as the table has them."""

    event_type: Identifier = Field("event_type", description="What kind of value it is, e.g. `gpu_power_draw`.")
    source: Identifier = Field("source", description="Where it comes from, e.g. `gpu_bluefin`.")
    value: Identifier = Field("value", description="The number.")
    metadata: Identifier = Field("metadata", description="Everything else, as JSON.")
    created_at: Identifier = Field("created_at", description="When the value was read.")


class Event(Options):
    """How the series of one selector become rows."""

    event_type: str = Field(min_length=1, description="Event type of the rows.")
    source: str = Field("{collector}", description="Source; `{label}` stands for a label, `{collector}` for the name.")
    scale: float = Field(1.0, allow_inf_nan=False, description="The value is multiplied by this: 100 for percent.")


EventType = Annotated[str, Field(min_length=1)]


class Config(OutputConfig):
    """Options of the output timeline."""

    url: SecretStr = Field(description="Database, as `{$env: NAME}`: `postgresql://user:password@host:port/database`.")
    table: Annotated[str, AfterValidator(_check_table)] = Field(
        "unified_timeline",
        description="Table, exactly as it is called; `schema.table` for one outside the search path.",
    )
    columns: Columns = Field(Columns(), description="Names of its columns, where they are called otherwise.")
    create: bool = Field(False, description="Create the table where it is missing.")
    events: dict[SelectorText, Event | EventType] = Field(
        {},
        description="More series, by selector: an event type, or `{event_type, source, scale}`.",
    )

    @field_validator("url")
    @classmethod
    def _url(cls, url: SecretStr) -> SecretStr:
        text = url.get_secret_value()
        if not text.startswith(("postgresql://", "postgres://")):
            raise ValueError("begins with postgresql://")
        try:
            login = urlsplit(text).netloc.rpartition("@")[0]
        except ValueError:
            raise ValueError("is not an address") from None
        if "@" in login or _BAD_PERCENT.search(login):
            raise ValueError("write special characters of user and password as %40, %25, %2F and so on")
        return url

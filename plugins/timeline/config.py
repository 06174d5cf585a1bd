"""Options of the output, checked before anything is connected."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from collector_core import Field, Options, OutputConfig, SecretStr, SelectorText
from collector_core.storage import check_postgres_name, check_postgres_url


def _check_table(name: str) -> str:
    for part in name.split(".", 1):
        check_postgres_name(part)
    return name


Identifier = Annotated[str, AfterValidator(check_postgres_name)]


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

    url: Annotated[SecretStr, AfterValidator(check_postgres_url)] = Field(
        description="Database, as `{$env: NAME}`: `postgresql://user:password@host:port/database`."
    )
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

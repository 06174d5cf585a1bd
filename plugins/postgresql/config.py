"""Options of the output, checked before anything is connected."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from collector_core import Field, OutputConfig, SecretStr
from collector_core.storage import check_postgres_name, check_postgres_url


def _table(name: str) -> str:
    for part in name.split(".", 1):
        check_postgres_name(part)
    return name


class Config(OutputConfig):
    """Options of the output postgresql."""

    url: Annotated[SecretStr, AfterValidator(check_postgres_url)] = Field(
        description="Database, as `{$env: NAME}`: `postgresql://user:password@host:port/database`."
    )
    table: Annotated[str, AfterValidator(_table)] = Field(
        "energy_samples", description="Table; `schema.table` for one outside the search path."
    )
    create: bool = Field(True, description="Create the table where it is missing.")

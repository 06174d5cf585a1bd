"""What another collector answers at `/api/v1/energy/site`: its ledger of everything that it knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from collector_core import NotAvailable, Reason

MOST_PARTS = 20_000
PATH = "/api/v1/energy/site"

_Text = Annotated[str, Field(max_length=300)]
_Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Part(BaseModel):
    """One account; `agent` is None where the collector that answers has measured it itself."""

    model_config = ConfigDict(frozen=True)

    component: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,99}$")]
    device: Annotated[_Text, Field(min_length=1)]
    host: _Text
    kind: _Text
    joules: _Amount
    age_seconds: _Amount
    agent: _Text | None = None
    hops: Annotated[int, Field(ge=0)] = 0
    is_own_host: bool = False
    grams_per_kwh: _Amount | None = None


class RemoteLedger(BaseModel):
    """A whole ledger; `rejected` rows could not be read."""

    model_config = ConfigDict(frozen=True)

    agent: Annotated[_Text, Field(min_length=1)]
    host: _Text
    age_seconds: _Amount
    total_watts: _Amount | None = None
    mix_grams_per_kwh: _Amount | None = None
    parts: Sequence[Part] = ()
    rejected: Sequence[str] = ()


def parse_answer(document: object) -> RemoteLedger:
    """Read an answer; raises `NotAvailable`. A row that cannot be read costs the others nothing."""
    if not isinstance(document, dict):
        raise NotAvailable(Reason.BAD_DATA, f"{PATH} is not a JSON object")
    rows = document.get("parts")
    if document.get("age_seconds", 0) is None:
        raise NotAvailable(Reason.NOT_FOUND, "its ledger has not run yet")
    if not isinstance(rows, list) or len(rows) > MOST_PARTS:
        raise NotAvailable(Reason.BAD_DATA, f"{PATH} has no list of at most {MOST_PARTS} parts")
    parts, rejected = [], []
    for row in rows:
        try:
            parts.append(Part.model_validate(row))
        except ValidationError as error:
            rejected.append(_where(error))
    try:
        return RemoteLedger.model_validate(_without_parts(document) | {"parts": parts, "rejected": rejected})
    except ValidationError as error:
        raise NotAvailable(Reason.BAD_DATA, f"{PATH}: {_where(error)}") from None


def _without_parts(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key in RemoteLedger.model_fields and key != "parts"}


def _where(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"

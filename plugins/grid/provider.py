"""What every kind of provider is: what it is asked, and what its answers mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import SecretStr

from collector_core import NotAvailable, Reason
from collector_plugins.grid.curve import Slot

MOST_PRICE = 1e5  # per kWh, in whatever currency
MOST_GRAMS = 5000.0
PER_MWH = 1e-3


class Place(NamedTuple):
    """Whom to ask, and about what; `now` is in seconds since 1970."""

    url: str
    zone: str
    token: SecretStr | None
    now: float


class Question(NamedTuple):
    """A request; a `body` is posted as JSON."""

    url: str | SecretStr
    headers: Mapping[str, str | SecretStr] = {}
    token: SecretStr | None = None
    body: Mapping[str, Any] | None = None


class Told(NamedTuple):
    """What an answer says."""

    prices: Sequence[Slot] = ()
    currency: str = ""
    carbon: Sequence[Slot] = ()


class Document(NamedTuple):
    """One thing that a provider can be asked; `parse` gets the body and the place, and raises `ValueError`, `TypeError`
    `KeyError` or `IndexError` for an answer that is not of the expected shape.
    """

    question: Callable[[Place], Question]
    parse: Callable[[bytes, Place], Told]


class ProviderKind(NamedTuple):
    """A kind of provider."""

    url: str
    zone_pattern: str
    zone_example: str
    documents: Sequence[Document]
    needs_token: bool = False
    default_zone: str | None = None


def read(document: Document, body: bytes, place: Place) -> Told:
    """What an answer says; raises `NotAvailable` (bad_data) where it says nothing."""
    try:
        told = document.parse(body, place)
        told = told._replace(
            prices=[slot for slot in told.prices if abs(slot.value) <= MOST_PRICE],
            carbon=[slot for slot in told.carbon if 0 <= slot.value <= MOST_GRAMS],
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
        raise NotAvailable(
            Reason.BAD_DATA, "its answer is not of the shape that is expected", fix="check `kind` and `url`"
        ) from None
    if not told.prices and not told.carbon:
        raise NotAvailable(Reason.NOT_FOUND, "it has no data for the zone now", fix="check `zone`")
    if told.prices and not (len(told.currency) == 3 and told.currency.isascii() and told.currency.isupper()):
        raise NotAvailable(Reason.BAD_DATA, "its prices have no currency", fix="check `kind` and `url`")
    return told

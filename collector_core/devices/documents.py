"""Finds numbers in what devices answer: JSON by pointers (RFC 6901), XML by paths, text by patterns."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Annotated, Any

from pydantic import Field

from collector_core.devices.quantities import DeviceReading
from collector_core.errors import NotAvailable, Reason
from collector_core.options import Options

Find = Callable[[str], "float | None"]  # where → the number that is there


def is_pointer(text: str) -> bool:
    """Whether a text is a JSON pointer to a part of a document."""
    return text.startswith("/") and not re.search(r"~(?![01])", text)


Place = Annotated[str, Field(min_length=1, max_length=300)]


class Places(Options):
    """Where in an answer each quantity is; a subclass says what a place is."""

    power_watts: Place | None = Field(None, description="Where the power is, in watts.")
    dc_power_watts: Place | None = Field(None, description="Where the power on an inverter's DC side is, in watts.")
    energy_kwh: Place | None = Field(None, description="Where the energy counter is, in kWh.")
    energy_wh: Place | None = Field(None, description="Where the energy counter is, in Wh.")
    energy_joules: Place | None = Field(None, description="Where the energy counter is, in joules.")
    export_energy_kwh: Place | None = Field(None, description="Where the counter of what is fed back is, in kWh.")
    voltage_volts: Place | None = Field(None, description="Where the voltage is.")
    current_amperes: Place | None = Field(None, description="Where the current is.")
    frequency_hertz: Place | None = Field(None, description="Where the frequency is.")
    power_factor_ratio: Place | None = Field(None, description="Where the power factor is, -1 to 1.")
    temperature_celsius: Place | None = Field(None, description="Where a temperature is.")
    battery_charge_percent: Place | None = Field(None, description="Where the charge is, in percent.")
    phase_power_watts: dict[str, Place] = Field({}, description="Where the power of each phase is, by its name.")
    phase_voltage_volts: dict[str, Place] = Field({}, description="Where the voltage of each phase is, by its name.")
    phase_current_amperes: dict[str, Place] = Field({}, description="Where the current of each phase is, by its name.")
    outlet_power_watts: dict[str, Place] = Field({}, description="Where the power of each outlet is, by its name.")

    def places(self) -> Iterator[tuple[str, str, str]]:
        """The word, the part (of phases and outlets, else "") and the place of each quantity that is named."""
        for word in Places.model_fields:
            named = getattr(self, word)
            if isinstance(named, Mapping):
                yield from ((word, part, place) for part, place in named.items())
            elif named:
                yield word, "", named


def read_places(places: Places, find: Find) -> DeviceReading:
    """What is at the places of a document; raises `NotAvailable` (bad_data) where there is nothing at any of them."""
    reading = DeviceReading()
    for word, part, place in places.places():
        if (value := find(place)) is not None:
            reading.tell(word, value, part)
    if not reading:
        raise NotAvailable(
            Reason.BAD_DATA, "no number at any of the places that are configured", fix="compare them with its answer"
        )
    return reading


def parse_json(text: str | bytes) -> Any:
    """A document; raises `NotAvailable` (bad_data)."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise NotAvailable(
            Reason.BAD_DATA, "the answer is not valid JSON", fix="check its address and `format`"
        ) from None


def find_in_json(document: Any) -> Find:
    """Finds by pointers; `/` alone also means the document itself, where that is a number."""

    def find(pointer: str) -> float | None:
        if pointer == "/" and not isinstance(document, dict):
            return number(document)
        return number(at_pointer(document, pointer))

    return find


def at_pointer(document: Any, pointer: str) -> Any:
    """What a JSON pointer points to; None where there is nothing."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(key)
        elif isinstance(document, list) and re.fullmatch(r"0|[1-9][0-9]{0,6}", key) and int(key) < len(document):
            document = document[int(key)]
        else:
            return None
    return document


def find_in_xml(text: str) -> Find:
    """Finds by ElementTree's paths, `path/@name` being an attribute; raises `NotAvailable` (bad_data)."""
    from xml.etree import ElementTree as Tree  # noqa: PLC0415 - few devices answer XML

    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise NotAvailable(Reason.BAD_DATA, "the answer is a page or defines entities", fix="check its address")
    try:
        root = Tree.fromstring(text)  # noqa: S314 - without entities nothing can expand
    except (Tree.ParseError, ValueError):
        raise NotAvailable(
            Reason.BAD_DATA, "the answer is not valid XML", fix="check its address and `format`"
        ) from None

    def find(place: str) -> float | None:
        path, _, attribute = place.partition("/@")
        element = root if path in ("", ".") else root.find(path)
        if element is None:
            return None
        return number(element.get(attribute) if attribute else element.text)

    return find


def is_xml_path(place: str) -> bool:
    """Whether ElementTree takes a path."""
    from xml.etree import ElementTree as Tree  # noqa: PLC0415

    try:
        Tree.Element("x").find(place.partition("/@")[0] or ".")
    except (SyntaxError, KeyError, ValueError, TypeError):  # the last where it does not know a token
        return False
    return True


def find_in_text(text: str) -> Find:
    """Finds by regular expressions: their first group, else all that they match."""

    def find(pattern: str) -> float | None:
        match = re.search(pattern, text, re.MULTILINE)
        return number(match[1] if match.re.groups else match[0]) if match else None

    return find


def number(value: Any) -> float | None:
    """A number, or a text that is one; None for anything else, and for what is not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if isfinite(found) else None

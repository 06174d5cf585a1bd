"""The variables of an env file, as other programs of the field read them, in options of this plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

MAX_PORT = 65535
LISTEN = frozenset({"API_HOST", "API_PORT"})  # the program itself takes these


def options_of(values: Mapping[str, str]) -> dict[str, Any]:
    """What the variables set; raises `ValueError` with the name of one that is wrong."""
    found: dict[str, Any] = {}
    for name in values.keys() & _OPTIONS.keys():
        (*sections, key), parse = _OPTIONS[name]
        section = found
        for each in sections:
            section = section.setdefault(each, {})
        section[key] = _parsed(name, values[name], parse)
    for name, needed in _NEEDED.items():
        if name in found and needed not in found[name]:
            del found[name]
    if "API_PORT" in values:
        _parsed("API_PORT", values["API_PORT"], _port)
    return found


def without_effect(names: Iterable[str]) -> list[str]:
    """The variables that nothing here depends on."""
    return sorted(set(names) - _OPTIONS.keys() - LISTEN)


def completed(options: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Options with defaults for what they are silent about, section by section."""
    found = dict(defaults)
    for key, value in options.items():
        section = found.get(key)
        both = isinstance(value, Mapping) and isinstance(section, Mapping)
        found[key] = {**section, **value} if both and section is not None else value
    return found


def _parsed(name: str, text: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MAX_PORT:
        raise ValueError("must be a port, 1 to 65535")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be a number") from None


def _hours(text: str) -> str:
    """A number is one of hours; a duration stays what it is."""
    return f"{text}h" if text.replace(".", "", 1).isdecimal() else text


def _switch(text: str) -> str:
    if text.lower() in ("true", "1", "yes", "on"):
        return "auto"
    if text.lower() in ("false", "0", "no", "off"):
        return "off"
    raise ValueError("must be true or false")


_NEEDED = {"database": "host", "kafka": "brokers"}
"""Sections that are meant only where one of their keys is set: a port alone is no database."""

_OPTIONS: dict[str, tuple[tuple[str, ...], Callable[[str], Any]]] = {
    "DATABASE_HOST": (("database", "host"), str),
    "DATABASE_PORT": (("database", "port"), _port),
    "DATABASE_USER": (("database", "user"), str),
    "DATABASE_PASSWORD": (("database", "password"), str),
    "DATABASE_NAME": (("database", "name"), str),
    "KAFKA_BROKERS": (("kafka", "brokers"), str),
    "KAFKA_TOPIC_ENERGY": (("kafka", "topic_energy"), str),
    "TIMESCALEDB_ENABLED": (("timescaledb",), _switch),
    "MODEL_RETRAIN_INTERVAL": (("retrain_every",), _hours),
    "FORECAST_DAYS": (("forecast_days",), _number),
}

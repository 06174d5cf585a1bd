"""What a miner says of itself over the API of cgminer, which Antminer, Whatsminer, Avalon and Braiins share.

A question is a line of JSON; the answer is JSON that ends with a NUL or with the connection.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from collector_core import NotAvailable, Reason

PORT = 4028
MAX_ANSWER_BYTES = 1 << 20
MAX_DEPTH = 8
MAX_TERAHASHES = 1e6  # of one miner
MAX_WATTS = 1e6
COMMANDS = ("summary", "stats", "devs", "tunerstatus")  # the last one is of Braiins

# Recent before long means; what each unit is in TH/s.
_UNITS = {"MHS": 1e-6, "GHS": 1e-3, "THS": 1.0}
_HASHRATES = [
    *((f"{unit} {span}", scale) for span in ("1m", "5s", "5m", "15m") for unit, scale in _UNITS.items()),
    ("HS RT", _UNITS["MHS"]),
    *((f"{unit} av", scale) for unit, scale in _UNITS.items()),
]
_POWERS = ("Power", "Power Consumption", "chain_power", "total_power", "ApproximateMinerPowerConsumption")
_CHAIN_POWER = re.compile(r"chain_power\d+")
_AVALON_POWER = re.compile(r"\bPS\[([\d ]+)\]")
_AVALON_PLACES = {6: 4, 7: 6}  # where the watts are, by how many numbers there are
_MISSING_COMMA = re.compile(r"\}\s*\{")
_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:W|\(.*\))?\s*")


class MinerReading(NamedTuple):
    """TH/s and watts; None for what a miner does not tell."""

    hashrate: float | None = None
    power: float | None = None


def parse_answer(data: bytes) -> Mapping[str, Any]:
    """An answer as an object; raises `NotAvailable` where it is none. Antminers leave out a comma in `stats`."""
    text = data.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
    for attempt in (text, _MISSING_COMMA.sub("},{", text)):
        try:
            document = json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            continue
        if isinstance(document, dict):
            return document
    raise NotAvailable(Reason.BAD_DATA, "the answer is not a JSON object", fix="is this the API port of a miner?")


def read_answers(answers: Mapping[str, Mapping[str, Any]]) -> MinerReading:
    """What the answers to some commands say together."""
    return MinerReading(_hashrate(answers), _power(answers))


def _hashrate(answers: Mapping[str, Mapping[str, Any]]) -> float | None:
    for command in ("summary", "stats"):
        for section in _sections(answers.get(command, {})):
            if (found := _terahashes(section)) is not None:
                return found
    boards = [_terahashes(section) for section in _sections(answers.get("devs", {}))]
    known = [each for each in boards if each is not None]
    return _possible(sum(known), MAX_TERAHASHES) if known else None


def _terahashes(section: Mapping[str, Any]) -> float | None:
    for key, scale in _HASHRATES:
        value = _number(section.get(key))
        if value is not None and (found := _possible(value * scale, MAX_TERAHASHES)) is not None:
            return found
    return None


def _power(answers: Mapping[str, Mapping[str, Any]]) -> float | None:
    for command in ("summary", "stats", "tunerstatus"):  # `devs` has boards
        for section in _sections(answers.get(command, {})):
            if (found := _watts(section)) is not None:
                return found
    return None


def _watts(section: Mapping[str, Any]) -> float | None:
    for key in _POWERS:
        if found := _possible(_number(section.get(key)), MAX_WATTS):
            return found
    chains = [_number(value) for key, value in section.items() if _CHAIN_POWER.fullmatch(key)]
    avalons = [_avalon_watts(value) for key, value in section.items() if key.startswith("MM ID")]
    known = [each for each in (*chains, *avalons) if each is not None]
    return _possible(sum(known), MAX_WATTS) or None


def _avalon_watts(value: object) -> float | None:
    match = _AVALON_POWER.search(value) if isinstance(value, str) else None
    numbers = match[1].split() if match else []
    return _number(numbers[_AVALON_PLACES[len(numbers)]]) if len(numbers) in _AVALON_PLACES else None


def _sections(value: object, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """All objects within an answer, outer before inner, apart from what it says of itself."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        yield value
        for key, each in value.items():
            if key != "STATUS":
                yield from _sections(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _sections(each, depth + 1)


def _number(value: object) -> float | None:
    """A number, or a text that begins with one, such as `1350 W`."""
    if isinstance(value, str) and (match := _NUMBER.fullmatch(value)):
        value = float(match[1])
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _possible(value: float | None, most: float) -> float | None:
    return value if value is not None and math.isfinite(value) and 0 <= value <= most else None

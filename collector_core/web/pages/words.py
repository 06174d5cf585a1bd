"""The words of the pages in the languages that they speak, and numbers as these write them."""

from __future__ import annotations

import re
from typing import NamedTuple

from collector_core.model.quantities import percent, quantity
from collector_core.web.pages.vocabulary import LANGUAGES, WORDS

SYMBOLS = {
    "watts": "W", "joules": "J", "celsius": "°C", "seconds": "s", "bytes": "B", "grams": "g", "hertz": "Hz",
    "volts": "V", "amperes": "A",
}  # fmt: skip

# No version, no address, no part of a name.
_NUMBER = re.compile(r"(?<![\w.:/=-])(\d+)\.(\d+)(?![\w.:/-])")

CURRENCIES = {"EUR": "€", "USD": "$", "GBP": "£"}


class Words(NamedTuple):
    """Words and numbers in one language."""

    language: str

    def __call__(self, key: str) -> str:
        """A text of the page."""
        return self.maybe(key, key.replace("_", " "))

    def maybe(self, key: str, otherwise: str) -> str:
        """A text of the page, or `otherwise` where there is none."""
        return WORDS[key][LANGUAGES.index(self.language)] if key in WORDS else otherwise

    def number(self, text: str) -> str:
        """A number that was written with a point."""
        return text.replace(".", ",") if self.language == "de" else text

    def numbers(self, text: str) -> str:
        """A text with its numbers, which were written with a point."""
        return _NUMBER.sub(r"\1,\2", text) if self.language == "de" else text

    def money(self, amount: float, currency: str) -> str:
        """An amount with its currency: `€2.41`, `2,41 €`, and more digits where it is small."""
        text = self.number(f"{amount:.2f}" if abs(amount) >= 0.1 or not amount else f"{amount:.2g}")
        symbol = CURRENCIES.get(currency, currency)
        if self.language == "en" and currency in CURRENCIES:
            return f"{symbol}{text}"
        return f"{text} {symbol}".strip()

    def quantity(self, value: float | None, unit: str) -> str:
        """A value with its unit: a symbol, or a word of `Unit`."""
        if value is None:
            return self("not_known")
        if unit == "ratio":
            return self.number(percent(value))
        if unit == "seconds":
            return self.number(duration(value))
        if unit in ("celsius", "volts", "amperes"):
            return self.number(f"{value:.1f} {SYMBOLS[unit]}")
        return self.number(quantity(value, SYMBOLS.get(unit, unit)).strip())


def duration(seconds: float) -> str:
    """Seconds as people say them: `45 s`, `12 min`, `3.5 h`, `4.2 d`."""
    for size, unit in ((172_800.0, "d"), (5400.0, "h"), (90.0, "min")):
        if abs(seconds) >= size:
            per = {"d": 86_400.0, "h": 3600.0, "min": 60.0}[unit]
            return f"{seconds / per:.1f} {unit}" if unit != "min" else f"{seconds / per:.0f} min"
    return f"{seconds:.0f} s"


def chosen_language(asked: str, accepted: str) -> str:
    """The language of `?lang=`, else the first of `Accept-Language` that the pages speak, else English."""
    if asked in LANGUAGES:
        return asked
    weighed: list[tuple[float, str]] = []
    for part in accepted.split(",")[:20]:
        name, _, rest = part.strip().partition(";")
        weight = re.fullmatch(r"\s*q=(\d(?:\.\d{1,3})?)\s*", rest)
        weighed.append((float(weight[1]) if weight else 0.0 if rest else 1.0, name[:2].lower()))
    known = [(weight, name) for weight, name in weighed if name in LANGUAGES and weight > 0]
    return max(known, key=lambda pair: pair[0])[1] if known else LANGUAGES[0]

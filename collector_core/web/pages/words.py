"""The words of the pages in the languages that they speak, and numbers as these write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from collector_core.model.quantities import percent, quantity

LANGUAGES = ("en", "de")

SYMBOLS = {
    "watts": "W", "joules": "J", "celsius": "°C", "seconds": "s", "bytes": "B", "grams": "g", "hertz": "Hz",
    "volts": "V", "amperes": "A",
}  # fmt: skip

CURRENCIES = {"EUR": "€", "USD": "$", "GBP": "£"}

_WORDS: Mapping[str, tuple[str, str]] = {
    "now": ("Now", "Jetzt"),
    "history": ("History", "Verlauf"),
    "workloads": ("Workloads", "Lasten"),
    "devices": ("Devices", "Geräte"),
    "sites": ("Sites", "Standorte"),
    "forecasts": ("Forecasts", "Prognosen"),
    "events": ("Events", "Ereignisse"),
    "collectors": ("Collectors", "Sammler"),
    "setup": ("Set-up", "Einrichtung"),
    "pages": ("Pages", "Seiten"),
    "skip": ("Skip to the content", "Zum Inhalt"),
    "theme": ("Dark", "Dunkel"),
    "language": ("Deutsch", "English"),
    "flow": ("Where the watts go", "Wohin die Watt gehen"),
    "flow_nodes": ("Every node with its watts", "Jeder Knoten mit seinen Watt"),
    "flow_empty": (
        "No power is known yet. Set-up says what was found, what is missing and how to get it.",
        "Noch ist keine Leistung bekannt. Die Einrichtung sagt, was gefunden wurde, was fehlt und wie man es bekommt.",
    ),
    "most": ("Draws the most", "Zieht am meisten"),
    "name": ("name", "Name"),
    "kind": ("kind", "Art"),
    "power": ("power", "Leistung"),
    "share": ("share", "Anteil"),
    "search": ("Search", "Suchen"),
    "all": ("all", "alle"),
    "series": ("Series", "Reihe"),
    "range": ("Range", "Zeitraum"),
    "compare": ("Compare with the week before", "Mit der Woche davor vergleichen"),
    "no_series": (
        "Nothing was kept of this in the period.",
        "In diesem Zeitraum wurde davon nichts aufgezeichnet.",
    ),
    "no_history": (
        "No history is kept: remove `history: off` from the configuration.",
        "Es wird kein Verlauf aufgezeichnet: `history: off` aus der Konfiguration entfernen.",
    ),
    "bad_series": ("This is not a selector", "Das ist kein Selektor"),
    "energy": ("energy", "Energie"),
    "cost": ("cost", "Kosten"),
    "carbon": ("carbon", "CO₂"),
    "covered": ("measured", "gemessen"),
    "today": ("today", "heute"),
    "yesterday": ("yesterday", "gestern"),
    "last_hour": ("last hour", "letzte Stunde"),
    "day_pattern": ("%d %b", "%d.%m."),
    "zoom": ("Part of the time", "Ausschnitt"),
    "zoom_help": (
        "Chart: drag over a part of it, or use + and − and the arrow keys",
        "Diagramm: einen Teil mit der Maus markieren, oder + und − und die Pfeiltasten",
    ),
    "earlier": ("earlier", "früher"),
    "later": ("later", "später"),
    "zoom-in": ("a shorter time", "kürzere Zeit"),
    "zoom-out": ("a longer time", "längere Zeit"),
    "unzoom": ("Back to now", "Zurück zu jetzt"),
    "week_before": ("the week before", "die Woche davor"),
    "shown": ("shown", "gezeigt"),
    "nothing": ("Nothing is known here yet.", "Hier ist noch nichts bekannt."),
    "time": ("time", "Zeit"),
    "source": ("source", "Quelle"),
    "what": ("what", "was"),
    "last": ("last", "zuletzt"),
    "missing": ("What is missing, and its fix", "Was fehlt, und was hilft"),
    "running": ("What was found", "Was gefunden wurde"),
    "all_up": ("Every collector is up.", "Alle Sammler laufen."),
    "fix": ("fix", "Abhilfe"),
    "dashboards": ("Dashboards for Grafana", "Dashboards für Grafana"),
    "rules": ("Rules for Prometheus", "Regeln für Prometheus"),
    "scrape": ("Settings for Prometheus", "Einstellungen für Prometheus"),
    "of": ("of", "von"),
    "collectors_up": ("collectors have data", "Sammlern haben Daten"),
    "rest": ("the rest", "der Rest"),
    "unknown_source": ("source not known", "Quelle unbekannt"),
    "not_known": ("not known", "nicht bekannt"),
    "battery": ("Batteries", "Batterien"),
    "gpu": ("GPUs", "Grafikkarten"),
    "ups": ("UPS", "USV"),
    "plug": ("Plugs", "Steckdosen"),
    "ev_charger": ("Chargers", "Ladestationen"),
    "site": ("Sites", "Standorte"),
    "home": ("Homes", "Häuser"),
    "grid": ("Grid", "Netz"),
    "solar": ("Sun", "Sonne"),
    "guest": ("guest", "Gast"),
    "container": ("container", "Container"),
    "service": ("service", "Dienst"),
    "host": ("host", "Rechner"),
    "component": ("component", "Bauteil"),
    "unknown": ("unknown", "unbekannt"),
}  # fmt: skip


class Words(NamedTuple):
    """Words and numbers in one language."""

    language: str

    def __call__(self, key: str) -> str:
        """A text of the page."""
        return self.maybe(key, key.replace("_", " "))

    def maybe(self, key: str, otherwise: str) -> str:
        """A text of the page, or `otherwise` where there is none."""
        return _WORDS[key][LANGUAGES.index(self.language)] if key in _WORDS else otherwise

    def number(self, text: str) -> str:
        """A number that was written with a point."""
        return text.replace(".", ",") if self.language == "de" else text

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

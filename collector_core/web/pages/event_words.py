"""What happened, in the language of the reader."""

from __future__ import annotations

from collector_core.engine.app import App
from collector_core.history.past import PastEvent
from collector_core.web.pages.words import Words
from collector_core.web.translation import Translation

GERMAN: dict[str, str] = {
    "started": "gestartet",
    "stopped": "beendet",
    "took over from another process": "von einem anderen Prozess übernommen",
    "configuration reloaded": "Konfiguration neu gelesen",
    "polling mode is {} now": "Abfrage jetzt im Modus {}",
    "severity {}: {}": "Schwere {}: {}",
    "{} fires: {}": "{} schlägt an: {}",
    "{} is over: {}": "{} ist vorbei: {}",
}


class EventWords:
    """Events in words; the sections of a collector know its sentences in other languages."""

    def __init__(self, app: App, words: Words) -> None:
        self._redact = app.redactor
        self._words = words
        self._runners = app.runners
        self._translations: dict[str, Translation] = {}

    def kind(self, event: PastEvent) -> str:
        """Its kind as a word."""
        return self._words.maybe(f"event_{event.kind}", event.kind)

    def text(self, event: PastEvent) -> str:
        """What happened, without secrets; a text that nobody has translated is as it was written."""
        return self._translation(event.source)(self._redact(event.text))

    def mark(self, event: PastEvent) -> str:
        """Both, for a mark in a chart."""
        return f"{self.kind(event)}: {self.text(event)}"

    def _translation(self, source: str) -> Translation:
        if source not in self._translations:
            german = GERMAN.copy()
            if runner := self._runners.get(source):
                for section in runner.page_sections:
                    german.update(section.translations.get("de", {}))
            self._translations[source] = Translation(self._words, {"de": german})
        return self._translations[source]

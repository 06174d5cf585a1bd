"""What happened, in the language of the reader."""

from __future__ import annotations

from collections.abc import Sequence

from collector_core.engine.app import App
from collector_core.history.past import PastEvent
from collector_core.model.page_section import PageSection
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
        self._others = Translation(words, {"de": GERMAN})
        self._translations = {
            name: Translation(words, {"de": GERMAN | _german(runner.page_sections)})
            for name, runner in app.runners.copy().items()
        }

    def kind(self, event: PastEvent) -> str:
        """Its kind as a word."""
        return self._words.maybe(f"event_{event.kind}", event.kind)

    def text(self, event: PastEvent) -> str:
        """What happened, without secrets; a text that nobody has translated is as it was written."""
        return self._translations.get(event.source, self._others)(self._redact(event.text))

    def mark(self, event: PastEvent) -> str:
        """Both, for a mark in a chart."""
        return f"{self.kind(event)}: {self.text(event)}"


def _german(sections: Sequence[PageSection]) -> dict[str, str]:
    return {text: said for section in sections for text, said in section.translations.get("de", {}).items()}

"""What the page says of alerts in German: its own words, and the sentences of the default rules.

A place `{}` stands for what varies.
"""

from __future__ import annotations

_REASONS = {
    "permission": "keine Berechtigung",
    "not_found": "nicht gefunden",
    "not_supported": "nicht unterstützt",
    "unreachable": "nicht erreichbar",
    "timeout": "keine Antwort in der Zeit",
    "auth": "Anmeldung abgelehnt",
    "bad_data": "unbrauchbare Antwort",
}

_WORDS = {
    "Alerts": "Alarme",
    "No alert fires.": "Kein Alarm schlägt an.",
    "since": "seit",
    "alert": "Alarm",
    "severity": "Schwere",
    "what": "was",
    "what to do": "was hilft",
    "info": "Hinweis",
    "warning": "Warnung",
    "critical": "kritisch",
    "alerts": "Alarme",
}

_SUMMARIES = {
    "The collector {} has no data: {}": "Der Sammler {} hat keine Daten: {}",
    "{}, {}, severity {} of 5: {}": "{}, {}, Schwere {} von 5: {}",
    "{} is down: {}": "{} ist ausgefallen: {}",
    "{} is not available": "{} ist nicht verfügbar",
    "{} will probably be empty within three hours": "{} ist wahrscheinlich innerhalb von drei Stunden leer",
    "Tomorrow's peak of {} is probably above its limit": (
        "Die Spitze von {} liegt morgen wahrscheinlich über ihrer Grenze"
    ),
    "{} will be exhausted within a week if it goes on shrinking as it does": (
        "{} ist innerhalb einer Woche erschöpft, wenn es weiter so abnimmt"
    ),
    "Alerts do not get through to the channel {}": "Alarme kommen beim Kanal {} nicht an",
    "{}: what could be read of it goes on": "{}: was davon lesbar war, läuft weiter",
    "The configuration on disk is not the one that runs": ("Die Konfiguration auf der Platte ist nicht die, die läuft"),
    "it behaves unusually": "auffälliges Verhalten",
}

_FIXES = {
    "{}   # says what it lacks and the command that helps": "{}   # sagt, was fehlt, und den Befehl, der hilft",
    "look at {}: it has the numbers and what to do": "{} ansehen: dort stehen die Zahlen und was hilft",
    "charge it, or switch off what it feeds": "laden oder abschalten, was daran hängt",
    "move load to later, or charge it; {} says how sure it is": (
        "Last auf später verschieben oder laden; {} sagt, wie sicher das ist"
    ),
    "spread what can run at another time; {} has the best time": (
        "verteilen, was zu anderer Zeit laufen kann; {} nennt die beste Zeit"
    ),
    "remove what is not needed, or make it larger": "entfernen, was nicht gebraucht wird, oder vergrößern",
    "look at its log, its peers and its disk": "sein Protokoll, seine Peers und seine Platte ansehen",
    "{}   # says why": "{}   # sagt, warum",
    "check the disk; then remove the copies and reload": "die Platte prüfen; dann die Kopien löschen und neu laden",
    "{}   # names every line that is wrong": "{}   # nennt jede falsche Zeile",
}

GERMAN = {**_WORDS, **_REASONS, **_SUMMARIES, **_FIXES}

"""Alerts on the page of events, in the language of the reader."""

import re

import pytest

from collector_core.web.pages.words import Words
from collector_core.web.translation import Translation
from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.defaults import DEFAULT_RULES
from collector_plugins.alerts.german import GERMAN
from collector_plugins.alerts.page import section
from tests.plugins.alerts.conftest import HOT, QUICK

PLACE = re.compile(r"\{\w+\|?([^}]*)\}")
SAID = sorted({PLACE.sub("X", text) for rule in DEFAULT_RULES for text in (rule.summary, rule.fix)} - {"", "X"})
ALTERNATIVES = sorted({text for rule in DEFAULT_RULES for text in PLACE.findall(rule.summary + rule.fix)} - {""})


@pytest.fixture
def german():
    return Translation(Words("de"), {"de": GERMAN})


@pytest.mark.parametrize("text", [*SAID, *ALTERNATIVES])
def test_the_sentences_of_the_default_rules_are_german(german, text):
    assert german(text) != text


def test_what_varies_stays_and_reasons_are_german(german):
    assert german("The collector gpu has no data: not_found") == "Der Sammler gpu hat keine Daten: nicht gefunden"
    said = german("energy-collector doctor   # says what it lacks and the command that helps")
    assert said.startswith("energy-collector doctor   # sagt")


def test_the_newest_is_shown_first():
    alerts = [Alert(name, {"alertname": name}, starts_at, name) for name, starts_at in (("b", 2), ("c", 3), ("a", 1))]
    (table,) = section(alerts).tables
    assert [row[1] for row in table.rows] == ["c", "b", "a"]


def test_what_fires_is_shown(watch):
    subject = watch(**QUICK, rules=[HOT])
    (shown,) = subject.collector.collector_page_sections()
    assert (shown.page, shown.text, shown.tables) == ("events", "No alert fires.", [])
    for text in ("heat 20\n", "heat 60\n", "heat 61\n"):
        subject.run(text)
    (shown,) = subject.collector.collector_page_sections()
    (table,) = shown.tables
    (row,) = table.rows
    assert row[1] == "Hot"
    assert row[-1] in ("info", "warning", "critical")
    assert shown.translations["de"]["Alerts"] == "Alarme"

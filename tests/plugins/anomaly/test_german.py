"""Anomalies in German: every sentence and every action that the plugin can make."""

import pytest

from collector_core.web.pages.words import Words
from collector_core.web.translation import Translation
from collector_plugins.anomaly.german import GERMAN
from collector_plugins.anomaly.incidents.catalogue import ACTIONS, ACTIONS_BY_TYPE, actions_for
from collector_plugins.anomaly.incidents.messages import Observation, describe_anomaly, describe_company
from collector_plugins.anomaly.series.daily_trend import Drift

HEAT = Observation(
    "Temperature (chip=k10temp)", "celsius", 43.21, 41.0, 0.5, days_watched=9, days_unseen=6, rows_lasting=30
)


@pytest.fixture(scope="module")
def german():
    return Translation(Words("de"), {"de": GERMAN})


@pytest.mark.parametrize(
    ("anomaly_type", "change", "text"),
    [
        ("level", {}, ": 43,2 °C, um diese Tageszeit erwartet 41 °C ± 0,5 °C; so hoch wie seit 6 Tagen nicht"),
        (
            "record",
            {"days_unseen": 1, "days_watched": 1.0},
            ": 43,2 °C, erwartet 41 °C ± 0,5 °C; so hoch wie seit gestern nicht",
        ),
        ("level", {"expected": None, "days_unseen": 0}, ": 43,2 °C"),
        ("zero", {"value": 0.0, "expected": None}, ": 0 °C; in 9 Tagen war der Wert kaum je 0"),
        ("missing", {"value": None}, " fehlt, obwohl der Sammler läuft: keine Messung seit 30 Minuten"),
        ("stuck", {}, " steht still: genau 43,2 °C seit 30 Minuten, obwohl der Wert sich bisher immer änderte"),
        ("rare_event", {"days_watched": 0.5}, ": 43,2 °C, das erste Ereignis seit 12 Stunden"),
        ("drift", {"drift": Drift(9, 41.0, 43.0)}, " steigt seit 9 Tagen stetig, im Mittel von 41 °C auf 43 °C"),
        ("drift", {"drift": Drift(9, 43.0, 41.0)}, " fällt seit 9 Tagen stetig, im Mittel von 43 °C auf 41 °C"),
    ],
)
def test_each_type_has_its_sentence(german, anomaly_type, change, text):
    assert german(describe_anomaly(anomaly_type, HEAT._replace(**change))) == HEAT.title + text


@pytest.mark.parametrize(
    ("anomaly_type", "related", "text"),
    [
        ("level", 1, "; eine weitere Reihe ist zugleich auffällig"),
        ("level", 3, "; 3 weitere Reihen sind zugleich auffällig"),
        ("multivariate", 2, "; 3 Reihen dieser Komponente sind zusammen auffällig"),
    ],
)
def test_company_is_told_too(german, anomaly_type, related, text):
    assert german(describe_anomaly("level", HEAT) + describe_company(anomaly_type, related)).endswith(f"nicht{text}")


@pytest.mark.parametrize("action", sorted({*sum(ACTIONS.values(), ()), *sum(ACTIONS_BY_TYPE.values(), ())}))
def test_every_action_is_german_alone_and_among_others(german, action):
    assert german(action) != action
    assert german(f"{action}; {action}") == f"{german(action)}; {german(action)}"


def test_the_actions_of_an_incident_keep_their_commands(german):
    assert german("; ".join(actions_for("cpu", "missing"))) == (
        "Prüfen, ob das Gerät oder der Dienst da ist: energy-collector doctor; "
        "Die Prozesse finden, die rechnen: top oder ps aux --sort=-%cpu | head; "
        "Mit Aufgaben und Cron-Einträgen vergleichen, die zu dieser Zeit begannen"
    )

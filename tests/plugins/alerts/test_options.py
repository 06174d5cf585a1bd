"""What may stand in the configuration, and what is refused with which words."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from collector_plugins.alerts.config import Config
from collector_plugins.alerts.defaults import DEFAULT_RULES, rules_of
from collector_plugins.alerts.rule_options import Rule
from tests.plugins.alerts.conftest import HOT, channel_options

MAIL = {"type": "email", "host": "mail.example", "from": "a@b", "to": ["c@d"]}
AM = {"type": "alertmanager", "urls": ["http://am"]}
HOOK = {"type": "webhook", "url": "http://hook"}


def rule(**given_options):
    return {"alert": "A", "series": "x", **given_options}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (rule(), "give exactly one of above, below, equals, absent, or comparison with threshold"),
        (rule(above=1, below=2), "give exactly one of"),
        (rule(above=1, absent=True), "give exactly one of"),
        (rule(equals=1, comparison=">", threshold=2), "give exactly one of"),
        (rule(threshold=1), "comparison and threshold belong together"),
        (rule(comparison=">"), "comparison and threshold belong together"),
        (rule(comparison="=>", threshold=1), "Input should be '>'"),
        (rule(above=float("nan")), "finite number"),
        (rule(above=float("inf")), "finite number"),
        (rule(above=1, series="x{"), "expected {label="),
        (rule(above=1, series="x" * 1001), "at most 1000 characters"),
        (rule(above=1, alert="1st"), "should match pattern"),
        (rule(above=1, labels={"severity": "x"}), "the label 'severity' is set automatically"),
        (rule(above=1, labels={"instance": "x"}), "the label 'instance' is set automatically"),
        (rule(above=1, labels={"alertname": "x"}), "the label 'alertname' is set automatically"),
        (rule(above=1, labels={"a-b": "x"}), "should match pattern"),
        (rule(above=1, severity="dreadful"), "'info', 'warning' or 'critical'"),
        (rule(above=1, summary="x" * 2001), "at most 2000 characters"),
        (rule(above=1, **{"for": "soon"}), "a duration is a number with a unit"),
        (rule(above=1, **{"for": False}), "a duration is a number with a unit"),
        (rule(above=1, **{"for": -1}), "greater than or equal"),
        (rule(above=1, unknown=1), "Extra inputs are not permitted"),
    ],
    ids=str,
)
def test_a_rule_that_cannot_be_meant_is_refused(wrong, words):
    with pytest.raises(ValidationError, match=words):
        Config(rules=[wrong])


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="two rules are named 'Hot'"):
        Config(rules=[HOT, HOT])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"type": "pigeon"}, "'console', 'log', 'webhook', 'email', 'alertmanager'"),
        ({"type": "webhook"}, "Field required"),
        ({"type": "webhook", "url": "file:///etc/passwd"}, "give a URL that starts with http:// or https://"),
        ({"type": "webhook", "url": "gopher://127.0.0.1/"}, "give a URL that starts with"),
        ({"type": "webhook", "url": "http:///x"}, "names a host"),
        ({"type": "webhook", "url": "http://x:0/"}, "give a URL that starts with"),
        ({"type": "webhook", "url": "http://x:99999/"}, "give a URL that starts with"),
        ({"type": "webhook", "url": "http://[x/"}, "give a URL that starts with"),
        ({"type": "webhook", "url": "http://x/a b"}, "give a URL that starts with"),
        ({"type": "webhook", "url": "http://x/\x7f"}, "give a URL that starts with"),
        ({**HOOK, "secret": "too short"}, "at least 16"),
        ({**HOOK, "timeout": "301s"}, "less than or equal to 300"),
        ({"type": "log", "path": "x", "max_bytes": 999}, "greater than or equal to 1000"),
        ({**MAIL, "tls": "off"}, "`tls: off` would send mail and password in plain text; use starttls or tls"),
        ({**MAIL, "username": "me"}, "`username` and `password` belong together"),
        ({**MAIL, "password": "secret"}, "`username` and `password` belong together"),
        ({**MAIL, "to": []}, "at least 1 item"),
        ({**MAIL, "to": ["nobody"]}, "should match pattern"),
        ({**MAIL, "from": "a@b, c@d"}, "should match pattern"),
        ({**MAIL, "host": "http://mail"}, "should match pattern"),
        ({**AM, "urls": []}, "at least 1 item"),
        ({**AM, "username": "me"}, "`username` and `password` belong together"),
        ({**AM, "username": "me", "password": "x", "bearer_token": "y"}, "give either `bearer_token` or `username`"),
        ({**AM, "resend": "500ms"}, "greater than or equal to 1"),
    ],
    ids=str,
)
def test_a_channel_that_cannot_be_meant_is_refused(wrong, words):
    with pytest.raises(ValidationError, match=words):
        Config(channels={"a": wrong})


@pytest.mark.parametrize("name", ["", "1st", "a b", "a" * 65])
def test_a_channel_has_a_name_fit_for_a_label(name):
    with pytest.raises(ValidationError, match="should match pattern"):
        Config(channels={name: HOOK})


def test_what_is_refused_is_not_repeated_because_it_may_hold_a_token():
    with pytest.raises(ValidationError) as caught:
        Config(channels={"a": {"type": "webhook", "url": "htps://hooks.example/c4n4ry", "secret": "c4n4ry"}})
    assert "c4n4ry" not in str(caught.value)


def test_a_rule_says_how_the_value_is_compared():
    assert Rule(alert="A", series="x", above=0).condition == (">", 0)
    assert Rule(alert="A", series="x", below=-1).condition == ("<", -1)
    assert Rule(alert="A", series="x", equals=0).condition == ("==", 0)
    assert Rule(alert="A", series="x", comparison="!=", threshold=0).condition == ("!=", 0)


@pytest.mark.parametrize(("written", "seconds"), [("5m", 300), (0, 0), ("0", 0), ("0s", 0), (1.5, 1.5)])
def test_a_rule_may_hold_for_any_time_or_none(written, seconds):
    subject = Rule.model_validate({"alert": "A", "series": "x", "above": 1, "for": written, "keep_firing": written})
    assert (subject.hold, subject.keep_firing) == (seconds, seconds)


def test_one_url_of_an_alertmanager_need_not_be_a_list():
    (url,) = channel_options(type="alertmanager", urls="http://am.example:9093").urls
    assert url == SecretStr("http://am.example:9093")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_mail_to_this_machine_need_not_be_encrypted(host):
    assert channel_options(**MAIL | {"host": host, "tls": "off"}).tls == "off"


def test_the_state_is_in_its_folder_or_in_that_of_the_user(monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert Config().state_folder == Path("/state/energy-collector/alerts")
    monkeypatch.setenv("HOME", "/home/me")
    assert Config(state_dir="~/alerts").state_folder == Path("/home/me/alerts")


def test_a_rule_replaces_the_default_rule_of_its_name_and_the_others_stay():
    mine = {"alert": "BatteryLow", "series": "x", "above": 1}
    rules = list(rules_of(Config(rules=[HOT, mine])))
    assert [rule.alert for rule in rules[:2]] == ["Hot", "BatteryLow"]
    assert {rule.alert for rule in rules[2:]} == {rule.alert for rule in DEFAULT_RULES} - {"BatteryLow"}


def test_default_rules_can_be_switched_off():
    assert [rule.alert for rule in rules_of(Config(rules=[HOT], default_rules=False))] == ["Hot"]


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
fields = st.fixed_dictionaries({}, optional=dict.fromkeys(["alert", "series", *Rule.model_fields, "for"], anything))


@settings(max_examples=50)
@given(rule=fields | anything, channel=anything)
def test_any_configuration_is_taken_or_refused(rule, channel):
    for given_options in ({"rules": [rule]}, {"channels": {"a": channel}}):
        with contextlib.suppress(ValidationError):
            Config.model_validate(given_options)

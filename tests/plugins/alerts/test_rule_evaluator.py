"""What the rules say about what is published: which series, with which labels and texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import Published
from collector_core.testing import Harness
from collector_plugins.alerts.rule_evaluator import RuleEvaluator, fill_placeholders
from collector_plugins.alerts.rule_options import Rule
from tests.shown import Shown

NOW = 1.7e9


@pytest.fixture
def published():
    """What the other collectors publish, given as text."""
    subject = Harness(Shown)

    def publish(text, **labels):
        subject.collector.text = text
        return [Published("others", labels, subject.run())]

    yield publish
    subject.close()


def rule(**given):
    return Rule.model_validate({"alert": "Hot", "series": "heat", **given})


def evaluate(rules, seen, tracked=(), *, starting=False, **labels):
    evaluator = RuleEvaluator([rules] if isinstance(rules, Rule) else rules, labels)
    return evaluator.evaluate_rules(seen, tracked, starting=starting)


def alert_of(evaluations):
    (one,) = evaluations.values()
    return one.make_alert(NOW)


# ------------------------------------------------------------------ conditions


@pytest.mark.parametrize(
    ("condition", "holding"),
    [
        ({"above": 2}, {3}),
        ({"below": 2}, {1}),
        ({"equals": 2}, {2}),
        ({"comparison": ">", "threshold": 2}, {3}),
        ({"comparison": ">=", "threshold": 2}, {2, 3}),
        ({"comparison": "<", "threshold": 2}, {1}),
        ({"comparison": "<=", "threshold": 2}, {1, 2}),
        ({"comparison": "==", "threshold": 2}, {2}),
        ({"comparison": "!=", "threshold": 2}, {1, 3}),
        ({"above": 0}, {1, 2, 3}),
        ({"comparison": "!=", "threshold": 0}, {1, 2, 3}),
    ],
    ids=str,
)
def test_a_condition_compares_the_value(published, condition, holding):
    found = {value for value in (1, 2, 3) if evaluate(rule(**condition), published(f"heat {value}\n"))}
    assert found == holding


def test_a_rule_is_evaluated_for_each_series_that_its_selector_matches(published):
    seen = published('heat{room="a"} 60\nheat{room="b"} 20\nheat{room="c"} 70\nsteam{room="d"} 80\n')
    found = evaluate(rule(above=50), seen)
    assert set(found) == {'Hot\nheat{room="a"}', 'Hot\nheat{room="c"}'}
    assert all(each.holds and each.rule == "Hot" for each in found.values())
    assert set(evaluate(rule(above=50, series='heat{room=~"[bc]"}'), seen)) == {'Hot\nheat{room="c"}'}


def test_of_a_tracked_series_it_is_said_too_that_the_condition_does_not_hold(published):
    seen = published('heat{room="a"} 20\nheat{room="b"} 20\n')
    found = evaluate(rule(above=50), seen, {'Hot\nheat{room="a"}', 'Cold\nheat{room="b"}'})
    assert {key: each.holds for key, each in found.items()} == {'Hot\nheat{room="a"}': False}


def test_rules_over_the_same_series_are_kept_apart(published):
    rules = [rule(above=50), rule(alert="Hotter", above=55)]
    assert set(evaluate(rules, published("heat 60\n"))) == {"Hot\nheat", "Hotter\nheat"}


def test_the_times_of_a_rule_come_with_its_evaluations(published):
    (found,) = evaluate(rule(above=50, **{"for": "5m"}, keep_firing="1m"), published("heat 60\n")).values()
    assert (found.timing.hold, found.timing.keep_firing) == (300, 60)


# ------------------------------------------------------------------ absent


def test_a_rule_for_an_absent_series_holds_where_the_selector_matches_nothing(published):
    absent = rule(series='heat{room="a"}', absent=True)
    for text, holds in (('heat{room="b"} 1\n', True), ('heat{room="a"} 0\n', False)):
        found = evaluate(absent, published(text))
        assert {key: each.holds for key, each in found.items()} == {'Hot\nheat{room="a"}': holds}


def test_while_the_program_starts_nobody_knows_whether_a_series_is_absent_but_one_may_be_there(published):
    absent = rule(absent=True)
    assert evaluate(absent, published(""), starting=True) == {}
    (found,) = evaluate(absent, published("heat 1\n"), starting=True).values()
    assert not found.holds


def test_starting_makes_no_difference_for_other_conditions(published):
    assert evaluate(rule(above=50), published("heat 60\n"), starting=True)


def test_an_alert_about_an_absent_series_has_no_value_and_says_which_one(published):
    alert = alert_of(evaluate(rule(absent=True, fix="look for {value} of {room}, {reason}"), published("")))
    assert (alert.value, alert.summary) == (None, "heat is missing")
    assert alert.fix == "look for absent of {room}, {reason}"
    assert alert.labels == {"alertname": "Hot", "severity": "warning"}


# ------------------------------------------------------------------ labels and texts


def test_an_alert_has_the_labels_of_its_series_of_its_rule_and_of_the_machine(published):
    subject = rule(above=50, labels={"team": "heating"}, severity="critical")
    seen = published('heat{room="hall"} 60\n', site="north")
    alert = alert_of(evaluate(subject, seen, instance="box", rack="7"))
    assert alert.labels == {
        "alertname": "Hot",
        "instance": "box",
        "rack": "7",
        "room": "hall",
        "severity": "critical",
        "site": "north",
        "team": "heating",
    }
    assert list(alert.labels) == sorted(alert.labels)
    assert (alert.value, alert.starts_at, alert.ends_at, alert.flapping) == (60, NOW, None, False)


def test_a_label_of_the_series_that_is_taken_is_exported(published):
    seen = published('heat{severity="3",instance="other",alertname="x",team="them"} 60\n')
    alert = alert_of(evaluate(rule(above=50, labels={"team": "us"}), seen, instance="box"))
    assert alert.labels == {
        "alertname": "Hot",
        "exported_alertname": "x",
        "exported_instance": "other",
        "exported_severity": "3",
        "exported_team": "them",
        "instance": "box",
        "severity": "warning",
        "team": "us",
    }


def test_empty_labels_are_none(published):
    alert = alert_of(evaluate(rule(above=50, labels={"team": ""}), published('heat{room=""} 60\n')))
    assert set(alert.labels) == {"alertname", "severity"}


def test_its_id_follows_from_its_labels_not_from_its_value(published):
    one, other = (alert_of(evaluate(rule(above=50), published(f"heat {value}\n"))) for value in (60, 61))
    assert one.id == other.id
    elsewhere = alert_of(evaluate(rule(above=50), published('heat{room="b"} 60\n')))
    assert elsewhere.id != one.id


def test_texts_are_filled_in_with_labels_and_the_value(published):
    texts = {"summary": "{room} is at {value} of {alertname}", "description": "{nothing} {}", "fix": "open {room}"}
    alert = alert_of(evaluate(rule(above=50, **texts), published('heat{room="the hall"} 60.5\n')))
    assert alert.summary == "the hall is at 60.5 of Hot"
    assert (alert.description, alert.fix) == ("{nothing} {}", "open the hall")


def test_without_a_summary_it_says_the_series_and_the_condition(published):
    alert = alert_of(evaluate(rule(above=50), published('heat{room="hall"} 60\n')))
    assert alert.summary == 'heat{room="hall"} is 60 (> 50)'


def test_the_reason_is_that_of_the_collector_in_the_labels(published):
    down = rule(series="collector_up", equals=0, summary="{collector}: {reason}")
    seen = published(
        'collector_up{collector="a"} 0\ncollector_up{collector="b"} 0\ncollector_up{collector="c"} 1\n'
        'collector_unavailable_info{collector="a",reason="timeout"} 1\n'
    )
    summaries = [each.make_alert(NOW).summary for each in evaluate(down, seen).values()]
    assert summaries == ["a: timeout", "b: unknown"]


def test_a_label_named_like_a_word_of_ours_wins_except_for_the_value(published):
    seen = published('heat{reason="own",value="label"} 60\n')
    alert = alert_of(evaluate(rule(above=50, summary="{reason} {value}"), seen))
    assert alert.summary == "own 60"


@given(st.text(max_size=30), st.dictionaries(st.text(max_size=5), st.text(max_size=10), max_size=3))
def test_any_text_can_be_filled_in_and_one_without_braces_stays_as_it_is(text, words):
    filled = fill_placeholders(text, words)
    if "{" not in text:
        assert filled == text


# ------------------------------------------------------------------ facts

FACTS = (
    'heat{room="a"} 60\n'
    'why_info{room="a",cause="sun",level=""} 1\nwhy_info{room="a",cause="oven"} 1\n'
    'why_info{room="b",cause="fire"} 1\nwhy_info{floor="1",cause="unknown"} 1\n'
)


def test_facts_that_share_labels_with_the_series_and_agree_fill_its_texts(published):
    told = rule(above=50, info="why_info", summary="{room}: {cause}", fix="{level|look around}, {floor}")
    alert = alert_of(evaluate(told, published(FACTS)))
    assert alert.summary == "a: sun; oven"
    assert alert.fix == "look around, {floor}"
    assert "cause" not in alert.labels


def test_many_facts_are_cut_off(published):
    many = "".join(f'why_info{{room="a",cause="c{number}"}} 1\n' for number in range(9))
    alert = alert_of(
        evaluate(rule(above=50, info="why_info", summary="{cause}"), published('heat{room="a"} 60\n' + many))
    )
    assert alert.summary == "c0; c1; c2 … and 6 more"


def test_without_facts_a_text_says_what_else(published):
    alert = alert_of(evaluate(rule(above=50, info="why_info", summary="{cause|nobody knows}"), published("heat 60\n")))
    assert alert.summary == "nobody knows"

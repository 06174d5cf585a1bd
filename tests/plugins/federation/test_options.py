"""Which options are refused, and what of an answer is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core import NotAvailable
from collector_plugins.federation.config import Config
from collector_plugins.federation.document import parse_answer

URL = "https://nas.example:9877"


def config(**source):
    return Config.model_validate({"sources": {"nas": source}})


@pytest.mark.parametrize(
    "source",
    [
        {"url": URL},
        {"url": f"{URL}/", "username": "reader", "password": "x", "site": "mill"},
        {"url": "http://127.0.0.1:9877", "token": "x"},
        {"url": "http://192.0.2.7:9877"},
        {"url": f"{URL}/behind/a/proxy"},
    ],
)
def test_what_is_taken(source):
    assert config(**source).sources["nas"].url == source["url"].rstrip("/")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({}, "Field required"),
        ({"url": "nas:9877"}, "must be the collector's address"),
        ({"url": "https://a:b@nas.example"}, "must not hold a login"),
        ({"url": "http://192.0.2.7:9877", "token": "x"}, "must begin with https://"),
        ({"url": URL, "username": "reader"}, "go together"),
        ({"url": URL, "username": "reader", "password": "x", "token": "x"}, "not both"),
        ({"url": URL, "site": "a/b"}, "pattern"),
        ({"url": URL, "sort": "x"}, "Extra inputs"),
    ],
)
def test_what_is_refused(source, says):
    with pytest.raises(ValidationError, match=says):
        config(**source)


GOOD = {"component": "cpu", "device": "package-0", "host": "nas", "kind": "component", "joules": 1.0, "age_seconds": 0}
BAD = [
    {**GOOD, "component": "no word"},
    {**GOOD, "joules": -1},
    {**GOOD, "joules": float("nan")},
    {**GOOD, "device": ""},
    {**GOOD, "host": "x" * 301},
    {**GOOD, "hops": -1},
    "text",
    None,
]


@pytest.mark.parametrize("row", BAD)
def test_a_bad_row_costs_the_others_nothing(row):
    answer = parse_answer({"agent": "a", "host": "nas", "age_seconds": 1, "parts": [GOOD, row, GOOD]})
    assert (len(answer.parts), len(answer.rejected)) == (2, 1)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "bad_data"),
        ({"agent": "a", "host": "", "age_seconds": 1}, "bad_data"),
        ({"agent": "", "host": "", "age_seconds": 1, "parts": []}, "bad_data"),
        ({"agent": "a", "host": "", "age_seconds": -1, "parts": []}, "bad_data"),
        ({"agent": "a", "host": "", "age_seconds": None, "parts": []}, "not_found"),
    ],
)
def test_what_is_no_ledger_says_so(document, reason):
    with pytest.raises(NotAvailable) as raised:
        parse_answer(document)
    assert raised.value.reason == reason


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3))
KEYS = st.sampled_from(["agent", "host", "age_seconds", "parts", "total_watts", "mix_grams_per_kwh", "rejected", "x"])


@given(st.dictionaries(KEYS, JSON))
def test_whatever_it_answers_it_is_a_ledger_or_not_available(document):
    try:
        answer = parse_answer(document)
    except NotAvailable:
        return
    assert answer.agent

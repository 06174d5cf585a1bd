"""The client of Alertmanager's API, against receivers on loopback."""

import asyncio
import base64

import pytest

from collector_core import AuthFailed, HttpStatusError, NotAvailable, Reason
from collector_core.testing import FakeClock
from collector_plugins.alerts.alertmanager import AlertmanagerClient
from tests.plugins.alerts.conftest import channel_options, hot

SECRET = "correct-horse-battery"


@pytest.fixture
def client(http):
    def make(*servers, **options):
        urls = [each if isinstance(each, str) else each.url.removesuffix("/hook") for each in servers]
        return AlertmanagerClient(channel_options(type="alertmanager", urls=urls, **options), http, FakeClock())

    return make


def test_alerts_are_posted_as_its_api_takes_them(client, webhook, run):
    server = webhook()
    run(client(server, resend="30s").post_alerts([hot(1, value=61.0), hot(2, ends_at=1.7e9 - 5)]))
    (got,) = server.deliveries
    assert got.path == "/api/v2/alerts"
    assert got.json == [
        {
            "labels": {"alertname": "Hot", "severity": "warning"},
            "annotations": {"summary": "It is hot", "value": "61"},
            "startsAt": "2023-11-14T22:13:20.000Z",
            "endsAt": "2023-11-14T22:15:20.000Z",  # four times `resend` from now
        },
        {
            "labels": {"alertname": "Hot", "severity": "warning"},
            "annotations": {"summary": "It is hot"},
            "startsAt": "2023-11-14T22:13:20.000Z",
            "endsAt": "2023-11-14T22:13:15.000Z",
        },
    ]


def test_no_time_of_the_past_is_in_the_future_however_wrong_the_clock_was(client, webhook, run):
    server = webhook()
    alert = hot()
    later = [
        type(alert)(alert.id, alert.labels, 1.7e9 + 7200, "It is hot", ends_at=end) for end in (None, 1.7e9 + 7205)
    ]
    run(client(server).post_alerts(later))
    started, ended = server.deliveries[0].json
    assert (started["startsAt"], started["endsAt"]) == ("2023-11-14T22:13:20.000Z", "2023-11-14T22:17:20.000Z")
    assert (ended["startsAt"], ended["endsAt"]) == ("2023-11-14T22:13:20.000Z", "2023-11-14T22:13:20.000Z")


def test_a_slash_at_the_end_of_its_url_and_a_path_before_it_are_kept_apart(client, webhook, run):
    server = webhook()
    run(client(server.url.replace("/hook", "/am/")).post_alerts([hot()]))
    assert server.deliveries[0].path == "/am/api/v2/alerts"


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({}, None),
        ({"bearer_token": SECRET}, f"Bearer {SECRET}"),
        ({"username": "me", "password": SECRET}, "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()),
        ({"username": "", "password": ""}, "Basic Og=="),
    ],
    ids=["none", "token", "login", "empty login"],
)
def test_it_may_ask_for_a_token_or_a_login(client, webhook, run, options, header):
    server = webhook()
    run(client(server, **options).post_alerts([hot()]))
    assert server.deliveries[0].headers.get("Authorization") == header


def test_all_of_a_cluster_are_told_and_one_that_hangs_or_refuses_spoils_nothing(client, webhook, run, eventually):
    first, second, dead, broken = webhook(), webhook(), webhook(hangs=True), webhook(status=500)

    async def story():
        task = asyncio.create_task(client(dead, first, broken, second).post_alerts([hot()]))
        servers = (first, second, dead, broken)
        await asyncio.to_thread(eventually, lambda: all(each.deliveries for each in servers))
        assert not task.done(), "it waits for the one that hangs"
        dead.release()
        await task

    run(story())
    assert [len(each.deliveries) for each in (first, second)] == [1, 1]


def test_one_that_hangs_is_given_up_before_the_delivery_is(client, webhook, run):
    with pytest.raises(NotAvailable, match="no answer within 0.045 s") as caught:
        run(client(webhook(hangs=True), timeout="50ms").post_alerts([hot()]))
    assert caught.value.reason is Reason.TIMEOUT


def test_where_none_takes_it_the_first_one_says_why(client, webhook, run):
    with pytest.raises(HttpStatusError, match="answers 503") as caught:
        run(client(webhook(status=503, Retry_After="7"), webhook(status=400)).post_alerts([hot()]))
    assert caught.value.retry_after == 7


def test_a_refused_login_is_said_so(client, webhook, run):
    with pytest.raises(AuthFailed, match="answers 401"):
        run(client(webhook(status=401)).post_alerts([hot()]))

"""Chats, against services on loopback that refuse what the real ones refuse."""

import sys
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import Reason
from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.background_delivery import DeliveryRefused
from collector_plugins.alerts.channel_options import WebhookOptions
from collector_plugins.alerts.chat.templates import build_request
from collector_plugins.alerts.chat.text import escape_markdown, shortened, utf8_bytes, utf16_units
from collector_plugins.alerts.grouping import AlertBatch
from collector_plugins.alerts.notification import build_notification
from tests.chatserver import BODIES, ROOM, ChatServer
from tests.plugins.alerts.conftest import channel_options, hot, message

SERVICES = sorted(BODIES)
EXTRA = {"telegram": {"chat_id": "-100123"}, "matrix": {"room": ROOM, "bearer_token": "syt_canary"}}
HOSTILE = "<!channel> <https://evil.example|click> @everyone @channel **bold** [a](b) `c` & <script> \\ _x_ ~y~ :fire:"


@pytest.fixture
def chat():
    """Starts services: `chat("slack")`."""
    servers = []

    def start(service):
        servers.append(ChatServer(service))
        return servers[-1].__enter__()

    yield start
    for server in servers:
        server.__exit__()


def deliver(send, server, sent=None):
    options = {"type": "webhook", "url": server.url, "template": server.service, **EXTRA.get(server.service, {})}
    error = send(sent or message(), **options)
    assert error is None, f"{error}: {server.problem}"
    return server.deliveries[-1]


def texts_of(body):
    """Every text in a body."""
    if isinstance(body, dict):
        return [text for value in body.values() for text in texts_of(value)]
    if isinstance(body, list):
        return [text for value in body for text in texts_of(value)]
    return [body] if isinstance(body, str) else []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_takes_an_alert_its_end_and_a_storm(chat, send, service):
    server = chat(service)
    ended = build_notification("ops", AlertBatch({}, (), (hot(1, ends_at=1.7e9 + 60),)), 1.7e9)
    storm = build_notification("ops", AlertBatch({}, tuple(hot(n, fix="x" * 500) for n in range(60))), 1.7e9)
    for sent in (message(0, hot(fix="open a window")), ended, storm):
        deliver(send, server, sent)
    said = "\n".join(texts_of(server.deliveries[0].json)).replace("\\", "")
    assert "[FIRING] warning Hot: It is hot" in said
    assert "open a window" in said


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_would_interpret_stays_text(chat, send, service):
    alert = Alert("1", {"alertname": "Hot", "severity": "critical", "room": HOSTILE}, 1.7e9, HOSTILE, HOSTILE, HOSTILE)
    body = deliver(send, chat(service), message(0, alert)).json
    if service == "slack":
        assert "&lt;!channel&gt;" in body["text"]
        assert {block["text"]["type"] for block in body["blocks"]} == {"plain_text"}
    elif service in ("discord", "mattermost"):
        said = "\n".join(texts_of(body)).replace("**", "", 2 if service == "mattermost" else 0)
        assert "@everyone" not in said
        assert "@channel" not in said
        assert "**bold**" not in said
        assert "\\<script\\>" in said
    elif service == "teams":
        blocks = body["attachments"][0]["content"]["body"]
        assert {block["type"] for block in blocks} == {"RichTextBlock"}, "whose text is not Markdown"
    elif service == "telegram":
        assert "parse_mode" not in body
    elif service == "matrix":
        assert "formatted_body" not in body
    elif service == "gotify":
        assert body["extras"] == {"client::display": {"contentType": "text/plain"}}
    else:
        assert "markdown" not in body


@pytest.mark.parametrize("service", SERVICES)
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8"), max_size=3000), min_size=1, max_size=3),
    count=st.integers(1, 60),
)
def test_whatever_is_said_the_service_takes_it(service, texts, count):
    summary, description, fix = (texts * 3)[:3]
    alerts = tuple(
        Alert(f"{n}", {"alertname": "A", "severity": "info"}, 1.7e9, summary, description, fix) for n in range(count)
    )
    options = channel_options(type="webhook", url="https://h/t", template=service, **EXTRA.get(service, {}))
    request = build_request(message(0, *alerts), options)
    BODIES[service].model_validate(request.body)


def test_severities_have_priorities_and_colours(chat, send):
    bodies = {}
    for severity in ("info", "warning", "critical"):
        alert = Alert("1", {"alertname": "Hot", "severity": severity}, 1.7e9, "It is hot")
        for service in ("ntfy", "gotify", "discord"):
            bodies[service, severity] = deliver(send, chat(service), message(0, alert)).json
    assert [bodies["ntfy", each]["priority"] for each in ("info", "warning", "critical")] == [2, 3, 5]
    assert [bodies["gotify", each]["priority"] for each in ("info", "warning", "critical")] == [2, 5, 8]
    assert len({bodies["discord", each]["embeds"][0]["color"] for each in ("info", "warning", "critical")}) == 3


def test_a_notification_that_is_sent_again_is_the_same_matrix_event(chat, send):
    server = chat("matrix")
    first, second = deliver(send, server), deliver(send, server)
    assert first.path == second.path
    assert first.headers["Authorization"] == "Bearer syt_canary"


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("status", [403, 404, 429, 500])
def test_the_token_in_the_address_is_in_no_error(webhook, send, service, status):
    server = webhook(status=status)
    url = server.url.replace("/hook", "/botcanary-token/canary")
    error = send(type="webhook", url=url, template=service, **EXTRA.get(service, {}))
    assert "canary" not in f"{error!r} {error.detail} {error.fix}"
    assert (error.reason is Reason.UNREACHABLE) is (status in (429, 500))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"template": "telegram"}, "chat_id"),
        ({"template": "slack", "chat_id": "1"}, "chat_id"),
        ({"template": "matrix", "bearer_token": "t"}, "room"),
        ({"template": "matrix", "room": ROOM}, "bearer_token"),
        ({"template": "ntfy", "url": "https://ntfy.sh/"}, "topic"),
        ({"template": "slack", "secret": "x" * 20}, "signature"),
        ({"template": "irc"}, "template"),
    ],
)
def test_options_that_do_not_fit_the_template_are_refused_without_the_address(options, said):
    with pytest.raises(ValueError, match=said) as raised:
        channel_options(**{"type": "webhook", "url": "https://h/canary", **options})
    assert "canary" not in str(raised.value)


@given(st.text(max_size=50), st.integers(1, 60), st.sampled_from([len, utf8_bytes, utf16_units]))
def test_a_text_is_cut_off_so_that_it_fits(text, most, size):
    found = shortened(text, max(most, 4), size)
    assert size(found) <= max(most, 4)
    assert found == text or found.endswith("…")


def test_markdown_is_escaped():
    assert escape_markdown("a_b *c* @here") == "a\\_b \\*c\\* \\@\u200bhere"


def test_webhooks_are_alertmanagers_unless_a_template_is_named():
    assert WebhookOptions(type="webhook", url="https://h/").template == "alertmanager"


# ------------------------------------------------------------------ Apprise


@pytest.fixture
def apprise(recwarn):
    warnings.simplefilter("ignore")  # its own
    return pytest.importorskip("apprise", reason="pip install 'energy-collector[apprise]'")


def test_apprise_delivers_to_every_address(apprise, send, webhook):
    servers = [webhook(), webhook()]
    urls = [server.url.replace("http://", "json://") for server in servers]
    assert send(message(0, hot(fix="open a window")), type="apprise", urls=urls) is None
    for server in servers:
        (got,) = server.deliveries
        assert got.json["title"] == "[FIRING] warning Hot: It is hot"
        assert "open a window" in got.json["message"]


def test_apprise_says_which_address_failed_and_no_token(apprise, send, webhook, caplog, capfd):
    urls = [server.url.replace("http://", "json://canary:canary@") for server in (webhook(), webhook(status=500))]
    error = send(type="apprise", urls=urls)
    assert (error.reason, error.detail) == (Reason.UNREACHABLE, "not delivered to urls[1]")
    assert "canary" not in repr(error) + caplog.text + "".join(capfd.readouterr())


def test_an_address_that_apprise_does_not_know_is_final_and_not_told(apprise, send):
    error = send(type="apprise", urls=["canary://nothing"])
    assert type(error) is DeliveryRefused
    assert "urls[0]" in error.detail
    assert "canary" not in error.detail


def test_without_apprise_it_says_what_to_install(send, monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    error = send(type="apprise", urls=["json://localhost"])
    assert (error.reason, error.fix) == (Reason.NOT_FOUND, "pip install 'energy-collector[apprise]'")

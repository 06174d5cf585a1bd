"""Channels against receivers on loopback that behave, misbehave, and are the real thing."""

import asyncio
import base64
import hashlib
import hmac
import logging
import socket
import ssl
from collections import Counter

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from collector_core.testing import FakeClock
from collector_plugins.alerts import http
from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.channel_options import ChannelOptions
from collector_plugins.alerts.channels import build_delivery, send_test_notification
from collector_plugins.alerts.delivery_queue import DeliveryFailed
from collector_plugins.alerts.grouping import AlertBatch
from collector_plugins.alerts.notification import build_notification

SECRET = "correct-horse-battery"


def alert(number=0):
    return Alert(f"{number}", {"alertname": "Hot", "severity": "warning"}, 1.7e9, "It is hot")


def message(number=0):
    return build_notification("ops", AlertBatch({"alertname": "Hot"}, (alert(number),)), 1.7e9 + number)


def options(**given):
    return TypeAdapter(ChannelOptions).validate_python(given)


class Line:
    """A channel with its queue, and the clock that its pauses go by."""

    def __init__(self, most=100, **given):
        self.clock, self.counts = FakeClock(), Counter()
        log = logging.getLogger("test")
        self.delivery = build_delivery(options(**given), self.clock, self.counts, lambda _: None, log=log, limit=most)
        self.delivery._pause._jitter = lambda low, high: high
        self.runner = asyncio.Runner()

    def go(self):
        """Let what is due be delivered; returns whether anything was."""

        async def run():
            task = self.delivery.start_delivery()
            if task:
                await task
            return task is not None

        return self.runner.run(run())

    def close(self):
        self.runner.run(self.delivery.close())
        self.runner.close()


@pytest.fixture
def line():
    made = []

    def make(**given):
        made.append(Line(**given))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_webhook_is_signed_as_standard_webhooks_are(line, webhook):
    server = webhook()
    subject = line(type="webhook", url=server.url, secret="whsec_" + base64.b64encode(b"k" * 24).decode())
    subject.delivery.enqueue([message()])
    subject.go()
    (got,) = server.deliveries
    signed = b".".join([got.headers["webhook-id"].encode(), got.headers["webhook-timestamp"].encode(), got.body])
    mac = base64.b64encode(hmac.new(b"k" * 24, signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{mac}"
    assert got.headers["webhook-timestamp"] == "1700000000"
    assert (got.json["version"], got.json["receiver"], got.json["status"]) == ("4", "ops", "firing")


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_what_may_pass_is_tried_again_with_growing_pauses(line, webhook, status):
    server = webhook(status=status)
    subject = line(type="webhook", url=server.url)
    subject.delivery.enqueue([message()])
    pauses = []
    for _ in range(4):
        assert subject.go()
        start = subject.clock.monotonic()
        while not subject.delivery._pause.is_over:
            subject.clock.advance(1)
        pauses.append(subject.clock.monotonic() - start)
    assert pauses == [10, 20, 40, 80]
    server.status = 200
    subject.go()
    assert subject.counts == {"sent": 1}
    assert len({each.headers["webhook-id"] for each in server.deliveries}) == 1


def test_retry_after_is_honoured(line, webhook):
    server = webhook(status=429, Retry_After="120")
    subject = line(type="webhook", url=server.url)
    subject.delivery.enqueue([message()])
    subject.go()
    subject.clock.advance(119)
    assert not subject.go()
    subject.clock.advance(1)
    assert subject.go()


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_what_is_refused_is_not_tried_again(line, webhook, status):
    server = webhook(status=status)
    subject = line(type="webhook", url=server.url)
    subject.delivery.enqueue([message(1), message(2)])
    subject.go()
    assert subject.counts == {"failed": 2}
    assert len(server.deliveries) == 2


def test_a_redirect_is_not_followed(line, webhook):
    elsewhere = webhook()
    server = webhook(status=307, Location=elsewhere.url)
    subject = line(type="webhook", url=server.url)
    subject.delivery.enqueue([message()])
    subject.go()
    assert elsewhere.deliveries == []
    assert "redirects are not followed" in subject.delivery.last_error.detail


@pytest.mark.parametrize("behaviour", ["hangs", "resets"])
def test_a_receiver_that_hangs_or_hangs_up_is_left_alone_for_a_while(line, webhook, behaviour):
    server = webhook(**{behaviour: True})
    subject = line(type="webhook", url=server.url, timeout="300ms")
    subject.delivery.enqueue([message()])
    assert subject.go()
    assert not subject.go()
    assert (len(subject.delivery), subject.delivery.is_up) == (1, False)


def test_no_url_or_key_is_in_what_is_said_of_a_failure(line, webhook, caplog):
    canary = "c4n4ry-t0ken-0123456789"
    places = [webhook(status=s).url for s in (500, 404, 302)] + [webhook(resets=True).url, "http://127.0.0.1:1/hook"]
    places.append(webhook(Content_Length="no number").url)  # what aiohttp says of that repeats the URL
    for place in places:
        given = {"type": "webhook", "url": f"{place}/{canary}", "secret": canary, "bearer_token": canary}
        subject = line(**given)
        subject.delivery.enqueue([message()])
        subject.go()
        error = subject.delivery.last_error
        assert canary not in repr(error) + str(error.as_not_available()) + error.fix + repr(options(**given))
    assert canary not in caplog.text


def test_several_alertmanagers_are_all_told_and_one_that_is_dead_spoils_nothing(line, webhook):
    first, second, dead = webhook(), webhook(), webhook(hangs=True)
    urls = [each.url.removesuffix("/hook") for each in (first, dead, second)]
    subject = line(type="alertmanager", urls=urls, username="me", password=SECRET, timeout="500ms")
    subject.delivery.update_alerts(1.7e9, [alert()])
    subject.go()
    assert subject.counts == {"sent": 1}
    for server in (first, second):
        (got,) = server.deliveries
        assert got.path == "/api/v2/alerts"
        assert base64.b64decode(got.headers["Authorization"].removeprefix("Basic ")).decode() == f"me:{SECRET}"
        assert got.json[0]["endsAt"] > got.json[0]["startsAt"]


def test_an_alertmanager_is_told_again_before_the_alert_would_end(line, webhook):
    server = webhook()
    subject = line(type="alertmanager", urls=server.url.removesuffix("/hook"), resend="60s")
    subject.delivery.update_alerts(1.7e9, [alert()])
    assert subject.go()
    assert not subject.go()
    subject.clock.advance(60)
    assert subject.go()
    subject.delivery.update_alerts(1.7e9 + 55, [])
    assert subject.go()
    assert server.deliveries[-1].json[0]["endsAt"] == "2023-11-14T22:14:15.000Z"
    subject.clock.advance(600)
    assert not subject.go(), "the end is told once"


def test_the_end_is_told_to_an_alertmanager_that_was_away(line, webhook):
    server = webhook(status=503)
    subject = line(type="alertmanager", urls=server.url.removesuffix("/hook"))
    subject.delivery.update_alerts(1.7e9, [alert()])
    subject.go()
    subject.delivery.update_alerts(1.7e9 + 5, [])
    server.status = 200
    subject.clock.advance(600)
    subject.go()
    assert server.deliveries[-1].json[0]["endsAt"] == "2023-11-14T22:13:25.000Z"
    assert len(subject.delivery) == 0


def test_an_end_is_never_in_the_future_however_wrong_the_clock_was(line, webhook):
    server = webhook()
    subject = line(type="alertmanager", urls=server.url.removesuffix("/hook"))
    subject.delivery.update_alerts(1.7e9 + 7200, [alert()])
    subject.delivery.update_alerts(1.7e9 + 7205, [])
    subject.go()
    assert server.deliveries[0].json[0]["endsAt"] == "2023-11-14T22:13:20.000Z"


class Inbox:
    """What the mail server got."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.mails.append((session.ssl is not None, envelope))
        return "250 OK"


@pytest.fixture
def mail_server(certificate):
    """A mail server with TLS: `mail_server(starttls=True)` returns its inbox and the channel's options."""
    made = []

    def authenticate(server, session, envelope, mechanism, data):
        return AuthResult(success=data.password == SECRET.encode(), handled=False)

    def start(*, starttls=True, **more):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert, certificate.key)
        kind = {"tls_context": context, "require_starttls": True} if starttls else {"ssl_context": context}
        login = {"authenticator": authenticate, "auth_required": True} if starttls else {}
        inbox = Inbox()
        with socket.create_server(("localhost", 0)) as probe:
            port = probe.getsockname()[1]
        made.append(Controller(inbox, hostname="localhost", port=port, **kind, **login, **more))
        made[-1].start()
        channel = {
            "type": "email", "host": "localhost", "port": port, "tls": "starttls" if starttls else "tls",
            "ca_file": str(certificate.cert), **({"username": "me", "password": SECRET} if starttls else {}),
            "from": "alerts@example.org", "to": ["ops@example.org", "boss@example.org"],
        }  # fmt: skip
        return inbox, channel

    yield start
    for each in made:
        each.stop()


@pytest.mark.parametrize("starttls", [True, False], ids=["starttls", "tls"])
def test_mail_arrives_encrypted(line, mail_server, starttls):
    inbox, channel = mail_server(starttls=starttls)
    subject = line(**channel)
    subject.delivery.enqueue([message()])
    subject.go()
    assert subject.counts == {"sent": 1}, subject.delivery.last_error
    ((encrypted, envelope),) = inbox.mails
    assert encrypted is starttls  # else the whole connection is, and only its server could say so
    assert envelope.rcpt_tos == ["ops@example.org", "boss@example.org"]
    assert b"Subject: [FIRING] warning Hot: It is hot" in envelope.content
    assert b"- firing warning Hot: It is hot" in envelope.content


def test_mail_to_a_server_that_is_not_trusted_is_not_sent(line, mail_server):
    inbox, channel = mail_server()
    subject = line(**{name: value for name, value in channel.items() if name != "ca_file"})
    subject.delivery.enqueue([message()])
    subject.go()
    assert inbox.mails == []
    assert "self-signed" in subject.delivery.last_error.detail
    assert "ca_file" in subject.delivery.last_error.fix


def test_a_wrong_password_is_not_tried_again_and_not_told(line, mail_server):
    inbox, channel = mail_server()
    subject = line(**channel | {"password": "wr0ng-canary"})
    subject.delivery.enqueue([message()])
    subject.go()
    assert (inbox.mails, subject.counts) == ([], {"failed": 1}), subject.delivery.last_error.detail
    assert "wr0ng-canary" not in repr(subject.delivery.last_error) + subject.delivery.last_error.detail


def test_a_mail_server_that_is_away_is_tried_again(line):
    subject = line(type="email", host="127.0.0.1", port=1, tls="off", **{"from": "a@b", "to": ["c@d"]})
    subject.delivery.enqueue([message()])
    subject.go()
    assert (len(subject.delivery), subject.delivery.last_error.retry) == (1, True)


@given(st.text(max_size=40))
def test_any_retry_after_is_a_number_of_seconds(text):
    assert 0 <= http.retry_after(text, now=1.7e9) < 1e12


def test_a_date_in_retry_after_counts_from_now():
    assert http.retry_after("Tue, 14 Nov 2023 22:14:20 GMT", now=1_700_000_000.0) == 60


def test_a_test_of_a_channel_says_how_it_failed(webhook):
    server = webhook(status=404)
    with pytest.raises(DeliveryFailed, match="answers 404"):
        asyncio.run(send_test_notification("ops", options(type="webhook", url=server.url), FakeClock(), "here"))

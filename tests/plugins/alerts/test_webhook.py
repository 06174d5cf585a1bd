"""Webhooks against receivers on loopback that behave and misbehave."""

import base64
import hashlib
import hmac

import pytest

from collector_core import HttpStatusError, Reason
from collector_plugins.alerts.background_delivery import DeliveryRefused
from collector_plugins.alerts.notification import webhook_payload
from collector_plugins.alerts.webhook import signing_key
from tests.plugins.alerts.conftest import channel_options, message

SECRET = "correct-horse-battery"


def test_a_notification_is_posted_as_json(send, webhook):
    server = webhook()
    assert send(message(7), type="webhook", url=server.url) is None
    (got,) = server.deliveries
    assert (got.path, got.headers["Content-Type"]) == ("/hook", "application/json")
    assert got.json == webhook_payload(message(7))
    assert (got.headers["webhook-id"], got.headers["webhook-timestamp"]) == (message(7).id, "1700000000")
    assert "webhook-signature" not in got.headers
    assert "Authorization" not in got.headers


def test_a_webhook_is_signed_by_the_standard_webhooks_specification(send, webhook):
    server = webhook()
    send(type="webhook", url=server.url, secret="whsec_" + base64.b64encode(b"k" * 24).decode())
    (got,) = server.deliveries
    signed = b".".join([got.headers["webhook-id"].encode(), got.headers["webhook-timestamp"].encode(), got.body])
    mac = base64.b64encode(hmac.new(b"k" * 24, signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{mac}"


@pytest.mark.parametrize("secret", [SECRET, "whsec_ is not base64!"])
def test_a_secret_that_is_not_base64_is_the_key_itself(secret):
    assert signing_key(secret) == secret.encode()


def test_a_bearer_token_goes_with_it(send, webhook):
    server = webhook()
    send(type="webhook", url=server.url, bearer_token=SECRET)
    assert server.deliveries[0].headers["Authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_good_status_is_a_delivery(send, webhook, status):
    assert send(type="webhook", url=webhook(status=status).url) is None


def test_what_a_receiver_says_beside_a_good_status_does_not_matter(send, webhook):
    assert send(type="webhook", url=webhook(body=b"\xff" * (2 << 20), Content_Encoding="gzip").url) is None


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504])
def test_what_may_pass_may_be_tried_again(send, webhook, status):
    error = send(type="webhook", url=webhook(status=status).url)
    assert isinstance(error, HttpStatusError)
    assert error.is_retryable
    assert f"answers {status}" in error.detail


@pytest.mark.parametrize("status", [302, 307, 400, 404, 405, 410, 413, 422])
def test_a_refusal_is_final(send, webhook, status):
    error = send(type="webhook", url=webhook(status=status).url)
    assert isinstance(error, HttpStatusError)
    assert not error.is_retryable
    assert error.fix


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_final(send, webhook, status):
    error = send(type="webhook", url=webhook(status=status).url, bearer_token=SECRET)
    assert isinstance(error, DeliveryRefused)
    assert (error.reason, error.fix) == (Reason.AUTH, "check its password, token or key")


@pytest.mark.parametrize(
    ("said", "seconds"), [("120", 120), ("0", 0), ("soon", None), ("Tue, 14 Nov 1994 22:14:20 GMT", 0)]
)
def test_a_receiver_may_ask_for_a_pause(send, webhook, said, seconds):
    assert send(type="webhook", url=webhook(status=503, Retry_After=said).url).retry_after == seconds


def test_a_redirect_is_not_followed(send, webhook):
    elsewhere = webhook()
    error = send(type="webhook", url=webhook(status=307, Location=elsewhere.url).url)
    assert elsewhere.deliveries == []
    assert "redirects are not followed" in error.detail


def test_a_receiver_that_hangs_is_given_up(send, webhook):
    error = send(type="webhook", url=webhook(hangs=True).url, timeout="50ms")
    assert error.reason is Reason.TIMEOUT
    assert "no answer within 0.05 s" in error.detail


@pytest.mark.parametrize("case", ["resets", "nobody listens"])
def test_a_receiver_that_is_not_there_may_come_back(send, webhook, case):
    url = webhook(resets=True).url if case == "resets" else "http://127.0.0.1:1/hook"
    error = send(type="webhook", url=url)
    assert error.reason is Reason.UNREACHABLE
    assert not isinstance(error, HttpStatusError | DeliveryRefused)


def test_no_url_key_or_token_is_in_what_is_said_of_a_failure(send, webhook, caplog):
    canary = "c4n4ry-t0ken-0123456789"
    places = [webhook(status=s).url for s in (500, 401, 404, 302)] + [webhook(resets=True).url, "http://127.0.0.1:1/h"]
    places.append(webhook(Content_Length="not a number").url)  # what aiohttp says of that repeats the URL
    for place in places:
        given_options = {"type": "webhook", "url": f"{place}/{canary}", "secret": canary, "bearer_token": canary}
        error = send(**given_options)
        assert error
        assert canary not in repr(error) + str(error) + error.fix + repr(channel_options(**given_options))
    assert canary not in caplog.text

"""Abuse of channels: secrets, redirects into the network, addresses of IPv6 alone."""

import socket

import pytest

from collector_core.testing import FakeClock
from collector_plugins.alerts import metrics
from collector_plugins.alerts.channels import send_test_notification
from tests.chatserver import ROOM
from tests.plugins.alerts.conftest import HOT, QUICK, channel_options, message

CANARY = "c4n4ry0123456789abcdef"
METADATA = "http://169.254.169.254/latest/meta-data/"


def channels_of(url):
    """A channel of every kind, each with secrets wherever there may be one."""
    secret = url.replace("/hook", f"/{CANARY}")
    chats = {
        name: {"type": "webhook", "url": secret, "template": name}
        for name in ("slack", "discord", "mattermost", "teams", "ntfy", "gotify")
    }
    return {
        **chats,
        "telegram": {"type": "webhook", "url": secret, "template": "telegram", "chat_id": "1"},
        "matrix": {"type": "webhook", "url": secret, "template": "matrix", "room": ROOM, "bearer_token": CANARY},
        "signed": {"type": "webhook", "url": f"{url}?t={CANARY}", "secret": CANARY, "bearer_token": CANARY},
        "mail": {
            "type": "email", "host": "localhost", "port": 1, "username": "me", "password": CANARY,
            "from": "a@example.org", "to": ["b@example.org"],
        },
        "manager": {"type": "alertmanager", "urls": [secret], "username": "me", "password": CANARY},
        "any": {"type": "apprise", "urls": [f"canary://{CANARY}"]},
    }  # fmt: skip


@pytest.mark.parametrize("status", [401, 500])
def test_no_secret_of_any_channel_is_in_a_log_an_error_a_metric_or_the_state(watch, webhook, caplog, capfd, status):
    server = webhook(status=status)
    subject = watch(**QUICK, rules=[HOT], channels=channels_of(server.url))
    for _ in range(3):
        subject.run("heat 60\n")
        for name, channel in subject.collector._dispatcher.channels.items():
            if channel.delivery._task._task:
                subject.settle(name)
    subject.run("heat 60\n")
    failures = subject.harness.part_failures
    assert len(failures) == len(channels_of(server.url))
    said = [f"{part.name} {part.error!r} {part.error.detail} {part.error.fix}" for part in failures]
    said += [subject.harness.exposition(), caplog.text, *capfd.readouterr(), repr(subject.collector.config)]
    kept = b"".join(file.read_bytes() for file in subject.folder.rglob("*") if file.is_file())
    assert CANARY not in "".join(said)
    assert CANARY.encode() not in kept
    assert subject.harness.value(metrics.UP, channel="slack") == 0


@pytest.mark.parametrize("name", [name for name in channels_of("") if name not in ("mail", "any")])
def test_no_channel_follows_a_redirect_into_the_network(run, webhook, name):
    server = webhook(status=307, Location=METADATA)
    options = channel_options(**channels_of(server.url)[name])
    error = run(send_test_notification(name, options, FakeClock(wall_time=1.7e9), "test"))
    assert error is not None
    assert "169.254" not in f"{error!r} {error.detail} {error.fix}"
    assert len(server.deliveries) == 1


def test_a_receiver_with_an_ipv6_address_alone_is_reached(send):
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with listener:
        error = send(message(), type="webhook", url=f"http://[::1]:{listener.getsockname()[1]}/hook", timeout="200ms")
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(100).startswith(b"POST /hook")
    assert error.reason == "timeout"

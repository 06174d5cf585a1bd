"""`energy-collector alerts test` and `alerts list`: what they print, and how they fail."""

from types import SimpleNamespace

import pytest

from collector_core import CollectorConfig, CommandContext, NotAvailable, Reason
from collector_core.testing import FakeClock
from collector_plugins.alerts import commands
from collector_plugins.alerts.config import Config
from tests.plugins.alerts.conftest import HOT, QUICK, hooked


class Program:
    """Finds one collector, with these options."""

    def __init__(self, options):
        self.options, self.clock, self.asked = options, FakeClock(), []

    def find(self, collector):
        self.asked.append(collector)
        return SimpleNamespace(options=self.options)


def context(**options):
    return CommandContext(Program(Config(**options)))


def try_channel(channel, given_context, collector="alerts"):
    commands.test_channel(given_context, channel=channel, collector=collector)


def test_a_test_notification_goes_through_one_channel_now(webhook, capsys):
    server, other = webhook(), webhook()
    channels = {"ops": {"type": "webhook", "url": server.url}, "other": {"type": "webhook", "url": other.url}}
    try_channel("ops", context(instance="box", channels=channels))
    assert capsys.readouterr().out == "ops accepted the test notification\n"
    (got,) = server.deliveries
    (alert,) = got.json["alerts"]
    assert alert["labels"] == {"alertname": "TestAlert", "severity": "info", "instance": "box"}
    assert (alert["status"], alert["annotations"]) == (
        "resolved",
        {"summary": "Test of the channel ops: nothing is wrong"},
    )
    assert other.deliveries == []


def test_in_an_alertmanager_the_test_ends_at_once(webhook):
    server = webhook()
    urls = [server.url.removesuffix("/hook")]
    try_channel("am", context(channels={"am": {"type": "alertmanager", "urls": urls}}))
    (alert,) = server.deliveries[0].json
    assert alert["startsAt"] == alert["endsAt"] == "2023-11-14T22:13:20.000Z"


def test_a_test_that_fails_says_why_and_what_to_do(webhook):
    with pytest.raises(NotAvailable, match="ops: .* answers 404") as caught:
        try_channel("ops", context(**hooked(webhook(status=404))))
    assert (caught.value.reason, caught.value.fix) == (Reason.NOT_FOUND, "check the path of its URL")


def test_a_test_of_a_channel_that_hangs_ends(webhook):
    with pytest.raises(NotAvailable, match="ops: .*no answer within 0.05 s"):
        try_channel("ops", context(**hooked(webhook(hangs=True), timeout="50ms")))


@pytest.mark.parametrize(("channels", "names"), [({}, "none"), ({"a": {"type": "console"}}, "a")])
def test_a_channel_that_is_not_configured_is_said_so_with_those_that_are(channels, names):
    with pytest.raises(NotAvailable, match=f"no channel is named 'pigeon'; there are: {names}"):
        try_channel("pigeon", context(channels=channels))


def test_the_collector_is_the_one_that_is_named_and_must_be_of_this_plugin():
    program = Program(CollectorConfig())
    with pytest.raises(NotAvailable, match="second is not a collector of this plugin"):
        try_channel("ops", CommandContext(program), collector="second")
    assert program.asked == ["second"]


def listed(folder, capsys):
    commands.list_alerts(context(state_dir=folder), collector="alerts")
    return capsys.readouterr().out.splitlines()


def test_a_list_shows_what_fires_what_is_pending_and_what_waits_while_the_service_runs(watch, webhook, capsys):
    rules = [HOT | {"summary": "It is {value}\n"}, {"alert": "Damp", "series": "damp", "above": 1, "for": "1h"}]
    subject = watch(**QUICK, rules=rules, **hooked(webhook(status=503)))
    subject.run("heat 60\ndamp 2\n").run("heat 60\ndamp 2\n")
    assert listed(subject.folder, capsys) == [
        "firing   warning   Hot                      2023-11-14T22:13:25.000Z It is 60 ",
        "pending  warning   Damp                     2023-11-14T22:13:25.000Z damp is 2 (> 1)",
        "2 alerts, 1 notifications waiting",
    ]


def test_a_list_without_alerts_says_so(watch, capsys):
    subject = watch(**QUICK).run("heat 1\n")
    assert listed(subject.folder, capsys) == ["0 alerts, 0 notifications waiting"]


def test_a_list_before_any_collector_has_run_says_so(tmp_path, capsys):
    with pytest.raises(NotAvailable, match=r"alerts.sqlite3 does not exist: no collector has run yet"):
        listed(tmp_path, capsys)
    assert list(tmp_path.iterdir()) == []

"""A collector goes down: one alert in a real Alertmanager and at a webhook; it comes back: resolved, once."""

import json
import time

import pytest

from tests.alertmanager import Alertmanager
from tests.webhookserver import WebhookServer

CONFIG = """
collectors:
  probe:
    interval: 200ms
    stale_after: 1s
  alerts:
    interval: 200ms
    options:
      instance: test
      default_rules: false
      state_dir: state
      startup_grace: 5s
      group_wait: 100ms
      group_interval: 100ms
      rules:
        - {alert: ProbeDown, series: 'collector_up{collector="probe"}', equals: 0, for: 300ms, severity: critical}
        - {alert: Busy, series: probe_load, above: 5, summary: "load is {value}"}
      channels:
        ops: {type: webhook, url: "HOOK", secret: {$env: HOOK_KEY}, bearer_token: {$env: HOOK_KEY}}
        central: {type: alertmanager, urls: "ALERTMANAGER", resend: 1s}
        file: {type: log, path: alerts.log}
"""
PROBE = """
from pathlib import Path
from collector_core import Collector, Gauge, NotAvailable, hookimpl

LOAD = Gauge("probe_load", "A number of a file.")

class Probe(Collector):
    "Reads a number."
    name, metrics = "probe", (LOAD,)

    def collect(self, out):
        file = Path({file!r})
        if not file.exists():
            raise NotAvailable("unreachable", "nobody answers", fix="start it")
        out.add(LOAD, float(file.read_text()))

@hookimpl
def collector_types():
    return [Probe]
"""
KEY = "c4n4ry-key-0123456789"


@pytest.fixture
def site(require, tmp_path, plugin_path):
    """Alertmanager, what it hands on, a webhook, and a collector that is up while `load` exists."""
    load = tmp_path / "load"
    load.write_text("1")
    environment = plugin_path(probe=PROBE.format(file=str(load))) | {"HOOK_KEY": KEY}
    program = require("prometheus-alertmanager")
    with (
        WebhookServer() as hook,
        WebhookServer() as handed_on,
        Alertmanager(program, tmp_path / "am", handed_on.url) as manager,
    ):
        config = CONFIG.replace('HOOK"', f'{hook.url}"').replace("ALERTMANAGER", manager.url)
        yield Site(load, config, environment, hook, handed_on, manager)


class Site:
    def __init__(self, load, config, environment, hook, handed_on, manager):
        self.load, self.config, self.environment = load, config, environment
        self.hook, self.handed_on, self.manager = hook, handed_on, manager

    def told(self, alert):
        return self.hook.statuses(alert), self.handed_on.statuses(alert)


def test_a_collector_that_goes_down_is_told_once_and_its_return_once(site, collector, eventually, tmp_path):
    program = collector(site.config, env=site.environment)
    eventually(lambda: program.samples().get("probe_load") == 1)
    site.load.unlink()
    eventually(lambda: site.told("ProbeDown") == (["firing"], ["firing"]))
    (alert,) = [each for each in site.manager.alerts() if each["labels"]["alertname"] == "ProbeDown"]
    assert alert["labels"]["instance"] == "test"
    (shown,) = program.request("/api/v1/alerts").json["alerts"]
    assert (shown["labels"]["alertname"], shown["status"], shown["severity"]) == ("ProbeDown", "firing", "critical")
    assert program.samples()['alerts_active{alert="ProbeDown",severity="critical"}'] == 1
    time.sleep(2)  # several resends and evaluations: nobody is told again
    assert site.told("ProbeDown") == (["firing"], ["firing"])
    site.load.write_text("1")
    eventually(lambda: site.told("ProbeDown") == (["firing", "resolved"], ["firing", "resolved"]))
    time.sleep(2)
    assert site.told("ProbeDown") == (["firing", "resolved"], ["firing", "resolved"])
    assert site.manager.alerts() == []
    assert [json.loads(line)["status"] for line in (tmp_path / "alerts.log").read_text().splitlines()] == [
        "firing",
        "resolved",
    ]
    everything = program.log + program.request("/collectors").text + program.request("/metrics").text
    everything += program.request("/api/v1/snapshot").text + program.request("/api/v1/alerts").text
    kept = b"".join(file.read_bytes() for file in (tmp_path / "state").rglob("*") if file.is_file())
    assert KEY not in everything
    assert KEY.encode() not in kept


def test_a_kill_neither_repeats_an_alert_nor_loses_its_end(site, collector, eventually):
    site.hook.status = 503
    config = site.config.replace(
        "resend: 1s", "resend: 1m"
    )  # Alertmanager ends nothing by itself, however slow a start
    program = collector(config, env=site.environment)
    eventually(lambda: program.samples().get("probe_load") == 1)
    site.load.write_text("9")
    eventually(lambda: site.hook.statuses("Busy"))
    eventually(lambda: site.handed_on.statuses("Busy") == ["firing"])
    program.process.kill()
    program.process.wait(10)
    site.hook.status = 200
    site.hook.deliveries.clear()
    program = collector(config, env=site.environment)
    eventually(lambda: site.hook.statuses("Busy") == ["firing"])
    program.process.kill()
    program.process.wait(10)
    site.load.write_text("1")
    collector(config, env=site.environment)
    eventually(lambda: site.handed_on.statuses("Busy") == ["firing", "resolved"])
    eventually(lambda: "resolved" in site.hook.statuses("Busy"))
    ids = {each.headers["webhook-id"]: each.json["status"] for each in site.hook.deliveries}
    assert list(ids.values()) == ["firing", "resolved"], (
        "one that was under way when it was killed comes again by its id"
    )


def test_a_program_that_looks_once_tells_nobody_and_leaves_the_services_state_alone(site, command, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(site.config)
    site.load.write_text("9")
    done = command("once", "--gap", "0.1", "--config", file, env=site.environment)
    assert 'alerts_active{alert="Busy",severity="warning"} 1.0' in done.stdout
    assert site.told("Busy") == ([], [])
    assert not (tmp_path / "state").exists()
    assert not (tmp_path / "alerts.log").exists()


def test_a_channel_is_tested_by_a_command(site, command, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(site.config)
    for channel in ("ops", "central", "file"):
        done = command("alerts", "test", channel, "--config", file, env=site.environment)
        assert (done.returncode, done.stdout) == (0, f"{channel} accepted the test notification\n"), done.stderr
    assert site.hook.statuses("TestAlert") == ["resolved"]
    site.hook.status = 404
    done = command("alerts", "test", "ops", "--config", file, env=site.environment)
    assert done.returncode == 1
    assert "answers 404" in done.stderr
    assert "fix: check the path of its URL" in done.stderr
    assert KEY not in done.stderr
    done = command("alerts", "test", "pigeon", "--config", file, env=site.environment)
    assert (done.returncode, "there are: ops, central, file" in done.stderr) == (1, True)
    done = command("alerts", "list", "--config", file, env=site.environment)
    assert (done.returncode, "no collector has run yet" in done.stderr) == (1, True)

"""The collector's demo, Prometheus and Alertmanager with what we ship: every panel has data, and an alert arrives."""

import http.server
import json
import math
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from grafana.build.catalogue import DASHBOARDS
from tests import declared

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "prometheus"
SECONDS = 90

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class NoValuesError(Exception):
    """A variable has nothing to choose from."""


@dataclass
class Prometheus:
    """Answers of its HTTP API; what is no answer says why."""

    port: int

    def get(self, path, **parameters):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from None

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def has_data(self, expression, *, instant):
        """Whether the query gives numbers now, or in the last seconds as a graph asks for them."""
        now = time.time()
        if instant:
            found = self.get("query", query=expression, time=now)["result"]
        else:
            found = self.get("query_range", query=expression, start=now - 10, end=now, step=1)["result"]
        values = [value for series in found for _, value in series.get("values") or [series["value"]]]
        return any(not math.isnan(float(value)) for value in values)


def hurried(text):
    """Rules that fire at once and are worked out every second: their times are promtool's to test."""
    return re.sub(r"\binterval: \d+m", "interval: 1s", re.sub(r"\bfor: \d+m", "for: 0s", text))


@pytest.fixture
def prometheus(require, spawn, free_port, tmp_path, eventually):
    """Starts Prometheus with the shipped configuration and rules; only ports, and seconds for minutes, are others."""

    def start(collector_port, alertmanager_port=9):
        (tmp_path / "rules").mkdir()
        for file in (SHIPPED / "rules").glob("*.yaml"):
            (tmp_path / "rules" / file.name).write_text(hurried(file.read_text()))
        text = (SHIPPED / "prometheus.example.yml").read_text()
        for shipped, ours in (
            ("scrape_interval: 15s", "scrape_interval: 1s"),
            ("scrape_timeout: 10s", "scrape_timeout: 1s"),
            ("evaluation_interval: 15s", "evaluation_interval: 1s"),
            ("localhost:9877", f"127.0.0.1:{collector_port}"),
            ("localhost:9093", f"127.0.0.1:{alertmanager_port}"),
        ):
            assert shipped in text
            text = text.replace(shipped, ours)
        (tmp_path / "prometheus.yml").write_text(text)
        port = free_port()
        spawn(
            require("prometheus"),
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
        )
        server = Prometheus(port)
        eventually(server.is_ready)
        return server

    return start


def chosen(server, dashboard):
    """What Grafana puts in place of the dashboard's variables when all of each are chosen; asks for their values."""
    found = {}
    for variable in json.loads(dashboard.text())["templating"]["list"]:
        if variable["type"] != "query":
            continue
        metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
        match = filled(metric, found)
        values = server.get(f"label/{label}/values", **{"match[]": match})
        if not values:
            raise NoValuesError(f"{dashboard.title}: the variable {label} has no values: {match}")
        found[variable["name"]] = variable.get("allValue") or f"({'|'.join(map(re.escape, values))})"
    return found


def filled(expression, variables):
    """The query as Grafana sends it, over short times."""
    text = expression.replace("$__rate_interval", "10s").replace("$__range", "1m")
    for name, value in variables.items():
        text = text.replace(f"${name}", value.replace("\\", "\\\\"))
    assert "$" not in text, text
    return text


def empty_panels(server):
    """Panels that should have data in the demo and have none, each with its query."""
    for dashboard in DASHBOARDS:
        variables = chosen(server, dashboard)
        for panel in dashboard.panels:
            for query in panel.queries:
                expression = filled(query.promql, variables)
                there = server.has_data(expression, instant=panel.instant)  # an error of Prometheus ends the test
                if not (there or query.empty or panel.empty_in_demo):
                    yield f"{dashboard.title}: {panel.title}: {expression}"


def empty_records(server):
    """Recording rules that give nothing in the demo."""
    for _, rule in declared.rules():
        if "record" in rule and not server.has_data(rule["record"], instant=True):
            yield f"record: {rule['record']}"


def what_is_empty(server):
    """All that should have data in the demo and has none; while a variable has none, only that."""
    try:
        return [*empty_panels(server), *empty_records(server)]
    except NoValuesError as error:
        return [str(error)]


def test_every_panel_variable_and_record_has_data_in_the_demo(collector, prometheus, eventually):
    program = collector(None, "--demo")
    server = prometheus(program.port)
    deadline = time.monotonic() + SECONDS
    while (empty := what_is_empty(server)) and time.monotonic() < deadline:
        time.sleep(2)
    assert empty == [], "\n".join(empty)
    groups = server.get("rules")["groups"]
    assert [rule["lastError"] for group in groups for rule in group["rules"] if rule["health"] == "err"] == []


class Webhook(http.server.ThreadingHTTPServer):
    """Keeps what Alertmanager posts."""

    def __init__(self):
        posts = self.alerts = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posts.extend(json.loads(body)["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self._thread.start()

    def end(self):
        self.shutdown()
        self._thread.join(5)
        self.server_close()

    def seen(self, name, status):
        return next((a for a in self.alerts if (a["labels"]["alertname"], a["status"]) == (name, status)), None)


@pytest.fixture
def webhook():
    server = Webhook()
    yield server
    server.end()


@pytest.fixture
def alertmanager(require, spawn, free_port, tmp_path, webhook):
    """Starts Alertmanager with the shipped configuration, which tells `webhook`, after a second instead of minutes."""
    text = (SHIPPED / "alertmanager.example.yml").read_text()
    url = f"http://127.0.0.1:{webhook.server_address[1]}/alerts"
    assert "http://localhost:9095/alerts" in text
    text = text.replace("http://localhost:9095/alerts", url)
    text = re.sub(r"(group_wait|group_interval): \w+", r"\1: 1s", text)
    (tmp_path / "alertmanager.yml").write_text(text)
    port = free_port()
    spawn(
        require("prometheus-alertmanager"),
        f"--config.file={tmp_path / 'alertmanager.yml'}",
        f"--storage.path={tmp_path / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    return port


def test_an_alert_reaches_a_webhook_through_alertmanager(collector, prometheus, alertmanager, webhook, eventually):
    program = collector("collectors: {system: {interval: 1s}}")
    server = prometheus(program.port, alertmanager)
    eventually(lambda: server.get("query", query="collector_build_info")["result"], 60)
    assert webhook.seen("CollectorDown", "firing") is None
    program.stop()
    fired = eventually(lambda: webhook.seen("CollectorDown", "firing"), SECONDS)
    rule = next(rule for _, rule in declared.rules() if rule.get("alert") == "CollectorDown")
    assert fired["labels"]["severity"] == "critical"
    assert fired["labels"]["instance"] == f"127.0.0.1:{program.port}"
    assert fired["annotations"]["runbook"] == rule["annotations"]["runbook"]
    assert "{{" not in json.dumps(fired["annotations"])


def test_every_kind_of_rule_is_hurried():
    for file, rule in declared.rules():
        assert rule.get("for") is None or re.fullmatch(r"\d+m", rule["for"]), file
    assert yaml.safe_load(hurried("{for: 15m, interval: 1m}")) == {"for": "0s", "interval": "1s"}

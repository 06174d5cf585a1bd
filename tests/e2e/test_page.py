"""The status page as a browser shows it, in light and dark, on a desk and in a hand."""

import http.server
import re
import subprocess
import threading
import time
from typing import ClassVar

import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
BROKEN = "raise RuntimeError('<script>alert(1)</script>')"


@pytest.fixture
def browser(require, tmp_path):
    chromium = require("chromium")

    def browse(*arguments):
        command = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=90, check=True).stdout

    return browse


def test_the_page_names_every_collector_its_trouble_and_its_fix(collector, browser, plugin_path):
    program = collector(None, env=plugin_path(torn=BROKEN))
    dom = browser("--dump-dom", f"http://127.0.0.1:{program.port}/collectors")
    for name in ("rapl", "system", "torn"):
        assert f'id="collector-{name}"' in dom
    assert re.search(r"\d+ series</summary>", dom)
    assert "<script>alert" not in dom
    assert "&lt;script&gt;alert(1)" in dom


def test_plugins_that_have_nothing_to_do_here_are_folded_after_those_that_run(collector, browser):
    dom = browser("--dump-dom", f"http://127.0.0.1:{collector(None).port}/collectors")
    running, _, others = dom.partition('<details id="others">')
    assert 'id="collector-system"' in running
    assert 'id="collector-blockchain"' in others
    assert "no node is configured" in others
    assert "not running" not in running


LEDGER = "collectors:\n  energy: {interval: 200ms}\n  estimate: {interval: 200ms, options: {tdp_watts: 65}}\n"


def wait_for_watts(program):
    deadline = time.monotonic() + 60
    while program.request("/api/v1/power").json["total_watts"] is None:
        assert time.monotonic() < deadline, program.log
        time.sleep(0.1)


def test_it_shows_watts_by_component_as_charts_that_say_what_they_show(collector, browser):
    program = collector(LEDGER)
    wait_for_watts(program)
    dom = browser("--dump-dom", f"http://127.0.0.1:{program.port}/collectors")
    assert f'targets: ["127.0.0.1:{program.port}"]' in program.request("/setup").text
    for title in ("Total", "CPU", "memory"):
        assert re.search(rf'<svg[^>]*aria-label="{title}, last 15 minutes: now ≈ [\d.]+ m?W', dom)


class Changing(http.server.BaseHTTPRequestHandler):
    """The page of a collector that changes after the first look, and then goes away."""

    pages: ClassVar[list[str]] = []
    script = ""

    def do_GET(self):
        is_script = self.path.startswith("/page.js?")
        page = self.script if is_script else self.pages.pop(0) if self.path == "/" and self.pages else ""
        self.send_response(200 if page else 503)
        self.send_header("Content-Type", "text/javascript" if is_script else "text/html")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *arguments):
        pass


def test_it_draws_on_while_it_is_open_and_says_when_nobody_answers(collector, browser):
    program = collector("collectors: {system: {}}")
    text = program.request("/collectors").text
    later = text.replace('id="collectors-title">Collectors', 'id="collectors-title">Collectors later')
    serving = type("Serving", (Changing,), {"pages": [text, later], "script": program.request("/page.js").text})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serving) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        dom = browser("--virtual-time-budget=20000", "--dump-dom", f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()
    assert "Collectors later" in dom
    assert re.search(r'id="offline"[^>]*>No answer since', dom)
    assert not re.search(r'id="offline"[^>]*hidden', dom)


def test_a_ledger_without_meters_says_why_there_are_no_watts(collector, eventually):
    program = collector("collectors:\n  energy: {interval: 200ms}\n")
    eventually(lambda: "no collector hands over an energy meter" in program.request("/collectors").text)
    page = program.request("/collectors").text
    assert ">Power <small>last 15 minutes</small></h2>" in page
    assert 'class="spark"' not in page

"""Electricity Maps on a fake server: asked seldom, believed for a while, and no token ever leaves for elsewhere."""

from __future__ import annotations

import http.server
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import NotAvailable
from collector_plugins.energy import metrics
from collector_plugins.energy.live import parse

TOKEN = "canary-7f3a"


class Maps(http.server.ThreadingHTTPServer):
    """Answers what the test sets."""

    def __init__(self):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked.append((self.path, self.headers.get("auth-token")))
                self.send_response(server.status)
                for name, value in server.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(server.body)))
                self.end_headers()
                self.wfile.write(server.body)

            def log_message(self, *arguments):
                pass

        self.asked, self.status, self.headers, self.body = [], 200, {}, b'{"zone": "DE", "carbonIntensity": 302}'
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()

    def end(self):
        self.shutdown()
        self._thread.join(5)
        self.server_close()


@pytest.fixture
def maps():
    server = Maps()
    yield server
    server.end()


@pytest.fixture
def harness(ledger, source, maps):
    """The ledger with a live source and a fallback; every run draws 0.1 kWh."""
    cpu = source("cpu", "package-0", "rapl")
    live = {"zone": "DE", "token": TOKEN, "url": maps.url, "refresh": 600}
    made = ledger(cpu, live=live, carbon_intensity=400)
    made.joules = 0.0

    def run(advance=0.0):
        made.joules += 3.6e5
        cpu.says(made.joules, made.clock.monotonic() + advance)
        type(made).run(made, advance=advance)
        return {source: value for (_, source), value in made.series(metrics.INTENSITY).items()}

    made.look = run
    return made


def until_asked(harness, eventually, times, maps):
    """Background work goes on in the loop while the collector runs."""
    eventually(lambda: harness.look() and len(maps.asked) >= times and harness.look())


def test_its_answer_takes_the_place_of_the_fallback(harness, maps, eventually):
    eventually(lambda: harness.look() == {"electricity_maps": 302})
    assert maps.asked == [("/carbon-intensity/latest?zone=DE", TOKEN)]
    before = harness.value(metrics.EMISSIONS, component="cpu")
    harness.look(advance=1)
    assert harness.value(metrics.EMISSIONS, component="cpu") - before == pytest.approx(30.2)


def test_it_is_asked_again_only_after_a_while(harness, maps, eventually):
    eventually(lambda: harness.look() == {"electricity_maps": 302})
    maps.body = b'{"carbonIntensity": 250.5}'
    for _ in range(10):
        assert harness.look(advance=59) == {"electricity_maps": 302}
    eventually(lambda: harness.look(advance=11) == {"electricity_maps": 250.5})
    assert len(maps.asked) == 2


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (500, b"", {}),
        (401, b'{"error": "no"}', {}),
        (302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}),
        (200, b"not json", {}),
        (200, b"[" * 100_000, {}),
        (200, b"{" + b" " * 70_000 + b"}", {}),
        (200, b'{"carbonIntensity": null}', {}),
        (200, b'{"carbonIntensity": NaN}', {}),
        (200, b'{"carbonIntensity": true}', {}),
        (200, b'{"carbonIntensity": -5}', {}),
    ],
)
def test_what_is_no_answer_leaves_the_fallback_and_is_logged_once(
    harness, maps, eventually, caplog, status, body, headers
):
    maps.status, maps.body, maps.headers = status, body, headers
    eventually(lambda: harness.look() == {"configured": 400} and caplog.messages)
    for _ in range(5):
        harness.look(advance=700)
    assert len([message for message in caplog.messages if "Electricity Maps" in message]) == 1
    assert TOKEN not in caplog.text


def test_an_answer_holds_for_two_hours_and_then_the_fallback_steps_in(harness, maps, eventually):
    eventually(lambda: harness.look() == {"electricity_maps": 302})
    maps.status = 503
    assert harness.look(advance=7000) == {"electricity_maps": 302}
    assert harness.look(advance=300) == {"configured": 400}
    maps.status = 200
    eventually(lambda: harness.look(advance=3600) == {"electricity_maps": 302})


def test_the_token_is_on_no_page_and_in_no_metric(harness, eventually, maps):
    eventually(lambda: harness.look() == {"electricity_maps": 302})
    assert TOKEN not in harness.exposition()
    assert TOKEN not in repr(harness.collector.config)


def test_a_refused_token_is_not_sent_again(harness, maps, eventually):
    maps.status = 403
    eventually(
        lambda: (
            harness.look() and maps.asked and harness.look() and not harness.collector._choice._live._background.is_busy
        )
    )
    for _ in range(5):
        assert harness.look(advance=10_000) == {"configured": 400}
    assert len(maps.asked) == 1


def test_a_service_that_is_busy_is_left_alone_for_as_long_as_it_asks(harness, maps, eventually, caplog):
    maps.status, maps.headers = 429, {"Retry-After": "3000"}
    eventually(lambda: harness.look() and caplog.messages)
    maps.status = 200
    for _ in range(4):
        assert harness.look(advance=700) == {"configured": 400}
    assert len(maps.asked) == 1
    eventually(lambda: harness.look(advance=200) == {"electricity_maps": 302})


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists).flatmap(
        lambda data: st.sampled_from([data, {"carbonIntensity": data}])
    )
)
def test_any_answer_is_a_sane_number_or_refused(answer):
    try:
        grams = parse(answer)
    except NotAvailable as error:
        assert error.reason == "bad_data"
    else:
        assert 0 <= grams <= 5000

"""`energy-collector forecast best-window` asks the service and says what it answers."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner

from collector_core.cli.group import cli

FOUND = {"start": 1000.0, "end": 4600.0, "by": "cost", "value": 0.2, "value_now": 0.6, "meaning": "cost"}
REFUSED = {"error": "there is no forecast called price", "fix": "add a series called price"}


@pytest.fixture
def service():
    """Answers with `status` and `body`; `asked` are the paths."""

    class Handler(BaseHTTPRequestHandler):
        status, body, asked = 200, FOUND, []

        def do_GET(self):
            self.asked.append(self.path)
            self.send_response(self.status)
            self.end_headers()
            self.wfile.write(json.dumps(self.body).encode())

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        Handler.url = f"http://127.0.0.1:{server.server_port}"
        yield Handler
        server.shutdown()
        thread.join()


def ask(url, *arguments):
    words = ["forecast", "best-window", "--energy", "2kWh", "--duration", "3h", "--url", url, *arguments]
    return CliRunner().invoke(cli, words)


@pytest.mark.usefixtures("logging_as_it_was")
class TestBestWindow:
    def test_it_says_when_and_what_it_saves(self, service):
        done = ask(service.url)
        assert done.exit_code == 0, done.output
        assert "0.20; 0.60 if it began now" in done.output
        assert service.asked[-1].endswith("energy=2kWh&duration=3h&by=cost")

    def test_what_is_missing_is_said_with_what_helps(self, service):
        service.status, service.body = 409, REFUSED
        done = ask(service.url)
        assert done.exit_code == 1
        assert "no forecast called price; fix: add a series called price" in done.output

    def test_where_nothing_listens_it_says_so(self):
        done = ask("http://127.0.0.1:1")
        assert done.exit_code == 1
        assert "is `energy-collector run` running there?" in done.output

    @pytest.mark.parametrize(("option", "word"), [("energy", "two"), ("energy", "0kWh"), ("duration", "soon")])
    def test_what_is_no_energy_or_duration_is_wrong_usage_and_nobody_is_asked(self, service, option, word):
        before = len(service.asked)
        done = ask(service.url, f"--{option}", word)
        assert done.exit_code == 2
        assert f"--{option}" in done.output
        assert len(service.asked) == before

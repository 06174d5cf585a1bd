"""Reading from a Prometheus that wants a login."""

import ssl
import struct
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from collector_core.cli import history
from collector_core.cli.prometheus_source import Access, readings
from collector_core.errors import AuthFailed
from collector_core.model.selector import Selector
from collector_core.wire.protobuf import bytes_field, number_field, text_field
from collector_core.wire.snappy import wrap

SECRETS = {"Basic bmluYTpzM2NyZXQ=", "Bearer t0ken"}
LABEL = bytes_field(1, text_field(1, "__name__") + text_field(2, "up"))
READING = bytes_field(2, b"\x09" + struct.pack("<d", 1.0) + number_field(2, 1_000))
ANSWER = wrap(bytes_field(1, bytes_field(1, LABEL + READING)))


class Guarded(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200 if self.headers["Authorization"] in SECRETS else 401)
        self.send_header("Content-Encoding", "snappy")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_):
        """Nobody reads it."""


@contextmanager
def served(context=None):
    """The port of a server, over TLS with a context."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Guarded) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def url():
    with served() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def guarded(certificate):
    """The same over TLS, with a certificate of its own authority: where it is, and the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    with served(context) as port:
        yield f"https://localhost:{port}", certificate.cert


@pytest.fixture
def secret(tmp_path):
    def write(content):
        (tmp_path / "secret").write_text(content)
        return tmp_path / "secret"

    return write


def ask(url, access):
    return list(readings(url, Selector.parse("up"), 0, 60_000, access))


def test_a_login_is_read_from_a_file(url, secret):
    assert ask(url, Access.read("nina", secret("s3cret\n"), None, None)) == [{"up": [(1_000, 1.0)]}]


def test_a_token_is_read_from_a_file(url, secret):
    assert ask(url, Access.read(None, None, secret("t0ken\r\n"), None)) == [{"up": [(1_000, 1.0)]}]


def test_who_may_not_read_is_told_so_without_the_secret(url, secret):
    with pytest.raises(AuthFailed) as caught:
        ask(url, Access.read("nina", secret("wr0ng"), None, None))
    assert "wr0ng" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        ("--username", "nina"),
        ("--password-file", "FILE"),
        ("--username", "nina", "--password-file", "FILE", "--token-file", "FILE"),
        ("--token-file", "EMPTY"),
        ("--ca-file", "missing"),
    ],
)
def test_options_that_do_not_fit_together_are_a_usage_error(tmp_path, url, options):
    files = {"FILE": tmp_path / "file", "EMPTY": tmp_path / "empty"}
    for name, file in files.items():
        file.write_text("" if name == "EMPTY" else "t0ken")
    given = [str(files.get(option, option)) for option in options]
    asked = ["import", "--prometheus", url, "--selector", "up", "--from", "0", "--path", str(tmp_path / "history")]
    assert CliRunner().invoke(history.command, [*asked, *given]).exit_code == 2


def test_a_prometheus_with_a_certificate_of_its_own_authority_is_read_where_that_is_named(guarded, secret, tmp_path):
    url, ca_file = guarded
    asked = ["import", "--prometheus", url, "--selector", "up", "--from", "0", "--to", "60"]
    asked += ["--path", str(tmp_path / "history"), "--token-file", str(secret("t0ken"))]
    refused = CliRunner().invoke(history.command, asked)
    assert refused.exit_code == 1
    assert "certificate" in refused.output
    assert "t0ken" not in refused.output
    kept = CliRunner().invoke(history.command, [*asked, "--ca-file", str(ca_file)])
    assert (kept.exit_code, kept.output) == (0, "1 readings imported\n")
    stranger = tmp_path / "stranger.pem"
    stranger.write_text("no certificate")
    unread = CliRunner().invoke(history.command, [*asked, "--ca-file", str(stranger)])
    assert unread.exit_code == 1
    assert "stranger.pem" in unread.output


def test_a_password_in_the_url_is_refused_and_not_repeated(tmp_path):
    asked = ["import", "--prometheus", "http://nina:s3cret@127.0.0.1:1", "--selector", "up", "--from", "0"]
    refused = CliRunner().invoke(history.command, [*asked, "--path", str(tmp_path)])
    assert refused.exit_code == 2
    assert "--password-file" in refused.output
    assert "s3cret" not in refused.output

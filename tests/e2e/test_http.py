"""The HTTP interface under use and abuse."""

import asyncio
import base64
import contextlib
import gzip
import json
import resource
import socket
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

import bcrypt
import pytest

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def test_both_formats_and_gzip_are_negotiated(collector):
    program = collector()
    plain = program.request("/metrics")
    assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# EOF" not in plain.text
    openmetrics = program.request("/metrics", Accept=OPENMETRICS, Accept_Encoding="gzip")
    assert openmetrics.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert openmetrics.headers["Content-Encoding"] == "gzip"
    text = gzip.decompress(openmetrics.body).decode()
    assert text.endswith("# EOF\n")
    assert "# UNIT system_memory_total_bytes bytes" in text
    assert "_created" not in text


def test_every_endpoint_answers(collector):
    program = collector()
    assert program.request("/healthz").text == "ok\n"
    assert program.request("/readyz").text == "ok\n"
    rows = {row["name"]: row for row in program.request("/api/v1/collectors").json["collectors"]}
    assert rows["system"]["state"] in ("ok", "partial")
    assert rows["system"]["series"] > 20
    memory = program.request("/api/v1/snapshot").json["collectors"]["system"]["system_memory_total_bytes"]
    assert memory["unit"] == "bytes"
    assert memory["series"][0]["value"] > 1e6
    page = program.request("/collectors")
    assert "energy-collector" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for asset, kind in (("/page.css", "text/css"), ("/page.js", "text/javascript")):
        assert program.request(asset).headers["Content-Type"].startswith(kind)


def test_head_requests_have_no_body(collector):
    answer = collector().request("/metrics", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")


def test_what_is_not_there_is_refused(collector):
    program = collector()
    for path, method, status in (
        ("/nothing", "GET", 404),
        ("/../../../../etc/passwd", "GET", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", "GET", 404),
        ("/page.css/../../../etc/passwd", "GET", 404),
        ("/metrics", "POST", 405),
        ("/metrics", "DELETE", 405),
        ("/metrics", "BREW", 400),
        ("/-/reload", "GET", 405),
        ("/api/v1/nothing", "GET", 404),
    ):
        answer = program.request(path, method=method)
        assert answer.status == status, (method, path)
        assert "root:" not in answer.text
    assert answer.json["error"] == "Not Found"


def test_reload_over_http_needs_post_and_names_every_problem(collector, tmp_path):
    program = collector("collectors: {system: {}}")
    assert program.request("/-/reload", method="POST").json["collectors"] == ["system"]
    (tmp_path / "config.yaml").write_text("collectors: {sistem: {}}\nlistn: x\n")
    answer = program.request("/-/reload", method="POST")
    assert answer.status == 400
    assert len(answer.json["problems"]) == 2
    assert "did you mean 'system'" in answer.json["error"]
    assert program.request("/-/reload", method="POST", Origin="http://evil.example").status == 403


async def _scrape(port, count=1):
    bodies = []
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for _ in range(count):
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            header = await reader.readuntil(b"\r\n\r\n")
            assert header.startswith(b"HTTP/1.1 200"), header
            length = int(header.lower().partition(b"content-length:")[2].split()[0])
            bodies.append(await reader.readexactly(length))
    finally:
        writer.close()
    return bodies


async def test_200_scrapers_at_once_are_all_served(collector):
    program = collector()
    bodies = await asyncio.wait_for(asyncio.gather(*(_scrape(program.port) for _ in range(200))), 30)
    assert len(bodies) == 200
    assert all(b"system_memory_total_bytes" in body for (body,) in bodies)


def test_half_sent_headers_do_not_hold_up_others(collector):
    program = collector()
    slow = [socket.create_connection(("127.0.0.1", program.port)) for _ in range(50)]
    try:
        for connection in slow:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: ")
        assert program.request("/metrics").status == 200
        slow[0].settimeout(15)
        answer = b"".join(iter(lambda: slow[0].recv(4096), b""))
        assert answer == b"" or answer.startswith(b"HTTP/1.1 408")
    finally:
        for connection in slow:
            connection.close()


def test_a_header_of_a_megabyte_is_refused(collector):
    program = collector()
    with socket.create_connection(("127.0.0.1", program.port), timeout=10) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * (1 << 20) + b"\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100).startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert program.request("/metrics").status == 200


def test_a_client_that_goes_away_in_the_middle_harms_nobody(collector):
    program = collector()
    for request in (
        b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", program.port)) as connection:
                connection.sendall(request)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert program.request("/metrics").status == 200
    assert "Traceback" not in program.log


def test_running_out_of_file_descriptors_is_survived(collector, eventually):
    program = collector(
        "collectors: {system: {interval: 200ms}}",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48)),
    )
    connections = []
    with contextlib.suppress(OSError):
        connections.extend(socket.create_connection(("127.0.0.1", program.port), timeout=2) for _ in range(80))
    time.sleep(1.0)
    for connection in connections:
        connection.close()
    eventually(lambda: _answers(program))
    assert program.process.poll() is None
    assert len(program.lines) < 60


def _answers(program):
    with contextlib.suppress(OSError):
        return program.request("/metrics", timeout=2).status == 200
    return False


@pytest.mark.own_interpreter
def test_secrets_are_nowhere_to_be_found(collector, plugin_path, tmp_path, eventually):
    canary = "canary-4711-secret"
    code = """
    from collector_core import Collector, CollectorConfig, Field, Gauge, SecretStr, hookimpl

    class Config(CollectorConfig):
        password: SecretStr = Field(description="Password.")
        url: str = Field("", description="URL.")

    class Leaky(Collector[Config]):
        '''Tries to give its password away.'''
        name, config_type, metrics = "leaky", Config, (Gauge("leaky_on", "On."),)
        def collect(self, out):
            secret = self.config.password.get_secret_value()
            self.ctx.logger.warning("login with %s", secret)
            raise ValueError(f"https://me:{secret}@example.invalid refused {self.config}")

    @hookimpl
    def collector_types():
        return [Leaky]
    """
    (tmp_path / "secret").write_text(canary)
    (tmp_path / "secret").chmod(0o600)
    program = collector(
        "collectors: {leaky: {interval: 200ms, options: {password: {$file: secret}, url: {$env: CANARY}}}}",
        "--log-level",
        "debug",
        env={**plugin_path(leaky=code), "CANARY": canary},
    )
    eventually(lambda: "refused" in program.log)
    shown = [program.request(path).text for path in ("/metrics", "/", "/api/v1/collectors", "/api/v1/snapshot")]
    shown.append(Path(f"/proc/{program.pid}/cmdline").read_text())
    program.stop()
    assert "login with <secret>" in program.log
    for text in (*shown, program.log):
        assert canary not in text


def test_tls_and_passwords_protect_everything(collector, tmp_path, certificate, eventually):
    web_config = {
        "tls_server_config": {"cert_file": str(certificate.cert), "key_file": str(certificate.key)},
        "basic_auth_users": {"prom": bcrypt.hashpw(b"sesame", bcrypt.gensalt(4)).decode()},
    }
    (tmp_path / "web.yml").write_text(json.dumps(web_config))
    program = collector("web_config: web.yml\ncollectors: {system: {}}", ready=False)
    context = ssl.create_default_context(cafile=certificate.cert)
    url = f"https://localhost:{program.port}/metrics"

    def status(**headers):
        with contextlib.suppress(urllib.error.URLError) as _:
            try:
                with urllib.request.urlopen(urllib.request.Request(url, headers=headers), context=context) as answer:
                    return answer.status
            except urllib.error.HTTPError as error:
                error.close()
                return error.code
        return None

    assert eventually(status, 30) == 401
    assert status(Authorization="Basic " + base64.b64encode(b"prom:wrong").decode()) == 401
    assert status(Authorization="Basic " + base64.b64encode(b"prom:sesame").decode()) == 200
    assert "listening on https://" in program.log

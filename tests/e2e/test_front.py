"""Scrapes and health checks need neither asyncio nor aiohttp, and nothing that holds up the page holds them up."""

import socket
import subprocess
import sys
import threading
import time

CLOGS = """
import threading
from aiohttp import web
from collector_core import Collector, Gauge, hookimpl, nonblocking

VALUE = Gauge("clogs_value", "One.")


class Clogs(Collector):
    name, metrics = "clogs", (VALUE,)

    def collect(self, out):
        out.add(VALUE, 1)

    @hookimpl
    def collector_routes(self):
        @nonblocking
        async def hang(request):
            threading.Event().wait()

        return [web.get("/clog", hang)]


@hookimpl
def collector_types():
    return [Clogs]
"""
MAIN = [sys.executable, "-c", "from collector_core.cli import main; main()"]
WATCH = "import atexit, sys; atexit.register(lambda: print(*sys.modules))"


def test_who_is_only_scraped_and_probed_imports_no_asyncio(free_port, tmp_path):
    file, port = tmp_path / "config.yaml", free_port()
    file.write_text(f"listen: 127.0.0.1:{port}\ncollectors: {{system: {{interval: 100ms}}, rapl: {{}}}}\n")
    script = f"{WATCH}; from collector_core.cli import main; main()"
    command = [sys.executable, "-c", script, "run", "--config", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert {path: wait_for_200(port, path) for path in ("/metrics", "/healthz", "/readyz")}
        finally:
            program.terminate()
        imported = set(program.stdout.read().split())
    assert program.returncode == 0
    assert "collector_core.web.front" in imported
    assert not {"asyncio", "aiohttp", "ssl", "concurrent.futures.thread"} & imported


def test_an_address_that_is_taken_ends_the_start_with_one_line_although_aiohttp_is_there(tmp_path):
    (tmp_path / "web.yml").write_text("basic_auth_users: {}\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = f"listen: {address}\nweb_config: {tmp_path / 'web.yml'}\ncollectors: {{}}\n"
        (tmp_path / "config.yaml").write_text(settings)
        command = [*MAIN, "run", "--config", str(tmp_path / "config.yaml")]
        ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert f"cannot listen on {address}: Address already in use" in line


def wait_for_200(port, path):
    """Ask as a scraper does until the answer is good."""
    deadline = time.monotonic() + 60
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(request)
                if client.recv(12) == b"HTTP/1.1 200":
                    return True
        except ConnectionRefusedError:
            pass
        time.sleep(0.05)
    raise TimeoutError(path)


def test_a_page_that_hangs_holds_up_no_scrape_ends_the_signs_of_life_and_not_the_end(
    collector, plugin_path, tmp_path, eventually
):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        signs = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        program = collector("collectors: {clogs: {interval: 100ms}}", env=plugin_path(clogs=CLOGS) | signs)
        assert program.request("/collectors").status == 200
        while manager.recv(4096) != b"WATCHDOG=1":
            pass
        threading.Thread(target=clog, args=[program.port], daemon=True).start()
        eventually(lambda: "the event loop of the web server has stood still for" in program.log, 60)
        assert falls_silent(manager)
        answers = [program.request(path) for path in ("/metrics", "/healthz", "/readyz")]
        assert [answer.status for answer in answers] == [200, 200, 200]
        assert "collector_event_loop_stalls_total 1" in answers[0].text
        assert program.stop(10) == 0
    assert "the event loop of the web server does not stop" in program.log


def clog(port):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /clog HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.recv(1)


def falls_silent(manager):
    """Whether nothing comes any more for five times as long as signs of life are apart; some may have come already."""
    manager.settimeout(1.0)
    try:
        for _ in range(20):
            manager.recv(4096)
    except TimeoutError:
        return True
    return False

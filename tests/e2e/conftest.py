"""Starts the real program, and real ones beside it, on loopback with free ports; stops them by pid."""

import contextlib
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.warm import WarmInterpreter, WarmProcess, can_start
from tests.venvs import INSTALL, venv_beside

COMMAND = str(Path(sys.executable).with_name("energy-collector"))
EXAMPLE = Path(__file__).parents[1] / "example_plugin"
START_SECONDS = 120


@pytest.fixture(scope="session")
def require():
    """The path of a program of a Debian package; skips where it is missing, fails where nothing may be missing."""

    def require(program):
        path = shutil.which(program)
        if path is None and os.environ.get("REQUIRE_SERVICES"):
            pytest.fail(f"{program} is missing and REQUIRE_SERVICES is set: python tests/services.py install")
        if path is None:
            pytest.skip(f"{program} is not installed: python tests/services.py install")
        return path

    return require


@pytest.fixture(scope="session")
def free_port():
    def free_port():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    return free_port


@dataclass
class Program:
    """A running process whose output is kept."""

    process: subprocess.Popen | WarmProcess
    lines: list[str] = field(default_factory=list)

    def __post_init__(self):
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return "\n".join(self.lines)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=60):
        """SIGTERM; returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._reader.join(5)
        self.process.stdout.close()
        return code

    def kill(self):
        """SIGKILL."""
        self.process.kill()
        self.process.wait()
        self._reader.join(5)
        self.process.stdout.close()

    def end(self):
        """Stop it; it must end well."""
        assert self.stop() == 0, self.log


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Collector(Program):
    """A running energy-collector."""

    port: int = 0

    def request(self, path, method="GET", timeout=10, **headers):
        url = f"http://127.0.0.1:{self.port}{path}"
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(url, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def samples(self):
        """The series of /metrics with their values."""
        lines = self.request("/metrics").text.splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}:\n{self.log}")
            with contextlib.suppress(OSError):
                if self.request("/readyz", timeout=2).status == 200:
                    return
            time.sleep(0.02)
        raise AssertionError(f"not ready after {START_SECONDS} s:\n{self.log}")


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory):
    """What programs keep is kept apart from the user's, and from what other tests run beside."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def warm_interpreter(tmp_path_factory):
    interpreter = WarmInterpreter(tmp_path_factory.mktemp("warm"))
    yield interpreter
    interpreter.close()


@pytest.fixture
def warm_start(request):
    """Starts energy-collector by a fork of a warm interpreter; None where this cannot stand for a start.

    A test whose matter is the start itself, the memory or the command line is marked `own_interpreter`.
    """

    def start(words, env, out, err):
        if words[0] != COMMAND or not can_start(env or {}) or request.node.get_closest_marker("own_interpreter"):
            return None
        interpreter = request.getfixturevalue("warm_interpreter")
        return interpreter.start(words[1:], os.environ | (env or {}), out, err)

    return start


@pytest.fixture
def spawn(tmp_path, warm_start):
    """Starts any program; what it keeps is kept in the test's folder."""
    programs = []

    def spawn(*command, kind=Program, env=None, preexec_fn=None, **attributes):
        words, env = [str(part) for part in command], {"XDG_STATE_HOME": str(tmp_path / "state")} | (env or {})
        read, write = os.pipe()
        process = None if preexec_fn else warm_start(words, env, write, write)
        process = process or subprocess.Popen(
            words,
            stdout=write,
            stderr=subprocess.STDOUT,
            env=os.environ | env,
            preexec_fn=preexec_fn,  # noqa: PLW1509 - sets a limit, nothing else
        )
        os.close(write)
        process.stdout = os.fdopen(read)  # closed when it stops
        programs.append(kind(process, **attributes))
        return programs[-1]

    yield spawn
    for program in reversed(programs):
        if program.process.poll() is None:
            program.process.send_signal(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.stop()


@pytest.fixture
def collector(spawn, free_port, tmp_path):
    """Starts energy-collector on a free port: `collector(config_text, "--root", tree)`."""

    def start(config=None, *options, ready=True, prefix=(), **spawning):
        port = free_port()
        if config is not None:
            file = tmp_path / "config.yaml"
            file.write_text(textwrap.dedent(config))
            options = ("--config", file, *options)
        command = (*prefix, COMMAND, "run", "--listen", f"127.0.0.1:{port}", *options)
        program = spawn(*command, kind=Collector, port=port, **spawning)
        if ready:
            program.wait_until_ready()
        return program

    return start


@pytest.fixture(scope="module")
def start_shared(tmp_path_factory, free_port):
    """The energy-collector that the tests of a file share by a name: `start_shared(name, *options, **environment)`.

    Each test asks for it. One that has ended, or does not answer, fails that test with its log; the next one, and the
    same one when it is repeated, gets a new one.
    """
    programs = {}

    def launch(name, *options, **env):
        port = free_port()
        process = subprocess.Popen(
            [COMMAND, "run", "--listen", f"127.0.0.1:{port}", *map(str, options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"XDG_STATE_HOME": str(tmp_path_factory.mktemp(name))} | env,
        )
        return Collector(process, port=port)

    def start(name, *options, **env):
        program = programs[name] = programs.get(name) or launch(name, *options, **env)
        try:
            program.wait_until_ready()
        except AssertionError:
            programs.pop(name).kill()
            raise
        return program

    yield start
    with contextlib.ExitStack() as stack:
        for program in programs.values():
            stack.callback(program.end)


@pytest.fixture
def command(warm_start):
    """Runs energy-collector to its end."""

    def run(*arguments, env=None, timeout=180, prefix=()):
        words = [*prefix, COMMAND, *map(str, arguments)]
        return run_warm(words, env, timeout) or subprocess.run(
            words, capture_output=True, text=True, timeout=timeout, check=False, env=os.environ | (env or {})
        )

    def run_warm(words, env, timeout):
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = warm_start(words, env, out.fileno(), err.fileno())
            if process is None:
                return None
            try:
                process.wait(timeout)
            finally:
                process.kill()
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(words, process.returncode, out.read(), err.read())

    return run


@pytest.fixture(scope="session")
def example_python(tmp_path_factory):
    """A Python with the example plugin, installed by pip beside all that the running environment has."""
    folder = tmp_path_factory.mktemp("example")
    source = shutil.copytree(EXAMPLE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    python = venv_beside(folder / "venv")
    subprocess.run([python, *INSTALL, "--no-deps", "--no-build-isolation", source], check=True, timeout=120)
    return python


class PlugServer(http.server.ThreadingHTTPServer):
    """A plug on loopback that draws 42.5 W, or hangs up on everybody."""

    def __init__(self, hangs_up=False):
        server = self

        class Plug(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked += 1
                if hangs_up:
                    return
                body = json.dumps({"power_watts": 42.5, "energy_kwh": server.asked / 1000}).encode()
                self.send_response(200 if self.path == "/status" else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.asked = 0
        super().__init__(("127.0.0.1", 0), Plug)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        self._thread.start()

    def end(self):
        self.shutdown()
        self._thread.join(5)
        self.server_close()


@pytest.fixture
def plug_server():
    """Starts fake plugs."""
    servers = []

    def start(**behaviour):
        servers.append(PlugServer(**behaviour))
        return servers[-1]

    yield start
    for server in servers:
        server.end()


@pytest.fixture
def plugin_path(tmp_path):
    """Installs plugins for child processes, as pip would: `plugin_path(name=code, …)` returns the environment."""
    site = tmp_path / "site"

    def install(**plugins):
        site.mkdir(exist_ok=True)
        for name, code in plugins.items():
            (site / f"plugin_{name}.py").write_text(textwrap.dedent(code))
            info = site / f"collector_{name}-1.0.dist-info"
            info.mkdir(exist_ok=True)
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: collector-{name}\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text(f"[collector_core]\n{name} = plugin_{name}\n")
        return {"PYTHONPATH": str(site)}

    return install


PROMETHEUS_CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: energy-collector
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""


@pytest.fixture
def prometheus(require, spawn, free_port, tmp_path, eventually):
    """Starts Prometheus against a target; returns a function for instant queries."""
    program = require("prometheus")

    def start(target_port):
        port = free_port()
        (tmp_path / "prometheus.yml").write_text(PROMETHEUS_CONFIG.format(port=target_port))
        spawn(
            program,
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
        )

        def get(path, **parameters):
            url = f"http://127.0.0.1:{port}{path}?{urllib.parse.urlencode(parameters)}"
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    return json.load(answer)["data"]
            except OSError:
                return None

        eventually(lambda: get("/api/v1/status/buildinfo"))
        return get

    return start

"""A real PostgreSQL on loopback, with a folder and a port of its own, and a proxy in front of it that can fail."""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from tests.background import BackgroundServer, free_port

PASSWORD = "canary-9b1f-secret"
ADMIN = "postgres"
START_SECONDS = 60
CREATE_TABLE = """
CREATE TABLE unified_timeline (
    event_type varchar(50) NOT NULL, source varchar(100), value numeric, metadata jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
)
"""


def binaries():
    """The folder of the newest server that is installed, None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else found[-1].parent if found else None


class Server:
    """A server that ends with the process of the tests; initdb refuses to run as root."""

    def __init__(self, folder, programs):
        self.port = free_port()
        self._data = folder / "data"
        self._programs = programs
        self._as = _somebody()
        if self._as:
            os.chown(folder, self._as["user"], self._as["group"])
        self._initialise(folder)
        self.start()

    def _initialise(self, folder):
        secret = folder / "password"
        secret.write_text(PASSWORD)
        if self._as:
            os.chown(secret, self._as["user"], self._as["group"])
        options = ("-N", "-U", ADMIN, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C")
        command = [self._programs / "initdb", "-D", self._data, *options]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, **self._as)

    def start(self):
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "timezone": "Asia/Tokyo",  # what nobody may rely on
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = (self._programs / "postgres", "-D", self._data, *options)
        self._process = BackgroundServer(command, self._data.parent, **self._as)
        self._wait_until_ready()

    def _wait_until_ready(self):
        from psycopg import OperationalError

        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect("postgres").close()
                return
            except OperationalError:
                if time.monotonic() > deadline or self._process.has_ended():
                    raise
                time.sleep(0.05)

    def stop(self):
        """Disconnect everybody and end."""
        self._process.stop()

    def crash(self):
        """End at once, whatever is going on."""
        self._process.crash()

    def recover(self):
        """Start after a crash, as soon as nothing is left of it."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.start()
                return
            except Exception:  # its children hold the shared memory until they have noticed
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def connect(self, database, user=ADMIN):
        import psycopg

        return psycopg.connect(
            f"postgresql://{user}:{PASSWORD}@127.0.0.1:{self.port}/{database}", autocommit=True, connect_timeout=10
        )


def _somebody():
    """Another user where we are root."""
    if os.geteuid():
        return {}
    entry = next(pwd.getpwnam(name) for name in ("postgres", "nobody") if _exists(name))
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _exists(user):
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(user))
    return False


class Database:
    """A new database of the server, with a user who may do nothing but what is granted."""

    def __init__(self, server):
        self.server = server
        self.name, self.user = f"energy_{secrets.token_hex(4)}", f"writer_{secrets.token_hex(4)}"
        self._admin("postgres", f"CREATE DATABASE {self.name}")
        self._admin("postgres", f"CREATE ROLE {self.user} LOGIN PASSWORD '{PASSWORD}'")
        self._admin(self.name, "REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO PUBLIC")

    def url(self, port=None):
        return f"postgresql://{self.user}:{PASSWORD}@127.0.0.1:{port or self.server.port}/{self.name}"

    def execute(self, statement, *parameters):
        """As the owner of everything."""
        return self._admin(self.name, statement, *parameters)

    def create_table(self, statement=CREATE_TABLE, table="unified_timeline", rights="SELECT, INSERT"):
        self.execute(statement)
        if rights:
            self.execute(f"GRANT {rights} ON {table} TO {self.user}")

    def rows(self, columns="event_type, source, value, metadata, created_at", table="unified_timeline"):
        """In the order in which they were written."""
        return self.execute(f"SELECT {columns} FROM {table} ORDER BY ctid")

    def _admin(self, database, statement, *parameters):
        with self.server.connect(database) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []


class Proxy:
    """Passes connections on to the server, until it is told to fail.

    `away` refuses everybody; `frozen` takes bytes and passes on none; `cut` closes a connection once the client has
    sent these bytes: when the server has answered them, or at once where `cut_early`.
    """

    def __init__(self, port):
        self._to = port
        self.port = free_port()
        self.frozen = False
        self.cut = b""
        self.cut_early = False
        self.cuts = 0
        self._open = []
        self._listener = None
        self.back()

    def back(self):
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def away(self):
        _close(self._listener)
        for each in self._open:
            _close(each)
        self._open.clear()

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._open += [client, server]
                pair = _Pair(self, client, server)
                for work in (pair.pass_to_server, pair.pass_to_client):
                    threading.Thread(target=work, daemon=True).start()


class _Pair:
    def __init__(self, proxy, client, server):
        self.proxy, self.client, self.server = proxy, client, server
        self.is_doomed = False
        self._once = threading.Lock()

    def pass_to_server(self):
        for data in self._chunks(self.client):
            if self.proxy.cut and self.proxy.cut in data:
                self.is_doomed = True
            with contextlib.suppress(OSError):  # reading finds out
                self.server.sendall(data)
            if self.is_doomed and self.proxy.cut_early:
                self._end()
                return

    def pass_to_client(self):
        for data in self._chunks(self.server):
            if self.is_doomed:
                self._end()
                return
            with contextlib.suppress(OSError):
                self.client.sendall(data)

    def _chunks(self, source):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                while self.proxy.frozen:
                    time.sleep(0.01)
                yield data
        _close(self.client)
        _close(self.server)

    def _end(self):
        if not self._once.acquire(blocking=False):  # the other direction was faster
            return
        self.proxy.cut = b""
        self.proxy.cuts += 1
        _close(self.client)
        _close(self.server)


def _close(each):
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@pytest.fixture(scope="session")
def postgres_server():
    """Skips where PostgreSQL is missing, fails where nothing may be missing."""
    programs = binaries()
    is_there = programs is not None and importlib.util.find_spec("psycopg") is not None
    if not is_there:
        message = (
            "PostgreSQL or psycopg is not installed: python tests/services.py install; pip install psycopg[binary]"
        )
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") else pytest.skip)(message)
    with tempfile.TemporaryDirectory(prefix="energy-collector-postgres-") as folder:
        server = Server(Path(folder), programs)
        yield server
        server.stop()


@pytest.fixture
def postgres(postgres_server):
    """A new, empty database."""
    return Database(postgres_server)


@pytest.fixture
def proxy(postgres_server):
    made = Proxy(postgres_server.port)
    yield made
    made.frozen = False
    made.away()

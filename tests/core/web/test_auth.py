"""Who may ask: passwords, rate limit, headers, and writes from elsewhere."""

import asyncio
import base64
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import bcrypt
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from collector_core.web import auth
from collector_core.web.api_error import ApiError
from collector_core.web.auth import TokenBucket, parse_basic, protect
from collector_core.web.callers import CallerGuard
from collector_core.web.error_responses import error_responses
from collector_core.web.file_reload import WebConfigFile
from collector_core.web.known_hosts import is_loopback, names_of_this_machine
from collector_core.web.server import LimitedRunner
from collector_core.web.web_config import RateLimit

Serve = Callable[..., Awaitable[LimitedRunner]]
Fetch = Callable[..., Coroutine[Any, Any, tuple[int, dict[str, str], bytes]]]
Start = Callable[..., Awaitable[str]]


def credentials(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def hashed(password: str, cost: int = 4) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


USERS = {"alice": hashed("alice123"), "dave": hashed("dave123").replace("$2b$", "$2y$"), "zoë": hashed("päss")}
USERS_YAML = "basic_auth_users:\n" + "".join(f"  {name}: {value}\n" for name, value in USERS.items())


class Compares:
    """Real bcrypt compares, written down: the cost of each and how many ran at the same time."""

    def __init__(self) -> None:
        self.costs: list[int] = []
        self.threads: set[str] = set()
        self.at_once = 0
        self.most_at_once = 0
        self.go = threading.Event()
        self.go.set()
        self._real = bcrypt.checkpw

    def __call__(self, password: bytes, hash: bytes) -> bool:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.threads.add(threading.current_thread().name)
        self.costs.append(int(hash[4:6]))
        self.go.wait(10)
        try:
            return self._real(password, hash)
        finally:
            self.at_once -= 1


@pytest.fixture
def compares(monkeypatch: pytest.MonkeyPatch) -> Iterator[Compares]:
    compares = Compares()
    monkeypatch.setattr(bcrypt, "checkpw", compares)
    yield compares
    compares.go.set()


@pytest.fixture
def start(tmp_path: Path, serve: Serve) -> Start:
    """Serves `hello` behind a web configuration that is looked at for each request; gives the URL."""

    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def fail(_request: web.Request) -> web.Response:
        raise RuntimeError("a bug")

    async def start(config: str | None) -> str:
        source = None
        app = web.Application(middlewares=[error_responses])
        app.router.add_get("/", hello)
        app.router.add_get("/fail", fail)
        app.router.add_post("/reload", hello)
        if config is not None:
            (tmp_path / "web.yml").write_text(config)
            source = WebConfigFile(tmp_path / "web.yml", check_interval=0)
            protect(app, source)
        app.middlewares.append(CallerGuard(lambda: source is not None and source.last_good().authenticates).middleware)
        runner = await serve(app)
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    return start


LOGINS = [
    (None, 401),
    (credentials("alice", "alice123"), 200),
    (credentials("dave", "dave123"), 200),
    (credentials("zoë", "päss"), 200),
    (credentials("alice", "dave123"), 401),
    (credentials("alice", ""), 401),
    (credentials("alice", "alice123\0"), 401),
    (credentials("Alice", "alice123"), 401),
    (credentials("nobody", "alice123"), 401),
    (credentials("", ""), 401),
    (credentials("alice", "a" * 73), 401),
]


@pytest.mark.parametrize(("login", "status"), LOGINS)
async def test_logins(start: Start, fetch: Fetch, login: dict[str, str] | None, status: int) -> None:
    url = await start(USERS_YAML)
    for _ in range(2):  # the second answer comes from the cache
        got, headers, body = await fetch(url, headers=login)
        assert got == status
        assert (body == b"hello") == (status == 200)
        assert headers.get("WWW-Authenticate") == (None if status == 200 else "Basic")


async def test_no_file_or_unknown_route_tells_anything_without_a_login(start: Start, fetch: Fetch) -> None:
    url = await start(USERS_YAML)
    assert (await fetch(f"{url}/nowhere"))[0] == 401
    assert (await fetch(f"{url}/nowhere", headers=credentials("alice", "alice123")))[0] == 404


async def test_refusals_of_the_api_name_the_field_and_the_remedy(start: Start) -> None:
    url = await start(f"rate_limit: {{interval: 1h, burst: 1}}\n{USERS_YAML}")
    async with aiohttp.ClientSession() as session:
        for status, field in ((401, "Authorization"), (429, "request")):
            async with session.get(f"{url}/api/v1/sites") as response:
                answer = await response.json()
                assert (response.status, answer["field"]) == (status, field)
                assert answer["error"]
                assert answer["fix"]


async def test_without_users_nobody_is_asked(start: Start, fetch: Fetch, compares: Compares) -> None:
    url = await start("")
    assert (await fetch(url, headers=credentials("any", "body")))[0] == 200
    assert not compares.costs


MALFORMED = [
    "",
    "Basic",
    "Basic ",
    "Basic  " + base64.b64encode(b"alice:alice123").decode(),
    "Basic !!!!",
    "Basic " + base64.b64encode(b"alice").decode(),
    "Basic " + base64.b64encode(b"alice:alice123").decode() + "=",
    "Basic " + base64.b64encode(b"alice:alice123").decode() + "é",
    "Bearer " + base64.b64encode(b"alice:alice123").decode(),
    "alice:alice123",
]


@pytest.mark.parametrize("header", MALFORMED)
async def test_malformed_credentials_are_refused(start: Start, fetch: Fetch, header: str) -> None:
    url = await start(USERS_YAML)
    assert (await fetch(url, headers={"Authorization": header}))[0] == 401


async def test_the_scheme_is_read_in_any_case(start: Start, fetch: Fetch) -> None:
    url = await start(USERS_YAML)
    header = "bAsIc " + base64.b64encode(b"alice:alice123").decode()
    assert (await fetch(url, headers={"Authorization": header}))[0] == 200


@given(st.text() | st.text().map("Basic ".__add__) | st.binary().map(lambda b: f"Basic {base64.b64encode(b).decode()}"))
def test_no_header_breaks_the_parser(header: str) -> None:
    credentials = parse_basic(header)
    assert credentials is None or b":" not in credentials[0]


async def test_an_unknown_user_costs_as_much_as_a_known_one(start: Start, fetch: Fetch, compares: Compares) -> None:
    url = await start(f"basic_auth_users: {{a: {hashed('x', 5)}, b: {hashed('y', 5)}}}")
    for name in ("a", "nobody"):
        assert (await fetch(url, headers=credentials(name, "guess")))[0] == 401
    assert compares.costs == [5, 5]


async def test_results_are_remembered_good_and_bad(start: Start, fetch: Fetch, compares: Compares) -> None:
    url = await start(USERS_YAML)
    for _ in range(3):
        assert (await fetch(url, headers=credentials("alice", "alice123")))[0] == 200
        assert (await fetch(url, headers=credentials("alice", "wrong")))[0] == 401
        assert (await fetch(url, headers=credentials("nobody", "wrong")))[0] == 401
    assert len(compares.costs) == 3


async def test_a_cached_result_is_of_one_user_one_hash_and_one_password(start: Start, fetch: Fetch) -> None:
    """CVE-2022-46146: user, hash and password that only together are the same text are not the same."""
    url = await start(USERS_YAML)
    assert (await fetch(url, headers=credentials("alice", "alice123")))[0] == 200
    value = USERS["alice"]
    for login in (
        credentials("alicea", "lice123"),
        credentials("a", "lice123"),
        credentials(f"alice{value}", "alice123"),
    ):
        assert (await fetch(url, headers=login))[0] == 401
    assert (await fetch(url, headers=credentials("alice", f"{value}alice123")))[0] == 401


def test_no_two_credentials_have_the_same_key() -> None:
    assert len({auth._digest(*parts) for parts in ((b"ab", b"c"), (b"a", b"bc"), (b"abc", b""), (b"abc",))}) == 4


async def test_a_password_that_bcrypt_would_cut_is_not_even_compared(
    start: Start, fetch: Fetch, compares: Compares
) -> None:
    url = await start(f"basic_auth_users: {{a: {hashed('x' * 72)}}}")
    assert (await fetch(url, headers=credentials("a", "x" * 73)))[0] == 401
    assert not compares.costs
    assert (await fetch(url, headers=credentials("a", "x" * 72)))[0] == 200


async def test_a_hash_that_bcrypt_refuses_matches_nothing(start: Start, fetch: Fetch) -> None:
    url = await start(f"basic_auth_users: {{a: {'$2b$04$' + 'z' * 53}}}")
    assert (await fetch(url, headers=credentials("a", "x")))[0] == 401


async def test_many_logins_at_once_share_one_compare(start: Start, fetch: Fetch, compares: Compares) -> None:
    url = await start(USERS_YAML)
    logins = [credentials("alice", "alice123"), credentials("alice", "alice1234")] * 50
    answers = await asyncio.gather(*(fetch(url, headers=login) for login in logins))
    assert [status for status, _, _ in answers] == [200, 401] * 50
    assert len(compares.costs) == 2


async def test_compares_run_one_at_a_time_off_the_event_loop(start: Start, fetch: Fetch, compares: Compares) -> None:
    url = await start(USERS_YAML)
    await asyncio.gather(*(fetch(url, headers=credentials("alice", f"guess {n}")) for n in range(20)))
    assert len(compares.costs) == 20
    assert compares.most_at_once == 1
    assert threading.main_thread().name not in compares.threads
    assert len(compares.threads) == 1


async def test_a_flood_is_refused_and_known_users_are_still_served(
    start: Start,
    fetch: Fetch,
    compares: Compares,
    monkeypatch: pytest.MonkeyPatch,
    eventually: Callable[..., Awaitable[None]],
) -> None:
    monkeypatch.setattr(auth, "MAX_WAITING", 3)
    url = await start(USERS_YAML)
    assert (await fetch(url, headers=credentials("alice", "alice123")))[0] == 200
    compares.go.clear()
    flood = [asyncio.create_task(fetch(url, headers=credentials("alice", f"guess {n}"))) for n in range(10)]
    await eventually(lambda: sum(task.done() for task in flood) == 7)
    assert (await fetch(url, headers=credentials("alice", "alice123")))[0] == 200
    compares.go.set()
    statuses = sorted(status for status, _, _ in await asyncio.gather(*flood))
    assert statuses == [401] * 3 + [429] * 7


async def test_guesses_do_not_push_known_users_out_of_the_cache(
    start: Start, fetch: Fetch, compares: Compares, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "CACHE_SIZE", 5)
    url = await start(USERS_YAML)
    await fetch(url, headers=credentials("alice", "alice123"))
    for n in range(20):
        await fetch(url, headers=credentials("alice", f"guess {n}"))
    assert (await fetch(url, headers=credentials("alice", "alice123")))[0] == 200
    assert len(compares.costs) == 21


async def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "CACHE_SIZE", 5)
    checker = auth.PasswordChecker()
    users = {str(n): hashed(str(n)) for n in range(12)}
    for name in users:
        assert await checker.allows(users, name.encode(), name.encode())
    assert len(checker._known) == 5
    checker.close()


async def test_users_change_with_the_file(tmp_path: Path, start: Start, fetch: Fetch) -> None:
    url = await start(USERS_YAML)
    old, new = credentials("alice", "alice123"), credentials("alice", "other456")
    assert [(await fetch(url, headers=login))[0] for login in (old, new)] == [200, 401]
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{alice: {hashed('other456')}}}")
    assert [(await fetch(url, headers=login))[0] for login in (old, new)] == [401, 200]


async def test_a_file_broken_later_answers_500_logs_once_and_recovers(
    tmp_path: Path, start: Start, fetch: Fetch, caplog: pytest.LogCaptureFixture
) -> None:
    url = await start(USERS_YAML)
    login = credentials("alice", "alice123")
    (tmp_path / "web.yml").write_text("basic_auth_users: {alice: plain-CANARY}")
    for _ in range(3):
        status, _, body = await fetch(url, headers=login)
        assert status == 500
        assert b"CANARY" not in body
    (message,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert "web.yml:1: basic_auth_users.alice" in message
    assert "CANARY" not in message
    (tmp_path / "web.yml").write_text(USERS_YAML)
    assert (await fetch(url, headers=login))[0] == 200
    (tmp_path / "web.yml").unlink()
    assert (await fetch(url, headers=login))[0] == 500


HEADERS = {
    "Content-Security-Policy": "default-src 'self'",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
    "X-XSS-Protection": "1",
}
HEADERS_YAML = "http_server_config:\n  headers:\n" + "".join(f'    {k}: "{v}"\n' for k, v in HEADERS.items())


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 200), ("GET", "/no", 404), ("PUT", "/", 405), ("GET", "/fail", 500)]
)
async def test_configured_headers_are_in_every_answer(
    start: Start, fetch: Fetch, method: str, path: str, status: int
) -> None:
    url = await start(HEADERS_YAML)
    got, headers, _ = await fetch(url + path, method)
    assert got == status
    assert HEADERS.items() <= headers.items()


async def test_configured_headers_are_in_refusals(start: Start, fetch: Fetch) -> None:
    url = await start(HEADERS_YAML + USERS_YAML + "rate_limit: {interval: 1h, burst: 1}")
    for status in (401, 429):
        got, headers, _ = await fetch(url)
        assert got == status
        assert HEADERS.items() <= headers.items()


async def test_the_rate_limit_comes_before_the_password(start: Start, fetch: Fetch, compares: Compares) -> None:
    url = await start(USERS_YAML + "rate_limit: {interval: 1h, burst: 2}")
    statuses = [(await fetch(url, headers=credentials("alice", f"guess {n}")))[0] for n in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert len(compares.costs) == 2


async def test_a_burst_of_zero_allows_nothing_and_an_interval_of_zero_everything(start: Start, fetch: Fetch) -> None:
    assert (await fetch(await start("rate_limit: {interval: 1s, burst: 0}")))[0] == 429
    url = await start("rate_limit: {interval: 0, burst: 0}")
    assert [(await fetch(url))[0] for _ in range(10)] == [200] * 10


async def test_a_new_rate_limit_counts_at_once(tmp_path: Path, start: Start, fetch: Fetch) -> None:
    url = await start("rate_limit: {interval: 1h, burst: 1}")
    assert [(await fetch(url))[0] for _ in range(2)] == [200, 429]
    (tmp_path / "web.yml").write_text("rate_limit: {interval: 1h, burst: 2}")
    assert [(await fetch(url))[0] for _ in range(3)] == [200, 200, 429]


def test_tokens_come_back_one_per_interval_up_to_the_burst() -> None:
    now = 0.0
    bucket = TokenBucket(RateLimit(interval="2s", burst=2), clock=lambda: now)
    assert [bucket.allow() for _ in range(3)] == [True, True, False]
    now = 1.9
    assert not bucket.allow()
    now = 2.0
    assert [bucket.allow() for _ in range(2)] == [True, False]
    now = 1000.0
    assert [bucket.allow() for _ in range(3)] == [True, True, False]


ADDRESSES = [
    ("127.0.0.1", True),
    ("127.5.6.7", True),
    ("::1", True),
    ("::ffff:127.0.0.1", True),
    ("", True),
    ("/run/client.sock", True),
    ("192.0.2.1", False),
    ("0.0.0.0", False),
    ("::", False),
    ("::ffff:192.0.2.1", False),
    ("fe80::1%eth0", False),
    ("2001:db8::1", False),
]


@pytest.mark.parametrize(("peer", "local"), ADDRESSES)
def test_loopback_addresses(peer: str, local: bool) -> None:
    assert is_loopback(peer) == local


async def ask(source: WebConfigFile | None, method: str, remote: str, **headers: str) -> int:
    """The status of a request from `remote` to a route that takes every method."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response()

    request = make_mocked_request(method, "/", headers={"Host": "localhost:9877", **headers}).clone(remote=remote)
    try:
        guard = CallerGuard(lambda: source is not None and source.last_good().authenticates, hosts=["Proxy.example"])
        return (await guard.middleware(request, handler)).status
    except ApiError as refusal:
        return refusal.status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_writes_from_elsewhere_need_authentication(tmp_path: Path, method: str) -> None:
    (tmp_path / "users.yml").write_text(USERS_YAML)
    (tmp_path / "none.yml").write_text("")
    users, none = (WebConfigFile(tmp_path / name) for name in ("users.yml", "none.yml"))
    assert await ask(None, method, "192.0.2.1") == 403
    assert await ask(none, method, "192.0.2.1") == 403
    assert await ask(users, method, "192.0.2.1") == 200
    assert await ask(None, method, "127.0.0.1") == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_reads_from_elsewhere_are_free(method: str) -> None:
    assert await ask(None, method, "192.0.2.1") == 200


async def test_a_refused_write_says_what_to_do(start: Start, fetch: Fetch) -> None:
    url = await start(None)
    status, headers, body = await fetch(f"{url}/reload", "POST", headers={"X-Forwarded-For": "192.0.2.1"})
    assert status == 403
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert b'"error"' in body
    assert b"basic_auth_users" in body


OWN = "http://localhost:9877"
BROWSERS = [
    ({}, 200),
    ({"Sec-Fetch-Site": "none"}, 200),
    ({"Origin": OWN, "Host": "localhost:9877", "Sec-Fetch-Site": "same-origin"}, 200),
    ({"Origin": "http://127.0.0.1:9877", "Host": "127.0.0.1:9877"}, 200),
    ({"Origin": "http://[::1]:9877", "Host": "[::1]:9877"}, 200),
    ({"Origin": "http://LOCALHOST", "Host": "localhost"}, 200),
    ({"Origin": "http://evil.example", "Host": "localhost:9877"}, 403),
    ({"Origin": "null", "Host": "localhost:9877"}, 403),
    ({"Origin": "http://localhost:3000", "Host": "localhost:9877"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Host": "localhost:9877"}, 403),
    ({"Sec-Fetch-Site": "same-site", "Host": "localhost:9877"}, 403),
    # A name server that the page's owner controls can make any name mean 127.0.0.1.
    ({"Origin": "http://evil.example:9877", "Host": "evil.example:9877", "Sec-Fetch-Site": "same-origin"}, 403),
    ({"X-Forwarded-For": "192.0.2.1"}, 403),
    ({"Forwarded": "for=192.0.2.1"}, 403),
    ({"Via": "1.1 proxy"}, 403),
]


@pytest.mark.parametrize(("headers", "status"), BROWSERS)
async def test_pages_of_other_sites_cannot_write_through_a_local_browser(headers: dict[str, str], status: int) -> None:
    assert await ask(None, "POST", "127.0.0.1", **headers) == status


async def test_what_a_browser_asks_before_it_reads_is_no_write() -> None:
    preflight = {"Origin": "http://evil.example", "Access-Control-Request-Method": "GET"}
    assert await ask(None, "OPTIONS", "192.0.2.1", **preflight) == 200
    assert await ask(None, "POST", "192.0.2.1", **preflight) == 403


HOSTS = [
    ("localhost:9877", 200),
    ("127.0.0.1", 200),
    ("[::1]:9877", 200),
    ("192.0.2.7:9877", 200),
    ("collector:9877", 200),
    ("LOCALHOST.:9877", 200),
    ("node.local", 200),
    ("proxy.EXAMPLE:443", 200),
    ("evil.example:9877", 403),
    ("127.0.0.1.evil.example", 403),
    ("localhost.evil.example:9877", 403),
    ("evil.example.", 403),
    ("[evil.example]", 403),
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(("host", "status"), HOSTS)
async def test_a_page_whose_name_points_at_this_machine_reads_and_writes_nothing(
    method: str, host: str, status: int
) -> None:
    assert await ask(None, method, "127.0.0.1", Host=host) == status
    assert await ask(None, method, "::1", Host=host) == status


async def test_other_machines_may_read_under_any_name_and_known_callers_too(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text(USERS_YAML)
    assert await ask(None, "GET", "192.0.2.1", Host="node1.example.org:9877") == 200
    assert await ask(WebConfigFile(tmp_path / "web.yml"), "GET", "127.0.0.1", Host="node1.example.org:9877") == 200


def test_the_names_of_this_machine_are_those_of_its_own_file(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_bytes(b"127.0.1.1 Node1.example.org node1 # not this.example\n\n# 1.2.3.4 nor.example\n::1 ip6\xff\n")
    names = names_of_this_machine(hosts)
    assert {"node1.example.org", "node1"} <= names
    assert not {"this.example", "nor.example"} & names
    assert names_of_this_machine(tmp_path / "none")


async def test_pages_of_other_sites_cannot_use_a_browsers_login(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text(USERS_YAML)
    source = WebConfigFile(tmp_path / "web.yml")
    assert await ask(source, "POST", "192.0.2.1", Origin="http://evil.example", Host="me.example") == 403
    assert await ask(source, "POST", "192.0.2.1", Origin="https://me.example", Host="me.example") == 200


async def test_a_unix_socket_counts_as_this_machine(tmp_path: Path, serve: Serve) -> None:
    async def reload(_request: web.Request) -> web.Response:
        return web.Response(text="done")

    app = web.Application(middlewares=[CallerGuard().middleware])
    app.router.add_post("/", reload)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "web.sock"))
    await serve(app, sockets=[listener])
    connector = aiohttp.UnixConnector(str(tmp_path / "web.sock"))
    async with aiohttp.ClientSession(connector=connector) as session, session.post("http://any.name/") as response:
        assert await response.text() == "done"

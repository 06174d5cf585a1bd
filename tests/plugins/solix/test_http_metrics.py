"""How requests to the cloud end, and that each is counted."""

import contextlib

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from collector_core import AuthFailed, HttpClient
from collector_core.testing import FakeClock
from collector_plugins.solix.http_metrics import classify_response, counting_middleware
from collector_plugins.solix.login_lock import LoginLock
from collector_plugins.solix.request_budget import HeldBack, RequestBudget, RequestResult

LOGIN = "passport/login"


class Cloud:
    """Answers on loopback as the test says; a `None` drops the connection."""

    def __init__(self):
        self.answers = {}

    async def answer(self, request):
        status, headers, *said = self.answers.get(request.path.lstrip("/"), (200, {}))
        if status is None:
            request.transport.close()
            return web.Response()
        return web.json_response(*(said or [{"code": 0}]), status=status, headers=headers)


@pytest.fixture
async def cloud(tmp_path):
    """A cloud and `cloud.post(endpoint)`, which asks it as the library does: through a lent session."""
    cloud, app, http = Cloud(), web.Application(), HttpClient()
    cloud.budget = RequestBudget(FakeClock(), LOGIN, lambda: 0.0)
    cloud.lock = LoginLock(tmp_path / "lock.json", FakeClock())
    app.router.add_post("/{endpoint:.*}", cloud.answer)
    session = http.aiohttp_session(middlewares=(counting_middleware(cloud.budget, cloud.lock),))
    async with TestServer(app) as server:

        async def post(endpoint):
            async with session.post(server.make_url(f"/{endpoint}")) as answer:
                return await answer.json()

        cloud.post = post
        yield cloud
        await http.close()
    assert session.closed


async def test_every_request_is_counted_and_its_answer_still_readable(cloud):
    assert await cloud.post("sites") == {"code": 0}
    assert await cloud.post("sites") == {"code": 0}
    assert cloud.budget.results == {("sites", "ok"): 2}


async def test_a_limited_endpoint_is_left_alone_as_long_as_the_cloud_says_and_then_asked_again(cloud):
    cloud.answers["sites"] = 429, {"Retry-After": "300"}
    await cloud.post("sites")
    with pytest.raises(HeldBack) as held:
        cloud.budget.claim_request("sites")
    assert held.value.seconds == 300
    cloud.budget._clock.advance(300)
    assert cloud.budget.claim_request("sites") == 0


async def test_a_dropped_connection_is_counted(cloud):
    cloud.answers["sites"] = None, {}
    with contextlib.suppress(aiohttp.ClientError):
        await cloud.post("sites")
    assert cloud.budget.results.keys() == {("sites", "unreachable")}


@pytest.mark.parametrize("status", [401, 403])
async def test_a_forbidden_login_is_a_refused_account_but_a_forbidden_request_is_not(cloud, status):
    cloud.answers |= {LOGIN: (status, {}), "sites": (status, {})}
    await cloud.post("sites")
    with pytest.raises(AuthFailed):
        await cloud.post(LOGIN)


@pytest.mark.parametrize("status", [200, 401])
async def test_a_login_that_says_so_locks_the_account_and_one_that_works_unlocks_it(cloud, status):
    cloud.answers[LOGIN] = status, {}, {"code": 100053, "msg": "Try again in 5 hours"}
    await cloud.post(LOGIN)
    assert cloud.lock.seconds_left == pytest.approx(5 * 3600 + 60)
    del cloud.answers[LOGIN]
    await cloud.post(LOGIN)
    assert cloud.lock.seconds_left == 0


async def test_only_a_login_can_lock_the_account(cloud):
    cloud.answers["sites"] = 200, {}, {"code": 100053, "msg": "Try again in 5 hours"}
    await cloud.post("sites")
    assert cloud.lock.seconds_left == 0


@pytest.mark.parametrize(
    ("status", "body", "result"),
    [
        (200, b'{"code": 0}', "ok"),
        (200, b'{"code": 26108, "msg": "wrong password"}', "refused"),
        (200, b'{"code": 429, "msg": "too often"}', "limited"),
        (200, b'{"code": 21105, "msg": "busy"}', "limited"),
        (200, b'{"code": 999, "msg": "server"}', "server_error"),
        (200, b'{"code": [1]}', "bad_data"),
        (200, b'{"code": ', "bad_data"),
        (200, b"", "bad_data"),
        (200, b"[]", "bad_data"),
        (200, b"\xff", "bad_data"),
        (200, b"[" * 100_000, "bad_data"),
        (401, b"", "unauthorized"),
        (403, b"", "unauthorized"),
        (404, b"", "http_error"),
        (429, b"", "limited"),
        (500, b"", "server_error"),
        (503, b'{"code": 0}', "server_error"),
    ],
)
def test_an_answer_is_classified_by_status_and_code(status, body, result):
    assert classify_response(status, body) == result


@given(st.integers(100, 599), st.binary(max_size=60))
def test_any_answer_has_a_result(status, body):
    assert classify_response(status, body) in RequestResult

"""What programs post: taken, refused with the field, expired."""

import asyncio
import contextlib
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from collector_core import ApiError, Collector, Field, Gauge, NotAvailable, PushInbox, PushOptions, hookimpl
from collector_core.engine.app import App
from collector_core.testing import FakeClock
from collector_core.testing.routes import serve_application
from collector_core.web.application import make_web_app
from collector_core.web.ingest import MAX_BODY
from collector_core.web.routes import Routes

FOREIGN = {"X-Forwarded-For": "203.0.113.9"}


class Sample(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    rate: float = Field(ge=0)
    layers: dict[str, float] = {}


def test_each_object_that_is_taken_wakes_the_collector():
    woken = []
    inbox = PushInbox("lamp", Sample, PushOptions(), FakeClock(), wake=lambda: woken.append(1))
    inbox.put("desk", b'{"rate": 1}')
    with pytest.raises(ApiError):
        inbox.put("desk", b'{"rate": -1}')
    assert woken == [1]


async def test_a_collector_that_had_nothing_to_show_shows_at_once_what_is_posted(instance, eventually):
    class Lamp(Collector):
        """Has what is posted to it."""

        name, metrics = "lamp", (Gauge("lamp_rate", "Rate."),)

        def __init__(self, config, ctx):
            super().__init__(config, ctx)
            self.inbox = PushInbox("lamp", Sample, PushOptions(), ctx.clock, wake=ctx.wake)

        def collect(self, out):
            if not (posted := self.inbox.current()):
                raise NotAvailable("not_found", "nothing was posted")
            out.add(self.metrics[0], posted["desk"].rate)

    app = App(root=Path("/"))
    (runner,) = [app.add(instance(Lamp, interval=3600))]
    try:
        runner.start()
        await eventually(lambda: runner.last_report)
        runner._collector.inbox.put("desk", b'{"rate": 7}')
        await eventually(lambda: runner.is_fresh)
        assert len(runner.snapshot) == 1
    finally:
        await asyncio.to_thread(app.stop, 0.5)


def make_inbox(clock=None, names=None, **options):
    return PushInbox("lamp", Sample, PushOptions(**options), clock or FakeClock(), names)


@contextlib.asynccontextmanager
async def served(inbox, instance):
    class Lamp(Collector):
        """Takes pushes."""

        name, metrics = "lamp", (Gauge("lamp_on", "On."),)

        def collect(self, out):
            out.add(self.metrics[0], 1)

        @hookimpl
        def collector_routes(self):
            return inbox.routes()

    app = App(root=Path("/"))
    app.add(instance(Lamp))
    try:
        async with serve_application(make_web_app(app, Routes(app))) as session:
            yield session
    finally:
        await asyncio.to_thread(app.stop, 0.5)


async def post(session, body, name="desk", **headers):
    headers = {"Content-Type": "application/json"} | headers
    data = body if isinstance(body, bytes) else json.dumps(body)
    async with session.post(f"/api/v1/push/lamp/{name}", data=data, headers=headers) as response:
        return response.status, await response.json()


async def test_what_is_posted_is_kept_until_it_expires(instance):
    clock = FakeClock()
    inbox = make_inbox(clock)
    async with served(inbox, instance) as session:
        assert await post(session, {"rate": 3}) == (202, {"status": "accepted", "expires_in_seconds": 60})
    clock.advance(59)
    assert inbox.current() == {"desk": Sample(rate=3)}
    clock.advance(2)
    assert inbox.current() == {}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rate": -1}, "rate"),
        ({"rate": "fast"}, "rate"),
        ({}, "rate"),
        ({"rate": 1, "layers": {"a": None}}, "layers.a"),
        ({"rate": 1, "more": 1}, "more"),
        (b'{"rate": NaN}', "rate"),
        (b"{", None),
        (b"[" * 20000, None),
        (b"\xff", None),
    ],
)
async def test_a_bad_body_is_answered_with_its_field(instance, body, field):
    async with served(make_inbox(), instance) as session:
        status, answer = await post(session, body)
    assert status == 400
    assert answer.get("field") == field
    assert answer["error"]


async def test_other_machines_need_the_token(instance):
    async with served(make_inbox(token="s3cret"), instance) as session:
        assert (await post(session, {"rate": 1}, **FOREIGN))[0] == 401
        assert (await post(session, {"rate": 1}, Authorization="Bearer wrong", **FOREIGN))[0] == 401
        assert (await post(session, {"rate": 1}, Authorization="Bearer wrong"))[0] == 401
        assert (await post(session, {"rate": 1}, Authorization="Bearer s3cret", **FOREIGN))[0] == 202
        assert (await post(session, {"rate": 1}))[0] == 202
    async with served(make_inbox(), instance) as session:
        assert (await post(session, {"rate": 1}, Authorization="Bearer ", **FOREIGN))[0] == 401


async def test_a_token_that_is_no_text_is_a_wrong_one(instance):
    request = (
        b"POST /api/v1/push/lamp/desk HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer s3cret\xe9\r\n"
        b"Connection: close\r\nContent-Length: 0\r\n\r\n"
    )
    async with served(make_inbox(token="s3cret"), instance) as session:
        reader, writer = await asyncio.open_connection("127.0.0.1", session._base_url.port)
        writer.write(request)
        assert (await reader.read()).startswith(b"HTTP/1.1 401")
        writer.close()


async def test_a_web_page_of_another_site_cannot_post(instance):
    async with served(make_inbox(token="s3cret"), instance) as session:
        status, _ = await post(session, {"rate": 1}, Origin="http://evil.example", Authorization="Bearer s3cret")
        assert status == 403
        status, _ = await post(session, {"rate": 1}, **{"Content-Type": "text/plain"})
        assert status == 415


async def test_a_page_whose_name_points_here_cannot_post_without_a_token_either(instance):
    async with served(make_inbox(), instance) as session:
        status, answer = await post(session, {"rate": 1}, Host="evil.example:9877")
        assert (status, "allowed_hosts" in answer["fix"]) == (403, True)
        assert (await post(session, {"rate": 1}, Host="localhost:9877"))[0] == 202


async def test_too_much_is_refused(instance):
    inbox = make_inbox(max_names=2)
    async with served(inbox, instance) as session:
        big = {"rate": 1, "layers": {f"layer-{number}": 1.0 for number in range(MAX_BODY // 10)}}
        assert (await post(session, big))[0] == 413
        bomb = gzip.compress(b" " * (64 << 20), 1)
        assert (await post(session, bomb, **{"Content-Encoding": "gzip"}))[0] == 413
        assert [(await post(session, {"rate": 1}, name))[0] for name in ("a", "b", "a", "c")] == [202, 202, 202, 429]
        assert (await post(session, {"rate": 1}, "a%2Fb"))[0] == 400
    assert set(inbox.current()) == {"a", "b"}


async def test_only_known_names_are_taken_where_there_are_such(instance):
    async with served(make_inbox(names=lambda: {"desk"}), instance) as session:
        assert (await post(session, {"rate": 1}))[0] == 202
        status, answer = await post(session, {"rate": 1}, "attic")
        assert (status, "configuration" in answer["fix"]) == (404, True)


@given(st.binary(max_size=200))
def test_any_body_is_taken_or_refused(body):
    inbox = make_inbox()
    try:
        inbox.put("desk", body)
    except ApiError as refused:
        assert refused.status == 400
        assert not inbox.current()
    else:
        assert Sample.model_validate_json(body) == inbox.current()["desk"]


def test_the_token_is_in_no_text():
    options = PushOptions(token="s3cret")
    assert "s3cret" not in repr(options)
    with pytest.raises(ValidationError) as caught:
        PushOptions(token="s3cret", max_names=0)
    assert "s3cret" not in str(caught.value)

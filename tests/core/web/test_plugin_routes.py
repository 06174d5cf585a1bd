"""Routes of collectors: served, contested, and gone with their collector."""

import asyncio
import io
import json
import logging
import sys
from pathlib import Path

import pytest
from aiohttp import web

from collector_core import Collector, DeclarationError, Gauge, hookimpl, nonblocking
from collector_core.engine.app import App
from collector_core.errors import StartupError
from collector_core.plugins.attempts import Attempts
from collector_core.plugins.discovery import check_type
from collector_core.plugins.hookspecs import implementation
from collector_core.testing.routes import serve_application
from collector_core.web.application import make_web_app
from collector_core.web.handler_thread import HandlerThread
from collector_core.web.routes import Routes


def collector_with(offer, name="lamp"):
    """A collector class whose routes are what `offer(self)` returns."""

    class Lamp(Collector):
        """Adds routes."""

        metrics = (Gauge(f"{name}_on", "On."),)

        def collect(self, out):
            out.add(self.metrics[0], 1)

        @hookimpl
        def collector_routes(self):
            return offer(self)

    Lamp.name = name
    return Lamp


def saying(text, path="/lamp", method="GET"):
    async def handle(request):
        return web.Response(text=text + request.match_info.get("name", ""))

    return web.RouteDef(method, path, handle, {})


@pytest.fixture
def app(instance):
    """An app with collectors of these classes: `app(Lamp, desk=Lamp)`."""
    made = []

    def make(*classes, **named):
        app = App(root=Path("/"), attempts=Attempts(0.2))
        made.append(app)
        for name, cls in {**{cls.name: cls for cls in classes}, **named}.items():
            app.add(instance(cls, name=name))
        return app

    yield make
    for each in made:
        each.stop(0.5)


def served(app):
    return serve_application(make_web_app(app, Routes(app)))


async def ask(session, path, method="GET"):
    async with session.request(method, path) as response:
        return response.status, await response.text()


async def test_a_collectors_routes_are_served_beside_our_own(app):
    lamp = collector_with(
        lambda self: [saying("light"), saying("hello ", "/lamp/{name}"), saying("set", method="POST")]
    )
    async with served(app(lamp)) as session:
        assert await ask(session, "/lamp") == (200, "light")
        assert await ask(session, "/lamp/a%2Fb") == (200, "hello a/b")
        assert await ask(session, "/lamp", "POST") == (200, "set")
        assert await ask(session, "/lamp", "DELETE") == (405, "405: Method Not Allowed")
        assert (await ask(session, "/lamps"))[0] == 404
        assert await ask(session, "/healthz", "POST") == (405, "405: Method Not Allowed")
        assert json.loads((await ask(session, "/api/v1/nothing"))[1])["error"] == "Not Found"


async def test_routes_come_and_go_with_their_collector(app, instance):
    lamp, desk = (
        collector_with(lambda self: [saying("light")]),
        collector_with(lambda self: [saying("desk", "/desk")], "desk"),
    )
    running = app(lamp)
    async with served(running) as session:
        assert (await ask(session, "/lamp"))[0] == 200
        running.runners.pop("lamp").stop()
        assert (await ask(session, "/lamp"))[0] == 404
        running.add(instance(desk))
        assert await ask(session, "/desk") == (200, "desk")
        running.add(instance(lamp))
        assert await ask(session, "/lamp") == (200, "light")


@pytest.mark.parametrize(
    ("path", "method", "owner"),
    [
        ("/metrics", "GET", "energy-collector itself"),
        ("/-/reload", "POST", "energy-collector itself"),
        ("/", "*", "energy-collector itself"),
    ],
)
def test_nobody_takes_a_route_of_ours(app, path, method, owner):
    lamp = collector_with(lambda self: [saying("mine", path, method)])
    with pytest.raises(StartupError, match="is offered by") as caught:
        make_web_app(running := app(lamp), Routes(running))
    assert f"{method} {path} is offered by {owner} and by collector lamp" in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        (("/x", "GET"), ("/x", "GET"), True),
        (("/x", "GET"), ("/x", "POST"), False),
        (("/x", "*"), ("/x", "POST"), True),
        (("/x", "POST"), ("/x", "*"), True),
        (("/x/{a}", "GET"), ("/x/{b}", "GET"), True),
        (("/x/{a}", "GET"), ("/x/b", "GET"), False),
    ],
)
def test_two_collectors_on_one_path_are_an_error_that_names_both(app, one, other, clash):
    lamp, desk = (
        collector_with(lambda self, route=route: [saying("", *route)], name)
        for name, route in (("lamp", one), ("desk", other))
    )
    running = app(lamp, desk)
    if not clash:
        assert make_web_app(running, Routes(running))
        return
    with pytest.raises(StartupError, match=r"is offered by collector lamp and by collector desk"):
        make_web_app(running, Routes(running))


async def test_a_clash_that_a_reload_brings_leaves_the_path_with_the_first(app, instance, caplog):
    lamp, desk = (
        collector_with(lambda self: [saying("lamp")]),
        collector_with(lambda self: [saying("desk"), saying("desk", "/desk")], "desk"),
    )
    running = app(lamp)
    async with served(running) as session:
        running.add(instance(desk))
        assert await ask(session, "/lamp") == (200, "lamp")
        assert await ask(session, "/desk") == (200, "desk")
        assert caplog.text.count("GET /lamp is offered by collector lamp and by collector desk") == 1


@pytest.mark.parametrize(
    ("offer", "reason"),
    [
        (lambda self: 1 / 0, "ZeroDivisionError"),
        (lambda self: ["/x"], "got str"),
        (lambda self: None, "TypeError"),
        (lambda self: [saying("", "no-slash")], "ValueError"),
    ],
)
async def test_a_collector_that_cannot_say_its_routes_harms_no_other(app, caplog, offer, reason):
    caplog.set_level(logging.ERROR)
    lamp, desk = collector_with(offer), collector_with(lambda self: [saying("desk", "/desk")], "desk")
    async with served(app(lamp, desk)) as session:
        assert await ask(session, "/desk") == (200, "desk")
    assert "collector lamp adds no routes" in caplog.text
    assert reason in caplog.text


async def test_a_handler_that_raises_tells_nothing(app):
    async def handle(request):
        raise ValueError("secret")

    lamp = collector_with(lambda self: [web.get("/lamp", handle)])
    async with served(app(lamp)) as session:
        status, text = await ask(session, "/lamp")
    assert status == 500
    assert "secret" not in text


async def test_a_handler_that_hangs_holds_up_nobody(app):
    async def handle(request):
        await asyncio.sleep(60)

    lamp = collector_with(lambda self: [web.get("/lamp", handle)])
    async with served(app(lamp)) as session:
        hanging = asyncio.create_task(ask(session, "/lamp"))
        await asyncio.sleep(0.05)
        assert (await ask(session, "/metrics"))[0] == 200
        hanging.cancel()


@pytest.fixture
def impatient(monkeypatch):
    """Handlers are given up soon."""
    monkeypatch.setattr(HandlerThread.__init__, "__defaults__", (0.2,))


@pytest.mark.parametrize(
    "error",
    [SystemExit("enough"), KeyboardInterrupt(), asyncio.CancelledError(), BaseException("panic"), ValueError("x")],
)
async def test_a_handler_that_wants_to_end_everything_ends_its_own_answer(app, error, caplog):
    async def handle(request):
        raise error

    lamp = collector_with(lambda self: [web.get("/lamp", handle), saying("light", "/light")])
    async with served(app(lamp)) as session:
        assert (await ask(session, "/lamp"))[0] == 500
        assert await ask(session, "/light") == (200, "light")
        assert (await ask(session, "/metrics"))[0] == 200
    assert caplog.text.count(f"collector lamp: GET /lamp failed: {type(error).__name__}") == 1


@pytest.mark.real_time  # a pause of the machine is one of the client
async def test_a_body_that_comes_slowly_is_no_fault_of_its_handler(app, impatient):
    async def handle(request):
        return web.Response(text=str(len(await request.read())))

    async def pieces(count):
        for _ in range(count):
            await asyncio.sleep(0.1)
            yield b"x"
        await asyncio.sleep(0 if count == 6 else 2)

    lamp = collector_with(lambda self: [web.post("/lamp", handle)])
    async with served(app(lamp)) as session:
        for count, status in ((6, 200), (2, 503)):
            async with session.post("/lamp", data=pieces(count)) as response:
                assert response.status == status


async def test_a_handler_that_blocks_is_named_and_cut_off_and_comes_back(app, impatient, gate, caplog):
    async def handle(request):
        gate.wait()
        return web.Response(text="at last")

    lamp = collector_with(lambda self: [web.get("/lamp", handle), saying("light", "/light")])
    desk = collector_with(lambda self: [saying("desk", "/desk")], "desk")
    async with served(app(lamp, desk)) as session:
        for _ in range(3):
            status, text = await ask(session, "/lamp")
            assert (status, json.loads(text)["error"]) == (503, "collector lamp has not answered within 0.2 s")
            assert (await ask(session, "/healthz"))[0] in (200, 503)  # the app has not been started
            assert await ask(session, "/desk") == (200, "desk")
        gate.set()
        for _ in range(1000):
            if (await ask(session, "/light")) == (200, "light"):
                break
            await asyncio.sleep(0.01)
        assert await ask(session, "/light") == (200, "light")
    assert caplog.text.count("collector lamp: GET /lamp failed: no answer after 0.2 s (test_plugin_routes.py:") == 1


async def test_a_handler_that_never_blocks_stays_on_the_servers_loop_and_has_a_deadline(app, impatient):
    loops = []

    @nonblocking
    async def handle(request):
        loops.append(asyncio.get_running_loop())
        return web.Response(body=await request.read())

    @nonblocking
    async def wait(request):
        await asyncio.Event().wait()

    lamp = collector_with(lambda self: [web.post("/lamp", handle), web.get("/wait", wait)])
    async with served(app(lamp)) as session:
        async with session.post("/lamp", data=b"on") as response:
            assert (response.status, await response.read()) == (200, b"on")
        assert loops == [asyncio.get_running_loop()]
        status, text = await ask(session, "/wait")
        assert (status, set(json.loads(text))) == (503, {"error", "field", "fix"})


async def test_a_task_of_a_handler_that_exits_harms_no_answer(app):
    async def handle(request):
        asyncio.get_running_loop().call_soon(sys.exit)
        await asyncio.sleep(0)
        return web.Response(text="light")

    async with served(app(collector_with(lambda self: [web.get("/lamp", handle)]))) as session:
        for _ in range(3):
            assert await ask(session, "/lamp") == (200, "light")


async def test_a_handler_reads_a_body_and_knows_its_limit(app):
    async def handle(request):
        chunks = [chunk async for chunk in request.content.iter_any()] if request.query else [await request.read()]
        return web.Response(text=f"{len(b''.join(chunks))} from {request.remote} {request.match_info['name']}")

    lamp = collector_with(lambda self: [web.post("/lamp/{name}", handle)])
    async with served(app(lamp)) as session:
        for path in ("/lamp/a", "/lamp/a?chunks=1"):
            async with session.post(path, data=b"x" * 300_000) as response:
                assert await response.text() == "300000 from 127.0.0.1 a"
        async with session.post("/lamp/a", data=io.BytesIO(b"x" * (2 << 20))) as response:
            assert response.status == 413


async def test_an_answer_that_is_not_complete_is_refused(app, caplog):
    async def stream(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        return answer

    async def generate(request):
        async def parts():
            yield b"x"

        return web.Response(body=parts())

    async def nothing(request):
        return None

    handlers = {"/stream": stream, "/generate": generate, "/nothing": nothing}
    lamp = collector_with(lambda self: [web.get(path, handler) for path, handler in handlers.items()])
    async with served(app(lamp)) as session:
        for path in handlers:
            assert (await ask(session, path))[0] == 500


@pytest.mark.parametrize("error", [SystemExit("enough"), KeyboardInterrupt(), BaseException("panic")])
async def test_routes_that_exit_harm_nobody(app, caplog, error):
    def offer(self):
        raise error

    lamp, desk = collector_with(offer), collector_with(lambda self: [saying("desk", "/desk")], "desk")
    async with served(app(lamp, desk)) as session:
        assert await ask(session, "/desk") == (200, "desk")
    assert f"collector lamp adds no routes: {type(error).__name__}" in caplog.text


async def test_routes_that_hang_are_named_and_taken_up_when_they_come(app, gate, caplog, eventually):
    def offer(self):
        gate.wait()
        return [saying("light")]

    lamp, desk = collector_with(offer), collector_with(lambda self: [saying("desk", "/desk")], "desk")
    running = app(lamp, desk)
    async with served(running) as session:
        assert await ask(session, "/desk") == (200, "desk")
        assert (await ask(session, "/lamp"))[0] == 404
        assert caplog.text.count("collector lamp: collector_routes() has not returned after") == 1
        gate.set()
        await eventually(lambda: running.attempts.late)
        assert await ask(session, "/lamp") == (200, "light")


def test_a_method_that_is_no_hook_is_refused():
    lamp = collector_with(lambda self: [])
    check_type("lamp", lamp)
    lamp.collector_rotes = hookimpl(lambda self: [])
    with pytest.raises(DeclarationError, match="there is no hook called collector_rotes"):
        check_type("lamp", lamp)


def test_only_what_is_marked_is_a_hook():
    class Plain:
        def collector_routes(self):
            return []

    assert implementation(Plain(), "collector_routes") is None

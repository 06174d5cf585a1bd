"""How a server starts and stops."""

import asyncio
import ssl
from collections.abc import Callable

import pytest
from aiohttp import web

from collector_core.errors import StartupError
from collector_core.web import server
from collector_core.web.listeners import bind
from tests.core.web.site import (
    BIG,
    FOREVER,
    GET,
    SOON,
    Eventually,
    Fetch,
    Serve,
    Site,
    connection,
    limits,
    one_answer,
    open_on,
    port_of,
    till_closed,
)


async def test_a_port_in_use_is_named(serve: Serve, site: Site) -> None:
    runner = await serve(site.app)
    port = port_of(runner)
    with pytest.raises(
        StartupError, match=rf"127\.0\.0\.1:{port}: Address already in use by process .*choose another port"
    ):
        await server.serve(Site().app, port=port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "a" * 70 + ".invalid", "127.0.0.1.1"])
async def test_an_address_that_is_not_to_be_had_is_named(host: str) -> None:
    with pytest.raises(StartupError, match=host):
        await server.serve(Site().app, host=host)


async def test_a_port_beyond_all_ports_is_named() -> None:
    with pytest.raises(StartupError, match="70000: no such port"):
        await server.serve(Site().app, port=70000)


async def test_every_address_of_a_name_is_served(serve: Serve, site: Site, fetch: Fetch) -> None:
    runner = await serve(site.app, host="localhost")
    for address in runner.addresses:
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        assert (await fetch(f"http://{host}:{address[1]}/"))[0] == 200


async def test_an_application_that_does_not_start_leaves_the_port_free(site: Site) -> None:
    async def fail(_app: web.Application) -> None:
        raise RuntimeError("not today")

    site.app.on_startup.append(fail)
    (listener,) = bind("127.0.0.1", 0)
    with pytest.raises(RuntimeError, match="not today"):
        await server.serve(site.app, sockets=[listener])
    assert listener.fileno() == -1


async def test_requests_in_progress_end_before_the_server_stops(
    serve: Serve, site: Site, eventually: Eventually
) -> None:
    runner = await serve(site.app, limits=limits(drain_timeout=FOREVER))
    async with connection(runner) as (reader, writer), connection(runner) as (idle_reader, _):
        writer.write(GET.replace(b"/ ", b"/hang "))
        await eventually(lambda: site.hanging == 1)
        stopping = asyncio.create_task(runner.cleanup())
        assert not await till_closed(idle_reader)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port_of_listener(writer))
        await asyncio.sleep(3 * SOON)
        site.release.set()
        assert b"at last" in await one_answer(reader)
        await stopping


def port_of_listener(writer: asyncio.StreamWriter) -> int:
    port: int = writer.get_extra_info("peername")[1]
    return port


@pytest.mark.parametrize("path", [b"/hang", b"/big"])
async def test_what_does_not_end_in_time_is_cut(serve: Serve, site: Site, path: bytes, eventually: Eventually) -> None:
    runner = await serve(site.app, limits=limits(drain_timeout=SOON))
    async with connection(runner) as (reader, writer):
        writer.write(GET.replace(b"/ ", path + b" "))
        await reader.read(1) if path == b"/big" else await eventually(lambda: site.hanging == 1)
        await asyncio.wait_for(runner.cleanup(), 60)
        assert len(await till_closed(reader)) < len(BIG)


async def test_handshakes_are_given_up_when_the_server_stops(
    serve: Serve, site: Site, eventually: Eventually, context: Callable[[], ssl.SSLContext]
) -> None:
    runner = await serve(site.app, limits=limits(), ssl_context=context)
    async with connection(runner) as (reader, _):
        await eventually(lambda: open_on(runner) == 1)
        await runner.cleanup()
        assert not await till_closed(reader)


async def test_stopping_twice_is_fine(serve: Serve, site: Site) -> None:
    runner = await serve(site.app)
    await runner.cleanup()
    await runner.cleanup()

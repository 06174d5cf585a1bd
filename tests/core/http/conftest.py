"""Servers on loopback, good and bad."""

import asyncio
import contextlib

import pytest

from collector_core import HttpClient
from tests.core.http.raw import RawServer, answer


@pytest.fixture
async def listen():
    """Serves connections by a function of reader and writer; returns the URL, with a slash at its end."""
    talks, servers = set(), []

    async def start(talk, *, ssl=None):
        async def guarded(reader, writer):
            talks.add(asyncio.current_task())
            try:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                    await talk(reader, writer)
            finally:
                writer.close()

        server = await asyncio.start_server(guarded, "127.0.0.1", 0, ssl=ssl)
        servers.append(server)
        return f"http{'s' if ssl else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

    yield start
    for server in servers:
        server.close()
    for talk in talks:
        talk.cancel()
    await asyncio.gather(*talks, return_exceptions=True)
    await asyncio.sleep(0)


@pytest.fixture
def serve(listen):
    """Starts a `RawServer`."""

    async def start(*pieces, ssl=None, **options):
        server = RawServer(*pieces, **options)
        server.url = await listen(server, ssl=ssl)
        server.place = server.url.partition("//")[2].rstrip("/")
        return server

    return start


@pytest.fixture
async def client():
    made = HttpClient(timeout=20.0)
    yield made
    await made.close()


@pytest.fixture
def answering(serve):
    """Starts a server that always gives this one answer."""
    return lambda *body, then="again", **options: serve(answer(*body, **options), then=then)

"""Messages over a websocket, and how its connection fails."""

import pytest
from aiohttp import WSMsgType, web

from collector_core import AuthFailed, NotAvailable

LIMIT = 1000


@pytest.fixture
async def url():
    """A server that answers each message with itself; `/long` with a long one, `/bye` by hanging up."""

    async def echo(request):
        assert request.headers["X-Key"] == "k"
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        async for message in connection:
            if message.type is WSMsgType.TEXT and request.path == "/echo":
                await connection.send_str(message.data)
                await connection.send_bytes(b"bytes")
            elif request.path == "/long":
                await connection.send_str("x" * (LIMIT + 1))
            else:
                await connection.close()
        return connection

    async def redirect(request):
        raise web.HTTPFound("/echo")

    async def refuse(request):
        raise web.HTTPForbidden

    application = web.Application()
    for path in ("/echo", "/long", "/bye"):
        application.router.add_get(path, echo)
    application.router.add_get("/moved", redirect)
    application.router.add_get("/closed", refuse)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"ws://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def connect(client, url):
    return client.websocket(url, headers={"X-Key": "k"}, limit=LIMIT)


async def test_messages_go_both_ways(client, url):
    socket = await connect(client, f"{url}/echo")
    await socket.send("hello")
    assert await socket.receive() == b"hello"
    assert await socket.receive() == b"bytes"
    await socket.close()


async def test_a_message_above_the_limit_is_refused(client, url):
    socket = await connect(client, f"{url}/long")
    await socket.send("hello")
    with pytest.raises(NotAvailable, match="longer than the limit") as caught:
        await socket.receive()
    assert caught.value.reason == "bad_data"


async def test_where_the_other_side_hangs_up_the_connection_is_reset(client, url):
    socket = await connect(client, f"{url}/bye")
    await socket.send("hello")
    with pytest.raises(ConnectionResetError):
        await socket.receive()


async def test_it_follows_no_redirect(client, url):
    with pytest.raises(NotAvailable, match="not followed") as caught:
        await connect(client, f"{url}/moved")
    assert caught.value.reason == "bad_data"


async def test_a_refusal_is_one_of_credentials(client, url):
    with pytest.raises(AuthFailed, match="answers 403 Forbidden"):
        await connect(client, f"{url}/closed")


async def test_where_nothing_listens_it_says_so(client, unused_tcp_port):
    with pytest.raises(NotAvailable, match="Connection refused"):
        await connect(client, f"ws://127.0.0.1:{unused_tcp_port}/")

"""Fake nodes on loopback: HTTP, websocket and unix socket, with faults that the test chooses."""

import asyncio
import threading

from aiohttp import WSMsgType, web


class Served:
    """Serves a `FakeNode` until `stop`; `start` again takes the same port.

    `fault` is a function from the right answer (bytes) to what is sent instead; `status` and `headers` are HTTP's;
    `delay` in seconds; `hangs_up` ends connections instead of answering, `hangs_up_once` one over HTTP; `before` is
    sent first, on streams.
    """

    def __init__(self, node, folder):
        self.node = node
        self.socket = str(folder / "node.ipc")
        self.port = 0
        self.page = b""
        self.moved_to = ""
        self.heal()
        self.start()

    def heal(self):
        self.fault, self.status, self.headers, self.delay = None, 200, {}, 0.0
        self.hangs_up, self.hangs_up_once, self.before = False, False, b""
        self.status_once = None

    @property
    def http(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self):
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def ipc(self):
        return f"ipc://{self.socket}"

    def start(self):
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)))
        self._thread.start()
        assert ready.wait(10)

    def stop(self):
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(10)

    async def _serve(self, ready):
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=1 << 24)
        app.add_routes(
            [
                web.post("/{any:.*}", self._post),
                web.get("/ws", self._socket),
                web.get("/metrics", self._page),
                web.get("/metrics/", self._page),
            ]
        )
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = runner.addresses[0][1]
        server = await asyncio.start_unix_server(self._stream, self.socket, limit=1 << 24)
        ready.set()
        await self._ended.wait()
        server.close()
        await runner.cleanup()

    async def _answer(self, message):
        answer = self.node.handle(message)
        await asyncio.sleep(self.delay)
        return self.fault(answer) if self.fault else answer

    async def _post(self, request):
        body = await self._answer(await request.read())
        if self.hangs_up or self.hangs_up_once:
            self.hangs_up_once = False
            request.transport.abort()
        return web.Response(body=body, status=self.status_once or self.status, headers=self.headers)

    async def _page(self, request):
        if self.moved_to and request.path != self.moved_to:
            return web.Response(status=307, headers={"Location": self.moved_to})
        return web.Response(body=self.page, status=self.status)

    async def _socket(self, request):
        connection = web.WebSocketResponse(max_msg_size=1 << 24)
        await connection.prepare(request)
        async for message in connection:
            if message.type is WSMsgType.TEXT:
                answer = await self._answer(message.data.encode())
                if self.hangs_up:
                    break
                if self.before:
                    await connection.send_str(self.before.decode())
                await connection.send_str(answer.decode(errors="replace"))
        return connection

    async def _stream(self, reader, writer):
        try:
            while message := await reader.readline():
                answer = await self._answer(message)
                if self.hangs_up:
                    break
                if self.before:
                    writer.write(self.before)
                    await writer.drain()
                    await asyncio.sleep(0.01)
                for start in range(0, len(answer), 1 << 16):
                    writer.write(answer[start : start + (1 << 16)])
                    await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

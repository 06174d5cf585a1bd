"""HTTP by the byte."""

import asyncio


class RawServer:
    """Answers each request with bytes, a piece at a time; `requests` has the heads of those that came."""

    def __init__(self, *pieces, then="close"):
        self.pieces = pieces
        self.then = then
        self.requests = []
        self.connections = 0

    async def __call__(self, reader, writer):
        self.connections += 1
        while True:
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            for piece in self.pieces:
                writer.write(piece)
                await writer.drain()
            if self.then == "hang":
                await asyncio.Event().wait()
            if self.then == "close":
                break


def answer(body=b"42", status="200 OK", **headers):
    """An answer in full."""
    fields = {"Content-Length": len(body)} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body

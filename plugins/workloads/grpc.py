"""Calls over gRPC on a Unix socket."""

from __future__ import annotations

from collector_core.wire import UnaryCall

_CHUNK = 65536


async def call(socket: str, method: str) -> bytes:
    """The answer of `method`, such as `/runtime.v1.RuntimeService/Version`, to an empty request.

    Raises `OSError` where nobody listens and `NotAvailable` for everything else that is no answer. The deadline is the
    caller's business.
    """
    import asyncio  # noqa: PLC0415 - who only imports the plugin does without

    reader, writer = await asyncio.open_unix_connection(socket)
    try:
        calling = UnaryCall(method)
        while not calling.has_ended:
            writer.write(calling.to_send())
            await writer.drain()
            calling.receive(await reader.read(_CHUNK))
        return calling.message()
    finally:
        writer.close()

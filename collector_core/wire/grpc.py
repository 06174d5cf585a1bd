"""One call over gRPC: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. HTTP/2 itself is h2's business.

Nothing here touches a socket: who calls sends what is `to_send`, and hands over what it received.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from urllib.parse import unquote

from collector_core.errors import NotAvailable, Reason

FIX = "pip install h2"
MOST_BYTES = 16 << 20
_PREFIX_BYTES = 5  # compressed or not, and the length of the message


class UnaryCall:
    """The client's side of a call of `method`, such as `/runtime.v1.RuntimeService/Version`, with one message.

    `headers` go with the request, `authority` is the host that is asked. The request is compressed already where
    `encoding` (`gzip`) says so. `status` is gRPC's, None unless the server has told it; `http_status` that of HTTP, and
    `told` has all headers. Raises `NotAvailable` where the Python package h2 is missing.
    """

    def __init__(
        self,
        method: str,
        request: bytes = b"",
        *,
        authority: str = "localhost",
        is_secure: bool = False,
        encoding: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        try:
            from h2.config import H2Configuration  # noqa: PLC0415 - an extra
            from h2.connection import H2Connection  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise NotAvailable(Reason.NOT_FOUND, "the Python package h2 is not installed", fix=FIX) from error
        scheme = "https" if is_secure else "http"
        said = [(":method", "POST"), (":scheme", scheme), (":path", method), (":authority", authority)]
        said += [("content-type", "application/grpc"), ("te", "trailers")]
        said += [("grpc-encoding", encoding)] if encoding else []
        self._connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._connection.initiate_connection()
        self._connection.send_headers(1, [*said, *(headers or {}).items()])
        prefix = bytes([bool(encoding)]) + len(request).to_bytes(_PREFIX_BYTES - 1, "big")
        self._unsent = memoryview(prefix + request)
        self._has_sent = False
        self._body = bytearray()
        self.told: dict[str, str] = {}
        self.has_ended = False

    @property
    def status(self) -> int | None:
        """What gRPC says of the call: 0 for success."""
        said = self.told.get("grpc-status", "")
        return int(said) if said.isdigit() else None

    @property
    def http_status(self) -> int:
        """What HTTP says of it, 0 where it says nothing."""
        said = self.told.get(":status", "")
        return int(said) if said.isdigit() else 0

    @property
    def words(self) -> str:
        """What the server says of a status that is no success."""
        return unquote(self.told.get("grpc-message", ""))

    def to_send(self) -> bytes:
        """What is to be sent now; the rest of a long request may have to wait for what is received."""
        while not self._has_sent and not self.has_ended:
            room = min(self._connection.local_flow_control_window(1), self._connection.max_outbound_frame_size)
            if room <= 0:
                break
            chunk, self._unsent = self._unsent[:room], self._unsent[room:]
            self._has_sent = not self._unsent
            self._connection.send_data(1, bytes(chunk), end_stream=self._has_sent)
        return self._connection.data_to_send()

    def receive(self, data: bytes) -> None:
        """Take what was received, nothing where the connection has ended.

        Raises `NotAvailable` where the call is broken off, its answer is too long, or no HTTP/2.
        """
        from h2 import events  # noqa: PLC0415
        from h2.exceptions import ProtocolError  # noqa: PLC0415

        if not data:
            raise NotAvailable(Reason.UNREACHABLE, "the connection ends before the answer does")
        try:
            received = self._connection.receive_data(data)
        except ProtocolError as error:
            raise NotAvailable(Reason.BAD_DATA, "what answers does not speak HTTP/2") from error
        for event in received:
            if isinstance(event, events.DataReceived):
                self._body += event.data or b""
                self._connection.acknowledge_received_data(event.flow_controlled_length or 0, 1)
            elif isinstance(event, events.ResponseReceived | events.TrailersReceived):
                self.told |= {str(name): str(value) for name, value in event.headers or ()}
            elif isinstance(event, events.StreamEnded):
                self.has_ended = True
            elif isinstance(event, events.StreamReset | events.ConnectionTerminated) and not self.has_ended:
                raise NotAvailable(Reason.UNREACHABLE, "the call is broken off")
        if len(self._body) > MOST_BYTES:
            raise NotAvailable(Reason.BAD_DATA, f"the answer is longer than {MOST_BYTES} bytes")

    def message(self) -> bytes:
        """The answer's message; raises `NotAvailable` where there is none."""
        if self.status != 0:
            raise NotAvailable(Reason.BAD_DATA, "the call is refused; is CRI enabled, in version runtime.v1?")
        length, message = int.from_bytes(self._body[1:_PREFIX_BYTES], "big"), bytes(self._body[_PREFIX_BYTES:])
        if self._body[:1] == b"\1" and self.told.get("grpc-encoding") == "gzip":  # as the request was
            return _decompressed(message)
        if self._body[:1] != b"\0" or len(message) != length:
            raise NotAvailable(Reason.BAD_DATA, "the answer is no single message")
        return message


def _decompressed(message: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        content = stream.decompress(message, MOST_BYTES)
    except zlib.error as error:
        raise NotAvailable(Reason.BAD_DATA, f"the answer is damaged: {error}") from None
    if not stream.eof:
        raise NotAvailable(Reason.BAD_DATA, f"the answer is cut off, or longer than {MOST_BYTES} bytes")
    return content

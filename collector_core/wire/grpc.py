"""One call over gRPC: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. HTTP/2 itself is h2's business.

Nothing here touches a socket: who calls sends what is `to_send`, and hands over what it received.
"""

from __future__ import annotations

from collector_core.errors import NotAvailable, Reason

FIX = "pip install h2"
MOST_BYTES = 16 << 20
_PREFIX_BYTES = 5  # compressed or not, and the length of the message


class UnaryCall:
    """The client's side of a call of `method`, such as `/runtime.v1.RuntimeService/Version`, with one message.

    Raises `NotAvailable` where the Python package h2 is missing.
    """

    def __init__(self, method: str, request: bytes = b"") -> None:
        try:
            from h2.config import H2Configuration  # noqa: PLC0415 - an extra
            from h2.connection import H2Connection  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise NotAvailable(Reason.NOT_FOUND, "the Python package h2 is not installed", fix=FIX) from error
        self._connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._connection.initiate_connection()
        self._connection.send_headers(1, _headers(method))
        self._connection.send_data(1, b"\0" + len(request).to_bytes(4, "big") + request, end_stream=True)
        self._body = bytearray()
        self._told: dict[str, str] = {}
        self.has_ended = False

    def to_send(self) -> bytes:
        """What is to be sent now."""
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
                self._told |= {str(name): str(value) for name, value in event.headers or ()}
            elif isinstance(event, events.StreamEnded):
                self.has_ended = True
            elif isinstance(event, events.StreamReset | events.ConnectionTerminated):
                raise NotAvailable(Reason.UNREACHABLE, "the call is broken off")
        if len(self._body) > MOST_BYTES:
            raise NotAvailable(Reason.BAD_DATA, f"the answer is longer than {MOST_BYTES} bytes")

    def message(self) -> bytes:
        """The answer's message; raises `NotAvailable` where there is none."""
        if self._told.get("grpc-status") != "0":
            raise NotAvailable(Reason.BAD_DATA, "the call is refused; is CRI enabled, in version runtime.v1?")
        length = int.from_bytes(self._body[1:_PREFIX_BYTES], "big")
        if self._body[:1] != b"\0" or len(self._body) != _PREFIX_BYTES + length:
            raise NotAvailable(Reason.BAD_DATA, "the answer is no single message")
        return bytes(self._body[_PREFIX_BYTES:])


def _headers(method: str) -> list[tuple[str, str]]:
    return [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", method),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ]

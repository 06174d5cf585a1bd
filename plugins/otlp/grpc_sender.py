"""Sends requests over gRPC: https://opentelemetry.io/docs/specs/otlp/#otlpgrpc. A connection for each."""

from __future__ import annotations

import base64
import socket
import ssl
import time
from contextlib import suppress
from urllib.parse import urlsplit

from collector_core import Context, NotAvailable, Reason, RecordsRefused
from collector_core.http.trust import trusting
from collector_core.wire import UnaryCall, as_bytes, read_fields
from collector_plugins.otlp.config import Config

METHOD = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
PORT = 4317
CHUNK = 65536
MAX_WORDS = 300
RESOURCE_EXHAUSTED = 8  # passes only where the receiver says when
PASSING = frozenset({1, 4, 10, 11, 14, 15})  # cancelled, late, aborted, out of range, unavailable, data loss
PASSING_HTTP = frozenset({408, 425, 429, *range(500, 600)})
_DETAILS, _VALUE, _DELAY, _SECONDS, _NANOSECONDS = 3, 2, 1, 1, 2  # of Status, Any, RetryInfo and Duration
_RETRY_INFO = b"google.rpc.RetryInfo"


class GrpcSender:
    """Calls one address, within `ctx.timeout` seconds each. For one thread at a time, but for `cancel`."""

    def __init__(self, config: Config, ctx: Context) -> None:
        parts = urlsplit(config.url)
        self._host, self._port = parts.hostname or "", parts.port or PORT
        self.place = f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"
        self._is_secure = parts.scheme == "https"
        self._ctx = ctx
        self._headers = {name.lower(): value.get_secret_value() for name, value in config.headers.items()}
        if config.bearer_token is not None:
            self._headers["authorization"] = f"Bearer {config.bearer_token.get_secret_value()}"
        self._ca_file = config.ca_file
        self._connection: socket.socket | None = None

    def export(self, request: bytes) -> bytes:
        """Call with a request in gzip; returns the answer's message, nothing of one that cannot be read.

        Raises `RecordsRefused` for what will never be taken, and `NotAvailable` for everything else that is no success.
        """
        call = UnaryCall(
            METHOD,
            request,
            authority=self.place,
            is_secure=self._is_secure,
            encoding="gzip",
            headers={"grpc-timeout": f"{max(1, round(self._ctx.timeout * 1000))}m", **self._headers},
        )
        try:
            with self._connected() as self._connection:
                self._exchange(self._connection, call)
        except NotAvailable as error:
            raise NotAvailable(error.reason, f"{self.place}: {error}", fix=error.fix) from None
        except OSError as error:
            raise self._explained(error) from None
        finally:
            self._connection = None
        if call.status != 0:
            raise self._refusal(call)
        with suppress(NotAvailable):  # the request is taken all the same: it must not be sent again
            return call.message()
        return b""

    def cancel(self) -> None:
        """Break the connection; from any thread."""
        connection = self._connection
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Do nothing: no connection is kept."""

    def _connected(self) -> socket.socket:
        context = trusting(self._ca_file) if self._is_secure else None
        plain = socket.create_connection((self._host, self._port), self._ctx.timeout)
        if context is None:
            return plain
        context.set_alpn_protocols(["h2"])
        try:
            return context.wrap_socket(plain, server_hostname=self._host)
        except BaseException:
            plain.close()
            raise

    def _exchange(self, connection: socket.socket, call: UnaryCall) -> None:
        ends = time.monotonic() + self._ctx.timeout
        while not call.has_ended:
            connection.settimeout(max(0.001, ends - time.monotonic()))
            connection.sendall(call.to_send())
            call.receive(connection.recv(CHUNK))

    def _refusal(self, call: UnaryCall) -> Exception:
        words = " ".join(self._ctx.redact(call.words).split())[:MAX_WORDS]
        if call.status is None:
            said, passes = f"{self.place} answers {call.http_status} and no gRPC", call.http_status in PASSING_HTTP
        else:
            said, passes = f"{self.place} answers with status {call.status}: {words}", call.status in PASSING
        pause = _retry_delay(call.told.get("grpc-status-details-bin", ""))
        if passes or (call.status == RESOURCE_EXHAUSTED and pause is not None):
            return NotAvailable(Reason.UNREACHABLE, said, retry_after=pause)
        return RecordsRefused(None, said, fix="correct `url` or `protocol`" if call.status is None else "")

    def _explained(self, error: OSError) -> NotAvailable:
        if isinstance(error, TimeoutError):
            return NotAvailable(Reason.TIMEOUT, f"{self.place}: no answer within {self._ctx.timeout:g} s")
        words = error.strerror or type(error).__name__
        fix = "correct `ca_file`" if isinstance(error, ssl.SSLError) else "start it, or correct `url`"
        return NotAvailable(Reason.UNREACHABLE, f"{self.place}: {words}", fix=fix)


def _retry_delay(details: str) -> float | None:
    """Seconds that `google.rpc.RetryInfo` asks for, in a `google.rpc.Status`; None where it does not."""
    with suppress(ValueError, IndexError):
        status = read_fields(base64.b64decode(details + "=" * (-len(details) % 4)))
        for detail in (dict(read_fields(as_bytes(value))) for number, value in status if number == _DETAILS):
            if as_bytes(detail.get(1, b"")).endswith(_RETRY_INFO):
                info = dict(read_fields(as_bytes(detail.get(_VALUE, b""))))
                delay = dict(read_fields(as_bytes(info.get(_DELAY, b""))))
                return float(_number(delay.get(_SECONDS))) + _number(delay.get(_NANOSECONDS)) / 1e9
    return None


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0

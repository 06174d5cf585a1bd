"""Runtimes and a kubelet that answer as the real ones do, on threads of their own."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded


class UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False


@contextlib.contextmanager
def running(server) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class JsonAnswers(BaseHTTPRequestHandler):
    """Answers GET with what `server.answers` has for the path; an event hangs until it is set."""

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Authorization")))
        answer = self.server.answers.get(self.path)
        if isinstance(answer, threading.Event):
            answer.wait(30)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(answer if isinstance(answer, int) else 404 if answer is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def address_string(self):
        return "client"

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def docker(socket: Path, answers):
    socket.parent.mkdir(parents=True, exist_ok=True)
    server = UnixServer(str(socket), JsonAnswers)
    server.answers, server.requests = answers, []
    with running(server):
        yield server


@contextlib.contextmanager
def kubelet(pods):
    server = ThreadingHTTPServer(("127.0.0.1", 0), JsonAnswers)
    server.answers, server.requests = {"/pods": pods}, []
    with running(server):
        yield server


def field(number: int, content: bytes | str) -> bytes:
    """A text or message as protobuf writes it."""
    encoded = content.encode() if isinstance(content, str) else content
    size, length = b"", len(encoded)
    while length >= 0x80:
        size, length = size + bytes([length & 0x7F | 0x80]), length >> 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + encoded


class GrpcAnswers(socketserver.BaseRequestHandler):
    """The server's side of gRPC: one unary call after another, answered with `server.answers[method]`."""

    def handle(self):
        self.pending = None
        connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        self.request.sendall(connection.data_to_send())
        method = ""
        while data := self.request.recv(65536):
            for event in connection.receive_data(data):
                if isinstance(event, RequestReceived):
                    method = dict(event.headers)[":path"]
                    assert dict(event.headers)["te"] == "trailers"
                elif isinstance(event, DataReceived):
                    connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, StreamEnded):
                    self.answer(connection, event.stream_id, method)
            self.send_what_fits(connection)
            self.request.sendall(connection.data_to_send())

    def answer(self, connection, stream, method):
        self.server.requests.append(method)
        answer = self.server.answers.get(method)
        head = [(":status", "200"), ("content-type", "application/grpc")]
        if answer is None:  # Unimplemented, as "trailers only"
            connection.send_headers(stream, [*head, ("grpc-status", "12")], end_stream=True)
            return
        connection.send_headers(stream, head)
        self.pending = stream, b"\0" + len(answer).to_bytes(4, "big") + answer

    def send_what_fits(self, connection):
        """As much as the client's windows allow."""
        while self.pending:
            stream, message = self.pending
            size = min(connection.local_flow_control_window(stream), connection.max_outbound_frame_size)
            if not size:
                return
            connection.send_data(stream, message[:size])
            self.pending = (stream, message[size:]) if message[size:] else None
            if not self.pending:
                connection.send_headers(stream, [("grpc-status", "0"), ("grpc-message", "")], end_stream=True)


@contextlib.contextmanager
def cri(socket: Path, *, containers=(), pods=()):
    """`containers` are (id, name, image), `pods` (uid, name, namespace)."""
    socket.parent.mkdir(parents=True, exist_ok=True)
    server = UnixServer(str(socket), GrpcAnswers)
    server.requests = []
    server.answers = {
        "/runtime.v1.RuntimeService/ListContainers": b"".join(
            field(1, field(1, key) + field(2, "sandbox") + field(3, field(1, name)) + field(4, field(1, image)))
            for key, name, image in containers
        ),
        "/runtime.v1.RuntimeService/ListPodSandbox": b"".join(
            field(1, field(1, "sandbox") + field(2, field(1, name) + field(2, uid) + field(3, namespace)) + b"\x18\x01")
            for uid, name, namespace in pods
        ),
    }
    with running(server):
        yield server

"""What Firecracker and Cloud Hypervisor say of their guest over the HTTP of their API sockets."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, TypeVar

from collector_plugins.qemu.cmdline import Description, printable
from collector_plugins.qemu.monitors import UNNAMED, as_vcpus

SECONDS = 0.2  # that all questions together may take, and each monitor
MOST_BYTES = 1 << 20
MOST_QUESTIONS = 32  # at once

KeyT = TypeVar("KeyT")
AnswerT = TypeVar("AnswerT")


def ask_all(questions: Mapping[KeyT, Callable[[], AnswerT]]) -> dict[KeyT, AnswerT]:
    """What is answered in time; each is asked on a thread of its own, so that one that hangs costs no other."""
    answers: SimpleQueue[tuple[KeyT, AnswerT | None]] = SimpleQueue()
    for key, question in questions.items():
        threading.Thread(target=_answer, args=(answers, key, question), name="guest's API", daemon=True).start()
    found: dict[KeyT, AnswerT] = {}
    until = monotonic() + SECONDS
    for _ in questions:
        try:
            key, answer = answers.get(timeout=max(0.0, until - monotonic()))
        except Empty:
            break
        if answer is not None:
            found[key] = answer
    return found


def ask_monitor(path: str, description: Description) -> Description:
    """The description with what the API at a socket adds to it; raises `OSError` or `ValueError`."""
    told, until = dict[str, Any](), monotonic() + SECONDS
    for each in description.api_paths:
        told |= _get(path, each, until)
    name, uuid = _text(told.get("id")), _text(_at(told, "config", "platform", "uuid"))
    vcpus = told.get("vcpu_count", _at(told, "config", "cpus", "boot_vcpus"))
    return replace(
        description,
        name=description.name or ("" if name == UNNAMED else printable(name)),
        uuid=description.uuid or printable(uuid.lower()),
        vcpus=description.vcpus if vcpus is None else as_vcpus(vcpus),
    )


def _answer(answers: SimpleQueue[tuple[KeyT, AnswerT | None]], key: KeyT, question: Callable[[], AnswerT]) -> None:
    try:
        answers.put((key, question()))
    except (OSError, ValueError, RecursionError):
        answers.put((key, None))


def _get(path: str, target: str, until: float) -> dict[str, Any]:
    """The object that a GET is answered with; {} where the API has no such path."""
    with _connect(path, until) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n".encode())
        status, body = _read(connection, until)
    document = json.loads(body) if status == b"200" else {}
    return document if isinstance(document, dict) else {}


def _connect(path: str, until: float) -> socket.socket:
    """A connection; by a descriptor of the folder, because a socket's path may have 107 bytes only."""
    folder, _, name = path.rpartition("/")
    pointer = os.open(folder or "/", os.O_PATH | os.O_CLOEXEC)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(max(0.0, until - monotonic()))
        connection.connect(f"/proc/self/fd/{pointer}/{name}")
    except BaseException:
        connection.close()
        raise
    finally:
        os.close(pointer)
    return connection


def _read(connection: socket.socket, until: float) -> tuple[bytes, bytes]:
    """Status and body of an answer; the connection stays open, so that its length must be told."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _receive(connection, len(data), until)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    headers = dict(line.lower().split(b":", 1) for line in lines[1:] if b":" in line)
    length = int(headers.get(b"content-length", b"0"))
    while len(body) < length:
        body += _receive(connection, len(body), until)
    return lines[0].split(b" ")[1] if b" " in lines[0] else b"", body[:length]


def _receive(connection: socket.socket, so_far: int, until: float) -> bytes:
    connection.settimeout(max(0.0, until - monotonic()))  # one that drips would never end
    piece = connection.recv(65536)
    if not piece or so_far > MOST_BYTES:
        raise ValueError("the answer ends early, or is too long")
    return piece


def _at(document: Any, *names: str) -> Any:
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

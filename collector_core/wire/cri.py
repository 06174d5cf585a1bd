"""Containers as the Container Runtime Interface of Kubernetes lists them: runtime.v1 of containerd and CRI-O.

Messages: https://github.com/kubernetes/cri-api, `api.proto`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from collector_core.wire.protobuf import as_bytes, read_fields


class CriContainer(NamedTuple):
    """A container: its whole id, its name within its pod, and its image; "" where it is not told."""

    id: str
    name: str
    image: str


def cri_containers(answer: bytes) -> Iterator[CriContainer]:
    """ListContainersResponse: containers = 1; of each id = 1, metadata = 3 {name = 1}, image = 4 {image = 1}.

    Raises `ValueError` for what is none.
    """
    for container in listed_messages(answer):
        told = contents(container)
        name, image = (contents(told.get(part, b"")).get(1, b"") for part in (3, 4))
        yield CriContainer(*(content.decode("utf-8", "replace") for content in (told.get(1, b""), name, image)))


def listed_messages(answer: bytes) -> Iterator[bytes]:
    """Those in the first field, which may be repeated; raises `ValueError`."""
    return (as_bytes(content) for number, content in read_fields(answer) if number == 1)


def contents(message: bytes) -> dict[int, bytes]:
    """Texts and messages by the numbers of their fields; raises `ValueError`."""
    return {number: content for number, content in read_fields(message) if isinstance(content, bytes)}

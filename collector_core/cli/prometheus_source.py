"""Reads the past of a Prometheus for `history import --prometheus`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from collector_core.errors import NotAvailable, Reason
from collector_core.history import remote_read
from collector_core.history.importing import Readings
from collector_core.history.tiers import HOUR
from collector_core.http.client import HttpClient, RequestOptions
from collector_core.http.failures import place
from collector_core.model.selector import Selector

SPAN = 6 * HOUR  # of one question: answers are held in memory
TIMEOUT = 120.0  # seconds
_PATH = "/api/v1/read"


@dataclass(frozen=True)
class Access:
    """How to be let in: by user and password, or by a token. `ca_file` has the certificates to trust."""

    username: str | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None
    ca_file: str | None = None

    @classmethod
    def read(
        cls, username: str | None, password_file: Path | None, token_file: Path | None, ca_file: Path | None
    ) -> Access:
        """What files have of it; raises `ValueError` where they do not fit together, and `OSError`."""
        if (username is None) != (password_file is None):
            raise ValueError("--username and --password-file belong together")
        if username is not None and token_file is not None:
            raise ValueError("use either --username or --token-file")
        password, token = (None if file is None else _secret(file) for file in (password_file, token_file))
        return cls(username, password, token, None if ca_file is None else str(ca_file))

    @property
    def login(self) -> tuple[str, SecretStr] | None:
        """User and password."""
        return None if self.username is None or self.password is None else (self.username, self.password)


def readings(url: str, selector: Selector, start: int, end: int, access: Access) -> Iterator[Readings]:
    """What it has from `start` to before `end` (milliseconds), a part at a time.

    Raises `ValueError` for a selector that it cannot understand; the iterator raises `NotAvailable` and `AuthFailed`.
    """
    address = url.rstrip("/")
    address = address if address.endswith(_PATH) else address + _PATH
    spans = [(since, min(since + SPAN, end)) for since in range(start, end, SPAN)]
    return _answers(address, [remote_read.request(selector, *span) for span in spans], access)


def _answers(address: str, questions: Sequence[bytes], access: Access) -> Iterator[Readings]:
    for question in questions:
        body = asyncio.run(_ask(address, question, access))
        try:
            yield remote_read.parse(body)
        except ValueError as error:
            raise NotAvailable(Reason.BAD_DATA, f"{place(address)}: {error}", fix="name a Prometheus") from error


async def _ask(address: str, question: bytes, access: Access) -> bytes:
    client = HttpClient(TIMEOUT)
    options: RequestOptions = {
        "headers": remote_read.HEADERS,
        "limit": remote_read.MAX_BYTES,
        "repeatable": True,
        "login": access.login,
        "token": access.token,
        "ca_file": access.ca_file,
    }
    try:
        answer = await client.request("POST", address, question, **options)
        return answer.body
    finally:
        await client.close()


def _secret(file: Path) -> SecretStr:
    """The first line of a file."""
    secret = file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    if not secret:
        raise ValueError(f"{file} is empty")
    return SecretStr(secret)

"""Keeps addresses and keys out of what people get to see, also where a node repeats them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from collector_core import AuthFailed, NotAvailable, Reason, SecretStr
from collector_plugins.blockchain.config import EvmNode, Node, PrometheusNode

HIDDEN = "<secret>"
SHORTEST_KEY = 6  # characters; a shorter part of a path or a query is a word such as `v3`


class Redaction:
    """Knows the secrets of one node."""

    def __init__(self, node: Node) -> None:
        secrets = set[str]()
        self._place = ""  # host and port: providers put keys there, too
        if isinstance(node, EvmNode | PrometheusNode):
            secrets = {*_of_address(node.address), *_of_headers(node.headers)}
            self._place = urlsplit(node.address.get_secret_value()).netloc.rpartition("@")[2]
        self._secrets = sorted(secrets, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """The text without secrets, and without the address."""
        if self._place:
            text = text.removeprefix(f"{self._place}: ").replace(self._place, "it")
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def clean(self, error: Exception) -> Exception:
        """The same error, if it says no secret; else one that says the rest."""
        if isinstance(error, AuthFailed):
            return AuthFailed(self.hide(error.detail), fix="check the key in `url` or `headers`")
        if isinstance(error, NotAvailable):
            return NotAvailable(error.reason, self.hide(error.detail), fix=error.fix, retry_after=error.retry_after)
        text = str(error)
        hidden = self.hide(text)
        if hidden == text:
            return error
        return NotAvailable(Reason.BAD_DATA, f"{type(error).__name__}: {hidden}", fix="report this as a bug")


def _of_address(address: SecretStr) -> Iterator[str]:
    text = address.get_secret_value()
    parts = urlsplit(text)
    if parts.scheme == "ipc":
        return
    queries = (pair.partition("=")[2] for pair in parts.query.split("&"))
    words = [*parts.path.split("/"), *queries, parts.username or "", parts.password or ""]
    yield text
    for word in words:
        if len(word) >= SHORTEST_KEY:
            yield from {word, unquote(word)}


def _of_headers(headers: dict[str, SecretStr]) -> Iterator[str]:
    for header in headers.values():
        yield from (word for word in header.get_secret_value().split() if len(word) >= SHORTEST_KEY)

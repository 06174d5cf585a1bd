"""What people get to see, without secrets."""

from __future__ import annotations

from collections.abc import Iterable

HIDDEN = "<secret>"


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` without any of the secrets; the longest first, so that one inside another leaves nothing."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


class Redactor:
    """Takes secrets out of what people get to see; a reload adds to them, so that old ones stay hidden too."""

    def __init__(self) -> None:
        self._secrets: frozenset[str] = frozenset()

    def hide(self, secrets: Iterable[str]) -> None:
        """Leave these texts out from now on."""
        self._secrets |= frozenset(secrets)

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        return redact(text, self._secrets) if self._secrets else text

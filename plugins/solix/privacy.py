"""What must not be seen: serial numbers where that is wished, and the account's secrets in any text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

HASH_BYTES = 6
SHORTEST_SECRET = 4  # characters; shorter ones would tear words apart


class Privacy:
    """Names devices and cleans texts for one account."""

    def __init__(self, email: str, password: str | None, *, hash_serials: bool) -> None:
        self._key = hashlib.sha256(email.strip().lower().encode()).digest()
        self._hash_serials = hash_serials
        self._secrets = {email, email.lower(), password or ""}

    def device(self, serial: str) -> str:
        """The label of a device: its serial number, or a hash that is the same after a restart.

        The hash is keyed with the account's e-mail address, so that trying all serial numbers tells nothing.
        """
        if not self._hash_serials:
            return serial
        return hashlib.blake2b(serial.encode(), key=self._key, digest_size=HASH_BYTES).hexdigest()

    def name(self, name: str, serial: str) -> str:
        """The name that its owner gave a device, without serial number and secrets."""
        return self.clean(name, [serial])

    def learn(self, secrets: Iterable[object]) -> None:
        """Further texts that must not be seen, such as the token."""
        self._secrets.update(secret for secret in secrets if isinstance(secret, str))

    def clean(self, text: str, serials: Iterable[str] = ()) -> str:
        """A text without secrets, and with hashes for serial numbers."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            if len(secret) >= SHORTEST_SECRET:
                text = text.replace(secret, "***")
        for serial in serials if self._hash_serials else ():
            if serial:
                text = text.replace(serial, self.device(serial))
        return text

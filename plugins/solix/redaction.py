"""What must not be shown: serial numbers where the owner wishes so, and the account's secrets in any text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

HASH_BYTES = 6
SHORTEST_SECRET = 4  # characters; shorter ones would tear words apart


class Redaction:
    """Labels devices and redacts texts for one account."""

    def __init__(self, email: str, password: str | None, *, hash_serials: bool) -> None:
        self._key = hashlib.sha256(email.strip().lower().encode()).digest()
        self._hash_serials = hash_serials
        self._secrets = {email, email.lower(), password or ""}

    def device_label(self, serial: str) -> str:
        """The label of a device: its serial number, or a hash that is the same after a restart.

        The hash is keyed with the account's e-mail address, so that trying all serial numbers reveals nothing.
        """
        if not self._hash_serials:
            return serial
        return hashlib.blake2b(serial.encode(), key=self._key, digest_size=HASH_BYTES).hexdigest()

    def name_label(self, name: str, serial: str) -> str:
        """The name that the owner gave a device, without serial number and secrets."""
        return self.redact_text(name, [serial])

    def add_secrets(self, secrets: Iterable[object]) -> None:
        """Further texts that must not be shown, such as the token."""
        self._secrets.update(secret for secret in secrets if isinstance(secret, str))

    def redact_text(self, text: str, serials: Iterable[str] = ()) -> str:
        """The text without secrets, and with hashes in place of serial numbers."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            if len(secret) >= SHORTEST_SECRET:
                text = text.replace(secret, "***")
        for serial in serials if self._hash_serials else ():
            if serial:
                text = text.replace(serial, self.device_label(serial))
        return text

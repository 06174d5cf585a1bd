"""The private folder: one token per account, which only its owner may read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from collector_core import NotAvailable, Reason
from collector_core.storage import parse_document, private_folder, read_bounded

FOLDER_MODE = 0o700
FILE_MODE = 0o600
MAX_BYTES = 64 * 1024
SECRETS = ("auth_token", "user_id", "email", "ap_cloud_user_id", "geo_key", "nick_name")


class State:
    """Where the token of an account is kept; its file name does not tell whose it is."""

    def __init__(self, folder: Path, email: str) -> None:
        self.folder = folder
        account = hashlib.sha256(email.strip().lower().encode()).hexdigest()[:12]
        self.token = folder / f"token-{account}.json"

    def prepare(self) -> None:
        """Make the folder, and throw away a token that cannot be read; raises `NotAvailable`."""
        try:
            private_folder(self.folder)
            self.folder.chmod(FOLDER_MODE)
            if self.token.exists() and not self.login().get("auth_token"):
                self.token.unlink()
        except OSError as error:
            detail = f"{self.folder} cannot be used: {error.strerror}"
            fix = f"make it writable, or name another `state_dir`: chmod u+rwx {self.folder}"
            raise NotAvailable(Reason.PERMISSION, detail, fix=fix) from None

    def login(self) -> dict[str, Any]:
        """What the cloud said at the login; nothing where there is no token or it is corrupt."""
        with suppress(OSError, ValueError):
            return parse_document(read_bounded(self.token, MAX_BYTES))
        return {}

    def secrets(self) -> Sequence[Any]:
        """What must not be seen of it."""
        login = self.login()
        return [login.get(name) for name in SECRETS]

    def lock(self) -> None:
        """Let only the owner read what is there: the library writes with the usual mode."""
        for file in self.folder.glob("*"):
            with suppress(OSError):
                if file.is_file() and not file.is_symlink():
                    file.chmod(FILE_MODE)

    def forget(self) -> None:
        """Throw the token away."""
        self.token.unlink(missing_ok=True)

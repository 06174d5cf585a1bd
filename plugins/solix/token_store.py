"""The private folder: one token per account, readable by its owner only."""

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


class TokenStore:
    """Keeps the token of an account; the file name does not reveal whose it is."""

    def __init__(self, folder: Path, email: str) -> None:
        self.folder = folder
        account = hashlib.sha256(email.strip().lower().encode()).hexdigest()[:12]
        self.token = folder / f"token-{account}.json"
        self.lock = folder / f"lock-{account}.json"

    def prepare(self) -> None:
        """Create the folder and delete a token that cannot be read, or is a link; raises `NotAvailable`."""
        try:
            private_folder(self.folder)
            self.folder.chmod(FOLDER_MODE)
            if not self.read_login().get("auth_token"):  # a link is not read, and the library would follow it
                self.token.unlink(missing_ok=True)
        except OSError as error:
            detail = f"{self.folder} cannot be used: {error.strerror}"
            fix = f"make it writable, or set `state_dir` to another folder: chmod u+rwx {self.folder}"
            raise NotAvailable(Reason.PERMISSION, detail, fix=fix) from None

    def read_login(self) -> dict[str, Any]:
        """The cloud's answer to the login; empty where there is no token or it is corrupt."""
        with suppress(OSError, ValueError):
            return parse_document(read_bounded(self.token, MAX_BYTES))
        return {}

    def secrets(self) -> Sequence[Any]:
        """What must not be shown of it."""
        login = self.read_login()
        return [login.get(name) for name in SECRETS]

    def restrict_files(self) -> None:
        """Make all files readable by the owner only: the library writes them with the default mode."""
        for file in self.folder.glob("*"):
            with suppress(OSError):
                if file.is_file() and not file.is_symlink():
                    file.chmod(FILE_MODE)

    def delete_token(self) -> None:
        """Delete the token."""
        self.token.unlink(missing_ok=True)

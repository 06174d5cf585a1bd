"""Which certificates are trusted."""

from __future__ import annotations

import ssl
from pathlib import Path

from collector_core.errors import NotAvailable, Reason

__all__ = ["trusting"]


def trusting(ca_file: Path | str | None) -> ssl.SSLContext:
    """Verify servers' certificates with those in a file; None: with the system's.

    Raises `NotAvailable` where the file cannot be read or has none.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise NotAvailable(Reason.BAD_DATA, f"{ca_file} has no certificate in PEM", fix="correct `ca_file`") from None
    except OSError as error:
        reason = Reason.PERMISSION if isinstance(error, PermissionError) else Reason.NOT_FOUND
        raise NotAvailable(reason, f"{ca_file}: {error.strerror}", fix="correct `ca_file`") from None

"""What a web configuration file puts around an application; imported only where there is one."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from collector_core.web import tls
from collector_core.web.auth import protect
from collector_core.web.file_reload import WebConfigFile


class Protection:
    """Passwords, headers, rate limit and TLS of one file; raises `ConfigError` when they cannot be used."""

    def __init__(self, file: Path) -> None:
        tls.check(file)
        self._source = WebConfigFile(file)

    def authenticates(self) -> bool:
        """Whether every caller that gets through has shown who it is."""
        return self._source.last_good().authenticates

    def cover(self, application: web.Application) -> None:
        """Put password checks, headers and the rate limit in front of everything."""
        protect(application, self._source)

    def context_source(self, expires: Callable[[float | None], None]) -> Callable[[], ssl.SSLContext] | None:
        """Asked for the TLS context of each new connection; None where connections are not encrypted.

        `expires` is told when the certificate in use expires, in seconds since 1970.
        """
        encrypted = self._source.last_good().tls_server_config.enabled
        return tls.ServerTls(self._source, expires).context if encrypted else None

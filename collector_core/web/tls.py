"""The server's TLS context, built from `tls_server_config` and built anew when one of its files changes.

Where Python's ssl cannot do what Go does for the same file:

- A client's certificate is never taken unverified. RequestClientCert and RequireAnyClientCert verify it against the
  client CA; without one they ask for none, with a warning.
- Of several `curve_preferences` only the first is offered; OpenSSL's interface in Python takes one.
- Without `cipher_suites` OpenSSL's defaults hold, and its security level decides whether TLS10 and TLS11 work.
- The order of `cipher_suites` counts, as `prefer_server_cipher_suites` says; Go ignores both by now.
- A refused client often sees its connection closed instead of a TLS alert.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import ssl
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from collector_core.errors import ConfigError, Problem
from collector_core.web import web_config
from collector_core.web.certificate import expires_at
from collector_core.web.file_reload import Reloaded, WebConfigFile, signatures
from collector_core.web.web_config import CIPHERS, CURVES, ClientAuth, TlsServerConfig, TlsVersion, WebConfig

_logger = logging.getLogger(__name__)

_VERSIONS = {
    TlsVersion.TLS10: ssl.TLSVersion.TLSv1,
    TlsVersion.TLS11: ssl.TLSVersion.TLSv1_1,
    TlsVersion.TLS12: ssl.TLSVersion.TLSv1_2,
    TlsVersion.TLS13: ssl.TLSVersion.TLSv1_3,
}


class _SanCheckingObject(ssl.SSLObject):
    """Ends the handshake when the client's certificate bears none of the allowed names."""

    def do_handshake(self) -> None:
        super().do_handshake()
        allowed = self.context.allowed_sans if isinstance(self.context, ServerContext) else None
        if allowed is not None and allowed.isdisjoint(_names(self)):
            raise ssl.SSLCertVerificationError("no allowed subject alternative name in the client's certificate")


class ServerContext(ssl.SSLContext):
    """A server's context that also knows `client_allowed_sans`; None allows every name."""

    allowed_sans: frozenset[str] | None = None
    sslobject_class = _SanCheckingObject


class ServerTls:
    """The context for new connections, of the newest configuration and certificates that can be used.

    Files are looked at when a connection comes, at most once per `check_interval` of the source. What is broken
    later is logged once, and the last good context stays. Raises `ConfigError` if the first one cannot be built.
    `expires` is told when the certificate in use expires, in seconds since 1970, or None.
    """

    def __init__(self, source: WebConfigFile, expires: Callable[[float | None], None] = lambda _: None) -> None:
        self._source = source
        self._expires = expires
        self._reloaded = Reloaded("TLS configuration", self._build, self._state, source.check_interval)

    def context(self) -> ssl.SSLContext:
        """The context to accept the next connection with."""
        return self._reloaded.last_good()

    def _state(self) -> object:
        config = self._source.last_good()
        return config, signatures(config.tls_server_config.files)

    def _build(self) -> ssl.SSLContext:
        config = self._source.last_good()
        context = build_context(config)
        self._expires(expires_at(_pem(config.tls_server_config)))
        return context


def check(file: Path) -> WebConfig:
    """Read `file` and load the certificates it names; raises `ConfigError` with everything that is wrong."""
    config = web_config.load(file)
    if config.tls_server_config.enabled:
        build_context(config)
    return config


def build_context(config: WebConfig) -> ssl.SSLContext:
    """A server context as `tls_server_config` wants it; raises `ConfigError` when a file or a key is not usable."""
    tls = config.tls_server_config
    if not tls.enabled:
        raise ConfigError([config.problem((), "TLS cannot be switched off while the service runs: restart it")])
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    _set_protocol(context, tls)
    problems = [*_unreadable(config)]
    problems += () if problems else _load(config, "cert", lambda: _load_certificate(context, tls))
    problems += () if problems else _load(config, "client_ca", lambda: _set_client_policy(context, tls))
    if problems:
        raise ConfigError(problems)
    return context


def _unreadable(config: WebConfig) -> Iterator[Problem]:
    for key in ("cert_file", "key_file", "client_ca_file"):
        file: Path | None = getattr(config.tls_server_config, key)
        try:
            if file is not None:
                file.open("rb").close()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            yield config.problem(("tls_server_config", key), f"{file} cannot be read: {reason}")


def _load(config: WebConfig, key: str, step: Callable[[], None]) -> Iterator[Problem]:
    try:
        step()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "reason", None) or "not in PEM format"
        from_file = getattr(config.tls_server_config, f"{key}_file") is not None
        path = ("tls_server_config", f"{key}_file" if from_file else key)
        yield config.problem(path, f"cannot be used: {reason.lower().replace('_', ' ')}")


def _set_protocol(context: ssl.SSLContext, tls: TlsServerConfig) -> None:
    ciphers = [CIPHERS[name] for name in tls.cipher_suites if name in CIPHERS]
    only_tls13 = bool(tls.cipher_suites) and not ciphers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 and 1.1, where somebody asks for them
        context.minimum_version = ssl.TLSVersion.TLSv1_3 if only_tls13 else _VERSIONS[tls.min_version]
        context.maximum_version = _VERSIONS[tls.max_version]
    if ciphers:
        context.set_ciphers(":".join(ciphers))
    if tls.curve_preferences:
        context.set_ecdh_curve(CURVES[tls.curve_preferences[0]])
    if not tls.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])


def _load_certificate(context: ssl.SSLContext, tls: TlsServerConfig) -> None:
    with ExitStack() as stack:
        certificate = tls.cert_file or stack.enter_context(_in_memory(tls.cert))
        key = tls.key_file or stack.enter_context(_in_memory(tls.key))
        # Without a password OpenSSL would ask for one on the terminal and wait.
        context.load_cert_chain(certificate, key, password="")
    expiry = expires_at(_pem(tls))
    if expiry is not None and expiry <= time.time():
        raise _Expired(expiry)


class _Expired(ValueError):
    def __init__(self, expiry: float) -> None:
        self.reason = f"it expired on {datetime.fromtimestamp(expiry, UTC):%Y-%m-%d}"
        super().__init__(self.reason)


def _pem(tls: TlsServerConfig) -> str:
    """The certificate's text, empty where it can no longer be read."""
    try:
        return tls.cert_file.read_text(encoding="ascii", errors="replace") if tls.cert_file else tls.cert
    except OSError:
        return ""


@contextmanager
def _in_memory(pem: str) -> Iterator[Path]:
    """A file for what OpenSSL only reads from files; it never lies on a disk."""
    descriptor = os.memfd_create("pem")
    try:
        os.write(descriptor, pem.encode())
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _set_client_policy(context: ServerContext, tls: TlsServerConfig) -> None:
    if tls.policy is ClientAuth.NONE:
        return
    verifies = "Verify" in tls.policy
    if not verifies and not (tls.client_ca or tls.client_ca_file):
        _logger.warning(
            "client_auth_type %s without a client CA proves nothing: no certificate is requested", tls.policy
        )
        return
    required = tls.policy in (ClientAuth.REQUIRE_ANY, ClientAuth.REQUIRE_AND_VERIFY)
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    # Go takes whatever is in the CA file as an end of the chain, also intermediate and client certificates.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    _load_client_ca(context, tls)
    if tls.client_allowed_sans is not None:
        context.allowed_sans = frozenset(tls.client_allowed_sans)


def _load_client_ca(context: ssl.SSLContext, tls: TlsServerConfig) -> None:
    if tls.client_ca_file:
        context.load_verify_locations(cafile=tls.client_ca_file)
    elif tls.client_ca:
        context.load_verify_locations(cadata=tls.client_ca)
    else:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)


def _names(connection: ssl.SSLObject) -> Iterator[str]:
    """The subject alternative names of the peer's certificate, addresses as Go writes them."""
    certificate = connection.getpeercert() or {}
    for kind, name in cast("Iterable[tuple[str, str]]", certificate.get("subjectAltName", ())):
        yield str(ipaddress.ip_address(name.strip())) if kind == "IP Address" else name

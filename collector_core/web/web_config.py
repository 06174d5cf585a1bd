"""Prometheus' web configuration file, parsed and validated.

The format is that of https://prometheus.io/docs/prometheus/latest/configuration/https/.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import ErrorDetails

from collector_core.config import yamlfile
from collector_core.config.validation import in_words
from collector_core.config.yamlfile import Document, YamlPath
from collector_core.errors import ConfigError, Problem
from collector_core.web.go_values import File, Finding, Flag, Text, listed, one_of, refusal, seconds, section, text_of

HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The headers that may be configured, each with its allowed values; none listed means any."""

CIPHERS: Mapping[str, str] = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
"""Cipher suites of TLS 1.2 and older: IANA's name and OpenSSL's."""

CIPHERS_TLS13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
"""Cipher suites of TLS 1.3: may be listed, are always on; Go does not let them be configured either."""

CURVES: Mapping[str, str] = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}
"""Elliptic curves: Go's name and OpenSSL's."""

_HTTP2_CIPHERS = ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")


class ClientAuth(StrEnum):
    """What a TLS client must show."""

    NONE = "NoClientCert"
    REQUEST = "RequestClientCert"
    REQUIRE_ANY = "RequireAnyClientCert"
    VERIFY_IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRE_AND_VERIFY = "RequireAndVerifyClientCert"


class TlsVersion(StrEnum):
    """A TLS version; the names sort by age."""

    TLS10 = "TLS10"
    TLS11 = "TLS11"
    TLS12 = "TLS12"
    TLS13 = "TLS13"


def _client_auth(value: object) -> object:
    text = text_of(value)
    return ClientAuth.REQUIRE_ANY if text == "RequireClientCert" else None if text == "" else text


def _bcrypt_hash(value: object) -> object:
    if not isinstance(value, str) or not _BCRYPT.fullmatch(value):
        raise refusal(((), "not a bcrypt hash of cost 04 to 31; make one with: htpasswd -nBC 10 ''"))
    return value


_Version = Annotated[TlsVersion, one_of("TLS version", *TlsVersion)]
_Cipher = Annotated[str, one_of("cipher", *CIPHERS, *CIPHERS_TLS13)]
_Curve = Annotated[str, one_of("curve", *CURVES)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TlsServerConfig(_Section):
    """`tls_server_config`: the server's certificate and what it asks of clients. Paths are absolute."""

    cert: Text = Field("", repr=False)
    key: Text = Field("", repr=False)
    client_ca: Text = Field("", repr=False)
    cert_file: File = None
    key_file: File = None
    client_ca_file: File = None
    client_auth_type: Annotated[ClientAuth | None, BeforeValidator(_client_auth)] = None
    client_allowed_sans: tuple[Text, ...] | None = None
    min_version: _Version = TlsVersion.TLS12
    max_version: _Version = TlsVersion.TLS13
    cipher_suites: Annotated[tuple[_Cipher, ...], BeforeValidator(listed)] = ()
    curve_preferences: Annotated[tuple[_Curve, ...], BeforeValidator(listed)] = ()
    prefer_server_cipher_suites: Flag = True

    @property
    def enabled(self) -> bool:
        """Whether the server speaks TLS: a certificate, key, client CA or policy is configured."""
        return any((self.cert, self.key, self.client_ca, self.client_auth_type, *self.files))

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are configured: certificate, key, client CA."""
        return tuple(filter(None, (self.cert_file, self.key_file, self.client_ca_file)))

    @property
    def policy(self) -> ClientAuth:
        """The policy that is in force."""
        return self.client_auth_type or ClientAuth.NONE

    @model_validator(mode="after")
    def _check(self) -> Self:
        if findings := [*self._certificate_rules(), *self._client_rules(), *self._protocol_rules()]:
            raise refusal(*findings)
        return self

    def _certificate_rules(self) -> Iterator[Finding]:
        if self.enabled and not (self.cert or self.cert_file):
            yield (), "missing one of cert or cert_file"
        if self.enabled and not (self.key or self.key_file):
            yield (), "missing one of key or key_file"

    def _client_rules(self) -> Iterator[Finding]:
        ca_key = "client_ca_file" if self.client_ca_file else "client_ca"
        if (self.client_ca or self.client_ca_file) and self.policy is ClientAuth.NONE:
            yield (ca_key,), "a client CA needs a client_auth_type, best RequireAndVerifyClientCert"
        if self.client_allowed_sans is not None and "Verify" not in self.policy:
            yield ("client_allowed_sans",), "needs client_auth_type RequireAndVerifyClientCert"

    def _protocol_rules(self) -> Iterator[Finding]:
        if self.min_version > self.max_version:
            yield ("min_version",), "newer than max_version"
        old_ciphers = [name for name in self.cipher_suites if name in CIPHERS]
        if self.cipher_suites and not old_ciphers and self.max_version < TlsVersion.TLS13:
            yield ("cipher_suites",), "none of these is a cipher of TLS 1.2"


class HttpServerConfig(_Section):
    """`http_server_config`: headers that every answer carries. `http2` has no effect."""

    http2: Flag = True
    headers: Annotated[Mapping[str, Text], BeforeValidator(section)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if findings := [*self._header_rules()]:
            raise refusal(*findings)
        return self

    def _header_rules(self) -> Iterator[Finding]:
        for name, value in self.headers.items():
            path = ("headers", name)
            if name not in HEADERS:
                yield path, f"this header cannot be configured; supported headers are {', '.join(HEADERS)}"
            elif HEADERS[name] and value not in HEADERS[name]:
                yield path, f"must be {' or '.join(HEADERS[name])}"
            elif not (value.isascii() and value.isprintable()):
                yield path, "must be printable ASCII on one line"


class RateLimit(_Section):
    """`rate_limit`: a token bucket of `burst` requests, one token back per `interval` seconds; 0 is no limit."""

    interval: Annotated[float, BeforeValidator(seconds)] = 0.0
    burst: int = Field(0, ge=0, strict=True)


class WebConfig(_Section):
    """A whole web configuration file; an empty one means plain HTTP without authentication."""

    tls_server_config: Annotated[TlsServerConfig, BeforeValidator(section)] = TlsServerConfig()
    http_server_config: Annotated[HttpServerConfig, BeforeValidator(section)] = HttpServerConfig()
    basic_auth_users: Annotated[
        Mapping[str, Annotated[str, BeforeValidator(_bcrypt_hash)]], BeforeValidator(section)
    ] = Field(default_factory=dict, repr=False)
    rate_limit: Annotated[RateLimit, BeforeValidator(section)] = RateLimit()
    _document: Document = PrivateAttr(Document(Path(), None, {}))

    @property
    def authenticates(self) -> bool:
        """Whether every request that reaches the application comes from somebody known."""
        return bool(self.basic_auth_users) or self.tls_server_config.policy is ClientAuth.REQUIRE_AND_VERIFY

    def problem(self, path: YamlPath, message: str) -> Problem:
        """A `Problem` at the place of `path` in the file that this came from."""
        return self._document.problem(path, message)

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Go refuses this combination; a file must not be valid for one exporter and not for another."""
        tls = self.tls_server_config
        h2 = tls.enabled and self.http_server_config.http2 and tls.min_version < TlsVersion.TLS13
        if h2 and tls.cipher_suites and not set(_HTTP2_CIPHERS).intersection(tls.cipher_suites):
            message = f"HTTP/2 needs {' or '.join(_HTTP2_CIPHERS)}: add it, or set http_server_config.http2 to false"
            raise refusal((("tls_server_config", "cipher_suites"), message))
        return self


def load(file: Path) -> WebConfig:
    """Read and validate `file`; raises `ConfigError` with everything that is wrong. Opens no other file."""
    return validate(yamlfile.load(file))


def validate(document: Document) -> WebConfig:
    """Validate a parsed web configuration; raises `ConfigError`. Relative paths start at the document's folder."""
    try:
        config = WebConfig.model_validate(section(document.data), context=document.file.absolute().parent)
    except ValidationError as error:
        findings = (finding for details in error.errors(include_url=False) for finding in _findings(details))
        raise ConfigError(_in_order(document, findings)) from None
    config._document = document  # noqa: SLF001 - its own module; pydantic takes no private value at construction
    return config


def _in_order(document: Document, findings: Iterator[Finding]) -> list[Problem]:
    problems = [document.problem(path, message) for path, message in findings]
    return sorted(problems, key=lambda problem: problem.line or 0)


def _findings(details: ErrorDetails) -> Iterator[Finding]:
    place = details["loc"]
    if details["type"] == "extra_forbidden":
        yield place, _unknown_key(place)
    elif details["type"] == "web_config":
        for path, message in details["ctx"]["findings"]:
            yield (*place, *path), message
    else:
        yield place, in_words(details)


def _unknown_key(place: YamlPath) -> str:
    model: Any = WebConfig if len(place) == 1 else type(getattr(WebConfig(), str(place[0])))
    nearest = difflib.get_close_matches(str(place[-1]), model.model_fields, n=1)
    known = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(model.model_fields)}"
    return f"unknown key; {known}"

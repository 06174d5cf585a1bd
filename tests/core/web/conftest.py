"""Certificates, a server within limits, and a client, for the tests of the web layer."""

import asyncio
import datetime
import ipaddress
import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from collector_core.web import server
from collector_core.web.file_reload import WebConfigFile
from collector_core.web.server import LimitedRunner
from collector_core.web.tls import ServerTls
from tests.core.web.site import Site

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def _certificate(
    name: str, key: Key, issuer: tuple[x509.Name, Key] | None = None, names: tuple[x509.GeneralName, ...] = ()
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_name, issuer_key = issuer or (subject, key)
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _pem(key: Key, password: bytes | None = None) -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def _write(folder: Path, name: str, certificate: x509.Certificate, key: Key) -> None:
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(_pem(key))


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of certificates, each with its key: ca, server, renewed, client, named, stranger; and locked.key."""
    folder = tmp_path_factory.mktemp("pki")
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("Test CA", ca_key)
    _write(folder, "ca", ca, ca_key)
    server_names = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    for name in ("server", "renewed"):
        server_key = rsa.generate_private_key(65537, 2048)
        _write(folder, name, _certificate(name, server_key, (ca.subject, ca_key), server_names), server_key)
    (folder / "locked.key").write_bytes(_pem(server_key, b"secret"))
    client_names = (
        x509.DNSName("scraper"),
        x509.IPAddress(ipaddress.ip_address("2001:db8::1")),
        x509.RFC822Name("ops@example.net"),
        x509.UniformResourceIdentifier("spiffe://example.net/scraper"),
    )
    for name, names in (("client", ()), ("named", client_names), ("stranger", ())):
        client_key = ec.generate_private_key(ec.SECP256R1())
        _write(folder, name, _certificate(name, client_key, names=names), client_key)
    return folder


@pytest.fixture(scope="session")
def client_context(pki: Path) -> Callable[..., ssl.SSLContext]:
    """Makes a client's TLS context that trusts the test CA and shows the certificate called `certificate`."""

    def make(certificate: str = "", ciphers: str = "", curve: str = "") -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=pki / "ca.crt")
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if certificate:
            context.load_cert_chain(pki / f"{certificate}.crt", pki / f"{certificate}.key")
        if ciphers:
            context.set_ciphers(ciphers)
        if curve:
            context.set_ecdh_curve(curve)
        return context

    return make


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[LimitedRunner]]]:
    """Starts a server and stops it after the test."""
    runners = []

    async def start(app: web.Application, **options: Any) -> LimitedRunner:
        runner = await server.serve(app, **options)
        runners.append(runner)
        return runner

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def fetch() -> AsyncIterator[Callable[..., Awaitable[tuple[int, dict[str, str], bytes]]]]:
    """Sends one request on a connection of its own; gives status, headers and body."""

    async def request(url: str, method: str = "GET", **options: Any) -> tuple[int, dict[str, str], bytes]:
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.request(method, url, **options) as response,
        ):
            return response.status, dict(response.headers), await response.read()

    yield request
    await asyncio.sleep(0)  # lets the transports of TLS connections close


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Waits until something is true."""

    async def wait(happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not happened():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
async def site() -> Site:
    return Site()


@pytest.fixture
def context(pki: Path, tmp_path: Path) -> Callable[[], ssl.SSLContext]:
    for name in ("server.crt", "server.key"):
        shutil.copy(pki / name, tmp_path)
    (tmp_path / "web.yml").write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}")
    return ServerTls(WebConfigFile(tmp_path / "web.yml")).context

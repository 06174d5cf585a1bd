"""TLS: who gets a connection under which configuration, and certificates that change while the service runs."""

import asyncio
import logging
import os
import shutil
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from collector_core.errors import ConfigError
from collector_core.web import tls, web_config
from collector_core.web.file_reload import WebConfigFile
from collector_core.web.server import LimitedRunner
from collector_core.web.tls import ServerTls

Serve = Callable[..., Awaitable[LimitedRunner]]
Fetch = Callable[..., Awaitable[tuple[int, dict[str, str], bytes]]]
ClientContext = Callable[..., ssl.SSLContext]
Start = Callable[..., Awaitable[int]]

FILES = "cert_file: server.crt, key_file: server.key"
GCM_128, GCM_256 = "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"
BOTH_GCM = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
VERIFY = "client_auth_type: RequireAndVerifyClientCert"


@pytest.fixture
def folder(pki: Path, tmp_path: Path) -> Path:
    shutil.copytree(pki, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def start(folder: Path, serve: Serve) -> Start:
    """Serves `hello` under a `tls_server_config`, looking at its files for each connection; gives the port."""

    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def start(config: str, more: str = "") -> int:
        write_config(folder, config, more)
        app = web.Application()
        app.router.add_get("/", hello)
        source = WebConfigFile(folder / "web.yml", check_interval=0)
        runner = await serve(app, ssl_context=ServerTls(source).context)
        port: int = runner.addresses[0][1]
        return port

    return start


def write_config(folder: Path, config: str, more: str = "") -> None:
    (folder / "web.yml").write_text(f"tls_server_config: {{{config}}}\n{more}\n")


def replace(folder: Path, source: str, target: str) -> None:
    """Put a file in place of another as tools that renew certificates do: in one step."""
    shutil.copy(folder / source, folder / "new")
    (folder / "new").rename(folder / target)


async def common_name(port: int, context: ssl.SSLContext, server_hostname: str = "localhost") -> str:
    """Whose certificate the server shows."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=server_hostname)
    certificate = writer.get_extra_info("peercert")
    writer.close()
    await reader.read()
    name: str = dict(field[0] for field in certificate["subject"])["commonName"]
    return name


SERVED = {
    "files": (FILES, {}),
    "verify if given, none given": (f"{FILES}, client_auth_type: VerifyClientCertIfGiven", {}),
    "all ciphers": (f"{FILES}, cipher_suites: [{', '.join((*web_config.CIPHERS, 'TLS_AES_128_GCM_SHA256'))}]", {}),
    "a common cipher": (f"{FILES}, cipher_suites: [{BOTH_GCM}], max_version: TLS12", {"ciphers": GCM_128}),
    "all curves": (f"{FILES}, curve_preferences: [CurveP256, CurveP384, CurveP521, X25519]", {}),
    "a common curve": (f"{FILES}, min_version: TLS13, curve_preferences: [CurveP521]", {"curve": "secp521r1"}),
    "TLS 1.3 ciphers only": (f"{FILES}, min_version: TLS13, cipher_suites: [TLS_AES_128_GCM_SHA256]", {}),
    "no policy, certificate anyway": (FILES, {"certificate": "client"}),
    "any certificate": (f"{FILES}, client_auth_type: RequireAnyClientCert", {"certificate": "client"}),
    "known certificate": (f"{FILES}, {VERIFY}, client_ca_file: client.crt", {"certificate": "client"}),
    "known certificate if given": (
        f"{FILES}, client_auth_type: VerifyClientCertIfGiven, client_ca_file: client.crt",
        {"certificate": "client"},
    ),
    "allowed DNS name": (
        f"{FILES}, {VERIFY}, client_ca_file: named.crt, client_allowed_sans: [other, scraper]",
        {"certificate": "named"},
    ),
    "allowed IPv6 address": (
        f"{FILES}, {VERIFY}, client_ca_file: named.crt, client_allowed_sans: ['2001:db8::1']",
        {"certificate": "named"},
    ),
    "allowed e-mail address": (
        f"{FILES}, {VERIFY}, client_ca_file: named.crt, client_allowed_sans: [ops@example.net]",
        {"certificate": "named"},
    ),
    "allowed URI": (
        f"{FILES}, {VERIFY}, client_ca_file: named.crt, client_allowed_sans: ['spiffe://example.net/scraper']",
        {"certificate": "named"},
    ),
}

REFUSED = {
    "no common cipher": (
        f"{FILES}, cipher_suites: [{BOTH_GCM}], max_version: TLS12",
        {"ciphers": "ECDHE-RSA-CHACHA20-POLY1305"},
    ),
    "no common curve": (f"{FILES}, min_version: TLS13, curve_preferences: [CurveP521]", {"curve": "secp384r1"}),
    "no certificate": (f"{FILES}, {VERIFY}, client_ca_file: client.crt", {}),
    "no certificate, no CA": (f"{FILES}, {VERIFY}", {}),
    "certificate that no system CA signed": (f"{FILES}, {VERIFY}", {"certificate": "client"}),
    "other certificate": (f"{FILES}, {VERIFY}, client_ca_file: client.crt", {"certificate": "stranger"}),
    "other certificate though none is needed": (
        f"{FILES}, client_auth_type: VerifyClientCertIfGiven, client_ca_file: client.crt",
        {"certificate": "stranger"},
    ),
    "no allowed name": (
        f"{FILES}, {VERIFY}, client_ca_file: named.crt, client_allowed_sans: [bad]",
        {"certificate": "named"},
    ),
    "no name at all": (
        f"{FILES}, {VERIFY}, client_ca_file: client.crt, client_allowed_sans: [scraper]",
        {"certificate": "client"},
    ),
    "no name is allowed": (
        f"{FILES}, {VERIFY}, client_ca_file: named.crt, client_allowed_sans: []",
        {"certificate": "named"},
    ),
    "names, but no certificate": (
        f"{FILES}, client_auth_type: VerifyClientCertIfGiven, client_allowed_sans: [scraper]",
        {},
    ),
}


@pytest.mark.parametrize(("config", "client"), SERVED.values(), ids=SERVED)
async def test_served(
    start: Start, fetch: Fetch, client_context: ClientContext, config: str, client: dict[str, str]
) -> None:
    port = await start(config)
    assert (await fetch(f"https://localhost:{port}/", ssl=client_context(**client)))[2] == b"hello"


@pytest.mark.parametrize(("config", "client"), REFUSED.values(), ids=REFUSED)
async def test_refused(
    start: Start, fetch: Fetch, client_context: ClientContext, config: str, client: dict[str, str]
) -> None:
    port = await start(config, "http_server_config: {http2: false}")
    with pytest.raises((aiohttp.ClientConnectionError, ssl.SSLError)):
        await fetch(f"https://localhost:{port}/", ssl=client_context(**client))


async def test_clients_older_than_tls_1_2_are_refused_by_default(start: Start, client_context: ClientContext) -> None:
    port = await start(FILES)
    context = client_context(ciphers="ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ConnectionError, ssl.SSLError), match=r"alert|^$"):  # not an error of the client's own
        await common_name(port, context)


@pytest.mark.parametrize(
    ("config", "version"),
    [("min_version: TLS13", ssl.TLSVersion.TLSv1_2), ("max_version: TLS12", ssl.TLSVersion.TLSv1_3)],
)
async def test_versions_outside_the_configured_ones_are_refused(
    start: Start, client_context: ClientContext, config: str, version: ssl.TLSVersion
) -> None:
    port = await start(f"{FILES}, {config}")
    context = client_context()
    context.minimum_version = context.maximum_version = version
    with pytest.raises((ConnectionError, ssl.SSLError)):
        await common_name(port, context)


@pytest.mark.parametrize(("prefer", "chosen"), [("true", GCM_256), ("false", GCM_128)])
async def test_whose_order_of_ciphers_counts(
    start: Start, client_context: ClientContext, prefer: str, chosen: str
) -> None:
    port = await start(
        f"{FILES}, cipher_suites: [{BOTH_GCM}], max_version: TLS12, prefer_server_cipher_suites: {prefer}"
    )
    context = client_context(ciphers=f"{GCM_128}:{GCM_256}")
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    assert writer.get_extra_info("cipher")[0] == chosen
    writer.close()
    await reader.read()


@pytest.mark.parametrize("mixed", [False, True])
async def test_inline_certificate_and_key(
    folder: Path, start: Start, client_context: ClientContext, mixed: bool
) -> None:
    port = await start(FILES)
    certificate, key = ((folder / f"renewed.{kind}").read_text().replace("\n", "\\n") for kind in ("crt", "key"))
    shown = "cert_file: renewed.crt" if mixed else f'cert: "{certificate}"'
    write_config(folder, f'{shown}, key: "{key}"')
    assert await common_name(port, client_context()) == "renewed"


def test_inline_key_leaves_no_open_file_behind(folder: Path) -> None:
    write_config(folder, f"cert_file: server.crt, key: {(folder / 'server.key').read_text()!r}".replace("'", '"'))
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    tls.check(folder / "web.yml")
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


async def test_plain_http_is_refused_on_a_tls_port(start: Start, fetch: Fetch) -> None:
    port = await start(FILES)
    with pytest.raises(aiohttp.ClientConnectionError):
        await fetch(f"http://localhost:{port}/")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"], ids=["with SNI", "without SNI"])
async def test_a_renewed_certificate_is_shown_to_new_connections(
    folder: Path, start: Start, client_context: ClientContext, name: str
) -> None:
    port = await start(FILES)
    assert await common_name(port, client_context(), name) == "server"
    replace(folder, "renewed.crt", "server.crt")
    replace(folder, "renewed.key", "server.key")
    assert await common_name(port, client_context(), name) == "renewed"


async def test_open_connections_outlive_a_renewal(folder: Path, start: Start, client_context: ClientContext) -> None:
    port = await start(FILES)
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            async with session.get(f"https://localhost:{port}/", ssl=client_context()) as response:
                assert await response.text() == "hello"
            replace(folder, "renewed.crt", "server.crt")
            replace(folder, "renewed.key", "server.key")


async def test_a_certificate_broken_later_is_logged_once_and_the_last_good_one_stays(
    folder: Path, start: Start, client_context: ClientContext, caplog: pytest.LogCaptureFixture
) -> None:
    port = await start(FILES)
    shutil.copy(folder / "renewed.crt", folder / "server.crt")  # the key is still the old one
    for _ in range(3):
        assert await common_name(port, client_context()) == "server"
    (message,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert "web.yml:1: tls_server_config.cert_file: cannot be used: key values mismatch" in message
    shutil.copy(folder / "renewed.key", folder / "server.key")
    assert await common_name(port, client_context()) == "renewed"


async def test_a_configuration_broken_later_leaves_tls_as_it_was(
    folder: Path, start: Start, client_context: ClientContext
) -> None:
    port = await start(FILES)
    for broken in ("cert_file: 1, foo: 2", "min_version: TLS13", f"{FILES}, client_auth_type: x"):
        write_config(folder, broken)
        assert await common_name(port, client_context()) == "server"


async def test_a_new_policy_and_a_new_ca_count_for_new_connections(
    folder: Path, start: Start, fetch: Fetch, client_context: ClientContext
) -> None:
    port = await start(f"{FILES}, {VERIFY}, client_ca_file: client.crt")
    url, stranger = f"https://localhost:{port}/", client_context("stranger")
    with pytest.raises((aiohttp.ClientConnectionError, ssl.SSLError)):
        await fetch(url, ssl=stranger)
    replace(folder, "stranger.crt", "client.crt")
    assert (await fetch(url, ssl=stranger))[0] == 200
    with pytest.raises((aiohttp.ClientConnectionError, ssl.SSLError)):
        await fetch(url, ssl=client_context("client"))
    write_config(folder, f"{FILES}, client_auth_type: VerifyClientCertIfGiven, client_ca_file: client.crt")
    assert (await fetch(url, ssl=client_context()))[0] == 200


async def test_clients_are_told_that_the_server_speaks_http1(start: Start, client_context: ClientContext) -> None:
    port = await start(FILES)
    context = client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
    writer.close()
    await reader.read()


UNUSABLE = {
    "no certificate file": ("cert_file: none, key_file: server.key", "cert_file: .*No such file"),
    "no key file": ("cert_file: server.crt, key_file: none", "key_file: .*No such file"),
    "neither file": ("cert_file: none, key_file: none", r"(?s)cert_file.*key_file"),
    "no CA file": (f"{FILES}, {VERIFY}, client_ca_file: none", "client_ca_file: .*No such file"),
    "impossible name": ('cert_file: "a\\0b", key_file: server.key', "cert_file: .*cannot be read"),
    "a folder": ("cert_file: ., key_file: server.key", "cert_file: .*cannot be read: Is a directory"),
    "other key": ("cert_file: server.crt, key_file: renewed.key", "key values mismatch"),
    "junk": ("cert_file: web.yml, key_file: server.key", "cert_file: cannot be used"),
    "junk inline": ("cert: junk, key: junk", "tls_server_config.cert: cannot be used"),
    "a locked key": ("cert_file: renewed.crt, key_file: locked.key", "cannot be used"),
    "empty CA file": (f"{FILES}, {VERIFY}, client_ca_file: /dev/null", "client_ca_file: cannot be used"),
    "junk as CA": (f"{FILES}, {VERIFY}, client_ca: junk", "client_ca: cannot be used"),
}


@pytest.mark.parametrize(("config", "said"), UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_files_are_refused_at_start(folder: Path, config: str, said: str) -> None:
    write_config(folder, config)
    with pytest.raises(ConfigError, match=said):
        tls.check(folder / "web.yml")


def test_a_policy_that_cannot_be_kept_is_logged(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_config(folder, f"{FILES}, client_auth_type: RequireAnyClientCert")
    tls.check(folder / "web.yml")
    assert "proves nothing" in caplog.text

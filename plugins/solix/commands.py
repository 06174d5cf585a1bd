"""`energy-collector solix login` and `solix fields`: what needs a person, and which fields the devices report."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import click
from pydantic import ValidationError

from collector_core import CollectorError, CommandContext, HttpClient, NotAvailable, SecretStr
from collector_plugins.solix import cloud, discovery
from collector_plugins.solix.account import Account
from collector_plugins.solix.config import Config
from collector_plugins.solix.discovery import NumericField
from collector_plugins.solix.login_lock import LoginLock
from collector_plugins.solix.redaction import Redaction
from collector_plugins.solix.request_budget import RequestBudget
from collector_plugins.solix.token_store import TokenStore

DEADLINE = 300.0  # seconds
TRIGGER_SECONDS = 60.0

_collector = click.option(
    "--collector", default="solix", show_default=True, help="Name of the collector, if several accounts are configured."
)


class Reported(NamedTuple):
    """Fields of sites by their id, and of devices by serial number: from the cloud, and as MQTT messages."""

    sites: Mapping[str, Mapping[str, Any]]
    devices: Mapping[str, Mapping[str, Any]]
    messages: Mapping[str, Mapping[str, Any]]


@_collector
@click.option("--email", help="Login of the account, if it is not configured.")
@click.option("--country", help="Country of the account, two letters.")
def login(context: CommandContext, *, collector: str, email: str | None, country: str | None) -> None:
    """Log in to an Anker account and store the token, so that no password needs to be configured.

    Asks for the password if none is configured. Exit code 1: the cloud refused the login.
    """
    _require_library()
    config = _options(context, collector, email, country)
    if config.password is None:
        password = SecretStr(click.prompt("Password of the account", hide_input=True))
        config = config.model_copy(update={"password": password})
    tokens = TokenStore(config.state, config.email)
    tokens.prepare()
    tokens.delete_token()
    LoginLock(tokens.lock, context.clock).clear()  # whoever asks for a login knows why
    asyncio.run(_log_in(config, tokens, context))
    click.echo(f"The token is stored in {tokens.folder}. It is valid for some days; only a password can renew it.")


@_collector
@click.option(
    "--seconds",
    type=click.FloatRange(0, 600),
    default=15.0,
    show_default=True,
    help="How long to listen for live values.",
)
def fields(context: CommandContext, *, collector: str, seconds: float) -> None:
    """List every field of the account's devices that could be a metric: value, source, and whether it is mapped.

    Exit code 1: the account cannot be reached.
    """
    _require_library()
    config = _options(context, collector, None, None)
    redaction = _make_redaction(config)
    reported = asyncio.run(_listen(config, redaction, context, seconds))
    for line in _format_report(reported, redaction):
        click.echo(line)


def _require_library() -> None:
    if absent := cloud.missing():
        raise absent


def _options(context: CommandContext, collector: str, email: str | None, country: str | None) -> Config:
    """The configured options, or what the user types where there are none."""
    try:
        configured = context.options(collector)
        if email is None and isinstance(configured, Config):
            return configured
    except CollectorError:
        if email is None:
            email = click.prompt("Login (e-mail) of the Anker account")
    try:
        return Config(email=email or "", country=country or click.prompt("Country (two letters)"))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise NotAvailable("not_found", problems, fix="give --email and --country") from None


def _make_redaction(config: Config) -> Redaction:
    password = config.password.get_secret_value() if config.password else None
    return Redaction(config.email, password, hash_serials=config.hash_serials)


@asynccontextmanager
async def _logged_in(
    config: Config, tokens: TokenStore, redaction: Redaction, context: CommandContext
) -> AsyncIterator[Account]:
    """The account, logged in; it is closed at the end."""
    http = HttpClient()
    budget = RequestBudget(context.clock, cloud.LOGIN)
    account: Account = cloud.AnkerCloud(config, tokens, LoginLock(tokens.lock, context.clock), budget, redaction, http)
    try:
        async with asyncio.timeout(DEADLINE):
            await account.log_in()
        yield account
    finally:
        await account.close()
        await http.close()


async def _log_in(config: Config, tokens: TokenStore, context: CommandContext) -> None:
    async with _logged_in(config, tokens, _make_redaction(config), context):
        pass


async def _listen(config: Config, redaction: Redaction, context: CommandContext, seconds: float) -> Reported:
    messages: dict[str, dict[str, Any]] = {}

    def receive(serial: str, values: Mapping[str, Any]) -> None:
        messages.setdefault(serial, {}).update(values)

    tokens = TokenStore(config.state, config.email)
    async with _logged_in(config, tokens, redaction, context) as account, asyncio.timeout(DEADLINE + seconds):
        await account.update_sites(quick=False)
        await account.update_details()
        if config.mqtt and seconds:
            await account.connect(receive)
            for serial in account.devices():
                await account.ask(serial, TRIGGER_SECONDS)
            await asyncio.sleep(seconds)
        return Reported(account.sites(), account.devices(), messages)


def _format_report(reported: Reported, redaction: Redaction) -> Iterator[str]:
    for site_id, site in reported.sites.items():
        name = redaction.name_label(str((site.get("site_info") or {}).get("site_name") or ""), site_id)
        yield f"site {redaction.device_label(site_id)} {name}"
        yield from _format_fields(discovery.site_fields(site))
    for serial, device in reported.devices.items():
        name = redaction.name_label(str(device.get("alias") or ""), serial)
        kind = str(device.get("type") or "unknown")
        yield f"{kind} {redaction.device_label(serial)} {device.get('device_pn') or ''} {name}"
        yield from _format_fields(discovery.fields(kind, device, reported.messages.get(serial, {})))


def _format_fields(found: Iterator[NumericField]) -> Iterator[str]:
    for each in sorted(found):
        mapped = "mapped" if each.mapped else "-"
        yield f"  {each.name:<45} {each.source:<5} {each.value:>14.10g}  {mapped}"

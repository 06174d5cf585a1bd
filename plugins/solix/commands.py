"""`energy-collector solix login` and `solix fields`: what needs a person, and what is there to be mapped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import click
from pydantic import ValidationError

from collector_core import CollectorError, CommandContext, NotAvailable, SecretStr
from collector_plugins.solix import cloud, discovery
from collector_plugins.solix.account import Account
from collector_plugins.solix.budget import Budget, spread
from collector_plugins.solix.config import Config
from collector_plugins.solix.discovery import Found
from collector_plugins.solix.privacy import Privacy
from collector_plugins.solix.state import State

DEADLINE = 300.0  # seconds
TRIGGER_SECONDS = 60.0

_collector = click.option(
    "--collector", default="solix", show_default=True, help="Which one, where several accounts are configured."
)


@_collector
@click.option("--email", help="Login of the account, where it is not configured.")
@click.option("--country", help="Its country, two letters.")
def login(context: CommandContext, *, collector: str, email: str | None, country: str | None) -> None:
    """Log in to an Anker account and store the token, so that no password need be configured.

    Asks for the password where none is configured. Exit code 1: the cloud refused.
    """
    _need_library()
    config = _options(context, collector, email, country)
    if config.password is None:
        password = SecretStr(click.prompt("Password of the account", hide_input=True))
        config = config.model_copy(update={"password": password})
    state = State(config.state, config.email)
    state.prepare()
    state.forget()
    asyncio.run(_log_in(config, state, context))
    click.echo(f"The token is stored in {state.folder}; it is good for some days, and renewed with the password.")


@_collector
@click.option(
    "--seconds", type=click.FloatRange(0, 600), default=15.0, show_default=True, help="To listen for live values."
)
def fields(context: CommandContext, *, collector: str, seconds: float) -> None:
    """List every field of the account's devices that could be a metric: its value, its source, and whether it is one.

    Exit code 1: the account cannot be reached.
    """
    _need_library()
    config = _options(context, collector, None, None)
    account, privacy = _account(config, State(config.state, config.email), context)
    messages = asyncio.run(_listen(account, config, seconds))
    for line in _report(messages.pop("sites"), messages.pop("devices"), messages, privacy):
        click.echo(line)


def _need_library() -> None:
    if absent := cloud.missing():
        raise absent


def _options(context: CommandContext, collector: str, email: str | None, country: str | None) -> Config:
    """What is configured, or what was typed where nothing is."""
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


def _account(config: Config, state: State, context: CommandContext) -> tuple[Account, Privacy]:
    password = config.password.get_secret_value() if config.password else None
    privacy = Privacy(config.email, password, hash_serials=config.hash_serials)
    budget = Budget(context.clock, cloud.LOGIN, spread)
    return cloud.AnkerCloud(config, state, budget, privacy, logging.getLogger("collector.solix")), privacy


async def _log_in(config: Config, state: State, context: CommandContext) -> None:
    account, _ = _account(config, state, context)
    try:
        async with asyncio.timeout(DEADLINE):
            await account.log_in()
    finally:
        await account.close()


async def _listen(account: Account, config: Config, seconds: float) -> dict[str, Any]:
    """What sites, devices and messages say, by serial number."""
    messages: dict[str, Any] = {}

    def receive(serial: str, values: Mapping[str, Any]) -> None:
        messages.setdefault(serial, {}).update(values)

    try:
        async with asyncio.timeout(DEADLINE + seconds):
            await account.log_in()
            await account.update_sites(quick=False)
            await account.update_details()
            if config.mqtt and seconds:
                await account.connect(receive)
                for serial in account.devices():
                    await account.ask(serial, TRIGGER_SECONDS)
                await asyncio.sleep(seconds)
        return {**messages, "sites": account.sites(), "devices": account.devices()}
    finally:
        await account.close()


def _report(
    sites: Mapping[str, Any], devices: Mapping[str, Any], messages: Mapping[str, Any], privacy: Privacy
) -> Iterator[str]:
    for site_id, site in sites.items():
        name = privacy.name(str((site.get("site_info") or {}).get("site_name") or ""), site_id)
        yield f"site {privacy.device(site_id)} {name}"
        yield from _lines(discovery.site_fields(site))
    for serial, device in devices.items():
        name = privacy.name(str(device.get("alias") or ""), serial)
        kind = str(device.get("type") or "unknown")
        yield f"{kind} {privacy.device(serial)} {device.get('device_pn') or ''} {name}"
        yield from _lines(discovery.fields(kind, device, messages.get(serial, {})))


def _lines(found: Iterator[Found]) -> Iterator[str]:
    for each in sorted(found):
        mapped = "mapped" if each.mapped else "-"
        yield f"  {each.name:<45} {each.source:<5} {each.value:>14.10g}  {mapped}"

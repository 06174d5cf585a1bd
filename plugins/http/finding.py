"""Which of the known devices answers at an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector_core import AuthFailed, HttpClient, HttpStatusError, NotAvailable, Reason
from collector_core.devices import place_of
from collector_plugins.http.kasa import MODEL, PORT, read_kasa
from collector_plugins.http.models import models, read_model

SHELLY_INFO = "/shelly"  # which needs no password


async def find_model(client: HttpClient, host: str, port: int) -> Mapping[str, Any]:
    """The entry of the device; raises `NotAvailable` where none of those that are known answers."""
    url = _address(host, port)
    entry = {"name": host, "url": url}
    shelly = await _document(client, f"{url}{SHELLY_INFO}")
    if isinstance(shelly, dict) and "mac" in shelly:
        has_password = bool(shelly.get("auth_en", shelly.get("auth")))
        login = {"username": "admin", "password": None} if has_password else {}
        return entry | {"model": "shelly-gen2" if "gen" in shelly else "shelly-gen1"} | login
    for model, rows in models().items():
        if not model.startswith("shelly") and read_model(rows, await _document(client, f"{url}{rows[0].path}")):
            return entry | {"model": model}
    raise NotAvailable(Reason.NOT_SUPPORTED, "no device that is known")


async def find_kasa(host: str) -> Mapping[str, Any]:
    """The entry of a Kasa plug, which does not speak HTTP; raises `NotAvailable` where none answers."""
    await read_kasa(host, PORT)
    return {"name": host, "url": _address(host, 80), "model": MODEL}


def _address(host: str, port: int) -> str:
    return f"http://{place_of(host, port).removesuffix(':80')}"


async def _document(client: HttpClient, url: str) -> Any:
    """What is there; None where something else is. Raises `NotAvailable` where nobody answers."""
    try:
        return await client.get_json(url)
    except (AuthFailed, HttpStatusError):
        return None
    except NotAvailable as error:
        if error.reason is Reason.BAD_DATA:
            return None
        raise

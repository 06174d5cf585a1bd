"""Plugs, meters and inverters that answer over HTTP in JSON, XML or text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit

from collector_core import (
    AuthFailed,
    Collector,
    HttpAnswer,
    HttpClient,
    NotAvailable,
    NotListening,
    Readings,
    Reason,
    hookimpl,
)
from collector_core.devices import (
    DeviceMetrics,
    DeviceReading,
    Measured,
    PolledDevices,
    find_in_json,
    find_in_text,
    find_in_xml,
    parse_json,
    read_places,
)
from collector_plugins.http import kasa
from collector_plugins.http.config import Config, Endpoint, Format
from collector_plugins.http.finding import find_kasa, find_model
from collector_plugins.http.models import models, read_model

METRICS = DeviceMetrics("http")
TASMOTA = "tasmota"
MAX_BYTES = 256 << 10


class Http(PolledDevices[Endpoint, DeviceReading]):
    """Asks every device at once; each may fail, hang or refuse alone."""

    name = "http"
    health = METRICS.health
    metrics = METRICS.metrics
    config_type = Config
    example = '{name: desk, url: "http://192.0.2.7", model: shelly-gen2}'

    probe_port = 80

    @classmethod
    async def probe(cls, host: str, port: int) -> Mapping[str, Any]:
        """A device of a model that is known."""
        client = HttpClient()
        try:
            return await find_model(client, host, port)
        except NotListening:
            return await find_kasa(host)
        finally:
            await client.close()

    async def ask(self, device: Endpoint) -> DeviceReading:
        """What a device says; raises `NotAvailable`, or `AuthFailed` where it wants another login."""
        if device.model == kasa.MODEL:
            parts = urlsplit(device.url)
            return await kasa.read_kasa(parts.hostname or "", parts.port or kasa.PORT)
        answer = await self._get(device, _address(device))
        if device.model:
            return _of_model(device.model, answer)
        if device.format is Format.JSON:
            return read_places(device, find_in_json(_document(answer)))
        text = _text(answer)
        return read_places(device, find_in_xml(text) if device.format is Format.XML else find_in_text(text))

    def measure(self, answer: DeviceReading) -> Iterator[Measured]:
        """Its power and energy."""
        yield answer.measured

    def publish(self, out: Readings, device: Endpoint, answer: DeviceReading) -> None:
        """Show what it says."""
        METRICS.add(out, device.name, answer, self.meters.counted(device.name))

    async def _get(self, device: Endpoint, url: str) -> HttpAnswer:
        login = (device.username, device.password) if device.username and device.password else None
        return await self.ctx.http.request(
            "GET",
            url,
            login=login,
            digest=device.is_digest,
            token=device.token,
            verify=device.verify,
            limit=MAX_BYTES,
            limit_fix="check its URL: no meter says so much",
            redirects=True,
        )


def _address(device: Endpoint) -> str:
    """The whole address: a known device has a path of its own; Tasmota takes its login there."""
    if device.model is None:
        return device.url
    url = f"{device.url.rstrip('/')}{models()[device.model][0].path}"
    if device.model == TASMOTA and device.username and device.password:
        url += f"&user={quote(device.username)}&password={quote(device.password.get_secret_value())}"
    return url


def _document(answer: HttpAnswer) -> Any:
    """The answer, also where one of its numbers is NaN: that one is left out where it stands."""
    with suppress(NotAvailable):
        return parse_json(answer.body)
    with suppress(NotAvailable):
        return parse_json(answer.body.decode("latin-1"))
    return answer.json()  # says what came instead


def _text(answer: HttpAnswer) -> str:
    """The answer in UTF-8, or as older devices write it; numbers are the same in both."""
    try:
        return answer.text()
    except NotAvailable:
        if b"\0" in answer.body:
            raise
        return answer.body.decode("latin-1")


def _of_model(model: str, answer: HttpAnswer) -> DeviceReading:
    document = _document(answer)
    reading = read_model(models()[model], document)
    if reading:
        return reading
    if model == TASMOTA and isinstance(document, dict) and "WARNING" in document:
        raise AuthFailed("the device wants a login", fix="set `username: admin` and its web password as `password`")
    raise NotAvailable(
        Reason.BAD_DATA, f"the answer is not that of a device of the model {model}", fix="check `model` and `url`"
    )


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return (Http,)

"""The Anker account through anker-solix-api: the only module that knows that library."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import random
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from collector_core import AuthFailed, HttpClient, NotAvailable, Reason
from collector_plugins.solix.account import Receive
from collector_plugins.solix.config import Config
from collector_plugins.solix.http_metrics import counting_middleware
from collector_plugins.solix.login_lock import LoginLock
from collector_plugins.solix.redaction import Redaction
from collector_plugins.solix.request_budget import HeldBack, RequestBudget
from collector_plugins.solix.token_store import TokenStore

LIBRARY = "anker_solix_api"
NEEDED = (LIBRARY, "aiofiles", "cryptography", "paho")
LEAST_PYTHON = (3, 12)
INSTALL = (
    "pip install 'energy-collector[solix]' 'anker-solix-api @ git+https://github.com/thomluther/anker-solix-api@v3.8.0'"
)
LOGIN = "passport/login"
LOG_IN = "energy-collector solix login"

# Categories that cost requests and report no power.
NOT_NEEDED = frozenset(
    {
        "charger",
        "charger_energy",
        "charger_usb_settings",
        "device_auto_upgrade",
        "device_tag",
        "ev_charger",
        "site_price",
        "solar_energy",
        "solarbank_cutoff",
        "solarbank_fittings",
        "solarbank_solar_info",
        "vehicle",
    }
)
AVERAGES = frozenset({"powerpanel_avg_power", "hes_avg_power"})
NOT_NEEDED_OF_DETAILS = NOT_NEEDED | {"solarbank"}  # schedules and settings; the site reports the rest
REFUSING = frozenset({26108, 26156, 26050, 26051, 26052, 26053, 26054, 26055})  # wrong password, 2FA

LONGEST_SLEEP = 1.0  # seconds, so that a wait ends soon after the machine's own sleep
RECONNECT_SECONDS = ((1, 5), (60, 120))  # shortest and longest pause of the client, drawn from these ranges


def missing() -> NotAvailable | None:
    """None where the library can be used, otherwise what is missing."""
    if sys.version_info < LEAST_PYTHON:
        detail = (
            f"anker-solix-api needs Python 3.12 or newer; this is {sys.version_info.major}.{sys.version_info.minor}"
        )
        return NotAvailable(Reason.NOT_SUPPORTED, detail, fix=f"with Python 3.12: {INSTALL}")
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        return NotAvailable(Reason.NOT_FOUND, f"not installed: {', '.join(absent)}", fix=INSTALL)
    return None


class AnkerCloud:
    """One account. Requests are counted and limited by `budget`; all texts that leave are redacted."""

    def __init__(
        self,
        config: Config,
        tokens: TokenStore,
        lock: LoginLock,
        budget: RequestBudget,
        redaction: Redaction,
        http: HttpClient,
    ) -> None:
        self._config = config
        self._tokens = tokens
        self._lock = lock
        self._budget = budget
        self._redaction = redaction
        self._http = http
        self._api: Any = None
        self._controls: dict[str, Any] = {}
        self._one_at_a_time = asyncio.Lock()
        self._requesting: asyncio.Task[Any] | None = None

    @property
    def connected(self) -> bool:
        """Whether the MQTT session is connected."""
        session = self._api and self._api.mqttsession
        return bool(session and session.is_connected())

    def sites(self) -> Mapping[str, Mapping[str, Any]]:
        """What the library knows of each site."""
        return dict(self._api.sites) if self._api else {}

    def devices(self) -> Mapping[str, Mapping[str, Any]]:
        """What the library knows of each device."""
        return dict(self._api.devices) if self._api else {}

    async def log_in(self) -> None:
        """Log in, with the stored token if there is one; raises `NotAvailable` and `AuthFailed`."""
        if self._api is None:
            self._api = await self._create_api()
        await self._call_library(self._api.async_authenticate)
        self._redaction.add_secrets(self._tokens.secrets())

    async def update_sites(self, *, quick: bool) -> None:
        """One request, and one or more for each site; averages take four to six more for each panel or X1."""
        await self._call_library(
            lambda: self._api.update_sites(exclude=set(NOT_NEEDED | AVERAGES if quick else NOT_NEEDED))
        )

    async def update_details(self) -> None:
        """Also finds devices that belong to no site."""
        await self._call_library(lambda: self._api.update_device_details(exclude=set(NOT_NEEDED_OF_DETAILS)))

    async def update_energy(self) -> None:
        """Several requests for each site, to one endpoint: the budget spreads them over minutes."""
        await self._call_library(lambda: self._api.update_device_energy(exclude=set(NOT_NEEDED)))

    async def connect(self, receive: Receive) -> None:
        """Start an MQTT session; raises `NotAvailable`."""
        from anker_solix_api.mqtt import AnkerSolixMqttSession  # noqa: PLC0415 - heavy

        await self._disconnect()
        session = AnkerSolixMqttSession(self._api.apisession)
        session._auth_cache_dir = self._tokens.folder  # noqa: SLF001 - the library has no other way
        session.message_callback(func=self._make_callback(receive))
        try:
            await self._call_library(session.connect_client_async)
        except BaseException:
            await _end_session(session)
            raise
        _remove_certificates(session)
        if not session.is_connected():
            await _end_session(session)
            host = f"{session.host}:{session.port}"
            raise NotAvailable(Reason.UNREACHABLE, f"MQTT: no connection to {host}")
        session.client.suppress_exceptions = True  # a malformed message would end its thread
        session.client.reconnect_delay_set(*(random.randint(*pair) for pair in RECONNECT_SECONDS))  # noqa: S311
        self._api.mqttsession = session
        await self._call_library(self._api.startMqttSession)
        self.subscribe()

    def subscribe(self) -> None:
        """Subscribe to new devices."""
        session = self._api.mqttsession
        for device in self.devices().values():
            if session and device.get("mqtt_supported"):
                session.subscribe(f"{session.get_topic_prefix(deviceDict=device)}#")

    async def ask(self, serial: str, seconds: float) -> bool:
        """Ask a device to report; sends nothing but a status request or the trigger for real-time values."""
        from anker_solix_api.mqtt_factory import SolixMqttDeviceFactory  # noqa: PLC0415 - heavy

        device = self.devices().get(serial, {})
        if not (self.connected and device.get("mqtt_supported")) or device.get("is_passive"):
            return False
        if serial not in self._controls:
            self._controls[serial] = SolixMqttDeviceFactory(self._api, serial).create_device()
        control = self._controls[serial]
        if control is None:
            return False
        if device.get("mqtt_status_request"):
            return await control.status_request() is not None
        return await control.realtime_trigger(timeout=round(seconds)) is not None

    async def close(self) -> None:
        """End the MQTT session; connections belong to the HTTP client."""
        await self._disconnect()
        self._api = None
        self._controls = {}

    async def _create_api(self) -> Any:
        """Create the library's object for the account; sends nothing."""
        from anker_solix_api.api import AnkerSolixApi  # noqa: PLC0415 - heavy

        self._tokens.prepare()
        session = self._http.aiohttp_session(middlewares=(counting_middleware(self._budget, self._lock),))
        password = self._config.password.get_secret_value() if self._config.password else ""
        api = AnkerSolixApi(self._config.email, password, self._config.country.upper(), session, _make_silent_logger())
        api.apisession._authFile = str(self._tokens.token)  # noqa: SLF001 - the library has no other way
        api.endpointLimit(0)  # it would sleep for 65 s within a call; the budget holds requests back instead
        api.apisession.request = self._within_budget(api.apisession.request)
        return api

    async def _call_library(self, method: Callable[[], Awaitable[Any]]) -> Any:
        """Call the library and translate its exceptions."""
        try:
            return await method()
        except (AuthFailed, NotAvailable, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - it raises what its parsing of foreign JSON happens to raise
            raise self._translate_error(error) from None
        finally:
            self._tokens.restrict_files()

    def _translate_error(self, error: Exception) -> AuthFailed | NotAvailable:
        from anker_solix_api import errors  # noqa: PLC0415 - heavy

        text = self._redaction.redact_text(f"{type(error).__name__}: {error}", self.devices())
        if isinstance(error, HeldBack):
            reason = Reason.AUTH if error.endpoint == LOGIN else Reason.UNREACHABLE
            return NotAvailable(reason, f"{error}: it failed, or was asked too often")
        refusing = tuple({kind for code, kind in errors.ERRORS.items() if code in REFUSING})
        if isinstance(error, refusing):
            return AuthFailed(text, fix=f"log in to the app, then check `email`, `password` and `country`: {LOG_IN}")
        if isinstance(error, errors.AuthorizationError | errors.TokenKickedOutError):
            return NotAvailable(Reason.AUTH, text)
        if isinstance(error, TimeoutError):
            return NotAvailable(Reason.TIMEOUT, text)
        malformed = isinstance(error, ValueError | AttributeError | TypeError | KeyError)
        return NotAvailable(Reason.BAD_DATA if malformed else Reason.UNREACHABLE, text)

    def _within_budget(self, request: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """All requests of the library pass through here, one at a time, including its own retries and logins."""

        async def request_within_budget(method: str, endpoint: str, **options: Any) -> Any:
            if endpoint == LOGIN:
                self._refuse_login()
            while wait := self._budget.claim_request(endpoint):  # noqa: ASYNC110 - what is waited for is the time
                await asyncio.sleep(min(wait, LONGEST_SLEEP))
            try:
                if self._requesting is asyncio.current_task():  # a retry or a login within a request
                    return await request(method, endpoint, **options)
                return await self._request_alone(request, method, endpoint, **options)
            except Exception:
                if endpoint == LOGIN:
                    self._refuse_login()  # it is the answer that locked the account
                raise

        return request_within_budget

    async def _request_alone(self, request: Callable[..., Awaitable[Any]], *arguments: str, **options: Any) -> Any:
        async with self._one_at_a_time:
            self._requesting = asyncio.current_task()
            try:
                return await request(*arguments, **options)
            finally:
                self._requesting = None

    def _refuse_login(self) -> None:
        """Raise where there must be no login now."""
        if self._config.password is None:
            raise AuthFailed("there is no valid token, and no `password` is configured", fix=LOG_IN)
        if self._lock.seconds_left:
            raise _locked(self._lock)

    def _make_callback(self, receive: Receive) -> Callable[..., None]:
        """The callback for the client's thread, where none of our code may run."""
        loop = asyncio.get_running_loop()

        def take_message(
            session: Any, topic: str, message: Any, data: Any, model: str, serial: str, values: Any
        ) -> None:
            if self._api and session is self._api.mqttsession and isinstance(values, dict):
                with suppress(Exception):  # its own bookkeeping, such as passive devices that are new
                    self._api.mqtt_received(session, topic, message, data, model, serial, values)
                for device, own in _split_message(serial, values):
                    receive(device, own)

        def callback(*message: Any) -> None:
            with suppress(RuntimeError):  # the loop has closed
                loop.call_soon_threadsafe(take_message, *message)

        return callback

    async def _disconnect(self) -> None:
        if self._api and self._api.mqttsession:
            await _end_session(self._api.mqttsession)
            self._api.stopMqttSession()


def _locked(lock: LoginLock) -> NotAvailable:
    """Why there is no login now."""
    minutes = lock.seconds_left / 60
    detail = f"the cloud has locked the account after too many logins; the next one is tried in {minutes:.0f} minutes"
    fix = "wait; it unlocks by itself. If it comes back, find the app or program that logs in with a wrong password"
    return NotAvailable(Reason.AUTH, detail, fix=fix)


def _split_message(serial: str, values: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The devices that a message is about: some carry messages of others."""
    from anker_solix_api.mqttcmdmap import EMBEDDED  # noqa: PLC0415 - heavy

    embedded = values.get(EMBEDDED)
    if not embedded:
        return [(serial, dict(values))]
    return [(str(each.get("sn")), dict(each.get(EMBEDDED) or {})) for each in embedded if each.get("sn")]


async def _end_session(session: Any) -> None:
    """End the client's thread, connected or not: the library leaves it running where it is not."""
    client = session.client
    if client:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)
    session.cleanup()


def _remove_certificates(session: Any) -> None:
    """Delete the files: the certificates are loaded."""
    for file in session._temp_cert_files:  # noqa: SLF001 - the library has no other way
        Path(file).unlink(missing_ok=True)


def _make_silent_logger() -> logging.Logger:
    """A logger that drops the library's lines: they hold serial numbers, addresses and answers; failures are raised."""
    logger = logging.Logger(LIBRARY, logging.CRITICAL + 1)  # noqa: LOG001 - belongs to no hierarchy
    logger.addHandler(logging.NullHandler())
    return logger

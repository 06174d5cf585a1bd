"""The connection to the broker: it comes back by itself, and says each time what is there."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from collector_core import AuthFailed, CollectorError, NotAvailable, Reason
from collector_core.http.trust import trusting
from collector_plugins.mqtt.client import REFUSED
from collector_plugins.mqtt.config import PORTS
from collector_plugins.mqtt.home_assistant.config import Config

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessageInfo

ONLINE, OFFLINE = "online", "offline"
LONGEST_PAUSE = 5  # seconds between two attempts to connect
KEEPALIVE = 20
CLOSE_SECONDS = 1.0
FIX = "check that the broker runs, that `url` is right and, with TLS, `ca_file`"


class Broker:
    """One broker.

    It may have forgotten what it retained: that is published again after each connect, and when Home Assistant says at
    its start (`births`) that it is there. So is `online` whenever somebody else has said `offline`, such as the will of
    a connection that was lost before. What a lost connection has not sent goes with it.
    """

    def __init__(self, config: Config, timeout: float, *, availability: str, births: str) -> None:
        self._config = config
        self._timeout = timeout
        self._availability = availability
        self._births = births
        self._retained: dict[str, str] = {}
        self._lock = threading.Lock()
        self._answered = threading.Event()  # the broker has, and the connection holds or was refused
        self._refusal = ""
        self._client: Client | None = None
        parts = urlsplit(config.url)
        self._address = parts.hostname or "", parts.port or PORTS[parts.scheme]
        self._is_tls = parts.scheme == "mqtts"
        self._place = f"{self._address[0]}:{self._address[1]}"

    def connect(self) -> Client:
        """The client, connected; raises `NotAvailable` and `AuthFailed`."""
        if self._client is None:
            self._client = self._start()
        self._answered.wait(self._timeout * 0.5)
        if not self._is_connected:
            error = self._failure()
            if isinstance(error, AuthFailed):
                self._drop()  # it would try again and again
            raise error
        return self._client

    @property
    def _is_connected(self) -> bool:
        return self._answered.is_set() and not self._refusal

    def publish(self, retained: Mapping[str, str], states: Mapping[str, str]) -> None:
        """Publish by topic what others find later, where it is new, and states; wait until the broker has taken all.

        Raises `NotAvailable` and `AuthFailed`.
        """
        client, deadline = self.connect(), time.monotonic() + self._timeout * 0.8
        try:
            taken = self._retain(client, retained)
            taken += [client.publish(topic, text, qos=1) for topic, text in states.items()]
            for info in taken:
                self._await(info, deadline)
        except NotAvailable:
            self._drop()
            raise

    def close(self) -> None:
        """Say that nothing comes any more, and disconnect."""
        client = self._client
        if client is not None and self._is_connected:
            client.unsubscribe(self._availability)
            info = client.publish(self._availability, OFFLINE, qos=1, retain=True)
            deadline = time.monotonic() + CLOSE_SECONDS
            while not info.is_published() and time.monotonic() < deadline:
                time.sleep(0.01)
        self._drop()

    def _drop(self) -> None:
        """Let go of the connection, and of what waits in it."""
        client, self._client = self._client, None
        if client is not None:
            client.on_connect = client.on_disconnect = client.on_message = None
            client.disconnect()
            client.loop_stop()
        self._answered.clear()
        self._refusal = ""

    def _failure(self) -> CollectorError:
        if self._refusal in REFUSED:
            return AuthFailed(f"{self._place}: {self._refusal}", fix="check `username` and `password`")
        said = self._refusal or "the broker cannot be reached"
        return NotAvailable(Reason.UNREACHABLE, f"{self._place}: {said}", fix=FIX)

    def _retain(self, client: Client, texts: Mapping[str, str]) -> list[MQTTMessageInfo]:
        with self._lock:
            new = {topic: text for topic, text in texts.items() if self._retained.get(topic) != text}
            self._retained |= new
        return [client.publish(topic, text, qos=1, retain=True) for topic, text in new.items()]

    def _await(self, info: MQTTMessageInfo, deadline: float) -> None:
        try:
            info.wait_for_publish(max(0.0, deadline - time.monotonic()))
            is_taken = info.is_published() and self._is_connected
        except (RuntimeError, ValueError):  # the connection was lost, or too much waits
            is_taken = False
        if not is_taken:
            raise NotAvailable(Reason.TIMEOUT, f"{self._place}: the broker has not taken a message in time")

    def _start(self) -> Client:
        try:
            from paho.mqtt.client import Client  # noqa: PLC0415 - an extra, and only where it is used
            from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415
        except ImportError:
            fix = "pip install 'energy-collector[mqtt]'"
            raise NotAvailable(Reason.NOT_SUPPORTED, "paho-mqtt is not installed", fix=fix) from None
        config = self._config
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"energy-collector-{uuid.uuid4().hex[:12]}")
        if config.username is not None:
            password = config.password.get_secret_value() if config.password else None
            client.username_pw_set(config.username, password)
        if self._is_tls:
            client.tls_set_context(trusting(config.ca_file))
        client.will_set(self._availability, OFFLINE, qos=1, retain=True)
        client.reconnect_delay_set(1, LONGEST_PAUSE)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_message = self._on_message
        client.connect_async(*self._address, keepalive=KEEPALIVE)
        client.loop_start()
        return client

    def _on_connect(self, client: Client, _: Any, __: Any, code: Any, ___: Any = None) -> None:
        if code.is_failure:
            self._refusal = str(code)
            self._answered.set()
            return
        self._refusal = ""
        client.publish(self._availability, ONLINE, qos=1, retain=True)
        self._retain_again(client)
        client.subscribe([(self._availability, 0), (self._births, 0)])
        self._answered.set()

    def _retain_again(self, client: Client) -> None:
        with self._lock:
            for topic, text in self._retained.items():
                client.publish(topic, text, qos=1, retain=True)

    def _on_disconnect(self, *_: Any) -> None:
        if not self._refusal:
            self._answered.clear()

    def _on_message(self, client: Client, _: Any, message: Any) -> None:
        if message.topic == self._availability and message.payload == OFFLINE.encode():
            client.publish(self._availability, ONLINE, qos=1, retain=True)
        elif message.topic == self._births and message.payload == ONLINE.encode() and not message.retain:
            self._retain_again(client)

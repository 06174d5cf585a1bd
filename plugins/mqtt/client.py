"""The connection to the broker, on a thread of paho's."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from collector_core import AuthFailed, NotAvailable, Reason
from collector_core.http.trust import trusting
from collector_plugins.mqtt.config import PORTS, Config

if TYPE_CHECKING:
    import paho.mqtt.client as paho

MAX_PAYLOAD = 64 << 10  # bytes
MOST_FILTERS = 10_000
REFUSED = frozenset({"Bad user name or password", "Not authorized", "Bad authentication method", "Banned"})
FIX = "check that the broker runs and that `url` is right"

Take = Callable[[str, bytes, bool], None]  # topic, payload, and whether the broker had kept it


class Connection:
    """Connects, subscribes, and connects again where the broker went away; `take` gets every message, on its thread."""

    def __init__(self, config: Config, filters: Sequence[str], take: Take, timeout: float) -> None:
        self._config = config
        self._filters = dict.fromkeys(filters)
        self._take = take
        self._timeout = timeout
        self._answered = threading.Event()
        self._problem: NotAvailable | AuthFailed | None = NotAvailable(
            Reason.TIMEOUT, "the broker does not answer", fix=FIX
        )
        self._client: paho.Client | None = None

    def open(self) -> None:
        """Connect; raises `NotAvailable` or `AuthFailed`."""
        parts = urlsplit(self._config.url)
        self._client = self._new_client(tls=parts.scheme == "mqtts")
        try:
            self._client.connect(parts.hostname or "", parts.port or PORTS[parts.scheme], keepalive=30)
        except ssl.SSLError as error:
            raise NotAvailable(Reason.AUTH, f"no TLS with the broker: {error.reason}", fix="set `ca_file`") from None
        except socket.gaierror:
            raise NotAvailable(Reason.UNREACHABLE, "the broker's name cannot be resolved", fix=FIX) from None
        except OSError as error:
            words = error.strerror or "no answer in time"
            raise NotAvailable(Reason.UNREACHABLE, f"cannot connect to the broker: {words}", fix=FIX) from None
        self._client.loop_start()
        self._answered.wait(self._timeout)
        self.check()

    def check(self) -> None:
        """Raises `NotAvailable` or `AuthFailed` where there is no connection."""
        if self._problem:
            raise self._problem.with_traceback(None)

    def follow(self, topics: Iterable[str]) -> None:
        """Subscribe to these as well, also after the next connection."""
        new = [topic for topic in topics if topic not in self._filters][: MOST_FILTERS - len(self._filters)]
        self._filters |= dict.fromkeys(new)
        if new and self._client:
            self._client.subscribe([(each, 0) for each in new])

    def close(self) -> None:
        """Hang up."""
        if self._client:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def _new_client(self, *, tls: bool) -> paho.Client:
        import paho.mqtt.client as paho  # noqa: PLC0415 - only who reads MQTT needs it
        from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415

        client = paho.Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=True)
        client.connect_timeout = self._timeout
        client.reconnect_delay_set(1, 60)
        if self._config.username:
            password = self._config.password
            client.username_pw_set(self._config.username, password.get_secret_value() if password else None)
        if tls:
            client.tls_set_context(trusting(self._config.ca_file))
        client.on_connect, client.on_subscribe = self._connected, self._subscribed
        client.on_disconnect, client.on_message = self._gone, self._came
        return client

    def _connected(self, client: paho.Client, _: object, __: object, code: Any, ___: object) -> None:
        if code.is_failure:
            said = f"the broker answers: {code}"
            if str(code) in REFUSED:
                self._problem = AuthFailed(said, fix="check `username` and `password`")
                client.disconnect()  # it would try again and again
            else:
                self._problem = NotAvailable(Reason.UNREACHABLE, said, fix="check the broker's log")
            self._answered.set()
        else:
            client.subscribe([(each, 0) for each in self._filters])

    def _subscribed(self, *_: object) -> None:
        self._problem = None
        self._answered.set()

    def _gone(self, *_: object) -> None:
        if not isinstance(self._problem, AuthFailed):
            self._problem = NotAvailable(Reason.UNREACHABLE, "the connection to the broker broke", fix=FIX)

    def _came(self, _: object, __: object, message: paho.MQTTMessage) -> None:
        if len(message.payload) <= MAX_PAYLOAD:
            self._take(message.topic, bytes(message.payload), message.retain)

"""Debian's mosquitto with TLS and client certificates of a certificate authority made for the test."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
START_SECONDS = 10


def program():
    return shutil.which("mosquitto", path=PATH)


class Authority:
    """Signs certificates for an hour."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        ca = self._builder(self.name, self.key).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        usage = {name: name in {"key_cert_sign", "crl_sign"} for name in self.USAGES}
        ca = ca.add_extension(x509.KeyUsage(**usage), True)
        self.certificate = ca.sign(self.key, hashes.SHA256())

    USAGES = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, common_name):
        """A certificate for loopback, and its key, both as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = self._builder(name, key).add_extension(x509.SubjectAlternativeName(names), False)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = builder.add_extension(authority, False).sign(self.key, hashes.SHA256())
        form = serialization.PrivateFormat.TraditionalOpenSSL
        pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        return certificate.public_bytes(serialization.Encoding.PEM).decode(), pem.decode()

    def _builder(self, subject, key):
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(self.name, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
        builder = builder.not_valid_after(now + datetime.timedelta(hours=1))
        return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)


class Broker:
    """A mosquitto on loopback that demands client certificates; it can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority()
        self.process: subprocess.Popen | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        server, key = self.authority.issue("localhost")
        files = {"ca.pem": self.authority.pem, "server.pem": server, "server.key": key}
        for name, text in files.items():
            (folder / name).write_text(text)
        self._write_configuration()

    @property
    def account(self):
        """What the cloud hands out to an account: where the broker is, and the certificate for it."""
        certificate, key = self.authority.issue("canary-thing")
        return {
            "user_id": "canaryuser",
            "app_name": "anker_power",
            "thing_name": "canary-thing",
            "certificate_id": "1",
            "certificate_pem": certificate,
            "private_key": key,
            "endpoint_addr": "localhost",
            "aws_root_ca1_pem": self.authority.pem,
        }

    def start(self):
        log = (self.folder / "mosquitto.log").open("ab")
        command = [program(), "-c", str(self.folder / "mosquitto.conf"), "-v"]
        with log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            time.sleep(0.02)
        raise AssertionError((self.folder / "mosquitto.log").read_text())

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _write_configuration(self):
        lines = [
            f"listener {self.port} 127.0.0.1",
            f"cafile {self.folder / 'ca.pem'}",
            f"certfile {self.folder / 'server.pem'}",
            f"keyfile {self.folder / 'server.key'}",
            "require_certificate true",
            "allow_anonymous true",
            "user root",
        ]
        (self.folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")


class Devices:
    """The devices' end of a broker: sends messages, and keeps what they are asked."""

    def __init__(self, broker: Broker) -> None:
        import paho.mqtt.client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion

        self.asked: list[tuple[str, bytes]] = []
        self._subscribed = threading.Event()
        certificate, key = broker.authority.issue("devices")
        context = ssl.create_default_context(cadata=broker.authority.pem)
        for name, text in {"devices.pem": certificate, "devices.key": key}.items():
            (broker.folder / name).write_text(text)
        context.load_cert_chain(broker.folder / "devices.pem", broker.folder / "devices.key")
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="devices")
        self._client.tls_set_context(context)
        self._client.on_connect = lambda *_: self._client.subscribe("cmd/#", 1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._take
        self._answer = lambda: None
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("localhost", broker.port)
        self._client.loop_start()
        assert self._subscribed.wait(10)

    def send(self, topic, text):
        sent = self._client.publish(topic, text, qos=1)
        if threading.current_thread().name != self._client._thread.name:  # which would wait for itself
            sent.wait_for_publish(10)

    def when_asked(self, answer):
        """Do something whenever a device is asked."""
        self._answer = answer

    def _take(self, _client, _data, message):
        self.asked.append((message.topic, message.payload))
        self._answer()

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()

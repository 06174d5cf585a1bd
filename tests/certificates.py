"""Certificates for servers and clients of the tests, and an authority that signs them."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Certificate:
    """Files in PEM; `cert` may have several certificates."""

    cert: Path
    key: Path


class Authority:
    """Signs certificates for localhost; `cert` is what they are verified with, signed by itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("localhost")
        self._own = self._signed(self._name, self._key)
        self.cert = folder / "ca.crt"
        self.cert.write_bytes(self._own.public_bytes(PEM))

    @property
    def itself(self) -> Certificate:
        """Its own certificate, for a server that signs for itself."""
        return self._written("server", self._own, self._key)

    def certificate(self, name: str) -> Certificate:
        """A new one; `name` is who has it."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._written(name, self._signed(_name(name), key), key)

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        places = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(places), critical=False)
            .add_extension(x509.BasicConstraints(ca=subject == self._name, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def _written(self, name: str, signed: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Certificate:
        files = Certificate(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        files.cert.write_bytes(signed.public_bytes(PEM))
        private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        files.key.write_bytes(private)
        return files


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

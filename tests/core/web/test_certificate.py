"""When certificates expire: told as a metric, refused at the start, and read from any bytes without harm."""

import datetime
import shutil
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from collector_core.errors import ConfigError
from collector_core.web import tls
from collector_core.web.certificate import expires_at
from collector_core.web.file_reload import WebConfigFile
from collector_core.web.tls import ServerTls

DAY = datetime.timedelta(days=1)


def write(folder: Path, until: datetime.datetime) -> None:
    """A certificate that is valid until then, its key, and a web configuration with both."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(until - 400 * DAY)
    certificate = builder.not_valid_after(until).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "server.key").write_bytes(private)
    (folder / "server.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "web.yml").write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}")


@pytest.mark.parametrize("year", [2031, 2049, 2050, 2101])  # from 2050 on it is written otherwise
def test_the_time_is_that_in_the_certificate(tmp_path: Path, year: int) -> None:
    until = datetime.datetime(year, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)
    write(tmp_path, until)
    pem = (tmp_path / "server.crt").read_text()
    assert expires_at("Bag Attributes: x\n" + pem + pem) == until.timestamp()


def test_an_expired_certificate_ends_the_start_with_its_date(tmp_path: Path) -> None:
    write(tmp_path, datetime.datetime(2021, 2, 3, tzinfo=datetime.UTC))
    with pytest.raises(ConfigError, match="cert_file: cannot be used: it expired on 2021-02-03"):
        tls.check(tmp_path / "web.yml")


def test_the_expiry_follows_the_file_and_an_expired_one_is_not_taken(tmp_path: Path, pki: Path) -> None:
    for name in ("server.crt", "server.key"):
        shutil.copy(pki / name, tmp_path)
    (tmp_path / "web.yml").write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}")
    told: list[float | None] = []
    server = ServerTls(WebConfigFile(tmp_path / "web.yml", check_interval=0), told.append)
    first = server.context()
    assert told == [expires_at((pki / "server.crt").read_text())]
    until = datetime.datetime(2101, 1, 1, tzinfo=datetime.UTC)
    write(tmp_path, until)
    assert server.context() is not first
    assert told[1:] == [until.timestamp()]
    good = server.context()
    write(tmp_path, until - 36500 * DAY)
    assert server.context() is good
    assert len(told) == 2


@given(st.binary(max_size=300))
def test_any_bytes_have_a_time_or_none(data: bytes) -> None:
    assert expires_at(data.decode("latin-1")) is None
    expiry = expires_at(ssl.DER_cert_to_PEM_cert(data))
    assert expiry is None or expiry > -1e11


def test_a_cut_certificate_has_none(pki: Path) -> None:
    der = ssl.PEM_cert_to_DER_cert((pki / "server.crt").read_text())
    for length in range(0, len(der), 7):
        expires_at(ssl.DER_cert_to_PEM_cert(der[:length]))

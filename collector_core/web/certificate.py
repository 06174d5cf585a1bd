"""When a certificate expires: read from its DER form, as Python's ssl does not tell it of one's own certificate."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

_END = "-----END CERTIFICATE-----"
_EXPLICIT_VERSION = 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18


def expires_at(pem: str) -> float | None:
    """Seconds since 1970 at which the first certificate of a PEM file expires; None where that cannot be read."""
    begin, end = pem.find("-----BEGIN CERTIFICATE-----"), pem.find(_END)
    try:
        return _not_after(ssl.PEM_cert_to_DER_cert(pem[begin : end + len(_END)])) if begin >= 0 else None
    except (ValueError, IndexError):
        return None


def _not_after(der: bytes) -> float:
    """Certificate → TBSCertificate → validity → notAfter: RFC 5280, section 4.1. Raises `ValueError`, `IndexError`."""
    (_, certificate), *_ = _elements(der)
    (_, signed), *_ = _elements(certificate)
    fields = [content for tag, content in _elements(signed) if tag != _EXPLICIT_VERSION]
    validity = list(_elements(fields[3]))  # after serial number, signature algorithm and issuer
    tag, text = validity[1]
    form = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}.get(tag)
    if form is None:
        raise ValueError("no time")
    return datetime.strptime(text.decode("ascii"), form).replace(tzinfo=UTC).timestamp()


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements that stand one after the other: tag and content."""
    while data:
        tag, length, start = data[0], data[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[2:start], "big")
        if length > len(data) - start:
            raise ValueError("cut off")
        yield tag, data[start : start + length]
        data = data[start + length :]

"""What is timed: the operations of post-quantum algorithms and of the classical ones that they replace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any

from collector_core import NotAvailable, Reason

PACKAGE = "cryptography.hazmat.primitives.asymmetric"
MESSAGE = bytes(range(32))
INSTALL = "pip install 'energy-collector[quantum]'"
UPGRADE = "pip install --upgrade 'cryptography>=48'   # or leave it out of `post_quantum`"


class PostQuantum(StrEnum):
    """Algorithms that can be measured where the library offers them."""

    ML_KEM_512 = "ML-KEM-512"
    ML_KEM_768 = "ML-KEM-768"
    ML_KEM_1024 = "ML-KEM-1024"
    ML_DSA_44 = "ML-DSA-44"
    ML_DSA_65 = "ML-DSA-65"
    ML_DSA_87 = "ML-DSA-87"

    @property
    def classical(self) -> str:
        """What it takes the place of."""
        return "X25519" if self.startswith("ML-KEM") else "Ed25519"


@dataclass(frozen=True)
class Suite:
    """The operations of one algorithm, and the sizes in bytes of what it sends."""

    operations: Mapping[str, Callable[[], object]]
    sizes: Mapping[str, int]


def suite(algorithm: str) -> Suite:
    """Make keys of an algorithm; raises `NotAvailable` where the installed library does not offer it."""
    make = {"ML-KEM": _encapsulation, "X25519": _exchange}.get(algorithm[:6], _signature)
    key_type = _key_type(algorithm)
    try:
        return make(key_type)
    except Exception as error:
        if type(error).__name__ == "UnsupportedAlgorithm":  # the library is there, but what it stands on is too old
            raise _not_offered(algorithm) from error
        raise


def _key_type(algorithm: str) -> Any:
    """The class of private keys; the name of an algorithm is that of its class, without dashes."""
    module = {"ML-KEM": "mlkem", "ML-DSA": "mldsa"}.get(algorithm[:6], algorithm.lower())
    try:
        import_module("cryptography")
    except ModuleNotFoundError as error:
        raise NotAvailable(Reason.NOT_FOUND, "the library cryptography is not installed", fix=INSTALL) from error
    try:
        return getattr(import_module(f"{PACKAGE}.{module}"), f"{algorithm.replace('-', '')}PrivateKey")
    except (ModuleNotFoundError, AttributeError) as error:
        raise _not_offered(algorithm) from error


def _not_offered(algorithm: str) -> NotAvailable:
    version = import_module("cryptography").__version__
    return NotAvailable(Reason.NOT_SUPPORTED, f"cryptography {version} here does not offer {algorithm}", fix=UPGRADE)


def _encapsulation(key_type: Any) -> Suite:
    private = key_type.generate()
    public = private.public_key()
    _, ciphertext = public.encapsulate()

    def whole() -> None:
        """One side makes a key, the other one encapsulates to it, the first one decapsulates."""
        own = key_type.generate()
        secret, sent = own.public_key().encapsulate()
        _agree(secret, own.decapsulate(sent))

    operations = {
        "key_generation": key_type.generate,
        "encapsulation": public.encapsulate,
        "decapsulation": lambda: private.decapsulate(ciphertext),
        "key_exchange": whole,
    }
    return Suite(operations, {"public_key": len(public.public_bytes_raw()), "ciphertext": len(ciphertext)})


def _exchange(key_type: Any) -> Suite:
    def whole() -> None:
        """Both sides make a key, and each computes the secret."""
        one, other = key_type.generate(), key_type.generate()
        _agree(one.exchange(other.public_key()), other.exchange(one.public_key()))

    public = key_type.generate().public_key()
    return Suite(
        {"key_generation": key_type.generate, "key_exchange": whole}, {"public_key": len(public.public_bytes_raw())}
    )


def _signature(key_type: Any) -> Suite:
    private = key_type.generate()
    public = private.public_key()
    signature = private.sign(MESSAGE)
    operations = {
        "key_generation": key_type.generate,
        "sign": lambda: private.sign(MESSAGE),
        "verify": lambda: public.verify(signature, MESSAGE),
    }
    return Suite(operations, {"public_key": len(public.public_bytes_raw()), "signature": len(signature)})


def _agree(one: bytes, other: bytes) -> None:
    if one != other:
        raise ValueError("the two sides of a key exchange do not agree")

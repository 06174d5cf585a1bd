"""Merkle trees, built as RFC 6962, section 2.1, does, with SHA3-256 (FIPS 202)."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha3_256

HASH = "SHA3-256"
LEAVES = 256
OPERATIONS = 2 * LEAVES - 1  # hashes of a tree: each leaf, and each node above


def root(leaves: Sequence[bytes]) -> bytes:
    """The root hash of a tree; a byte before them tells leaves and nodes apart. That of nothing is the empty hash."""
    level = [sha3_256(b"\0" + leaf).digest() for leaf in leaves] or [sha3_256().digest()]
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [sha3_256(b"\1" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
        level += odd
    return level[0]


def build() -> bytes:
    """A tree of `LEAVES` leaves of 32 bytes: `OPERATIONS` hashes."""
    return root([number.to_bytes(32) for number in range(LEAVES)])

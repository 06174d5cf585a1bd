"""What goes wrong on the way to a node → a bounded reason and what fixes it, without the address: it may hold a key."""

from __future__ import annotations

import errno

from collector_core import NotAvailable, Reason


class NotRunning(NotAvailable):
    """Nothing listens at the node's address."""


NOT_RUNNING = NotRunning(
    Reason.UNREACHABLE,
    "nothing listens at its address",
    fix="start the node with its JSON-RPC or metrics enabled, or correct `url`",
)
CHECK_ADDRESS = "check `url` and the network to the node"
NOBODY_LISTENS = {errno.ECONNREFUSED, errno.ENOENT}


def explain(error: Exception) -> NotAvailable:
    """Any exception of a connection, in words of ours."""
    if isinstance(error, NotAvailable):
        return error
    number = getattr(error, "errno", None)
    if number in NOBODY_LISTENS or isinstance(error, ConnectionRefusedError | FileNotFoundError):
        return NotRunning(NOT_RUNNING.reason, NOT_RUNNING.detail, fix=NOT_RUNNING.fix)
    if number in {errno.EACCES, errno.EPERM}:
        fix = "let the user of energy-collector read and write the node's IPC socket"
        return NotAvailable(Reason.PERMISSION, "its socket may not be opened", fix=fix)
    if isinstance(error, TimeoutError):
        return NotAvailable(Reason.TIMEOUT, "no answer in time", fix=CHECK_ADDRESS)
    return NotAvailable(Reason.UNREACHABLE, f"the connection failed ({type(error).__name__})", fix=CHECK_ADDRESS)


def of_status(status: int) -> NotAvailable:
    """What an HTTP status other than 200 means."""
    said = f"it answers HTTP {status}"
    if status in (401, 403):
        return NotAvailable(Reason.AUTH, said, fix="check the key in `url` or `headers`")
    if status == 404:
        return NotAvailable(Reason.NOT_FOUND, said, fix="check the path in `url`")
    if status == 429:
        return NotAvailable(Reason.UNREACHABLE, f"{said}: too many requests", fix="set a longer `interval`")
    if status >= 500:
        return NotAvailable(Reason.UNREACHABLE, said, fix="look into the node's log")
    return NotAvailable(Reason.BAD_DATA, said, fix=CHECK_ADDRESS)


def too_long(limit: int) -> NotAvailable:
    """An answer above the limit (bytes)."""
    detail = f"its answer is longer than {limit >> 20} MiB"
    return NotAvailable(Reason.BAD_DATA, detail, fix="check that `url` is what `source` says")

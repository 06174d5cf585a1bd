"""The throughput of a random source: a device or a file of this machine, or an address; bounded in bytes and time."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from collector_core import NotAvailable, Reason

DEADLINE_SECONDS = 3.0
BLOCK_BYTES = 4096
PAUSE_SECONDS = 0.005  # while a device has nothing to give

DEVICE = "load the driver of a hardware generator (a virtual machine needs virtio-rng), or name another `random_source`"

Watch = Callable[[], float]


def is_address(source: str) -> bool:
    """Whether a source is asked over HTTP."""
    return source.startswith(("http://", "https://"))


def shown(source: str) -> str:
    """A source as a label: an address without what may be a secret in it."""
    return urlunsplit(urlsplit(source)._replace(query="", fragment="")) if is_address(source) else source


def throughput_of_file(path: Path, most: int, watch: Watch) -> float:
    """Bytes per second of waiting, of at most `most` bytes; raises `NotAvailable` where it gives none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = Reason.PERMISSION if isinstance(error, PermissionError) else Reason.NOT_FOUND
        fix = f"sudo chmod a+r {path}" if reason is Reason.PERMISSION else DEVICE
        raise NotAvailable(reason, f"{path}: {error.strerror}", fix=fix) from error
    try:
        if stat.S_ISFIFO(os.fstat(handle).st_mode):
            raise NotAvailable(Reason.NOT_SUPPORTED, f"{path} is a pipe", fix="name a device, a file or an address")
        return _rate(_reader(handle, path), most, watch, str(path))
    finally:
        os.close(handle)


def throughput_of_address(url: str, most: int, watch: Watch) -> float:
    """As `throughput_of_file`, of what an address sends; waiting for the answer counts, redirects are not followed."""
    import urllib.error  # noqa: PLC0415 - only where an address is configured
    import urllib.request  # noqa: PLC0415

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    opener = urllib.request.build_opener(Stay, urllib.request.ProxyHandler({}))
    opener.addheaders = []
    started = watch()
    try:
        with opener.open(url, timeout=DEADLINE_SECONDS) as answer:
            return _rate(answer.read1, most, watch, shown(url), started)
    except urllib.error.HTTPError as error:
        with error:
            detail = f"{shown(url)} answers {error.code}"
        raise NotAvailable(Reason.BAD_DATA, detail, fix="mend `random_source`") from None
    except TimeoutError as error:
        raise NotAvailable(Reason.TIMEOUT, f"{shown(url)} does not answer", fix="mend `random_source`") from error
    except OSError as error:
        cause = getattr(error, "reason", error)
        reason = Reason.TIMEOUT if isinstance(cause, TimeoutError) else Reason.UNREACHABLE
        raise NotAvailable(reason, f"{shown(url)}: {cause}", fix="mend `random_source`") from error


def _reader(handle: int, path: Path) -> Callable[[int], bytes | None]:
    def read(size: int) -> bytes | None:
        try:
            return os.read(handle, size)
        except BlockingIOError:
            time.sleep(PAUSE_SECONDS)
            return None
        except OSError as error:  # a device without hardware behind it
            raise NotAvailable(Reason.NOT_FOUND, f"{path}: {error.strerror}", fix=DEVICE) from error

    return read


def _rate(
    read: Callable[[int], bytes | None], most: int, watch: Watch, name: str, started: float | None = None
) -> float:
    began = watch() if started is None else started
    got, now = 0, began
    while got < most and now - began < DEADLINE_SECONDS:
        block = read(min(BLOCK_BYTES, most - got))
        now = watch()
        if block is None:
            continue
        if not block:
            break
        got += len(block)
    if not got:
        detail = f"{name} gave nothing within {DEADLINE_SECONDS:g} s" if now > began else f"{name} is empty"
        raise NotAvailable(Reason.TIMEOUT, detail, fix=DEVICE)
    return got / max(now - began, 1e-9)

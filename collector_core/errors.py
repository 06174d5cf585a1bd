"""The exception tree: everything the framework raises on purpose.

CollectorError
├── NotAvailable        the source is not there (yet): retried with backoff, logged once with its fix
│   ├── HttpStatusError        a server answered with a status that means failure
│   ├── NotListening           nothing listens at the address: the program has ended
│   ├── HistoryUnavailable     what was kept cannot be read now
│   └── NoTargetAvailable      none of several sources is: each is retried with a backoff of its own
├── AuthFailed          credentials were refused: no more runs until the configuration is reloaded
├── DeclarationError    a metric or a plugin is declared wrongly: found at import, before anything runs
│   └── NewerApiNeeded         a plugin is made for a newer energy-collector
├── ReadingError        a run produced something that must not be published
│   └── SeriesBudgetExceeded   a run produced more series than `max_series`
├── RecordsRefused      a receiver will never take some of the records that an output sent
├── ConfigError         a configuration file is wrong; carries every problem of the file
└── StartupError        the service cannot start: port in use, clashing plugins
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import isfinite
from typing import NamedTuple


class Reason(StrEnum):
    """Why something has no data: a bounded word, fit for a label."""

    PERMISSION = "permission"
    NOT_FOUND = "not_found"
    NOT_SUPPORTED = "not_supported"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    AUTH = "auth"
    BAD_DATA = "bad_data"


class CollectorError(Exception):
    """Base of every exception of this package."""


class NotAvailable(CollectorError):
    """The source cannot be read at present.

    `reason` is one of `Reason`; `detail` says what was missing, in words; `fix` is the command or the action
    that makes it available. `retry_after` are the seconds that the source asks to be left alone for.
    """

    def __init__(
        self, reason: Reason | str, detail: str = "", *, fix: str = "", retry_after: float | None = None
    ) -> None:
        self.reason = Reason(reason)
        self.retry_after = retry_after
        self.detail = detail or self.reason.value.replace("_", " ")
        self.fix = fix
        super().__init__(self.detail)


class HttpStatusError(NotAvailable):
    """A server answered with a status other than 2xx; `is_retryable` says whether the same request may yet succeed."""

    def __init__(
        self,
        status: int,
        reason: Reason,
        detail: str,
        *,
        fix: str = "",
        is_retryable: bool = True,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason, detail, fix=fix, retry_after=retry_after)
        self.status = status
        self.is_retryable = is_retryable


class NotListening(NotAvailable):
    """Nothing listens at the address: the program there has ended, or was never started."""


class HistoryUnavailable(NotAvailable):
    """What was kept of the past cannot be read now: its store is not open, or its disk fails."""


class NoTargetAvailable(NotAvailable):
    """None of the targets that a collector polls can be read; runs go on, because each target has its own backoff."""


class AuthFailed(CollectorError):
    """The source refused our credentials; asking again could lock the account. `status` is HTTP's, where it has one."""

    def __init__(self, detail: str = "credentials refused", *, fix: str = "", status: int | None = None) -> None:
        self.detail = detail
        self.fix = fix
        self.status = status
        super().__init__(detail)


class DeclarationError(CollectorError):
    """A metric, a collector class or a plugin is declared wrongly."""


class NewerApiNeeded(DeclarationError):
    """A plugin needs a newer version of the public API than the installed one."""


class ReadingError(CollectorError):
    """A reading that must not be published: undeclared, mislabelled, not finite, negative or twice."""


class SeriesBudgetExceeded(ReadingError):
    """A run produced more series than the instance's `max_series`; `fix` says what to do."""

    def __init__(self, detail: str, *, fix: str = "") -> None:
        self.fix = fix
        super().__init__(detail)


class RecordsRefused(CollectorError):
    """A receiver will never take `count` of the records that were sent, all where it is None: they are dropped.

    `status` is HTTP's, where it has one, and `headers` those of the answer, with names in lower case.
    """

    def __init__(
        self,
        count: int | None,
        detail: str,
        *,
        fix: str = "",
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.count = count
        self.fix = fix
        self.status = status
        self.headers = headers or {}
        super().__init__(detail)


class StartupError(CollectorError):
    """The service cannot start; the message names the cause and the remedy."""


class Problem(NamedTuple):
    """One thing that is wrong in a file: where, what and what to do."""

    file: str
    line: int | None
    path: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"

    def to_json(self) -> dict[str, str | int | None]:
        """The same as an object."""
        return self._asdict()


class ConfigError(CollectorError):
    """A configuration that cannot be used; `problems` holds all that is wrong with it, in the file's order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


MAX_TEXT = 500  # characters of a message; some exceptions carry the whole answer of a server

_HIDDEN = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_HIDDEN |= {code: f"\\u{code:04x}" for code in (*range(0x2028, 0x202F), *range(0x2066, 0x206A))}

_REASON_OF_ERRNO = {
    errno.ENODEV: Reason.NOT_FOUND,
    errno.ENXIO: Reason.NOT_FOUND,
    errno.EOPNOTSUPP: Reason.NOT_SUPPORTED,
    errno.ENOSYS: Reason.NOT_SUPPORTED,
    errno.EHOSTUNREACH: Reason.UNREACHABLE,
    errno.ENETUNREACH: Reason.UNREACHABLE,
    errno.ENOSPC: Reason.PERMISSION,
    errno.EDQUOT: Reason.PERMISSION,
    errno.EROFS: Reason.PERMISSION,
}

FREE_SPACE = "free up space on its disk"
MAKE_WRITABLE = "make it writable for this user, or choose another location"
_FIX_OF_ERRNO = {errno.ENOSPC: FREE_SPACE, errno.EDQUOT: FREE_SPACE, errno.EROFS: MAKE_WRITABLE}

_REASON_OF_TYPE: tuple[tuple[type[BaseException], Reason], ...] = (
    (AuthFailed, Reason.AUTH),
    (PermissionError, Reason.PERMISSION),
    (FileNotFoundError, Reason.NOT_FOUND),
    (ModuleNotFoundError, Reason.NOT_FOUND),
    (TimeoutError, Reason.TIMEOUT),
    (ConnectionError, Reason.UNREACHABLE),
)


def reason_of(error: BaseException) -> Reason:
    """Map any exception to the bounded vocabulary; what nothing else explains is `bad_data`."""
    if isinstance(error, NotAvailable):
        return error.reason
    for kind, reason in _REASON_OF_TYPE:
        if isinstance(error, kind):
            return reason
    return _REASON_OF_ERRNO.get(getattr(error, "errno", None) or 0, Reason.BAD_DATA)


def visible(text: str) -> str:
    """A text from outside for people's eyes: control characters, and those that turn the direction, as escapes.

    Line feeds and tabs stay.
    """
    # Line by line: most have nothing to hide, which is many times faster to see than to translate.
    return "\n".join(line if line.isprintable() else line.translate(_HIDDEN) for line in text.split("\n"))


def one_line(text: str) -> str:
    """A text without line breaks and control characters, cut off at `MAX_TEXT` characters."""
    line = visible(" ".join(text[: 2 * MAX_TEXT].split()))
    return line if len(line) <= MAX_TEXT and len(text) <= 2 * MAX_TEXT else f"{line[:MAX_TEXT]}…"


def describe(error: BaseException) -> str:
    """An exception in one line of bounded length, with its type where the text alone would not say enough."""
    try:
        text = one_line(str(error))
    except BaseException:  # noqa: BLE001 - it is the exception's own method that failed
        text = "cannot say what is wrong"
    if isinstance(error, CollectorError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def explain(error: BaseException) -> str:
    """As `describe`, with what fixes it where the exception says so."""
    return with_fix(describe(error), fix_of(error))


def fix_of(error: BaseException) -> str:
    """What fixes an error: what the exception says in words, or what its number in the system means; else empty."""
    fix = getattr(error, "fix", "")
    if isinstance(fix, str) and fix:
        return fix
    return _FIX_OF_ERRNO.get(error.errno or 0, "") if isinstance(error, OSError) else ""


def retry_after_of(error: BaseException | None) -> float | None:
    """The seconds that the source asks to be left alone for; None where the exception gives no such number."""
    seconds = getattr(error, "retry_after", None)
    return float(seconds) if isinstance(seconds, int | float) and isfinite(seconds) else None


def with_fix(text: str, fix: str) -> str:
    """What is wrong, and what fixes it where that is known."""
    return f"{text}; fix: {fix}" if fix else text

"""What is said of a run that failed."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from collector_core.errors import AuthFailed, NotAvailable, Reason, describe, fix_of, reason_of
from collector_core.model.result import Result
from collector_core.polling.own_thread import innermost_place


@dataclass(frozen=True)
class Failure:
    """What a failed run's report says; found out within the run's deadline, as an exception's own text may hang."""

    result: Result
    reason: Reason
    error: str
    fix: str
    traceback: str

    @classmethod
    def of(cls, error: BaseException, module: str) -> Failure:
        """What an exception says, and where in the plugin's `module` it came from unless it is an expected one."""
        expected = isinstance(error, NotAvailable | AuthFailed | TimeoutError)
        frames = reversed(list(traceback.walk_tb(error.__traceback__)))
        text = describe(error)
        return cls(
            _result_of(error),
            reason_of(error),
            text if expected else text + innermost_place(frames, module),
            fix_of(error),
            "" if expected else "".join((*traceback.format_tb(error.__traceback__), text)),
        )


def _result_of(error: BaseException) -> Result:
    if isinstance(error, NotAvailable):
        return Result.UNAVAILABLE
    if isinstance(error, AuthFailed):
        return Result.AUTH_FAILED
    return Result.TIMEOUT if isinstance(error, TimeoutError) else Result.ERROR

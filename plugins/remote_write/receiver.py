"""The server that takes requests: posts them, in version 1.0 where it does not know 2.0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collector_core import Context, HttpSender, RecordsRefused
from collector_core.wire import join
from collector_plugins.remote_write import version_1, version_2
from collector_plugins.remote_write.config import Config

UNSUPPORTED_MEDIA_TYPE = 415


class Receiver:
    """One address. `takes_version_2` is what is known of it; whoever answers 2.0 with no count does not know it."""

    def __init__(self, config: Config, ctx: Context) -> None:
        self.takes_version_2 = config.version == "2.0"
        login = None if config.username is None or config.password is None else (config.username, config.password)
        self._log = ctx.logger
        self._sender = HttpSender(
            config.url,
            timeout=ctx.timeout,
            headers=config.headers,
            token=config.bearer_token,
            login=login,
            ca_file=config.ca_file,
            redact=ctx.redact,
        )

    def send(self, payloads: Sequence[bytes]) -> None:
        """Post payloads, several of them only in version 1.0."""
        if self.takes_version_2 and len(payloads) == 1 and version_2.is_version_2(payloads[0]):
            if self._is_taken_as_version_2(payloads[0]):
                return
            self.takes_version_2 = False
            self._log.warning("%s does not know remote write 2.0: it gets 1.0 from now on", self._sender.place)
        bodies = [version_2.as_version_1(each) if version_2.is_version_2(each) else each for each in payloads]
        self._sender.post(join(body[len(version_1.TAG) :] for body in bodies), version_1.HEADERS)

    def _is_taken_as_version_2(self, payload: bytes) -> bool:
        """Post it; some servers answer with success to what they do not know, and store nothing.

        Raises `RecordsRefused` for as many samples as the server says that it has not written.
        """
        try:
            answer = self._sender.post(version_2.body_of(payload), version_2.HEADERS)
        except RecordsRefused as error:
            if error.status == UNSUPPORTED_MEDIA_TYPE:
                return False
            refused = _not_written(payload, error.headers)
            raise RecordsRefused(refused, str(error), fix=error.fix, status=error.status) from None
        if refused := _not_written(payload, answer.headers):
            raise RecordsRefused(refused, f"{self._sender.place} has not written all samples")
        return version_2.WRITTEN in answer.headers

    def cancel(self) -> None:
        """Break the connection; from any thread."""
        self._sender.cancel()

    def close(self) -> None:
        """Let go of the connection."""
        self._sender.close()


def _not_written(payload: bytes, headers: Mapping[str, str]) -> int | None:
    """How many samples of a request were not written; None where the server does not say."""
    written = headers.get(version_2.WRITTEN, "")
    return max(0, version_2.samples_of(payload) - int(written)) if written.isdecimal() else None

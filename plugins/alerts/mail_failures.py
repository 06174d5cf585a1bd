"""Why a mail did not get through, and what helps; nothing that a server says is repeated, except mechanisms by name."""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence

from collector_core import AuthFailed, NotAvailable, Reason
from collector_plugins.alerts.background_delivery import DeliveryRefused
from collector_plugins.alerts.channel_options import EmailOptions

PERMANENT = 500  # reply codes from here on: https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1
NEEDS_TLS = 530  # "Must issue a STARTTLS command first": https://www.rfc-editor.org/rfc/rfc3207#section-4
NEEDS_LOGIN = (530, 535, 550, 554)  # to a sender who has not logged in
IMPLICIT_TLS_PORT = 465
MAX_MECHANISMS = 10
_MECHANISM = re.compile(r"[A-Za-z0-9_-]{1,20}")


class MailFailures:
    """Puts the failures of one mail server into words."""

    def __init__(self, options: EmailOptions) -> None:
        self._options = options
        self._server = f"{options.host}:{options.port}"

    def no_starttls(self) -> NotAvailable:
        """The server does not offer to encrypt: nothing was sent."""
        detail = f"{self._server} does not offer STARTTLS, so nothing was sent in plain text"
        fix = f"`tls: tls` with port {IMPLICIT_TLS_PORT} if the server has it, or another server"
        return DeliveryRefused(Reason.NOT_SUPPORTED, detail, fix=fix)

    def no_login(self, offered: Sequence[str], known: Sequence[str]) -> NotAvailable:
        """The server offers no login, or none that the library knows."""
        named = [name.upper() for name in offered if _MECHANISM.fullmatch(name)][:MAX_MECHANISMS]
        if not named:
            detail = f"{self._server} does not offer a login (AUTH)"
            fix = "remove `username` and `password` if it takes mail without, or use its submission port, 587 or 465"
        else:
            ours = ", ".join(sorted(name.upper() for name in known))
            detail = (
                f"{self._server} offers only logins that are not supported: {', '.join(named)}; supported are {ours}"
            )
            fix = "enable PLAIN or LOGIN on the server (they are safe over TLS), or use another server"
        return DeliveryRefused(Reason.NOT_SUPPORTED, detail, fix=fix)

    def login_refused(self, code: int) -> NotAvailable | AuthFailed:
        """The server does not take the password, for now or for good."""
        detail, fix = f"{self._server} answers {code} to the login", "check `username` and `password`"
        if code >= PERMANENT:
            return AuthFailed(detail, fix=fix)
        return NotAvailable(Reason.AUTH, detail, fix=fix)

    def refused(self, code: int) -> NotAvailable:
        """The server refuses the connection, the sender or the mail."""
        detail = f"{self._server} answers {code}"
        fix = ""
        if code == NEEDS_TLS and self._options.tls == "off":
            fix = "it probably requires encryption: `tls: starttls`"
        elif code in NEEDS_LOGIN and self._options.username is None:
            fix = "it may require a login: set `username` and `password`; or it does not accept `from`"
        return _refusal(code, Reason.UNREACHABLE, detail, fix)

    def recipients_refused(self, code: int) -> NotAvailable:
        """Every address is refused, with this code or a higher one."""
        return _refusal(code, Reason.BAD_DATA, f"{self._server} refuses every address in `to`", "check `to`")

    def address_not_supported(self) -> NotAvailable:
        """An address has letters that the server does not take."""
        detail = f"{self._server} does not take addresses with letters beyond ASCII (SMTPUTF8)"
        return DeliveryRefused(Reason.NOT_SUPPORTED, detail, fix="write `from` and `to` in ASCII")

    def unreachable(self, error: Exception) -> NotAvailable:
        """Whatever ended the connection; leaves out the exception's text: it may repeat what the server said."""
        chain = [error, error.__cause__, error.__context__]
        refused = next((each for each in chain if isinstance(each, ssl.SSLCertVerificationError)), None)
        if refused:
            fix = "name the certificate of its authority as `ca_file`"
            return NotAvailable(Reason.AUTH, f"{self._server}: {refused.verify_message}", fix=fix)
        if any(isinstance(each, ssl.SSLError) for each in chain) and self._options.tls == "tls":
            detail = f"{self._server} does not answer in TLS"
            fix = f"`tls: starttls`, or port {IMPLICIT_TLS_PORT}"
            return NotAvailable(Reason.NOT_SUPPORTED, detail, fix=fix)
        if any(isinstance(each, TimeoutError) for each in chain):
            detail = f"{self._server} does not greet within {self._options.timeout:g} s"
            fix = "check `host` and `port`; a port that expects TLS from the start, such as 465, needs `tls: tls`"
            return NotAvailable(Reason.TIMEOUT, detail, fix=fix)
        fix = "check `host`, `port` and `tls`"
        return NotAvailable(Reason.UNREACHABLE, f"{self._server}: {type(error).__name__}", fix=fix)


def _refusal(code: int, reason: Reason, detail: str, fix: str) -> NotAvailable:
    kind = DeliveryRefused if code >= PERMANENT else NotAvailable
    return kind(reason, detail, fix=fix)

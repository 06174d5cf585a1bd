"""Mail over SMTP, encrypted, and only to a server whose certificate is verified."""

from __future__ import annotations

import ssl
from email.message import EmailMessage
from email.utils import formatdate

from collector_core import AuthFailed, Clock, NotAvailable, Reason
from collector_plugins.alerts.background_delivery import DeliveryRefused
from collector_plugins.alerts.channel_options import EmailOptions
from collector_plugins.alerts.notification import Notification, one_line, text_lines

MAX_SUBJECT = 200  # characters
PERMANENT = 500  # reply codes from here on: https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1
INSTALL = "pip install 'energy-collector[alerts]'"


class MailChannel:
    """Sends each notification as one mail to all recipients."""

    def __init__(self, options: EmailOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._server = f"{options.host}:{options.port}"

    async def send(self, message: Notification) -> None:
        """Deliver the message; raises `NotAvailable`, `AuthFailed`, and `DeliveryRefused` for a permanent refusal."""
        try:
            import aiosmtplib  # noqa: PLC0415 - an extra
        except ImportError:
            raise NotAvailable(Reason.NOT_FOUND, "aiosmtplib is not installed", fix=INSTALL) from None
        options = self._options
        try:
            await aiosmtplib.send(
                self._mail(message),
                hostname=options.host,
                port=options.port,
                username=options.username,
                password=options.password.get_secret_value() if options.password else None,
                use_tls=options.tls == "tls",
                start_tls=options.tls == "starttls",
                tls_context=self._tls_context(),
                timeout=options.timeout,
            )
        except aiosmtplib.SMTPAuthenticationError as error:
            raise self._login_refused(error.code) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error.code, Reason.UNREACHABLE, f"{self._server} answers {error.code}") from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            code = min(each.code for each in error.recipients)
            detail = f"{self._server} refuses every address in `to`"
            raise _refused(code, Reason.BAD_DATA, detail, fix="check `to`") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._unreachable(error) from None

    def _tls_context(self) -> ssl.SSLContext | None:
        if self._options.tls == "off":
            return None
        try:
            return ssl.create_default_context(cafile=self._options.ca_file)
        except OSError as error:
            why = error.strerror or "not readable as PEM"
            detail = f"{self._options.ca_file} is not a certificate file: {why}"
            raise NotAvailable(Reason.NOT_FOUND, detail, fix="name another `ca_file`") from None

    def _login_refused(self, code: int) -> NotAvailable | AuthFailed:
        detail, fix = f"{self._server} answers {code} to the login", "check `username` and `password`"
        if code >= PERMANENT:
            return AuthFailed(detail, fix=fix)
        return NotAvailable(Reason.AUTH, detail, fix=fix)

    def _unreachable(self, error: Exception) -> NotAvailable:
        """Leaves out the exception's text: it may repeat what the server said, which is nobody's business here."""
        chain = [error, error.__cause__, error.__context__]
        refused = next((each for each in chain if isinstance(each, ssl.SSLCertVerificationError)), None)
        if refused:
            fix = "name the certificate of its authority as `ca_file`"
            return NotAvailable(Reason.AUTH, f"{self._server}: {refused.verify_message}", fix=fix)
        fix = "check `host`, `port` and `tls`"
        return NotAvailable(Reason.UNREACHABLE, f"{self._server}: {type(error).__name__}", fix=fix)

    def _mail(self, message: Notification) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = one_line(message.headline)[:MAX_SUBJECT]
        mail["From"] = self._options.sender
        mail["To"] = ", ".join(self._options.to)
        mail["Date"] = formatdate(self._clock.time())
        mail["Message-ID"] = f"<{message.id}@energy-collector.invalid>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content("\n".join(text_lines(message)) + "\n")
        return mail


def _refused(code: int, reason: Reason, detail: str, *, fix: str = "") -> NotAvailable:
    kind = DeliveryRefused if code >= PERMANENT else NotAvailable
    return kind(reason, detail, fix=fix)

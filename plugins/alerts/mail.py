"""Mail over SMTP, encrypted, and only to a server whose certificate is verified."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import formatdate
from typing import TYPE_CHECKING

from collector_core import Clock, NotAvailable, Reason
from collector_core.http.trust import trusting
from collector_plugins.alerts.channel_options import EmailOptions
from collector_plugins.alerts.mail_failures import MailFailures
from collector_plugins.alerts.notification import Notification, one_line, text_lines

if TYPE_CHECKING:
    import ssl

    from aiosmtplib import SMTP

MAX_SUBJECT = 200  # characters
MAX_LINE = 900  # characters
INSTALL = "pip install 'energy-collector[alerts]'"


class MailChannel:
    """Sends each notification as one mail to all recipients."""

    def __init__(self, options: EmailOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._failures = MailFailures(options)

    async def send(self, message: Notification) -> None:
        """Deliver the message; raises `NotAvailable`, `AuthFailed`, and `DeliveryRefused` for a permanent refusal."""
        try:
            import aiosmtplib  # noqa: PLC0415 - an extra
        except ImportError:
            raise NotAvailable(Reason.NOT_FOUND, "aiosmtplib is not installed", fix=INSTALL) from None
        options = self._options
        server = aiosmtplib.SMTP(
            hostname=options.host,
            port=options.port,
            use_tls=options.tls == "tls",
            start_tls=False,
            tls_context=self._tls_context(),
            timeout=options.timeout,
        )
        try:
            async with server:
                await self._begin_session(server)
                await server.send_message(self._mail(message))
        except aiosmtplib.SMTPAuthenticationError as error:
            raise self._failures.login_refused(error.code) from None
        except aiosmtplib.SMTPResponseException as error:
            raise self._failures.refused(error.code) from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise self._failures.recipients_refused(min(each.code for each in error.recipients)) from None
        except aiosmtplib.SMTPNotSupported:
            raise self._failures.address_not_supported() from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._failures.unreachable(error) from None

    async def _begin_session(self, server: SMTP) -> None:
        """Encrypt and log in, as configured; without either of them nothing is sent."""
        await self._greet(server)
        if self._options.tls == "starttls":
            if not server.supports_extension("starttls"):
                raise self._failures.no_starttls()
            await server.starttls()
            await self._greet(server)
        if self._options.username is not None and self._options.password is not None:
            if not server.supported_auth_methods:
                raise self._failures.no_login(server.server_auth_methods, server.AUTH_METHODS)
            await server.login(self._options.username, self._options.password.get_secret_value())

    async def _greet(self, server: SMTP) -> None:
        """Ask what the server offers; one that does not know EHLO offers nothing."""
        from aiosmtplib import SMTPHeloError  # noqa: PLC0415 - an extra

        try:
            await server.ehlo()
        except SMTPHeloError:
            if not server.is_connected:
                raise
            await server.helo()

    def _tls_context(self) -> ssl.SSLContext | None:
        return None if self._options.tls == "off" else trusting(self._options.ca_file)

    def _mail(self, message: Notification) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = one_line(message.headline)[:MAX_SUBJECT]
        mail["From"] = self._options.sender
        mail["To"] = ", ".join(self._options.to)
        mail["Date"] = formatdate(self._clock.time())
        mail["Message-ID"] = f"<{message.id}@energy-collector.invalid>"
        mail["Auto-Submitted"] = "auto-generated"
        text = "\n".join(text_lines(message)) + "\n"
        mail.set_content(text, cte="7bit" if text.isascii() and _has_short_lines(text) else "quoted-printable")
        return mail


def _has_short_lines(text: str) -> bool:
    """Whether every line may be sent as it is: https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1."""
    return all(len(line) <= MAX_LINE for line in text.splitlines())

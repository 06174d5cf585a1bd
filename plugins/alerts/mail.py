"""Mail over SMTP, encrypted and to a server whose certificate is verified."""

from __future__ import annotations

import ssl
from email.message import EmailMessage
from email.utils import formatdate

from collector_core import Clock, Reason
from collector_plugins.alerts.channeloptions import EmailOptions
from collector_plugins.alerts.delivery import Undelivered
from collector_plugins.alerts.notification import Notification, lines, one_line

LONGEST_SUBJECT = 200  # characters
INSTALL = "pip install 'energy-collector[alerts]'"


class Mail:
    """Sends each notification as one message to all recipients."""

    def __init__(self, options: EmailOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock

    async def send(self, message: Notification) -> None:
        """Deliver it; raises `Undelivered`. A refusal that is meant to last (5xx) is not tried again."""
        try:
            import aiosmtplib  # noqa: PLC0415 - an extra
        except ImportError:
            raise Undelivered(Reason.NOT_FOUND, "aiosmtplib is not installed", fix=INSTALL) from None
        options = self._options
        where = f"{options.host}:{options.port}"
        try:
            await aiosmtplib.send(
                self._written(message),
                hostname=options.host,
                port=options.port,
                username=options.username,
                password=options.password.get_secret_value() if options.password else None,
                use_tls=options.tls == "tls",
                start_tls=options.tls == "starttls",
                tls_context=self._trust(),
                timeout=options.timeout,
            )
        except aiosmtplib.SMTPAuthenticationError as error:
            fix = "check `username` and `password`"
            raise Undelivered(Reason.AUTH, f"{where} answers {error.code} to the login", fix=fix, again=False) from None
        except aiosmtplib.SMTPResponseException as error:
            lasting = 500 <= error.code < 600
            raise Undelivered(Reason.UNREACHABLE, f"{where} answers {error.code}", again=not lasting) from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            lasting = all(each.code >= 500 for each in error.recipients)
            raise Undelivered(
                Reason.BAD_DATA, f"{where} refuses all of `to`", fix="check `to`", again=not lasting
            ) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._unreachable(error, where) from None

    def _trust(self) -> ssl.SSLContext | None:
        if self._options.tls == "off":
            return None
        try:
            return ssl.create_default_context(cafile=self._options.ca_file)
        except OSError as error:
            detail = f"{self._options.ca_file} is no file of certificates: {error.strerror or 'not readable as PEM'}"
            raise Undelivered(Reason.NOT_FOUND, detail, fix="name another `ca_file`") from None

    def _unreachable(self, error: Exception, where: str) -> Undelivered:
        """The text of these exceptions may repeat what the server said, which is nobody's business here."""
        chain = [error, error.__cause__, error.__context__]
        refused = next((each for each in chain if isinstance(each, ssl.SSLCertVerificationError)), None)
        if refused:
            fix = "name the certificate of its authority as `ca_file`"
            return Undelivered(Reason.AUTH, f"{where}: {refused.verify_message}", fix=fix)
        fix = "check `host`, `port` and `tls`"
        return Undelivered(Reason.UNREACHABLE, f"{where}: {type(error).__name__}", fix=fix)

    def _written(self, message: Notification) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = one_line(message.headline)[:LONGEST_SUBJECT]
        mail["From"] = self._options.sender
        mail["To"] = ", ".join(self._options.to)
        mail["Date"] = formatdate(self._clock.time())
        mail["Message-ID"] = f"<{message.id}@energy-collector.invalid>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content("\n".join(lines(message)) + "\n")
        return mail

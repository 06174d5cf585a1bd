"""Mail against a server on loopback: encrypted, verified, and refused in every way."""

import socket
import ssl
import sys
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from collector_core import Reason
from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.background_delivery import DeliveryRefused
from tests.plugins.alerts.conftest import channel_options, hot, message

SECRET = "correct-horse-battery"


class Inbox:
    """What a mail server got; `answers` says what it answers to a mail, and `rcpt` to a recipient."""

    def __init__(self):
        self.mails, self.recipients, self.encrypted = [], [], []
        self.answers, self.rcpt, self.auth = "250 OK", {}, "535 5.7.8 no"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        if self.answers.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
            self.recipients.append(envelope.rcpt_tos)
            self.encrypted.append(session.ssl is not None)
        return self.answers

    def authenticate(self, server, session, envelope, mechanism, data):
        if data.password == SECRET.encode():
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False, message=self.auth)


@pytest.fixture
def mail_server(certificate):
    """A mail server with TLS: `mail_server(tls="starttls")` returns its inbox and the channel's options."""
    made = []

    def start(tls="starttls"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.cert, certificate.key)
        inbox = Inbox()
        kinds = {
            "starttls": {
                "tls_context": context, "require_starttls": True,
                "authenticator": inbox.authenticate, "auth_required": True,
            },
            "tls": {"ssl_context": context},
            "off": {},
        }  # fmt: skip
        with socket.create_server(("localhost", 0)) as probe:
            port = probe.getsockname()[1]
        made.append(Controller(inbox, hostname="localhost", port=port, **kinds[tls]))
        made[-1].start()
        channel = {
            "type": "email", "host": "localhost", "port": port, "tls": tls, "ca_file": str(certificate.cert),
            "from": "alerts@example.org", "to": ["ops@example.org", "boss@example.org"],
            **({"username": "me", "password": SECRET} if tls == "starttls" else {}),
        }  # fmt: skip
        return inbox, channel

    yield start
    for each in made:
        each.stop()


@pytest.mark.parametrize("tls", ["starttls", "tls", "off"])
def test_a_notification_is_one_mail_to_all_recipients(send, mail_server, tls):
    inbox, channel = mail_server(tls)
    assert send(message(0, hot(fix="open a window"), hot(2)), **channel) is None
    assert inbox.recipients == [["ops@example.org", "boss@example.org"]]
    assert inbox.encrypted == [tls == "starttls"], "with `tls` the whole connection is, which its server does not see"
    (mail,) = inbox.mails
    assert mail["Subject"] == "[FIRING:2] Hot (2)"
    assert (mail["From"], mail["To"]) == ("alerts@example.org", "ops@example.org, boss@example.org")
    assert mail["Date"] == "Tue, 14 Nov 2023 22:13:20 -0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "- firing warning Hot: It is hot" in mail.get_content()
    assert "  fix: open a window" in mail.get_content()


def test_a_mail_that_is_sent_again_is_the_same_one(send, mail_server):
    inbox, channel = mail_server()
    for number in (1, 1, 2):
        send(message(number), **channel)
    ids = [mail["Message-ID"] for mail in inbox.mails]
    assert ids[0] == ids[1] == f"<{message(1).id}@energy-collector.invalid>" != ids[2]


def test_a_subject_is_one_line_of_bounded_length(send, mail_server):
    inbox, channel = mail_server()
    alert = Alert("1", {"alertname": "Hot", "severity": "warning"}, 1.7e9, "hot\r\nBcc: all@example.org\n" + "x" * 300)
    assert send(message(0, alert), **channel) is None
    (mail,) = inbox.mails
    assert mail["Bcc"] is None
    assert len(mail["Subject"]) == 200
    assert mail["Subject"].startswith("[FIRING] warning Hot: hot  Bcc: all@example.org x")


def test_mail_to_a_server_whose_certificate_is_not_trusted_is_not_sent(send, mail_server):
    inbox, channel = mail_server()
    error = send(**{name: value for name, value in channel.items() if name != "ca_file"})
    assert inbox.mails == []
    assert (error.reason, "self-signed" in error.detail, "ca_file" in error.fix) == (Reason.AUTH, True, True)
    assert not isinstance(error, DeliveryRefused), "somebody may put it right"


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_certificate_file_that_cannot_be_used_is_named(send, tmp_path, content):
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    addresses = {"from": "a@example.org", "to": ["b@example.org"]}
    error = send(type="email", host="localhost", port=1, ca_file=str(file), **addresses)
    assert str(file) in error.detail
    assert error.fix == "correct `ca_file`"


def test_a_wrong_password_is_final_and_not_told(send, mail_server):
    inbox, channel = mail_server()
    error = send(**channel | {"password": "wr0ng-canary"})
    assert inbox.mails == []
    assert isinstance(error, DeliveryRefused)
    assert (error.reason, error.fix) == (Reason.AUTH, "check `username` and `password`")
    assert "535" in error.detail
    assert "wr0ng-canary" not in repr(error) + error.detail


def test_a_login_that_is_refused_for_now_is_tried_again(send, mail_server):
    inbox, channel = mail_server()
    inbox.auth = "454 4.7.0 Temporary authentication failure"
    error = send(**channel | {"password": "wrong"})
    assert (error.reason, isinstance(error, DeliveryRefused)) == (Reason.AUTH, False)


@pytest.mark.parametrize(("answers", "final"), [("451 4.3.0 later", False), ("554 5.7.1 no", True)])
def test_a_mail_that_is_refused_is_tried_again_unless_the_server_says_never(send, mail_server, answers, final):
    inbox, channel = mail_server()
    inbox.answers = answers
    error = send(**channel)
    assert isinstance(error, DeliveryRefused) is final
    assert f"answers {answers[:3]}" in error.detail
    assert answers[4:] not in error.detail, "what the server says may hold anything"


@pytest.mark.parametrize(("codes", "final"), [((550, 550), True), ((550, 450), False)])
def test_recipients_that_are_all_refused_for_good_are_final(send, mail_server, codes, final):
    inbox, channel = mail_server()
    inbox.rcpt = {address: f"{code} no" for address, code in zip(channel["to"], codes, strict=True)}
    error = send(**channel)
    assert isinstance(error, DeliveryRefused) is final
    assert (error.reason, error.fix) == (Reason.BAD_DATA, "check `to`")


def test_one_recipient_that_is_refused_does_not_keep_the_mail_from_the_others(send, mail_server):
    inbox, channel = mail_server()
    inbox.rcpt = {"ops@example.org": "550 no"}
    assert send(**channel) is None
    assert inbox.recipients == [["boss@example.org"]]


def test_a_server_that_is_away_may_come_back(send):
    error = send(type="email", host="127.0.0.1", port=1, tls="off", **{"from": "a@b", "to": ["c@d"]})
    assert (error.reason, error.fix) == (Reason.UNREACHABLE, "check `host`, `port` and `tls`")
    assert not isinstance(error, DeliveryRefused)


def test_a_server_that_says_nothing_is_given_up(send):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = {"type": "email", "host": "127.0.0.1", "port": silent.getsockname()[1], "tls": "off"}
        error = send(**options, timeout="50ms", **{"from": "a@b", "to": ["c@d"]})
    assert error.reason in (Reason.TIMEOUT, Reason.UNREACHABLE), "whichever deadline of 50 ms is the first"


def test_without_the_library_it_says_what_to_install(send, monkeypatch):
    monkeypatch.setitem(sys.modules, "aiosmtplib", None)
    error = send(type="email", host="localhost", **{"from": "a@b", "to": ["c@d"]})
    assert (error.reason, error.fix) == (Reason.NOT_FOUND, "pip install 'energy-collector[alerts]'")


def test_the_password_is_hidden_in_the_options(mail_server):
    _, channel = mail_server()
    assert SECRET not in repr(channel_options(**channel))

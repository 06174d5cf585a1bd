"""Mail servers that lack something: what is said, what helps, and that nothing is sent in plain text."""

import pytest

from collector_core import Reason
from collector_plugins.alerts.background_delivery import DeliveryRefused
from tests.plugins.alerts.conftest import hot, message
from tests.smtpscript import ScriptedMailServer

ACCOUNT = {"username": "me", "password": "correct-horse"}


@pytest.fixture
def mail_server():
    """Starts scripted servers."""
    servers = []

    def start(*offers, **behaviour):
        servers.append(ScriptedMailServer(*offers, **behaviour))
        return servers[-1].__enter__()

    yield start
    for server in servers:
        server.__exit__()


@pytest.fixture
def mail(send):
    """Sends one mail to a server; returns how it failed."""

    def to(server, sent=None, **options):
        addresses = {"from": "me@example.org", "to": ["ops@example.org", "boss@example.org"]}
        given = {"type": "email", "host": "127.0.0.1", "port": server.port, "tls": "off", "timeout": "3s"}
        return send(sent, **{**given, **addresses, **options})

    return to


@pytest.mark.parametrize("offers", [("8BITMIME", "SIZE 1000"), ("AUTH PLAIN LOGIN",), ()])
def test_a_server_without_starttls_gets_nothing(mail, mail_server, offers):
    server = mail_server(*offers)
    error = mail(server, tls="starttls", **ACCOUNT)
    assert "does not offer STARTTLS" in error.detail
    assert "`tls: tls`" in error.fix
    assert (error.reason, type(error)) == (Reason.NOT_SUPPORTED, DeliveryRefused)
    assert [line.split()[0] for line in server.lines] == ["EHLO", "QUIT"]


def test_a_server_that_does_not_know_ehlo_offers_no_starttls(mail, mail_server):
    server = mail_server(knows_ehlo=False)
    assert "does not offer STARTTLS" in mail(server, tls="starttls").detail
    assert [line.split()[0] for line in server.lines] == ["EHLO", "HELO", "QUIT"]


def test_a_server_without_a_login_is_told_apart_from_a_wrong_password(mail, mail_server):
    error = mail(mail_server("8BITMIME"), **ACCOUNT)
    assert "does not offer a login (AUTH)" in error.detail
    assert "remove `username`" in error.fix
    assert (error.reason, type(error)) == (Reason.NOT_SUPPORTED, DeliveryRefused)


@pytest.mark.parametrize(
    ("offer", "named"),
    [("AUTH NTLM", "NTLM"), ("AUTH GSSAPI NTLM", "GSSAPI, NTLM"), ("AUTH XOAUTH2 <script>", "XOAUTH2")],
)
def test_a_server_with_logins_that_nobody_here_knows_is_named_with_its_list(mail, mail_server, offer, named):
    server = mail_server(offer)
    error = mail(server, **ACCOUNT)
    assert f"not supported: {named}; supported are CRAM-MD5, LOGIN, PLAIN" in error.detail
    assert "PLAIN or LOGIN" in error.fix
    assert (error.reason, type(error)) == (Reason.NOT_SUPPORTED, DeliveryRefused)
    assert "script" not in error.detail
    assert not any(line.startswith(("AUTH", "MAIL")) for line in server.lines)


def test_a_login_falls_back_to_the_next_mechanism(mail, mail_server):
    server = mail_server("AUTH CRAM-MD5 PLAIN LOGIN", login={"CRAM-MD5": "535 no", "PLAIN": "235 welcome"})
    assert mail(server, **ACCOUNT) is None
    assert len(server.mails) == 1


def test_a_password_with_an_umlaut_and_a_colon_reaches_a_server_that_knows_login_alone(mail, mail_server):
    server = mail_server("AUTH LOGIN", login={"LOGIN me grün:er": "235 welcome"})
    assert mail(server, username="me", password="grün:er") is None


def test_a_server_that_takes_ascii_alone_gets_quoted_printable(mail, mail_server):
    server = mail_server("SIZE 100000", ascii_only=True)
    alert = hot(fix="Lüfter prüfen")
    assert mail(server, message(0, alert)) is None
    assert b"quoted-printable" in server.mails[0]


@pytest.mark.parametrize("greeting", ["220-welcome\r\n220-to this\r\n220 server", "220 gr\xfc\xdf dich"])
def test_a_greeting_of_several_lines_or_in_latin_1_is_fine(mail, mail_server, greeting):
    assert mail(mail_server(greeting=greeting)) is None


def test_a_server_that_requires_encryption_says_so(mail, mail_server):
    error = mail(mail_server(mail_from="530 5.7.0 Must issue a STARTTLS command first"))
    assert (error.detail.endswith("answers 530"), error.fix) == (
        True,
        "it probably requires encryption: `tls: starttls`",
    )


def test_a_server_that_requires_a_login_says_so(mail, mail_server):
    error = mail(mail_server("AUTH PLAIN", mail_from="550 5.7.1 authenticate"))
    assert "set `username`" in error.fix


def test_a_port_without_tls_is_told_apart_from_one_that_is_away(mail, mail_server):
    error = mail(mail_server(), tls="tls")
    assert "does not answer in TLS" in error.detail
    assert "`tls: starttls`" in error.fix
    assert error.reason is Reason.NOT_SUPPORTED


def test_a_port_that_waits_for_tls_says_nothing(mail, mail_server):
    error = mail(mail_server(greeting=None), timeout="1s")
    assert error.reason is Reason.TIMEOUT


def test_an_address_that_the_server_cannot_take_is_named(mail, mail_server):
    error = mail(mail_server(), to=["lüfter@example.org"])
    assert "SMTPUTF8" in error.detail
    assert type(error) is DeliveryRefused

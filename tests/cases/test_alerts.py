"""The recorded cases about notifications."""

import pytest
import yaml

from collector_core import Reason
from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.background_delivery import DeliveryRefused
from collector_plugins.alerts.config import Config
from tests.plugins.alerts.conftest import hot, http, message, run, send
from tests.plugins.alerts.test_mail_failures import ACCOUNT, mail, mail_server

__all__ = ["http", "mail", "mail_server", "run", "send"]  # fixtures


def test_mail_without_starttls(case, mail, mail_server):
    said = (case("svc/mail-without-starttls") / "server.txt").read_text(encoding="utf-8")
    offers = [line[7:].strip() for line in said.splitlines() if line.startswith("S: 250")][1:]
    server = mail_server(*offers)
    error = mail(server, tls="starttls")
    assert isinstance(error, DeliveryRefused)
    assert error.reason is Reason.NOT_SUPPORTED
    assert "does not offer STARTTLS" in error.detail
    assert "tls: tls" in error.fix
    assert server.mails == []
    assert "does not offer a login" in mail(server, **ACCOUNT).detail


def test_mail_that_works(case, mail, mail_server):
    case("svc/mail-that-works")
    sent = message(0, Alert("1", {"alertname": "Voll", "severity": "warning"}, 1.7e9, "Füllstand in Küche"))
    plain = mail_server("SIZE 1000000", ascii_only=True)
    assert mail(plain, sent) is None
    assert b"quoted-printable" in plain.mails[0]
    second = mail_server("AUTH CRAM-MD5 PLAIN LOGIN", login={"CRAM-MD5": "535 no", "PLAIN": "235 OK"})
    assert mail(second, **ACCOUNT) is None
    third = mail_server("AUTH LOGIN", login={"LOGIN me pä:ss": "235 OK"})
    assert mail(third, username="me", password="pä:ss") is None
    fourth = mail_server(rcpt={"ops@example.org": "550 no"})
    assert mail(fourth, message(0, hot())) is None
    assert len(fourth.mails) == 1
    for greeting in ("220-one\r\n220-two\r\n220 three", "220 gr\xfc\xdf"):
        assert mail(mail_server(greeting=greeting)) is None


def test_alert_label_names(case):
    config = yaml.safe_load((case("svc/alert-label-names") / "config.yaml").read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match=r"rules.0.labels.my-team"):
        Config.model_validate(config["collectors"]["alerts"]["options"])

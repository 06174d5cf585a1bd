"""What is hidden: serial numbers where that is wished, and secrets in any text."""

from collector_plugins.solix.redaction import Redaction


def test_serials_are_shown_unless_they_are_to_be_hashed():
    shown, hashed = (Redaction("a@b.example", "pw", hash_serials=wish) for wish in (False, True))
    assert shown.device_label("SERIAL1") == "SERIAL1"
    assert hashed.device_label("SERIAL1") == Redaction("A@b.example", None, hash_serials=True).device_label("SERIAL1")
    assert len(hashed.device_label("SERIAL1")) == 12
    assert hashed.device_label("SERIAL1") != hashed.device_label("SERIAL2")
    assert hashed.device_label("SERIAL1") != Redaction("c@d.example", "pw", hash_serials=True).device_label("SERIAL1")


def test_a_name_does_not_tell_the_serial():
    hashed = Redaction("a@b.example", "pw", hash_serials=True)
    assert "SERIAL1" not in hashed.name_label("Shed SERIAL1", "SERIAL1")
    assert Redaction("a@b.example", "pw", hash_serials=False).name_label("Shed SERIAL1", "SERIAL1") == "Shed SERIAL1"


def test_secrets_are_taken_out_of_texts():
    redaction = Redaction("Owner@b.example", "pass word", hash_serials=False)
    redaction.add_secrets(["the-token", None, "", 3])
    text = redaction.redact_text("Login failed for Owner@b.example (owner@b.example): pass word, the-token")
    assert text == "Login failed for *** (***): ***, ***"

"""Options: what cannot work is refused at the start, in words."""

import pytest
from pydantic import ValidationError

from collector_plugins.http import Config

GOOD = {"name": "desk", "url": "http://192.0.2.7", "power_watts": "/p"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"power_watts": "p"}, "begins with /"),
        ({"power_watts": "/a~2"}, "begins with /"),
        ({"power_watts": None}, "either `model` or"),
        ({"model": "tasmota"}, "either `model` or"),
        ({"model": "shelly-gen3", "power_watts": None}, "the nearest is 'shelly-gen[12]'"),
        ({"url": "192.0.2.7"}, "http://"),
        ({"url": "http://me:secret@192.0.2.7"}, "use `username`"),
        ({"username": "me"}, "belong together"),
        ({"username": "me", "password": "x", "token": "y"}, "not both"),
        ({"format": "xml", "power_watts": "a[["}, "ElementTree"),
        ({"format": "text", "power_watts": "(("}, "regular expression"),
        ({"format": "csv"}, "'json'"),
        ({"watts": "/p"}, "Extra inputs"),
    ],
)
def test_a_device_that_cannot_work_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message) as caught:
        Config.model_validate({"devices": [GOOD | wrong]})
    assert "secret" not in str(caught.value)


def test_two_devices_have_two_names():
    with pytest.raises(ValidationError, match="two devices are called 'desk'"):
        Config.model_validate({"devices": [GOOD, GOOD]})


@pytest.mark.parametrize(
    ("more", "is_digest"),
    [
        ({"model": "shelly-gen2"}, True),
        ({"model": "tasmota"}, False),
        ({"model": "tasmota", "authentication": "digest"}, True),
        ({"model": "shelly-gen2", "authentication": "basic"}, False),
    ],
)
def test_a_login_is_sent_as_the_device_wants_it(more, is_digest):
    (device,) = Config.model_validate({"devices": [{"name": "a", "url": "http://192.0.2.7"} | more]}).devices
    assert device.is_digest is is_digest

"""Options: what cannot work is refused at the start, in words."""

import pytest
from pydantic import ValidationError

from collector_plugins.ups import Config, Ups

GOOD = {"name": "rack", "address": "192.0.2.4"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"address": "rack:port"}, "number from 1 to 65535"),
        ({"address": "rack:0"}, "number from 1 to 65535"),
        ({"address": "http://rack"}, "host:port"),
        ({"address": "2001:db8::7"}, "host:port"),
        ({"address": ""}, "host:port"),
        ({"address": "rack:"}, "host:port"),
        ({"address": 7}, "host:port"),
        ({"name": ""}, "at least 1"),
        ({"name": " rack"}, "blanks"),
        ({"ups": "two words"}, "pattern"),
        ({"ups": 'a"b'}, "pattern"),
        ({"password": "x"}, "Extra inputs"),
    ],
)
def test_a_server_that_cannot_work_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        Config.model_validate({"devices": [GOOD | wrong]})


def test_two_servers_have_two_names():
    with pytest.raises(ValidationError, match="two devices are called 'rack'"):
        Config.model_validate({"devices": [GOOD, GOOD]})


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("nas.lan", ("nas.lan", None)),
        ("nas.lan:1234", ("nas.lan", 1234)),
        ("[2001:db8::7]", ("2001:db8::7", None)),
        ("[2001:db8::7]:1234", ("2001:db8::7", 1234)),
    ],
)
def test_addresses_have_a_port_or_the_protocols_own(text, address):
    (device,) = Config.model_validate({"devices": [GOOD | {"address": text}]}).devices
    assert device.address == address


def test_without_devices_it_says_what_to_add(collector_harness):
    with pytest.raises(Exception, match="no device is configured") as caught:
        collector_harness(Ups).run()
    assert "address: localhost" in caught.value.fix

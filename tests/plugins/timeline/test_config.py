"""Options are checked before anything is connected, and the password is in no message."""

import pytest
from pydantic import ValidationError

from collector_plugins.timeline.config import Config

URL = "postgresql://u:p@localhost/db"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:hunter2@localhost/db",
        "localhost",
        "postgresql://u:hunt@er2@localhost/db",
        "postgresql://u:hunter2%zz@localhost/db",
        "postgresql://u:hunter2@[::1/db",
    ],
)
def test_a_bad_address_is_refused_without_repeating_it(url):
    with pytest.raises(ValidationError) as bad:
        Config(url=url)
    assert "er2" not in str(bad.value)


@pytest.mark.parametrize(
    "options",
    [
        {"table": ""},
        {"table": "x" * 64},
        {"table": "a.\0"},
        {"columns": {"value": ""}},
        {"columns": {"values": "v"}},
        {"events": {"a{": "b"}},
        {"events": {"a": ""}},
        {"events": {"a": {"event_type": "b", "scale": "inf"}}},
    ],
)
def test_what_cannot_be_a_name_or_a_selector_is_refused(options):
    with pytest.raises(ValidationError):
        Config(url=URL, **options)


def test_the_address_is_a_secret():
    assert "p@" not in repr(Config(url=URL))

"""The table of options shows what is nested, however it is nested."""

from typing import Annotated, Literal

from pydantic import Field

from collector_core import CollectorConfig, Options
from collector_core.plugins.option_rows import OptionRow, option_rows


class Login(Options):
    """How to log in."""

    user: str = Field(description="Who.")


class Mail(Options):
    """A channel."""

    type: Literal["mail"]
    login: Login | None = Field(None, description="If it wants one.")
    retries: int = Field(3, description="How often.")


class Hook(Options):
    """Another."""

    type: Literal["hook"]
    url: str = Field(description="Where to.")
    retries: int = Field(3, description="How often.")


class Config(CollectorConfig):
    """Options of all shapes."""

    login: Login = Field(Login(user="a"), description="The first login.")
    hosts: tuple[Login, ...] = Field((), description="Others.")
    channels: dict[str, Annotated[Mail | Hook, Field(discriminator="type")]] = Field({}, description="Channels.")
    names: dict[str, tuple[str, ...]] = Field({}, description="No section.")


def rows():
    return {row.key: row for row in option_rows(Config)}


def test_a_section_is_written_below_its_option_with_its_path():
    assert rows()["login.user"] == OptionRow("login.user", "required", "Who.")
    assert list(rows()).index("login.user") == list(rows()).index("login") + 1


def test_a_section_that_several_options_take_is_written_out_once():
    assert [key for key in rows() if key.endswith(".user")] == ["login.user"]


def test_what_all_kinds_of_section_have_is_said_once_and_the_rest_says_whose_it_is():
    assert rows()["channels.NAME.retries"] == OptionRow("channels.NAME.retries", "`3`", "How often.")
    assert rows()["channels.NAME.url"] == OptionRow("channels.NAME.url", "required", "`hook`: Where to.")
    assert rows()["channels.NAME.login"].description == "`mail`: If it wants one."


def test_what_holds_no_section_is_one_row():
    assert [key for key in rows() if key.startswith("names")] == ["names"]


def test_items_of_a_list_have_brackets():
    class Listed(CollectorConfig):
        """A list."""

        hosts: tuple[Login, ...] = Field((), description="Others.")

    assert [row.key for row in option_rows(Listed)] == ["hosts", "hosts[].user"]

"""All that is wrong with a configuration is said at once, with its line and the nearest valid key."""

from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from collector_core import Collector, CollectorConfig, Field, Gauge, SecretStr
from collector_core.config.secrets import secrets_of
from collector_core.config.settings import default_instance, parse_listen, plugin_names, read_document, validate
from collector_core.errors import ConfigError
from collector_core.options import parse_duration
from collector_core.plugins.discovery import Plugin, Plugins


class Host(CollectorConfig):
    name: str = Field(description="Name.")
    port: int = Field(22, ge=1, le=65535, description="Port.")


class ShellyConfig(CollectorConfig):
    hosts: list[Host] = Field([], description="Hosts.")
    password: SecretStr | None = Field(None, description="Password.")


class Shelly(Collector[ShellyConfig]):
    """A plug."""

    name, config_type = "shelly", ShellyConfig
    metrics = (Gauge("shelly_on", "On."),)

    def collect(self, out):
        out.add(self.metrics[0], 1)


class NeedyConfig(CollectorConfig):
    url: str = Field(description="URL.")


class Needy(Shelly):
    """Has an option that must be given."""

    name, config_type = "needy", NeedyConfig


PLUGINS = Plugins(
    [
        Plugin("shelly", "shelly", "1", types=(Shelly,)),
        Plugin("needy", "needy", "1", types=(Needy,)),
        Plugin("torn", "torn", "1", error="ImportError: no"),
    ]
)


@pytest.fixture
def check(check_with):
    return partial(check_with, PLUGINS)


@pytest.fixture
def problems(check):
    def problems(text):
        with pytest.raises(ConfigError) as caught:
            check(text)
        return [str(problem).partition("config.yaml")[2] for problem in caught.value.problems]

    return problems


def test_a_whole_file(check):
    config = check(
        """
listen: 0.0.0.0:9000
web_config: web.yml
collectors:
  shelly:
  garage:
    plugin: shelly
    interval: 10s
    timeout: 500ms
    stale_after: 1m
    labels: {building: barn}
    max_series: 10
    options: {hosts: [{name: a}]}
"""
    )
    shelly, garage = config.instances
    assert (shelly.interval, shelly.timeout, shelly.stale_after) == (5.0, 5.0, 15.0)
    assert (shelly.max_series, garage.max_series) == (Shelly.default_max_series, 10)
    assert (garage.name, garage.type, garage.interval, garage.timeout, garage.stale_after) == (
        "garage",
        Shelly,
        10.0,
        0.5,
        60.0,
    )
    assert garage.labels == (("building", "barn"),)
    assert garage.options.hosts == [Host(name="a")]
    assert config.settings.web_config.is_absolute()


def test_every_error_of_a_file_is_reported_together(problems):
    found = problems(
        """
listn: 0.0.0.0:9000
collectors:
  shely:
  shelly:
    intervall: 5s
    timeout: soon
    options:
      hosts:
        - {name: a, prot: 22}
        - {port: 70000}
  torn:
"""
    )
    assert found == [
        ":2: listn: unknown key; did you mean 'listen'?",
        ":4: collectors.shely: there is no plugin named 'shely'; did you mean 'shelly'?",
        ":6: collectors.shelly.intervall: unknown key; did you mean 'interval'?",
        ":7: collectors.shelly.timeout: a duration is a number with a unit: 500ms, 5s, 2m, 1h",
        ":10: collectors.shelly.options.hosts[0].prot: unknown key; did you mean 'port'?",
        ":11: collectors.shelly.options.hosts[1].name: is missing",
        ":11: collectors.shelly.options.hosts[1].port: must be less than or equal to 65535",
        ":12: collectors.torn: plugin 'torn' cannot be loaded: ImportError: no",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "the file must contain keys"),
        ("collectors: [shelly]\n", "collectors: must be a section of keys"),
        ("collectors: {shelly: 5}\n", "collectors.shelly: must be a section of keys"),
        ("collectors: {'a b': {plugin: shelly}}\n", "is not a name"),
        ("collectors: {shelly: {labels: {Building: x}}}\n", "snake_case"),
        ("collectors: {shelly: {labels: {building: 5}}}\n", "valid string"),
        ("collectors: {shelly: {interval: 0}}\n", "greater than or equal to"),
        ("collectors: {shelly: {interval: .inf}}\n", "less than or equal to 86400"),
        ("collectors: {shelly: {interval: true}}\n", "a duration is"),
        ("collectors: {shelly: {max_series: 0}}\n", "greater than or equal to 1"),
        ("listen: 9877\n", "valid string"),
        ("listen: localhost\n", "address:port"),
        ("listen: 'localhost:99999'\n", "address:port"),
        ("collectors: {needy: }\n", "collectors.needy.options.url: is missing"),
        ("allowed_hosts: example.org\n", "allowed_hosts: must be a list"),
    ],
)
def test_wrong_values_are_named(problems, text, message):
    assert any(message in problem for problem in problems(text)), problems(text)


def test_secrets_come_from_the_environment_and_files_and_are_never_repeated(check, problems, tmp_path, monkeypatch):
    monkeypatch.setenv("SHELLY_PASSWORD", "hunter2")
    (tmp_path / "secret").write_text("swordfish\n")
    (tmp_path / "secret").chmod(0o600)
    config = check("collectors: {shelly: {options: {password: {$env: SHELLY_PASSWORD}}}}")
    assert config.instances[0].options.password.get_secret_value() == "hunter2"
    assert config.secrets == {"hunter2"}
    assert "hunter2" not in repr(config.instances)
    config = check("collectors: {shelly: {options: {password: {$file: secret}}}}")
    assert config.instances[0].options.password.get_secret_value() == "swordfish"
    text = "listen: {$env: SHELLY_PASSWORD}\ncollectors: {shelly: {options: {hosts: [{$env: SHELLY_PASSWORD}]}}}"
    assert "hunter2" not in "".join(problems(text))


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ("{$env: NOT_SET_ANYWHERE}", "NOT_SET_ANYWHERE: this environment variable is not set"),
        ("{$file: missing}", "missing: No such file or directory"),
        ("{$file: .}", "Is a directory"),
        ("{$file: empty}", "the file is empty"),
    ],
)
def test_a_missing_secret_is_named(problems, tmp_path, secret, message):
    (tmp_path / "empty").touch()
    found = problems(f"collectors: {{shelly: {{options: {{password: {secret}}}}}}}")
    assert any(message in problem for problem in found)


def test_a_secret_that_is_written_as_it_is_is_one_too(check):
    assert check("collectors: {shelly: {options: {password: hunter2}}}").secrets == {"hunter2"}


def test_secrets_are_found_at_any_depth_but_defaults_are_none():
    class Login(BaseModel):
        password: SecretStr | None = None

    class Options(CollectorConfig):
        community: SecretStr = SecretStr("public")
        devices: list[Login]
        by_name: dict[str, Login]

    options = Options(
        devices=[{"password": "swordfish"}, {"password": None}, {"password": ""}],
        by_name={"x": {"password": "hunter2"}},
    )
    assert set(secrets_of(options)) == {"swordfish", "hunter2"}


def test_a_header_that_is_as_short_as_a_name_is_left_in_paths_and_words():
    class Options(CollectorConfig):
        headers: dict[str, SecretStr]

    options = Options(headers={"X-Scope-OrgID": "home", "Authorization": "Bearer hunter2"})
    assert set(secrets_of(options)) == {"Bearer hunter2"}


def test_a_secret_that_all_can_read_is_warned_of(check, tmp_path, caplog):
    (tmp_path / "secret").write_text("swordfish")
    (tmp_path / "secret").chmod(0o644)
    check("collectors: {shelly: {options: {password: {$file: secret}}}}")
    assert "chmod 600" in caplog.text
    assert "swordfish" not in caplog.text


def test_an_empty_file_means_defaults(check):
    assert check("").instances is None
    assert check("collectors: {}\n").instances == ()


def test_the_plugins_a_file_needs_are_known_before_they_are_loaded(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("collectors: {a: , b: {plugin: c}, d: {}}")
    assert plugin_names(read_document(path)) == {"a", "c", "d"}
    path.write_text("listen: 127.0.0.1:1")
    assert plugin_names(read_document(path)) is None


def test_defaults_need_no_file_but_required_options_do():
    assert default_instance(Shelly).options == ShellyConfig()
    with pytest.raises(ConfigError, match="options.url|url: is missing"):
        default_instance(Needy)


@pytest.mark.parametrize(
    ("listen", "address"),
    [("127.0.0.1:9877", ("127.0.0.1", 9877)), ("[::1]:80", ("::1", 80)), (":0", ("", 0)), ("box:1", ("box", 1))],
)
def test_addresses(listen, address):
    assert parse_listen(listen) == address


@pytest.mark.parametrize("listen", ["::1:80", "9877", "host:", "host:x", "host:-1", "host:65536", "[]:1"])
def test_bad_addresses(listen):
    with pytest.raises(ValueError, match="address:port"):
        parse_listen(listen)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("500ms", 0.5), ("5s", 5), ("1.5m", 90), ("1h", 3600), (7, 7), ("1d", 86400), ("90", 90), (" 2 m ", 120)],
)
def test_durations(text, expected):
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "s", "5x", "-5s", "1m30s", "5 5", "1e3", "٫5s", None, True, []])
def test_bad_durations(text):
    with pytest.raises(ValueError, match="a duration is"):
        parse_duration(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_any_data_is_valid_or_refused(data):
    from collector_core.config.yamlfile import Document

    for document in (
        data,
        {"collectors": data},
        {"collectors": {"shelly": data}},
        {"collectors": {"shelly": {"options": data}}},
    ):
        if isinstance(document, dict):
            try:
                validate(Document(Path("x"), document, {}), PLUGINS)
            except ConfigError as error:
                assert error.problems


def test_a_broken_plugin_is_told_apart_from_what_is_wrong_with_the_file(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("collectors:\n  shelly: {options: {hosts: [{name: a}]}}\n  garage: {plugin: torn}\n")
    config = validate(read_document(file), PLUGINS)
    assert [instance.name for instance in config.instances] == ["shelly"]
    assert [(each.name, each.plugin.name) for each in config.unloadable] == [("garage", "torn")]
    assert str(config.unloadable[0].problem).endswith(
        ":3: collectors.garage.plugin: plugin 'torn' cannot be loaded: ImportError: no"
    )

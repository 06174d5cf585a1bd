"""An env file as others of the field have it: it holds where the configuration is silent."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.config.settings import read_document, settings_of
from collector_core.options import parse_env
from collector_core.testing.harness import Harness
from collector_plugins.sites import Sites
from collector_plugins.sites.config import Config

ENV = """
# Application
ENVIRONMENT=production
DEBUG=false
API_HOST=0.0.0.0
API_PORT=8000   # HTTP
REDIS_HOST=redis
REDIS_PORT=6379
export FORECAST_DAYS="14"  # Days
MODEL_RETRAIN_INTERVAL=72  # Hours
DATABASE_HOST=db.example
DATABASE_PORT=6432
DATABASE_USER=energy
DATABASE_PASSWORD=p@ss word
DATABASE_NAME=energy
TIMESCALEDB_ENABLED=false
"""


@pytest.fixture
def env_file(tmp_path):
    file = tmp_path / ".env"
    file.write_text(ENV)
    return file


def parse(folder, **options):
    return Config.model_validate(options, context={"folder": folder})


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        (" A = 1 ", "1"),
        ("export A=1", "1"),
        ("A=168   # Hours", "168"),
        ("A=a#b", "a#b"),
        ("A='a # b'  # c", "a # b"),
        ('A="a"', "a"),
        ("A=1\nA=2", "2"),
        ("A=", None),
        ("A=  # nothing", None),
        ("#A=1", None),
        ("A", None),
    ],
)
def test_lines(line, value):
    assert parse_env(line).get("A") == value


@given(st.text())
def test_any_text_has_names_with_values_or_none(text):
    assert all(name and value for name, value in parse_env(text).items())


def test_what_it_sets_holds_where_the_configuration_is_silent(env_file):
    assert parse(env_file.parent, env_file=".env").forecast_days == 14
    assert parse(env_file.parent, env_file=".env", forecast_days=7).forecast_days == 7
    config = parse(env_file.parent, env_file=".env", database={"port": 5433}, timescaledb=True)
    assert config.database_url.get_secret_value() == "postgresql://energy:p%40ss%20word@db.example:5433/energy"
    assert (config.retrain_every, config.timescaledb) == (72 * 3600, "on")
    assert parse(env_file.parent, env_file=".env").timescaledb == "off"
    url = "postgresql://other/energy"
    assert parse(env_file.parent, env_file=".env", database=url).database_url.get_secret_value() == url
    assert parse(env_file.parent, env_file=".env", database=None).database_url is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FORECAST_DAYS=soon", "FORECAST_DAYS: must be a number"),
        ("API_PORT=http", "API_PORT: must be a port"),
        ("DATABASE_HOST=db\nDATABASE_PORT=99999", "DATABASE_PORT: must be a port"),
        ("TIMESCALEDB_ENABLED=perhaps", "TIMESCALEDB_ENABLED: must be true or false"),
    ],
)
def test_a_wrong_value_is_named(tmp_path, text, words):
    (tmp_path / ".env").write_text(text)
    with pytest.raises(ValueError, match=f"env_file: {words}"):
        parse(tmp_path, env_file=".env")


def test_a_port_alone_is_no_database(tmp_path):
    (tmp_path / ".env").write_text("DATABASE_PORT=5432\nTIMESCALEDB_ENABLED=true")
    config = parse(tmp_path, env_file=".env")
    assert (config.database_url, config.timescaledb) == (None, "auto")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"\.env: No such file"):
        parse(tmp_path, env_file=".env")


@pytest.mark.parametrize(
    ("listen", "env", "expected"),
    [
        ("", "API_HOST=0.0.0.0\nAPI_PORT=8000", "0.0.0.0:8000"),
        ("", "API_PORT=8000", "127.0.0.1:8000"),
        ("", "API_HOST=::", "[::]:9877"),
        ("", "API_PORT=nonsense", "127.0.0.1:9877"),
        ("", "OTHER=1", "127.0.0.1:9877"),
        ("listen: 127.0.0.1:9999\n", "API_HOST=0.0.0.0\nAPI_PORT=8000", "127.0.0.1:9999"),
    ],
)
def test_the_address_to_serve_on_is_taken_from_it_unless_the_configuration_has_one(tmp_path, listen, env, expected):
    (tmp_path / ".env").write_text(env)
    file = tmp_path / "config.yaml"
    file.write_text(
        f"{listen}collectors: {{sites: {{options: {{env_file: .env}}}}, others: {{options: {{env_file: 5}}}}}}"
    )
    assert settings_of(read_document(file)).listen == expected


async def test_what_has_no_effect_is_said_once(state, env_file, caplog):
    collector = Harness(Sites, env_file=str(env_file), database=None).collector
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            await collector.open()
            await collector.close()
    told = [record.getMessage() for record in caplog.records if "without effect" in record.getMessage()]
    assert len(told) == 1
    assert told[0].endswith("DEBUG, ENVIRONMENT, REDIS_HOST, REDIS_PORT")

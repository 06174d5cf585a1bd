"""Configuration files are strict, bounded, and every problem has a line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.config.yamlfile import MAX_BYTES, load, parse
from collector_core.errors import ConfigError

FILE = Path("config.yaml")


def test_values_follow_yaml_1_2():
    text = "a: no\nb: 12:30:45\nc: 1e3\nd: 0x10\ne: ~\nf: true\ng: .5\nh: '5'\ni: 010\nj: -.inf\nk: 2026-01-01\n"
    assert parse(text, FILE).data == {
        "a": "no",
        "b": "12:30:45",
        "c": 1000.0,
        "d": 16,
        "e": None,
        "f": True,
        "g": 0.5,
        "h": "5",
        "i": 10,
        "j": float("-inf"),
        "k": "2026-01-01",
    }


def test_every_value_knows_its_line():
    document = parse("a: 1\nb:\n  - c: 2\n  - d: 3\n", FILE)
    assert document.lines["b", 1, "d"] == 4
    assert str(document.problem(("b", 1, "x", "y"), "wrong")) == "config.yaml:4: b[1].x.y: wrong"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "config.yaml:3: a: duplicate key"),
        ("a: &x [1]\nb: *x\n", "config.yaml:2: aliases (*name) are not allowed"),
        ("[" * 3000, "config.yaml:1: nested deeper than 32 levels"),
        ("a: !!python/object/apply:os.system [ls]\n", "config.yaml:1"),
        ("a: !!python/name:os.system\n", "config.yaml:1: a: tag"),
        ("a:\n\tb: 1\n", "config.yaml:2: while scanning"),
        ("a: [1\n", "config.yaml:2: while parsing"),
        ("? [a]\n: 1\n", "config.yaml:1: a key must be plain text"),
        ("a: 1\n---\nb: 2\n", "config.yaml:2: expected a single document"),
        ("a: \x00\n", "config.yaml: not valid YAML"),
        ("<<: {a: 1}\n<<: {b: 1}\n", "config.yaml:2: <<: duplicate key"),
    ],
)
def test_bad_yaml_is_refused_with_its_line(text, message):
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    assert message in str(caught.value)


def test_an_alias_bomb_costs_nothing():
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(ConfigError, match="aliases"):
        parse(bomb, FILE)


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: None, "No such file"),
        (lambda path: path.write_bytes(b"a: 1\nb: \xff\n"), ":2: not UTF-8"),
        (lambda path: path.write_bytes(b"#" * (MAX_BYTES + 1)), "larger than"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, prepare, message):
    path = tmp_path / "config.yaml"
    prepare(path)
    with pytest.raises(ConfigError, match=message):
        load(path)


def test_an_empty_file_is_nothing(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("# only a comment\n")
    assert load(path).data is None


@given(st.one_of(st.text(), st.text("{}[]:,-*&!?|>'\"%@`# \n\tabc01.~")))
def test_any_text_is_parsed_or_refused(text):
    try:
        parse(text, FILE)
    except ConfigError as error:
        assert error.problems

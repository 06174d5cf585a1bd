"""Texts of which only the numbers change: both ways of reading them say the same, and see every other change."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector_core import _speed
from collector_core.procfs import FoundNumbers, NumberText, is_number
from collector_core.procfs.number_words import CompiledWords, NumberWords, PythonWords

TEXT = b"cpu 10 2.5 x\neth0: 7 kB\n"
WANTED = [(5, 1 / 1024), (1, 100.0)]
NUMBERS = [b"1", b"0", b"00", b"18446744073709551615", b"2.5", b".5", b"5.", b"9" * 308]
OTHERS = [b".", b"1.2.3", b"-1", b"+1", b"1e5", b"nan", b"inf", b"1_000", b"9" * 309, b"eth0:", b"kB", b"\xff", b"\0"]
MORE = st.from_regex(rb"[0-9]{1,25}(\.[0-9]{0,20})?", fullmatch=True)
WORDS = st.sampled_from([*NUMBERS, *OTHERS, "٣".encode(), b"0x10"]) | MORE
BLANKS = st.text(" \n\t\r\f\v", min_size=1, max_size=3).map(str.encode)


@pytest.fixture(params=["python", "compiled"])
def words(request: pytest.FixtureRequest) -> NumberWords:
    if request.param == "compiled" and _speed.problem:
        pytest.skip(f"the compiled part does not run: {_speed.problem}")
    return {"python": PythonWords, "compiled": CompiledWords}[request.param](TEXT, WANTED)


def test_numbers_are_taken_and_divided_in_the_order_in_which_they_are_wanted(words: NumberWords) -> None:
    assert words.read(TEXT) == array("d", [7 * 1024, 0.1])
    assert words.read(b"cpu  3 99\tx eth0: 0 kB") == array("d", [0.0, 0.03])


@pytest.mark.parametrize(
    "text",
    [
        b"cpu 10 2.5 y\neth0: 7 kB\n",
        b"cpu 10 2.5 x\neth1: 7 kB\n",
        b"cpu 10 2.5 x\neth0: 7 kB 1\n",
        b"cpu 10 2.5 x\neth0: 7\n",
        b"10 2.5 x cpu\neth0: 7 kB\n",
        b"cpu 10 2.5 x\neth0: -7 kB\n",
        b"cpu 1e3 2.5 x\neth0: 7 kB\n",
        b"",
    ],
)
def test_any_other_change_is_seen(words: NumberWords, text: bytes) -> None:
    assert words.read(text) is None


@pytest.mark.skipif(bool(_speed.problem), reason="the compiled part does not run")
@settings(max_examples=400, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=8), st.data())
def test_both_ways_say_the_same(model: list[bytes], data: st.DataObject) -> None:
    places = [place for place, word in enumerate(model) if is_number(word)]
    wanted = data.draw(st.lists(st.sampled_from(places), unique=True)) if places else []
    numbers = [(place, data.draw(st.sampled_from([1.0, 100.0, 1 / 512, 1000.0]))) for place in wanted]
    both = [way(b" ".join(model), numbers) for way in (PythonWords, CompiledWords)]
    for text in (b" ".join(model), *data.draw(st.lists(texts(model), max_size=4))):
        by_python, compiled = [way.read(text) for way in both]
        assert by_python == compiled
    assert by_python is not None or text != b" ".join(model)


def texts(model: list[bytes]) -> st.SearchStrategy[bytes]:
    """The same words, some of them others, with any blanks between them."""
    words = st.tuples(*[st.just(word) | WORDS for word in model])
    return st.tuples(words, BLANKS).map(lambda drawn: drawn[1].join(drawn[0]))


@pytest.mark.parametrize("kind", [PythonWords, CompiledWords])
def test_a_name_that_looks_like_a_number_is_one(kind: type[NumberWords]) -> None:
    if kind is CompiledWords and _speed.problem:
        pytest.skip(f"the compiled part does not run: {_speed.problem}")
    words = kind(b"8 0 7 100", [(3, 1.0)], [2])
    assert words.read(b"9 1 7 200") == array("d", [200.0])
    assert words.read(b"8 0 6 200") is None


def test_a_text_is_parsed_once_as_long_as_only_its_numbers_change() -> None:
    parsed: list[bytes] = []

    def find(text: bytes) -> FoundNumbers[list[float]]:
        parsed.append(text)
        if b"bad" in text:
            raise ValueError("bad")
        return FoundNumbers([(1, 1.0)], list)

    text = NumberText(find)
    assert [text.read(each) for each in (b"a 1", b"a 2", b"a 3")] == [[1.0], [2.0], [3.0]]
    assert parsed == [b"a 1"]
    assert text.read(b"b 4") == [4.0]
    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            text.read(b"bad 1")
    assert text.read(b"b 5") == [5.0]
    text.forget()
    assert text.read(b"b 6") == [6.0]
    assert parsed == [b"a 1", b"b 4", b"bad 1", b"bad 1", b"b 5", b"b 6"]

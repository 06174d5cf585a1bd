"""What a section of a plugin says, in the language of its reader."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import chain

from collector_core.web.pages.words import Words

PLACE = "{}"


class Translation:
    """Texts of a section as its translations have them, and as they are where these have nothing.

    A place `{}` in a text stands for what varies, which is translated by itself. Numbers are those of the language.
    """

    def __init__(self, words: Words, translations: Mapping[str, Mapping[str, str]]) -> None:
        self._words = words
        self._texts = translations.get(words.language, {})

    def __call__(self, text: str) -> str:
        """One text."""
        return self._words.numbers(self._said(text))

    def _said(self, text: str) -> str:
        if text in self._texts:
            return self._texts[text]
        for pattern, said in self._texts.items():
            if PLACE in pattern and (found := _expression(pattern).fullmatch(text)):
                parts = said.split(PLACE)
                return "".join(chain.from_iterable(zip(parts, [*map(self._said, found.groups()), ""], strict=False)))
        return text


@lru_cache(maxsize=512)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile("(.+?)".join(map(re.escape, pattern.split(PLACE))), re.DOTALL)

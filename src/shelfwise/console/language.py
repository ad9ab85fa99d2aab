"""The languages of the pages, and which of them a reader wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar, get_args

Language = Literal["en", "zh"]
T = TypeVar("T")

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
COOKIE: Final = "shelfwise_lang"


@dataclass(frozen=True)
class ByLanguage(Generic[T]):
    """The same words in every language; their type makes a missing one an error."""

    en: T
    zh: T

    def of(self, language: Language) -> T:
        """The words in one language."""
        return self.zh if language == "zh" else self.en


def language_of(asked: str | None, cookies: Mapping[str, str], accept: str) -> Language:
    """What the address asks for, else what the reader chose before, else what the browser prefers.

    >>> language_of(None, {}, "fr, zh-CN;q=0.9, en;q=0.8")
    'zh'
    >>> language_of("en", {COOKIE: "zh"}, "zh")
    'en'
    """
    for name in (asked, cookies.get(COOKIE)):
        for language in LANGUAGES:
            if name == language:
                return language
    return _preferred(accept)


def _preferred(accept: str) -> Language:
    best: Language = "en"
    best_weight = 0.0
    for part in accept.split(",")[:20]:
        tag, _, weight = part.partition(";q=")
        for language in LANGUAGES:
            value = _weight(weight)
            if tag.strip().lower().split("-")[0] == language and value > best_weight:
                best, best_weight = language, value
    return best


def _weight(text: str) -> float:
    try:
        return float(text or "1")
    except ValueError:
        return 0.0

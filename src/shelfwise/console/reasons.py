"""Reasons in the reader's language, from their kind and evidence; the engine itself writes English.

Nothing is added: each number in a sentence is one of the reason's own facts.
"""

from __future__ import annotations

from collections.abc import Callable

from shelfwise.console.figures import number
from shelfwise.console.language import Language
from shelfwise.console.words.reasons import EVIDENCE, SENTENCES, Sentences
from shelfwise.core.slate import Evidence, Reason

Title = Callable[[str], str]
"""The title of the product with an id."""


def reason_text(reason: Reason, language: Language, title: Title) -> str:
    """The sentence; the engine's English where there are no other words for it."""
    sentences = SENTENCES.get(language)
    pattern = None if sentences is None else sentences.kinds.get(reason.kind)
    if sentences is None or pattern is None:
        return reason.text
    values = {fact.name: _value(fact) for fact in reason.evidence}
    about = next((fact.item_id for fact in reason.evidence if fact.item_id is not None), None)
    other = "" if about is None else title(about)
    try:
        said = pattern.format(**(values | {"other": other}))
    except KeyError:  # the engine told less than the sentence says
        return reason.text
    return said + _more(sentences, reason, values)


def evidence_text(fact: Evidence, language: Language, title: Title) -> tuple[str, str]:
    """What the fact is called, and its value with the product it is about."""
    name = EVIDENCE.of(language).get(fact.name, fact.name.replace("_", " "))
    value = _value(fact)
    return name, value if fact.item_id is None else f"{value} · {title(fact.item_id)}"


def _value(fact: Evidence) -> str:
    return fact.value if isinstance(fact.value, str) else number(fact.value)


def _more(sentences: Sentences, reason: Reason, values: dict[str, str]) -> str:
    told = [sentences.more[name].format(**values) for name in values if name in sentences.more]
    facts = {fact.name: fact.value for fact in reason.evidence}
    here, there = facts.get("price"), facts.get("price_of_other")
    if isinstance(here, float) and isinstance(there, float):
        told.append(sentences.cheaper.format(saved=round(100 * (1 - here / there))))
    return "".join(told)

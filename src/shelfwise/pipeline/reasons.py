"""Says why each item is in a slate, from the very numbers that scored it.

The sources that gave most to an item's fused score are asked what moved their own score
(`Model.explain`); their counts become the sentence and its evidence. A fact that did not take part
in the score is never given as a reason; what reviewers praise is told as a fact beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.model import Contribution, Model
from shelfwise.core.requests import Requests
from shelfwise.core.slate import Evidence, Reason
from shelfwise.features.reviews import ReviewDigest
from shelfwise.pipeline.recommend import Ranked

KINDS: Final = (
    "bought_together",
    "bought_after",
    "bought_next",
    "bought_at_once",
    "bought_before_it",
    "bought_before",
    "chosen_before",
    "looked_before",
    "in_cart_before",
    "related",
    "taste",
    "similar",
    "popular",
    "reviews",
    "available",
)
"""Every kind of reason there is; the console has a sentence for each in each language."""
PER_ITEM = 2
"""Reasons given for each item at most, besides what reviewers say."""
ASKED = 1
"""Largest contributions that a source is asked for."""
FEWEST = 3
"""Fewer shoppers than this are a coincidence, not a reason."""
SMALLEST_SHARE = 0.05
"""A source that gave less of the score is not worth a reason."""


@dataclass(frozen=True)
class Labels:
    """What reasons call the products, by item code."""

    item_id: Callable[[int], str]
    title: Callable[[int], str | None]
    price: Callable[[int], float | None]

    def name(self, code: int) -> str:
        """The title, or the id where there is none."""
        return self.title(code) or self.item_id(code)


def reasons_for(
    models: Mapping[str, Model],
    requests: Requests,
    ranked: Ranked,
    labels: Labels,
    reviews: ReviewDigest,
) -> list[tuple[Reason, ...]]:
    """For a batch of one: the reasons of each item of the answer, strongest first.

    What reviewers praise is told last.
    """
    told: list[dict[str, Reason]] = [{} for _ in ranked.item]
    order = _most_telling_first(ranked)
    for place in range(order.shape[1]):
        wanted = PER_ITEM if place < PER_ITEM else 1
        short = [row for row, reasons in enumerate(told) if len(reasons) < wanted]
        for column, rows in _by_source(order[:, place], short).items():
            _ask(models, requests, ranked, column, rows, labels, told)
    return [
        (tuple(reasons.values()) or (_last_resort(),)) + _praise(reviews, int(item))
        for reasons, item in zip(told, ranked.item, strict=True)
    ]


_TELLING: Final[Mapping[str, float]] = {
    "item_knn": 2.0,
    "transition": 2.0,
    "next_item": 2.0,
    "ease": 2.0,
    "slim": 2.0,
    "graph": 2.0,
    "repeat": 2.0,
    "revisit": 2.0,
    "popular": 0.7,
    "als": 0.4,
    "bpr": 0.4,
    "coupled": 0.4,
}
"""How much more a counted fact tells a person than a likeness does, at the same share of score."""


_OF_ITSELF: Final = ("repeat", "revisit")
"""Sources whose reason is what the shopper did with the very product."""


def _most_telling_first(ranked: Ranked) -> NDArray[np.int64]:
    """[n_rows, n_sources] columns of the sources behind each row, -1 for those that are not.

    All that gave at least `SMALLEST_SHARE` of the score, and the one that gave most in any case.
    """
    share = ranked.source_share
    spoke = np.isfinite(ranked.source_score) & (share > 0)
    enough = share >= np.minimum(SMALLEST_SHARE, share.max(axis=1, keepdims=True, initial=0.0))
    telling = np.array([_TELLING.get(source, 1.0) for source in ranked.sources])
    weight = np.where(spoke & enough, share * telling, 0.0)
    order = np.argsort(-weight, axis=1, kind="stable")
    return np.where(np.take_along_axis(weight, order, axis=1) > 0, order, -1)


def _by_source(columns: NDArray[np.int64], rows: list[int]) -> dict[int, list[int]]:
    """The rows that each source is to be asked about."""
    out: dict[int, list[int]] = {}
    for row in rows:
        column = int(columns[row])
        if column >= 0:
            out.setdefault(column, []).append(row)
    return out


def _ask(
    models: Mapping[str, Model],
    requests: Requests,
    ranked: Ranked,
    column: int,
    rows: list[int],
    labels: Labels,
    told: list[dict[str, Reason]],
) -> None:
    """Adds what one source says of `rows`; an item gets no two reasons about one other product."""
    source = ranked.sources[column]
    explained = models[source].explain(requests, ranked.item[rows], ASKED)
    for row, contributions in zip(rows, explained, strict=True):
        reason = _reason(source, int(ranked.item[row]), contributions, labels)
        if reason is None:
            continue
        others = [fact.item_id for fact in reason.evidence if fact.item_id is not None]
        weight = float(ranked.source_share[row, column])
        told[row].setdefault(others[0] if others else reason.kind, replace(reason, weight=weight))


def _praise(reviews: ReviewDigest, item: int) -> tuple[Reason, ...]:
    """What reviewers praise most, if anything; products added after training have no reviews."""
    if item >= len(reviews.sentiment):
        return ()
    first = reviews.most_praised(item)
    if first is None:
        return ()
    mentioned = first.n_positive + first.n_negative
    evidence = (
        Evidence("reviews_praising", first.n_positive),
        Evidence("reviews_mentioning", mentioned),
        Evidence("quote", first.quote),
    )
    text = f"{first.n_positive} of {mentioned} reviewers who mention the {first.aspect} praise it"
    return (Reason("reviews", text, evidence),)


def _last_resort() -> Reason:
    return Reason("available", "Nothing closer to this shopper is left to show")


def _reason(
    source: str, item: int, contributions: list[Contribution], labels: Labels
) -> Reason | None:
    others = [why for why in contributions if why.because != item or source in _OF_ITSELF]
    if not others:
        return None
    return TEMPLATES.get(source, _OF_ANY_MODEL)(item, others[0], labels)


def _popular(item: int, why: Contribution, labels: Labels) -> Reason | None:
    del item, labels
    shoppers = int(why.facts.get("shoppers", 0))
    if shoppers < 1:
        return None
    who = "1 shopper" if shoppers == 1 else f"{shoppers:,} shoppers"
    evidence: tuple[Evidence, ...] = (Evidence("shoppers", shoppers),)
    days = int(why.facts.get("days", 0))
    if days < 1:
        return Reason("popular", f"Chosen by {who}", evidence)
    evidence = (*evidence, Evidence("days", days))
    return Reason("popular", f"Chosen by {who} in the last {days} days", evidence)


def _counted(*ways: tuple[str, str, str]) -> Callable[[int, Contribution, Labels], Reason | None]:
    """A reason that counts shoppers who had one product and then (or also) the other.

    `ways` are (fact, kind, phrase), the more telling first; the first with enough shoppers is told.
    """

    def reason(item: int, why: Contribution, labels: Labels) -> Reason | None:
        del item
        of = int(why.facts.get("of", 0))
        for fact, kind, phrase in ways:
            both = int(why.facts.get(fact, 0))
            if why.because < 0 or not FEWEST <= both <= of:
                continue
            other = labels.item_id(why.because)
            text = f"{phrase} {_quoted(why.because, labels)} by {both:,} of {of:,} shoppers"
            return Reason(kind, text, (Evidence("both", both, other), Evidence("of", of, other)))
        return None

    return reason


def _like(kind: str, phrase: str) -> Callable[[int, Contribution, Labels], Reason | None]:
    """A reason by likeness to a product the shopper knows."""

    def reason(item: int, why: Contribution, labels: Labels) -> Reason | None:
        if why.because < 0:
            return None
        shared = [name for name in ("brand", "category") if why.facts.get(f"same_{name}")]
        start = f"Same {' and '.join(shared)} as" if shared else phrase
        text = f"{start} {_quoted(why.because, labels)}"
        cheaper, evidence = _cheaper(item, why.because, labels)
        other = labels.item_id(why.because)
        told = (Evidence("share_of_score", round(float(why.amount), 4), other), *evidence)
        return Reason(kind, text + cheaper, told)

    return reason


def _again(item: int, why: Contribution, labels: Labels) -> Reason | None:
    del item, labels
    times, days = int(why.facts.get("times", 0)), why.facts.get("days_ago")
    if times < 1:
        return None
    often = "once" if times == 1 else "twice" if times == 2 else f"{times} times"
    evidence = [Evidence("times", times)]
    bought = bool(why.facts.get("bought", 1.0))
    text = f"You {'bought' if bought else 'chose'} it {often}"
    if days is not None and np.isfinite(days):
        text += f", last {_days(days)} ago"
        evidence.append(Evidence("days_ago", round(float(days), 1)))
    typical = why.facts.get("typical_days")
    if typical is not None and np.isfinite(typical) and typical >= 1:
        text += f"; people come back to it after about {_days(typical)}"
        evidence.append(Evidence("typical_days", round(float(typical), 1)))
    return Reason("bought_before" if bought else "chosen_before", text, tuple(evidence))


def _looked(item: int, why: Contribution, labels: Labels) -> Reason | None:
    del item, labels
    looks = int(why.facts.get("times", 0))
    if looks < 1:
        return None
    often = "once" if looks == 1 else "twice" if looks == 2 else f"{looks} times"
    in_cart = "add_to_cart" in why.facts
    text = "You put it in the cart" if in_cart else f"You looked at it {often}"
    evidence = [Evidence("looks", looks)]
    days = why.facts.get("days_ago")
    if days is not None and np.isfinite(days):
        text += f", last seen {_days(days)} ago"
        evidence.append(Evidence("days_ago", round(float(days), 1)))
    return Reason("in_cart_before" if in_cart else "looked_before", text, tuple(evidence))


def _cheaper(item: int, other: int, labels: Labels) -> tuple[str, tuple[Evidence, ...]]:
    here, there = labels.price(item), labels.price(other)
    if here is None or there is None or not 0 < here < there * 0.95:
        return "", ()
    saved = round(100 * (1 - here / there))
    told = (Evidence("price", here), Evidence("price_of_other", there, labels.item_id(other)))
    return f", {saved} % cheaper", told


def _quoted(code: int, labels: Labels) -> str:
    name = labels.name(code)
    return f"“{name if len(name) <= 60 else name[:57].rstrip() + '…'}”"


def _days(days: float) -> str:
    whole = max(1, round(days))
    return "1 day" if whole == 1 else f"{whole} days"


_OF_ANY_MODEL = _like("related", "Goes with")
"""How a source without a sentence of its own is told."""

TEMPLATES: Mapping[str, Callable[[int, Contribution, Labels], Reason | None]] = {
    "popular": _popular,
    "item_knn": _counted(("both", "bought_together", "Chosen together with")),
    "transition": _counted(
        ("both", "bought_after", "Chosen after"),
        ("together", "bought_at_once", "Chosen at the same time as"),
        ("before", "bought_before_it", "Often chosen before"),
    ),
    "next_item": _counted(
        ("both", "bought_next", "Chosen right after"),
        ("together", "bought_at_once", "Chosen at the same time as"),
    ),
    "two_hop": _like("related", "Often follows what follows"),
    "ease": _counted(("both", "bought_together", "Chosen together with")),
    "slim": _counted(("both", "bought_together", "Chosen together with")),
    "graph": _counted(("both", "bought_together", "Chosen together with")),
    "als": _like("taste", "Shoppers with your taste choose it, going by"),
    "bpr": _like("taste", "Shoppers with your taste choose it, going by"),
    "coupled": _like("related", "Fits the taste that shows in"),
    "content": _like("similar", "Similar to"),
    "two_tower": _like("related", "Goes with products like"),
    "repeat": _again,
    "revisit": _looked,
    "sequential": _like("related", "Often comes next after products like"),
}
"""How each source's strongest contribution is told."""

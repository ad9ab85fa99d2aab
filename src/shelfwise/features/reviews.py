"""Everything the reviews say, read once: numbers for rankers, and facts that people can check.

It knows reviews and ratings only. Reading is linear in the words; a few thousand reviews a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.core.dataset import Events
from shelfwise.core.model import ModelState
from shelfwise.features.aspects import Mentions
from shelfwise.features.ratings import ItemRatings
from shelfwise.features.sentiment import clause_values, text_values
from shelfwise.features.stars import StarModel
from shelfwise.features.tokens import Tokens, review_texts, words_of
from shelfwise.features.topics import Topics
from shelfwise.features.vectors import N_TOPICS

SENTIMENT_PRIOR = 3.0
"""Reviews that a product's sentiment must outweigh to leave the shop's."""
SHOWN = 3
"""Praised, and blamed, aspects kept for each product."""
MIN_PRAISE = 2
"""Reviews that must praise an aspect; one opinion is not "reviewers"."""
MIN_BLAME = 2
SURE = 0.6
"""What the stars must say, -1 to 1, of a sentence in which the lexicon knows no word."""
MAX_ITEM_SHARE = 0.5
"""An aspect in more of a product's reviews is the product itself (with 10 reviews or more)."""


@dataclass(frozen=True)
class AspectFact:
    """What reviewers say of one part or property of a product."""

    aspect: str
    n_positive: int
    """Reviews that praise it."""
    n_negative: int
    """Reviews that blame it."""
    quote: str
    """A sentence of one of them, as written."""


@dataclass(frozen=True)
class ReviewFacts:
    """What reviews say of one product; NaN where nothing is known."""

    n: int
    mean: float
    """Stars."""
    shrunk: float
    """Stars, pulled to the shop's mean where reviews are few."""
    sentiment: float
    """Of the texts, -1 to 1, against the shop's usual."""
    praised: tuple[AspectFact, ...]
    """Most praised first."""
    criticised: tuple[AspectFact, ...]
    """Most blamed first."""
    topics: tuple[float, ...]
    """Share of each of the shop's topics; empty where unknown."""


@dataclass(frozen=True)
class ReviewDigest:
    """The reviews of a whole shop, digested."""

    ratings: ItemRatings
    sentiment: NDArray[np.float32]
    """[n_items] -1 to 1 against the shop's usual, shrunk to 0; NaN without a review text."""
    topics: NDArray[np.float32]
    """[n_items, N_TOPICS] shares."""
    topic_words: tuple[tuple[str, ...], ...]
    star_auc: float
    """How well words tell kind reviews from unkind ones, cross-validated; NaN: not learnt."""
    indptr: NDArray[np.int64]
    """Aspects of item `i` are rows `indptr[i]` to `indptr[i + 1]` of the next three."""
    aspects: tuple[str, ...]
    quotes: tuple[str, ...]
    counts: NDArray[np.int32]
    """[n_rows, 3] reviews for, reviews against, and 1 for praised or -1 for criticised."""

    @classmethod
    def of(
        cls,
        reviews: pa.Table,
        events: Events,
        n_items: int,
        rng: np.random.Generator,
        brands: Iterable[str] = (),
    ) -> ReviewDigest:
        """The digest of coded reviews; ratings are the events' where no review has one."""
        item = reviews.column("item").to_numpy(zero_copy_only=False).astype(np.int32)
        texts = review_texts(reviews)
        tokens = Tokens.of(texts)
        stars = reviews.column("rating").to_numpy(zero_copy_only=False).astype(np.float64)
        model = StarModel.fit(tokens, stars, rng) if len(texts) else None
        clause, value = clause_values(tokens)
        of_text = text_values(tokens, clause, value)
        of_word = value[clause]
        if model is not None:
            of_text = of_text / 2 + np.tanh(model.text_odds(tokens) / 2) / 2
            of_word = _agreed(of_word, model.sentence_odds(tokens)[tokens.sentence_of_word()])
        brand_words = frozenset(word for brand in brands for word in words_of(brand))
        mentions = Mentions.of(tokens, of_word, item, brand_words)
        topics = Topics.of(tokens, item, n_items, N_TOPICS, rng)
        counts = np.bincount(item[item >= 0], minlength=n_items)
        rows, signs = _shown(mentions, counts)
        sentences = np.where(signs > 0, mentions.best[rows], mentions.worst[rows])
        indptr = np.zeros(n_items + 1, np.int64)
        np.cumsum(np.bincount(mentions.item[rows], minlength=n_items), out=indptr[1:])
        return cls(
            ratings=ItemRatings.of(reviews, events, n_items),
            sentiment=_item_sentiment(of_text, item, n_items),
            topics=topics.share,
            topic_words=topics.words,
            star_auc=model.auc if model is not None else float("nan"),
            indptr=indptr,
            aspects=tuple(mentions.aspects[code] for code in mentions.aspect[rows]),
            quotes=tuple(tokens.quote(texts, sentence) for sentence in sentences),
            counts=np.column_stack(
                [mentions.n_positive[rows], mentions.n_negative[rows], signs]
            ).astype(np.int32),
        )

    def most_praised(self, item: int) -> AspectFact | None:
        """The first of `facts(item).praised`, without making the rest."""
        for row in range(self.indptr[item], self.indptr[item + 1]):
            if self.counts[row, 2] > 0:
                positive, negative, _ = self.counts[row].tolist()
                return AspectFact(self.aspects[row], positive, negative, self.quotes[row])
        return None

    def facts(self, item: int) -> ReviewFacts:
        """What the reviews say of one product; nothing of one that came after the digest."""
        if item >= len(self.sentiment):
            return _UNREVIEWED
        kinds: dict[int, list[AspectFact]] = {1: [], -1: []}
        for row in range(self.indptr[item], self.indptr[item + 1]):
            positive, negative, sign = self.counts[row].tolist()
            fact = AspectFact(self.aspects[row], positive, negative, self.quotes[row])
            kinds[sign].append(fact)
        ratings = self.ratings
        return ReviewFacts(
            n=int(ratings.n[item]),
            mean=ratings.stars(float(ratings.mean[item])),
            shrunk=ratings.stars(float(ratings.shrunk[item])),
            sentiment=float(self.sentiment[item]),
            praised=tuple(kinds[1]),
            criticised=tuple(kinds[-1]),
            topics=() if np.isnan(self.topics[item, 0]) else tuple(self.topics[item].tolist()),
        )

    def columns(self) -> NDArray[np.float32]:
        """[n_items, 5 + N_TOPICS] in the order of the item vector."""
        return np.column_stack([self.ratings.columns(), self.sentiment, self.topics])

    def state(self) -> ModelState:
        """The digest as plain data."""
        settings = {
            "topic_words": [list(words) for words in self.topic_words],
            "aspects": list(self.aspects),
            "quotes": list(self.quotes),
        }
        ratings = self.ratings.columns()
        arrays: dict[str, NDArray[Any]] = {
            "ratings": ratings,
            "rating_count": self.ratings.n,
            "sentiment": self.sentiment,
            "topics": self.topics,
            "aspect_indptr": self.indptr,
            "aspect_counts": self.counts,
            "review_stats": np.array(
                [self.ratings.shop_mean, self.ratings.shop_spread, self.star_auc]
            ),
        }
        return ModelState(settings, arrays)

    @classmethod
    def from_state(cls, state: ModelState) -> ReviewDigest:
        """The digest that `state` was taken from."""
        settings, arrays = state.settings, state.arrays
        mean, shrunk, recent = np.ascontiguousarray(arrays["ratings"][:, 1:].T)
        shop_mean, shop_spread, star_auc = arrays["review_stats"].tolist()
        return cls(
            ratings=ItemRatings(
                n=arrays["rating_count"],
                mean=mean,
                shrunk=shrunk,
                recent=recent,
                shop_mean=shop_mean,
                shop_spread=shop_spread,
            ),
            sentiment=arrays["sentiment"],
            topics=arrays["topics"],
            topic_words=tuple(tuple(words) for words in settings["topic_words"]),
            star_auc=star_auc,
            indptr=arrays["aspect_indptr"],
            aspects=tuple(settings["aspects"]),
            quotes=tuple(settings["quotes"]),
            counts=arrays["aspect_counts"],
        )


_NAN = float("nan")
_UNREVIEWED = ReviewFacts(0, _NAN, _NAN, _NAN, (), (), ())


def _agreed(lexicon: NDArray[np.float64], odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lexicon and stars together; stars alone only where they are sure, as quotes must convince."""
    learnt = np.tanh(odds / 2)
    silent = (lexicon == 0) & (np.abs(learnt) < SURE)
    return np.where(silent, 0.0, lexicon + learnt)


def _item_sentiment(
    of_text: NDArray[np.float64], item: NDArray[np.int32], n_items: int
) -> NDArray[np.float32]:
    used = item >= 0
    usual = float(of_text[used].mean()) if used.any() else 0.0
    n = np.bincount(item[used], minlength=n_items)
    total = np.bincount(item[used], of_text[used] - usual, n_items)
    return np.where(n > 0, total / (n + SENTIMENT_PRIOR), np.nan).astype(np.float32)


def _shown(
    mentions: Mentions, review_counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of `mentions` to show, by item, praise first and strongest first; and +1 or -1 of each.

    An aspect weighs by how many more praise than blame it, and by how few products it is said of.
    """
    for_, against = mentions.n_positive, mentions.n_negative
    reviews = review_counts[mentions.item]
    own = (reviews < 10) | (for_ + against <= MAX_ITEM_SHARE * reviews)
    n_items = np.bincount(mentions.aspect, minlength=len(mentions.aspects))
    rare = np.log(1.0 + len(review_counts) / np.maximum(n_items, 1))[mentions.aspect]
    praised = own & (for_ >= MIN_PRAISE) & (for_ >= 3 * against) & (mentions.best >= 0)
    blamed = own & (against >= MIN_BLAME) & (2 * against >= for_) & (mentions.worst >= 0)
    best = _top(mentions.item, praised, (for_ - 2.0 * against) * rare)
    worst = _top(mentions.item, blamed, (against - 0.5 * for_) * rare)
    rows = np.concatenate([best, worst])
    signs = np.repeat([1, -1], [len(best), len(worst)])
    order = np.argsort(mentions.item[rows], kind="stable")
    return rows[order], signs[order]


def _top(
    item: NDArray[np.int32], allowed: NDArray[np.bool_], strength: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Allowed rows, at most `SHOWN` an item, strongest first within an item."""
    rows = np.flatnonzero(allowed)
    rows = rows[np.lexsort((-strength[rows], item[rows]))]
    starts = np.flatnonzero(np.diff(item[rows], prepend=-1))
    place = np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
    return rows[place < SHOWN]


def brand_names(products: pa.Table) -> Sequence[str]:
    """The distinct brands of a products table."""
    return sorted({name for name in products.column("brand").to_pylist() if name})

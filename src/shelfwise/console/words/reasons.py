"""How reasons and their evidence are told. English sentences are the engine's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shelfwise.console.language import ByLanguage, Language


@dataclass(frozen=True)
class Sentences:
    """Sentences from facts, in a language that the engine does not write."""

    kinds: Mapping[str, str]
    """A sentence for each kind of reason, with the names of its facts; `{other}` is the product
    that the reason is about."""
    more: Mapping[str, str]
    """What a fact that not every reason of its kind has adds to the sentence."""
    cheaper: str


EVIDENCE: Final[ByLanguage[Mapping[str, str]]] = ByLanguage(
    en={
        "shoppers": "shoppers",
        "days": "days counted",
        "both": "shoppers who chose both",
        "of": "shoppers who chose the other",
        "share_of_score": "share of its model's score",
        "price": "price",
        "price_of_other": "price of the other",
        "times": "times bought",
        "looks": "times looked at",
        "days_ago": "days since the last time",
        "typical_days": "days until people come back to it",
        "reviews_praising": "reviews that praise it",
        "reviews_mentioning": "reviews that mention it",
        "quote": "a reviewer wrote",
    },
    zh={
        "shoppers": "顾客数",
        "days": "统计天数",
        "both": "两者都选的顾客",
        "of": "选择另一商品的顾客",
        "share_of_score": "占该模型得分的比例",
        "price": "价格",
        "price_of_other": "另一商品的价格",
        "times": "购买次数",
        "looks": "浏览次数",
        "days_ago": "距上次的天数",
        "typical_days": "通常再次购买的间隔（天）",
        "reviews_praising": "称赞它的评价",
        "reviews_mentioning": "提到它的评价",
        "quote": "评价原文",
    },
)

SENTENCES: Final[Mapping[Language, Sentences]] = {
    "zh": Sentences(
        kinds={
            "popular": "{shoppers} 位顾客选择了它",
            "bought_together": "选择“{other}”的 {of} 位顾客中，有 {both} 位也选择了它",
            "bought_after": "选择“{other}”的 {of} 位顾客中，有 {both} 位之后选择了它",
            "bought_next": "选择“{other}”的 {of} 位顾客中，有 {both} 位紧接着选择了它",
            "bought_at_once": "选择“{other}”的 {of} 位顾客中，有 {both} 位同时选择了它",
            "bought_before_it": "选择“{other}”的 {of} 位顾客中，有 {both} 位在此之前选择了它",
            "related": "与“{other}”搭配",
            "taste": "与您一样喜欢“{other}”的顾客也喜欢它",
            "similar": "与“{other}”相似",
            "bought_before": "您买过 {times} 次",
            "chosen_before": "您选过 {times} 次",
            "looked_before": "您看过 {looks} 次",
            "in_cart_before": "您曾把它加入购物车",
            "reviews": "{reviews_mentioning} 条相关评价中有 {reviews_praising} 条称赞：“{quote}”",
            "available": "没有更贴近这位顾客的商品可展示",
        },
        more={
            "days": "（最近 {days} 天）",
            "days_ago": "，上次在 {days_ago} 天前",
            "typical_days": "；一般约 {typical_days} 天后会再买",
        },
        cheaper="，便宜 {saved}%",
    )
}

"""Words that every page shares, and what pages say when they cannot answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shelfwise.console.errors import ErrorKey
from shelfwise.console.language import ByLanguage


@dataclass(frozen=True)
class FrameWords:
    """The frame around a page."""

    other_language: str
    overview: str
    try_it: str
    evaluation: str
    storefront: str
    console: str
    skip: str
    as_json: str
    why: str
    sources: str
    score: str
    sorry: str
    back: str
    errors: Mapping[ErrorKey, str]
    """What happened; `{value}` is what was asked for."""
    remedies: Mapping[ErrorKey, str]


FRAME: Final = ByLanguage(
    en=FrameWords(
        other_language="中文",
        overview="Overview",
        try_it="Try a recommendation",
        evaluation="Evaluation",
        storefront="Storefront",
        console="Console",
        skip="Skip to the content",
        as_json="This page as JSON",
        why="Why?",
        sources="Sources",
        score="Score",
        sorry="This cannot be shown",
        back="Back to the start",
        errors={
            "no_page": "There is no such page.",
            "no_product": "The shop has no product “{value}”.",
            "no_shopper": "Nothing is known about a shopper “{value}”.",
            "no_report": "There is no report “{value}”.",
            "too_long": "The address is too long.",
            "not_ready": "The shop cannot answer just now. {value}",
        },
        remedies={
            "no_page": "Check the address.",
            "no_product": "Check the id; it may have been taken off the shelf.",
            "no_shopper": "Check the id. Someone new is shown what is popular.",
            "no_report": "Reports are made by shelfwise evaluate.",
            "too_long": "Ask for less at once.",
            "not_ready": "Try again shortly.",
        },
    ),
    zh=FrameWords(
        other_language="English",
        overview="概览",
        try_it="试一次推荐",
        evaluation="评估",
        storefront="店面",
        console="控制台",
        skip="跳到正文",
        as_json="本页的 JSON",
        why="为什么？",
        sources="来源",
        score="得分",
        sorry="无法显示",
        back="回到首页",
        errors={
            "no_page": "没有这个页面。",
            "no_product": "店里没有商品“{value}”。",
            "no_shopper": "没有关于顾客“{value}”的任何记录。",
            "no_report": "没有报告“{value}”。",
            "too_long": "网址太长。",
            "not_ready": "店铺暂时无法回答。{value}",
        },
        remedies={
            "no_page": "请检查网址。",
            "no_product": "请检查编号；它可能已下架。",
            "no_shopper": "请检查编号。新顾客会看到热门商品。",
            "no_report": "报告由 shelfwise evaluate 生成。",
            "too_long": "请缩短请求。",
            "not_ready": "请稍后再试。",
        },
    ),
)

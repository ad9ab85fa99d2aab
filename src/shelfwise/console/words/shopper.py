"""Words of the page that tries a recommendation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shelfwise.console.language import ByLanguage


@dataclass(frozen=True)
class ShopperWords:
    """What the page says."""

    title: str
    intro: str
    shopper_id: str
    session_id: str
    item_id: str
    ask: str
    example: str
    history: str
    history_note: str
    """Names `{shown}` and `{total}`."""
    no_history: str
    answer: str
    fallback: str
    missing: str
    nothing: str
    share: str
    """Names `{share}`."""
    event_types: Mapping[str, str]
    goes_with: str


SHOPPER: Final = ByLanguage(
    en=ShopperWords(
        title="Try a recommendation",
        intro="Name a shopper, a visit or a product, and see what is answered and why.",
        shopper_id="Shopper id",
        session_id="Session id",
        item_id="Product id",
        ask="Recommend",
        example="For example",
        history="What the shopper did",
        history_note="The latest {shown} of {total} events, newest first.",
        no_history="Nothing yet.",
        answer="What is shown",
        fallback="Nothing is known about who asks, so this is what is popular.",
        missing="Not known to the shop",
        nothing="Nothing is left to show.",
        share="{share} of the score",
        event_types={
            "view": "viewed",
            "click": "clicked",
            "add_to_cart": "put into the cart",
            "remove_from_cart": "took out of the cart",
            "wishlist": "wished for",
            "purchase": "bought",
            "refund": "returned",
            "rate": "rated",
            "impression": "was shown",
            "search": "searched",
        },
        goes_with="Goes with",
    ),
    zh=ShopperWords(
        title="试一次推荐",
        intro="填写一位顾客、一次访问或一件商品，看看推荐了什么、为什么。",
        shopper_id="顾客编号",
        session_id="访问编号",
        item_id="商品编号",
        ask="推荐",
        example="例如",
        history="这位顾客做过什么",
        history_note="共 {total} 个事件，显示最近 {shown} 个，最新的在前。",
        no_history="还没有记录。",
        answer="展示的商品",
        fallback="对提问者一无所知，因此展示热门商品。",
        missing="店里没有",
        nothing="没有可展示的商品。",
        share="占得分的 {share}",
        event_types={
            "view": "浏览",
            "click": "点击",
            "add_to_cart": "加入购物车",
            "remove_from_cart": "移出购物车",
            "wishlist": "收藏",
            "purchase": "购买",
            "refund": "退货",
            "rate": "评分",
            "impression": "看到",
            "search": "搜索",
        },
        goes_with="搭配商品",
    ),
)

"""Words of the demo storefront."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shelfwise.console.language import ByLanguage


@dataclass(frozen=True)
class StorefrontWords:
    """What the storefront says."""

    title: str
    for_you: str
    popular: str
    for_you_note: str
    popular_note: str
    as_shopper: str
    """Names `{shopper}`."""
    as_visitor: str
    be_shopper: str
    """Names `{shopper}`."""
    be_visitor: str
    recent: str
    goes_well: str
    sold_out: str
    add_to_cart: str
    buy: str
    added: str
    bought: str
    failed: str
    no_script: str
    reviews: str
    """Names `{n}` and `{stars}`."""
    praised: str
    criticised: str
    praise: str
    """Names `{aspect}`, `{n}` and `{of}`."""
    blame: str
    details: str
    home: str
    nothing: str


STOREFRONT: Final = ByLanguage(
    en=StorefrontWords(
        title="The shop",
        for_you="For you",
        popular="Popular now",
        for_you_note="Chosen from what you looked at and bought. Every visit changes it.",
        popular_note="We do not know you yet. Look at a few products and come back here.",
        as_shopper="You see the shop as {shopper} does.",
        as_visitor="You are a new visitor.",
        be_shopper="See it as {shopper}",
        be_visitor="Be a new visitor",
        recent="You looked at",
        goes_well="Goes well with this",
        sold_out="Sold out",
        add_to_cart="Add to cart",
        buy="Buy",
        added="In your cart. What is shown next takes it into account.",
        bought="Bought. What is shown next takes it into account.",
        failed="This did not reach the shop. Try again.",
        no_script="Buttons need JavaScript; everything can be looked at without.",
        reviews="{stars} of 5 stars from {n} reviews",
        praised="What reviewers praise",
        criticised="What reviewers criticise",
        praise="{aspect}: praised by {n} of {of} who mention it",
        blame="{aspect}: criticised by {n} of {of} who mention it",
        details="Details",
        home="All recommendations",
        nothing="Nothing is left to show.",
    ),
    zh=StorefrontWords(
        title="小店",
        for_you="为您推荐",
        popular="热门商品",
        for_you_note="根据您看过和买过的商品挑选，每次浏览都会更新。",
        popular_note="我们还不了解您。看几件商品，再回到这里。",
        as_shopper="您正以顾客 {shopper} 的身份浏览。",
        as_visitor="您是新访客。",
        be_shopper="以顾客 {shopper} 的身份浏览",
        be_visitor="以新访客身份浏览",
        recent="您看过",
        goes_well="与它搭配",
        sold_out="已售罄",
        add_to_cart="加入购物车",
        buy="购买",
        added="已加入购物车。接下来的推荐会考虑它。",
        bought="已购买。接下来的推荐会考虑它。",
        failed="没有送达店铺，请重试。",
        no_script="按钮需要 JavaScript；没有它也可以浏览。",
        reviews="{n} 条评价，平均 {stars} 星（满分 5 星）",
        praised="评价称赞",
        criticised="评价批评",
        praise="{aspect}：{of} 条提及中 {n} 条称赞",
        blame="{aspect}：{of} 条提及中 {n} 条批评",
        details="详情",
        home="全部推荐",
        nothing="没有可展示的商品。",
    ),
)

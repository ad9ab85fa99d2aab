"""What other systems call our columns: the names a column is recognised by."""

from __future__ import annotations

import re
from typing import Final

_USER: Final = (
    "user_id user uid customer_id customer customer_no customer_number customer_key cust_id "
    "client_id client visitor_id visitor shopper_id shopper member_id buyer_id account_id "
    "reviewer_id user_pseudo_id profile_id household_id household_key consumer_id fullvisitorid "
    "用户id 用户 会员id"
)
_ITEM: Final = (
    "item_id item iid product_id product pid sku sku_id asin parent_asin article_id article "
    "stock_code goods_id movie_id book_id isbn content_id product_code item_code product_sku "
    "variant_id ean gtin upc item_no article_no 商品id 商品编号 商品"
)
_TIME: Final = (
    "timestamp time ts event_time event_timestamp time_ms datetime date_time created_at "
    "occurred_at order_date purchase_date invoice_date transaction_date unix_review_time "
    "review_time review_date event_date unix_time t_dat created date created_on order_time "
    "时间 日期"
)
_PRICE: Final = "price unit_price item_price price_paid product_price current_price 价格"
_RATING: Final = "rating overall stars score star_rating review_score review_rating rate 评分"

ALIASES: Final[dict[str, dict[str, str]]] = {
    "events": {
        "user_id": _USER,
        "item_id": _ITEM,
        "event_type": (
            "event_type event event_name action action_type behavior behaviour behavior_type "
            "behaviour_type interaction interaction_type activity type 行为"
        ),
        "timestamp": _TIME,
        "value": "value revenue line_total total_price total amount event_value sales_value 金额",
        "quantity": "quantity qty units num_items 数量",
        "price": _PRICE + " sale_price",
        "currency": "currency currency_code",
        "session_id": (
            "session_id session user_session visit_id ga_session_id order_id order_no "
            "order_number invoice_no invoice invoice_id transaction_id basket_id cart_id "
            "会话id 订单号"
        ),
        "position": "position pos list_position slot item_position",
        "list_id": "list_id recommendation_id slate_id impression_id request_id item_list_id",
        "rating": _RATING,
        "country": "country country_code geo_country market",
        "query": "query search_term search_query search_phrase keyword keywords 搜索词",
    },
    "products": {
        "item_id": _ITEM + " product_uid uniq_id id code handle",
        "title": (
            "title name product_name item_name product_title product_display_name item_title "
            "prod_name label 商品名称 标题 名称"
        ),
        "description": (
            "description about_product product_description long_description body_html details "
            "detail_desc short_description 描述"
        ),
        "brand": "brand brand_name manufacturer vendor maker product_brand store 品牌",
        "category": (
            "category category_path categories product_category product_type "
            "google_product_category category_name category_tree category_code breadcrumbs "
            "main_category main_cat item_category department genres category_id i_category "
            "类目 分类"
        ),
        "price": "sale_price discounted_price " + _PRICE + " list_price actual_price variant_price",
        "currency": "currency currency_code price_currency",
        "image": "image image_link image_url img_link img imurl image_src images img_url picture",
        "availability": "availability in_stock stock available stock_status inventory",
        "attributes": "attributes tags specs properties features feature 属性",
        "group_id": "group_id item_group_id parent_id variant_group master_id",
        "also_bought": "also_bought also_buy bought_together complements r_complement",
        "also_viewed": "also_viewed also_view similar_items substitutes r_substitute",
    },
    "reviews": {
        "item_id": _ITEM + " clothing_id",
        "user_id": _USER,
        "rating": _RATING,
        "timestamp": _TIME,
        "title": "title summary review_title headline review_summary review_headline 标题",
        "text": (
            "text review_text review_body review_content review body content comment comments "
            "评论 评价 内容"
        ),
        "helpful": (
            "helpful helpful_votes vote votes helpful_vote helpful_count "
            "positive_feedback_count useful thumbs_up"
        ),
    },
}
"""Per kind of row and column of ours: the names it goes by, the likeliest first."""

ATTRIBUTE_NAMES: Final = (
    "color colour size gender material age_group pattern season style condition flavor flavour "
    "scent fit fabric sleeve neckline collection year 颜色 尺寸 材质"
)
"""Columns of a product file that become attribute tokens `name=value`."""

REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "events": ("item_id", "timestamp"),
    "products": ("item_id",),
    "reviews": ("item_id", "text"),
}
"""What a file of each kind cannot do without (events also need `user_id` or `session_id`)."""

HINTS: Final[dict[str, frozenset[str]]] = {
    "user_id": frozenset({"user", "customer", "visitor", "shopper", "client", "member", "buyer"}),
    "item_id": frozenset({"item", "product", "sku", "article", "asin", "goods"}),
    "timestamp": frozenset({"time", "date", "timestamp", "datetime"}),
    "event_type": frozenset({"event", "action", "behavior", "behaviour"}),
    "title": frozenset({"title", "name"}),
    "text": frozenset({"review", "comment"}),
}
"""Words that give a column away when it has no name we know."""

ID_WORDS: Final = frozenset(
    {"id", "no", "nr", "num", "number", "code", "key", "uid", "ref", "hash"}
)
"""Words that make a name with a hint one of an id (`customer_ref`), not of something else."""


def plain(name: str) -> str:
    """A column name without case and punctuation.

    >>> plain("Customer ID"), plain("itemId")
    ('customerid', 'itemid')
    """
    return re.sub(r"[\W_]", "", name.lower())


def words(name: str) -> list[str]:
    """The words of a column name.

    >>> words("orderDate"), words("Customer-Ref")
    (['order', 'date'], ['customer', 'ref'])
    """
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return [word for word in re.split(r"[\W_]+", spaced.lower()) if word]


_ATTRIBUTES: Final = frozenset(plain(name) for name in ATTRIBUTE_NAMES.split())


def is_attribute(name: str) -> bool:
    """True for a column that is one named attribute of products."""
    return plain(name) in _ATTRIBUTES

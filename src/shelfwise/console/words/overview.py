"""Words of the overview."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shelfwise.console.language import ByLanguage


@dataclass(frozen=True)
class OverviewWords:
    """What the overview says."""

    title: str
    version: str
    trained: str
    events: str
    shoppers: str
    products: str
    latest_event: str
    leaderboard: str
    leaderboard_note: str
    """Names `{k}` and `{requests}`."""
    not_compared: str
    model: str
    fusion: str
    serves: str
    beats: str
    """Names `{chosen}`, `{single}` and `{lift}`."""
    beats_not: str
    interval: str
    """Names `{low}` and `{high}`."""
    against: str
    """Names `{version}`, `{requests}`, `{k}`, `{ndcg}`, `{before}`, `{low}` and `{high}`."""
    weights: str
    weights_note: str
    feature: str
    weight: str
    ingest: str
    ingest_note: str
    no_ingest: str
    read: str
    accepted: str
    duplicates: str
    quarantined: str
    why_quarantined: str
    kinds: Mapping[str, str]
    quarantine: Mapping[str, str]
    """Reasons for which a row is set aside."""
    try_shopper: str
    """Names `{shopper}`."""
    open_shop: str


OVERVIEW: Final = ByLanguage(
    en=OverviewWords(
        title="Overview",
        version="Model version",
        trained="Trained",
        events="Events",
        shoppers="Known shoppers",
        products="Products",
        latest_event="Latest event trained on",
        leaderboard="Which model finds what shoppers choose",
        leaderboard_note=(
            "NDCG@{k} on {requests} requests held back from training: 1 when everything wanted"
            " stands at the top of the list."
        ),
        not_compared="There were too few shoppers to hold any back, so nothing was compared.",
        model="Model",
        fusion="fusion",
        serves="serves",
        beats="“{chosen}” serves: it beats the best single model, {single}, by {lift}.",
        beats_not="“{chosen}” serves: no fusion surely beats the best single model, {single}.",
        interval="Difference in NDCG, 95 % interval: {low} to {high}.",
        against=(
            "Against version {version}, which answered before: on {requests} requests that neither"
            " had learnt from, NDCG@{k} is {ndcg} against {before}; 95 % interval of the"
            " difference: {low} to {high}."
        ),
        weights="What the fusion listens to",
        weights_note=(
            "The 15 largest weights of the linear ranker over standardised features. To the right"
            " speaks for a product, to the left against it."
        ),
        feature="Feature",
        weight="Weight",
        ingest="Where every row went",
        ingest_note="The latest ingest. Quarantined rows are kept in data/quarantine/.",
        no_ingest="There is no ingest report yet.",
        read="Read",
        accepted="Accepted",
        duplicates="Duplicates",
        quarantined="Quarantined",
        why_quarantined="Why quarantined",
        kinds={"events": "Events", "products": "Products", "reviews": "Reviews"},
        quarantine={
            "missing_item_id": "no product id",
            "missing_shopper": "no shopper",
            "missing_time": "no time",
            "missing_rating": "no rating",
            "missing_query": "no search text",
            "missing_text": "no text",
            "bad_time": "unreadable time",
            "time_in_future": "time in the future",
            "unknown_event_type": "unknown event type",
            "not_a_product": "not a product",
            "no_product_data": "nothing about the product",
            "stock_correction": "stock correction",
            "rating_out_of_range": "rating out of range",
            "negative_price": "negative price",
            "negative_value": "negative value",
            "negative_quantity": "negative quantity",
            "negative_position": "negative position",
            "zero_quantity": "quantity of zero",
            "no_items": "no products in it",
            "invalid_json": "not JSON",
        },
        try_shopper="See what shopper {shopper} is shown, and why",
        open_shop="Open the storefront",
    ),
    zh=OverviewWords(
        title="概览",
        version="模型版本",
        trained="训练时间",
        events="事件",
        shoppers="已知顾客",
        products="商品",
        latest_event="训练所用的最新事件",
        leaderboard="哪个模型最懂顾客的选择",
        leaderboard_note=(
            "在训练时留出的 {requests} 个请求上的 NDCG@{k}：顾客想要的全部排在最前时为 1。"
        ),
        not_compared="顾客太少，无法留出样本，因此没有比较。",
        model="模型",
        fusion="融合",
        serves="在线",
        beats="“{chosen}”在线服务：比最好的单一模型 {single} 高 {lift}。",
        beats_not="“{chosen}”在线服务：没有融合能确定胜过最好的单一模型 {single}。",
        interval="NDCG 之差的 95% 区间：{low} 至 {high}。",
        against=(
            "与之前在线的版本 {version} 相比：在两者都没有学过的 {requests} 个请求上，"
            "NDCG@{k} 为 {ndcg}，之前为 {before}；差值的 95% 区间：{low} 至 {high}。"
        ),
        weights="融合看重什么",
        weights_note="线性排序器在标准化特征上最大的 15 个权重。向右支持推荐，向左反对。",
        feature="特征",
        weight="权重",
        ingest="每一行数据的去向",
        ingest_note="最近一次导入。被隔离的行保存在 data/quarantine/。",
        no_ingest="还没有导入报告。",
        read="读取",
        accepted="接受",
        duplicates="重复",
        quarantined="隔离",
        why_quarantined="隔离原因",
        kinds={"events": "事件", "products": "商品", "reviews": "评价"},
        quarantine={
            "missing_item_id": "缺商品编号",
            "missing_shopper": "缺顾客",
            "missing_time": "缺时间",
            "missing_rating": "缺评分",
            "missing_query": "缺搜索词",
            "missing_text": "缺正文",
            "bad_time": "时间无法识别",
            "time_in_future": "时间在未来",
            "unknown_event_type": "未知事件类型",
            "not_a_product": "不是商品",
            "no_product_data": "没有商品信息",
            "stock_correction": "库存调整",
            "rating_out_of_range": "评分超出范围",
            "negative_price": "价格为负",
            "negative_value": "金额为负",
            "negative_quantity": "数量为负",
            "negative_position": "位置为负",
            "zero_quantity": "数量为零",
            "no_items": "其中没有商品",
            "invalid_json": "不是 JSON",
        },
        try_shopper="看看顾客 {shopper} 会看到什么，以及原因",
        open_shop="打开店面",
    ),
)

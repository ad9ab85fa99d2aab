"""Words of the page that shows evaluation reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shelfwise.console.language import ByLanguage


@dataclass(frozen=True)
class EvaluationWords:
    """What the page says."""

    title: str
    intro: str
    none: str
    how: str
    open_alone: str
    written: str
    """Names `{when}`."""
    protocols: Mapping[str, str]
    only_english: str


EVALUATION: Final = ByLanguage(
    en=EvaluationWords(
        title="Evaluation",
        intro="Honest tests on the shop's own past: what was hidden had to be found.",
        none="There is no evaluation yet.",
        how="Run this, then come back:",
        open_alone="Open the report alone",
        written="Written {when}",
        protocols={
            "temporal": "Temporal: everything after one moment hidden",
            "leave-one-out": "Leave one out: each shopper's last product hidden",
        },
        only_english="The report itself is in English.",
    ),
    zh=EvaluationWords(
        title="评估",
        intro="用店铺自己的历史做诚实的测试：把一部分藏起来，看模型能否找到。",
        none="还没有评估。",
        how="运行下面的命令，然后刷新：",
        open_alone="单独打开报告",
        written="写于 {when}",
        protocols={
            "temporal": "按时间：隐藏某一时刻之后的一切",
            "leave-one-out": "留一法：隐藏每位顾客的最后一件商品",
        },
        only_english="报告本身目前只有英文",
    ),
)

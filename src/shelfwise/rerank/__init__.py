"""The last word before a slate is shown: filters, stock, what was seen, variety."""

from shelfwise.rerank.diversity import diversify
from shelfwise.rerank.filters import filter_mask
from shelfwise.rerank.seen import SeenConfig, SeenPolicy
from shelfwise.rerank.shelf import Shelf

__all__ = ["SeenConfig", "SeenPolicy", "Shelf", "diversify", "filter_mask"]

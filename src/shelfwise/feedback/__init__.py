"""What came of the answers: events joined to the slates that caused them."""

from shelfwise.feedback.funnel import Funnel, funnel

__all__ = ["Funnel", "funnel"]

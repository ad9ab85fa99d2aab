"""Choosing among the ways to fuse."""

from __future__ import annotations

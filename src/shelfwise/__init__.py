"""Shelfwise: a self-hosted e-commerce recommender that fuses models and explains itself."""

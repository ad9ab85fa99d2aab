"""The nouns every room speaks: datasets, requests, candidates, slates, ids and errors."""

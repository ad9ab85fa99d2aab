"""Every route of the API, as data: Starlette's routes and `/openapi.json` are made from this list.

To add one: its handler's file here, its line below, its test.
"""

from __future__ import annotations

from typing import Final

from shelfwise.serving import structs as s
from shelfwise.serving.endpoint import Endpoint
from shelfwise.serving.routes import events, health, products, recommend, users

ENDPOINTS: Final = (
    Endpoint(
        "POST", "/v1/recommend", recommend.post,
        "Recommended products, each with its reasons",
        bodies=(s.RecommendBody,), answer=s.RecommendAnswer,
    ),
    Endpoint(
        "POST", "/v1/events", events.post,
        "Stores what shoppers did; it counts in their very next answer",
        bodies=(s.EventBody, s.EventsBody, s.Ga4Event), answer=s.EventsAnswer, status=202,
    ),
    Endpoint(
        "GET", "/v1/products/{id}", products.get, "A product as it is now", answer=s.ProductAnswer
    ),
    Endpoint(
        "PUT", "/v1/products/{id}", products.put,
        "A new product, or a known one replaced as a whole; 201 when it is new",
        bodies=(s.ProductBody,), answer=s.ProductAnswer,
    ),
    Endpoint(
        "PATCH", "/v1/products/{id}", products.patch, "Changes some fields of a product",
        bodies=(s.ProductBody,), answer=s.ProductAnswer,
    ),
    Endpoint(
        "DELETE", "/v1/products/{id}", products.delete,
        "Takes a product off the shelf: it never appears again", answer=s.DeletedAnswer,
    ),
    Endpoint("GET", "/v1/users/{id}", users.get, "Everything held about a user"),
    Endpoint(
        "DELETE", "/v1/users/{id}", users.delete,
        "Erases everything held about a user, or about an anonymous session",
        answer=s.ErasedAnswer,
    ),
    Endpoint("GET", "/healthz", health.healthz, "The process runs", answer=s.HealthAnswer),
    Endpoint("GET", "/readyz", health.readyz, "Questions can be answered", answer=s.ReadyAnswer),
    Endpoint(
        "GET", "/metrics", health.metrics, "Counters for Prometheus", media_type="text/plain"
    ),
)  # fmt: skip

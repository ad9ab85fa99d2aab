"""docs/http-api.md tells of every route, field and error code."""

from __future__ import annotations

import msgspec
from tests.docs.conftest import first_cells

from shelfwise.rerank.filters import OPERATORS
from shelfwise.serving.errors import STATUS
from shelfwise.serving.routes import ENDPOINTS

NAMES = first_cells("docs/http-api.md")


def test_every_route_is_documented() -> None:
    assert {f"{one.method} {one.path}" for one in ENDPOINTS} - NAMES == set()


def test_every_field_of_every_body_and_answer_is_documented() -> None:
    structs = {struct for one in ENDPOINTS for struct in (*one.bodies, one.answer) if struct}
    fields = {field.encode_name for one in structs for field in msgspec.structs.fields(one)}
    assert fields - NAMES == set()


def test_every_error_code_is_documented() -> None:
    assert set(STATUS) - NAMES == set()


def test_every_filter_operator_is_documented() -> None:
    assert set(OPERATORS) - NAMES == set()

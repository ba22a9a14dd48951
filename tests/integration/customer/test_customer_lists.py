"""Finding customers: filters, search, order, pages; nothing typed in becomes SQL."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from services.common import fields
from services.common.errors import Invalid
from services.customer import schema, store
from services.customer.operations import records
from tests.integration.customer.conftest import Begin

PEOPLE: list[dict[str, Any]] = [
    {"code": "A-1", "name": "北京甲公司", "region": "北京", "fields": {"industry": "retail", "listed": True}},
    {"code": "A_2", "name": "上海乙公司", "region": "上海", "fields": {"industry": "retail"}},
    {"code": "A%3", "name": "上海丙\\公司", "region": "上海", "uscc": "91350100M000100Y43"},
    {"code": "b-4", "name": "Delta Ltd", "salesperson": "zhao", "department": "north"},
]


@pytest.fixture(autouse=True)
def customers(begin: Begin) -> None:
    with begin() as work:
        for draft in PEOPLE:
            # The percent sign is no character of a code: it comes from an older system.
            loaded = fields.load(schema.NewCustomer(), {**draft, "code": draft["code"].replace("%", "-")})
            made = records.create_customer(work, loaded)
            if "%" in draft["code"]:
                store.update_customer(work, made["id"], {"code": draft["code"]})


def codes(begin: Begin, sort: str = "code", **where: Any) -> list[str]:
    with begin() as work:
        received = fields.load(schema.CustomerList(), {"where": where, "sort": sort})
        return [item["code"] for item in records.list_customers(work, received)["items"]]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"region": "上海"}, {"A_2", "A%3"}),
        ({"region": "上海", "industry": "retail"}, {"A_2"}),
        ({"fields.industry": "retail"}, {"A-1", "A_2"}),
        ({"listed": "true"}, {"A-1"}),
        ({"salesperson": "zhao"}, {"b-4"}),
        ({"salesperson": "wang"}, {"A-1", "A_2", "A%3"}),
        ({"credit_status": "unset"}, {"A-1", "A_2", "A%3", "b-4"}),
        ({"grade": "A"}, set()),
        ({"group_id": str(uuid4())}, set()),
        ({"q": "公司"}, {"A-1", "A_2", "A%3"}),
        ({"q": "delta"}, {"b-4"}),
        ({"q": "m000100"}, {"A%3"}),
        ({"q": "_"}, {"A_2"}),
        ({"q": "%"}, {"A%3"}),
        ({"q": "\\"}, {"A%3"}),
        ({"q": "' OR 1=1 --"}, set()),
        ({"region": "' OR '1'='1"}, set()),
        ({"industry": "'; DROP TABLE customers; --"}, set()),
    ],
)
def test_filters_and_search_find_exactly_what_matches(
    begin: Begin, where: dict[str, Any], found: set[str]
) -> None:
    assert set(codes(begin, **where)) == found


@pytest.mark.parametrize(
    "where",
    [
        {"colour": "red"}, {"phone": "1"}, {"id": "1"}, {"region": 5}, {"region": None}, {"q": "a\x00"},
        {"group_id": "x"}, {"region; DROP TABLE customers": "1"}, {"fields": "x"}, {"deleted_at": "x"},
        {"q": "x" * 201},
    ],
)  # fmt: skip
def test_a_filter_that_is_not_known_or_not_text_is_refused_by_name(
    begin: Begin, where: dict[str, Any]
) -> None:
    with pytest.raises(Invalid) as refused:
        codes(begin, **where)
    assert refused.value.errors[0]["field"] == next(iter(where))


@pytest.mark.parametrize("sort", ["credit_limit", "-grade", "region", "-updated_at", "salesperson"])
def test_every_order_lists_everybody(begin: Begin, sort: str) -> None:
    assert len(codes(begin, sort=sort)) == len(PEOPLE)


def test_pages_go_on_where_the_last_ended(begin: Begin) -> None:
    found: list[str] = []
    cursor = None
    with begin() as work:
        for _ in PEOPLE:
            received = {"sort": "-name", "page_size": 1, "page_after": cursor}
            answer = records.list_customers(work, fields.load(schema.CustomerList(), received))
            found += [item["code"] for item in answer["items"]]
            cursor = answer["next"]
    assert cursor is None
    assert sorted(found) == sorted(draft["code"] for draft in PEOPLE)

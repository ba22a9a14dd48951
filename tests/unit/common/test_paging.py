"""Cursor pages over a real table: no row twice, none left out, whatever is sorted by."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Boolean, Column, Date, Integer, Numeric, Table, Text, Uuid, insert, select

from services.common import fields, strict_json
from services.common.caller import Caller
from services.common.db import Database, UnitOfWork
from services.common.errors import Invalid, MalformedRequest
from services.common.ids import new_id
from services.common.paging import ListInput, page
from services.common.tables import INSTANT, service_metadata
from tests.support.postgres import DatabaseServer

ROWS = 37
SOMEBODY = Caller(kind="user", id="1", username="wang")
metadata = service_metadata()
things = Table(
    "things",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("note", Text),
    Column("amount", Numeric(24, 4)),
    Column("day", Date),
    Column("number", Integer, nullable=False),
    Column("flag", Boolean, nullable=False),
    Column("made_at", INSTANT, nullable=False),
)
SORTS = {column.name: column for column in things.c if column.name != "id"}


def thing(number: int) -> dict[str, Any]:
    return {
        "id": new_id(),
        "name": f"名{number % 5}",
        "note": None if number % 3 else f"注'\"%_\\{number % 2}",
        "amount": None if number % 4 == 0 else Decimal(number % 6).scaleb(-4),
        "day": None if number % 7 == 0 else date(2026, 1, 1) + timedelta(days=number % 9),
        "number": number % 11 - 5,
        "flag": bool(number % 2),
        "made_at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=number // 4),
    }


@pytest.fixture(scope="module")
def work(database_server: DatabaseServer) -> Iterator[UnitOfWork]:
    name = f"paging_{new_id().hex}"
    database = Database(database_server.create(name), metadata, name="paging")
    metadata.create_all(database.engine)
    with database.begin(SOMEBODY) as unit:
        unit.execute(insert(things), [thing(number) for number in range(ROWS)])
        yield unit
    database.dispose()
    database_server.drop(name)


def one_page(work: UnitOfWork, **received: Any) -> dict[str, Any]:
    loaded = fields.load(ListInput(), received)
    return page(work, select(things), loaded, sort=SORTS, key=things.c.id, default_sort="-made_at")


def all_pages(work: UnitOfWork, **received: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = None
    for _ in range(ROWS + 1):
        answer = one_page(work, page_after=cursor, **received)
        items += answer["items"]
        cursor = answer["next"]
        if cursor is None:
            return items
        assert len(answer["items"]) == int(received["page_size"])
    raise AssertionError("the pages never end")


@pytest.mark.parametrize("size", [1, 7, ROWS - 1, ROWS, 200])
@pytest.mark.parametrize("order", [sign + name for name in SORTS for sign in ("", "-")])
def test_the_pages_of_every_order_hold_each_row_once_and_empty_values_last(
    work: UnitOfWork, order: str, size: int
) -> None:
    items = all_pages(work, sort=order, page_size=size)
    assert len({item["id"] for item in items}) == len(items) == ROWS
    values = [item[order.removeprefix("-")] for item in items]
    present = [value for value in values if value is not None]
    assert values == present + [None] * (ROWS - len(present))
    # PostgreSQL sorts text by its collation; equal neighbours are what paging must get right.
    if not isinstance(present[0], str):
        assert present == sorted(present, reverse=order.startswith("-"))


def test_a_row_inserted_while_paging_shifts_no_page(work: UnitOfWork) -> None:
    first = one_page(work, sort="-made_at", page_size=10)
    newest = {**thing(0), "made_at": datetime(2030, 1, 1, tzinfo=UTC)}
    work.execute(insert(things), [newest])
    second = one_page(work, sort="-made_at", page_size=10, page_after=first["next"])
    work.execute(things.delete().where(things.c.id == newest["id"]))
    assert not {item["id"] for item in first["items"]} & {item["id"] for item in second["items"]}
    assert newest["id"] not in {item["id"] for item in second["items"]}


@pytest.mark.parametrize("order", ["colour", "-", "--name", "id", "name; DROP TABLE things", "note.x"])
def test_an_unknown_order_is_refused(work: UnitOfWork, order: str) -> None:
    with pytest.raises(Invalid) as refused:
        one_page(work, sort=order)
    assert refused.value.errors[0]["field"] == "sort"


@pytest.mark.parametrize("size", [0, -1, 201, "x", True, None])
def test_a_page_size_out_of_bounds_is_refused(work: UnitOfWork, size: object) -> None:
    with pytest.raises(Invalid):
        one_page(work, page_size=size)


def encoded(*parts: Any) -> str:
    return base64.urlsafe_b64encode(strict_json.dumps(list(parts)).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "%%%", "中文", "=", "====", "bm90IGpzb24",
        encoded(), encoded("number", 1), encoded("number", 1, str(UUID(int=1)), 1),
        encoded("name", "x", str(UUID(int=1))),
        encoded("number", "1 OR 1=1", str(UUID(int=1))), encoded("number", None, str(UUID(int=1))),
        encoded("number", 1, None), encoded("number", 1, "x"), encoded("number", [1], str(UUID(int=1))),
        encoded("number", {"a": 1}, str(UUID(int=1))), encoded("number", True, str(UUID(int=1))),
        encoded("number", 10**17, str(UUID(int=1))) + "!",
    ],
)  # fmt: skip
def test_a_cursor_that_this_list_did_not_give_is_refused(work: UnitOfWork, cursor: str) -> None:
    with pytest.raises(MalformedRequest):
        one_page(work, sort="number", page_after=cursor)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.text(max_size=40)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4),
    ).map(lambda value: encoded("number", value, str(UUID(int=1))))
)
def test_no_cursor_however_strange_breaks_the_list(work: UnitOfWork, cursor: str) -> None:
    try:
        one_page(work, sort="number", page_after=cursor)
    except (Invalid, MalformedRequest):
        return

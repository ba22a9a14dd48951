"""Customers that come from an ERP or from a table."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sqlalchemy import func, select

from services.common import fields
from services.common.errors import Conflict, Invalid
from services.customer import model, schema
from services.customer.operations import intake, records
from tests.integration.customer.conftest import Begin

USCC = "91350100M000100Y43"


def told(revision: int | None, name: str = "甲公司", **more: Any) -> dict[str, Any]:
    body = {"event_id": f"e-{revision}", "source": "sap", "occurred_at": "2026-03-01T08:00:00+08:00"}
    return {**body, "revision": revision, "code": "K-1", "name": name, **more}


def erp(begin: Begin, body: dict[str, Any]) -> str:
    with begin() as work:
        return str(intake.erp_document(work, "customer.upserted", body)["status"])


def record(begin: Begin, code: str = "K-1") -> dict[str, Any]:
    with begin() as work:
        return records.get_customer(work, code)


def test_an_erp_creates_then_changes_then_repeats_itself(begin: Begin) -> None:
    assert erp(begin, told(1, region="华东")) == "created"
    assert erp(begin, told(2, "甲公司(新)")) == "updated"
    assert erp(begin, told(2, "甲公司(新)")) == "unchanged"
    found = record(begin)
    assert (found["name"], found["region"], found["version"]) == ("甲公司(新)", "华东", 2)


def test_whatever_the_order_and_however_often_the_newest_revision_wins(begin: Begin) -> None:
    bodies = [told(number, f"名{number}") for number in (1, 2, 3)]
    for place, order in enumerate(itertools.permutations(bodies)):
        for body in [*order, *order]:
            erp(begin, {**body, "code": f"P-{place}"})
        assert record(begin, f"P-{place}")["name"] == "名3"


def test_revisions_of_two_sources_do_not_mix(begin: Begin) -> None:
    assert erp(begin, told(7)) == "created"
    assert erp(begin, {**told(1, "另一来源"), "source": "kingdee"}) == "updated"


def test_a_repetition_without_a_revision_changes_nothing(begin: Begin) -> None:
    assert [erp(begin, told(None)) for _ in range(2)] == ["created", "unchanged"]


def test_a_refused_document_keeps_no_revision(begin: Begin) -> None:
    with pytest.raises(Invalid):
        erp(begin, told(5, fields={"colour": "red"}))
    assert erp(begin, told(5)) == "created"


@pytest.mark.parametrize(
    "wrong",
    [{"source": None}, {"code": ""}, {"name": 5}, {"revision": -1}, {"revision": "1.5"}, {"colour": "red"},
     {"credit_limit": "1"}, {"uscc": "91350100M000100Y44"}],
)  # fmt: skip
def test_a_document_that_makes_no_sense_is_refused(begin: Begin, wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        erp(begin, {**told(1), **wrong})
    with begin() as work, pytest.raises(Invalid):
        intake.erp_document(work, "customer.painted", told(1))


def test_a_credit_code_of_another_customer_is_a_conflict(begin: Begin) -> None:
    erp(begin, told(1, uscc=USCC))
    with pytest.raises(Conflict):
        erp(begin, {**told(1, uscc=USCC), "code": "K-2"})


ROWS = [
    {"客户编码": "R-1", "客户名称": "一号", "统一社会信用代码": USCC, "行业": "批发业", "上市公司": "是",
     "联系人": "张三", "联系电话": "0591-8888"},
    {"code": "R-2", "name": "二号", "员工人数": "12", "remark": ""},
    {"客户编码": "R-3", "客户名称": "", "员工人数": "多"},
    {"客户编码": "R-1", "客户名称": "重复"},
    {"客户名称": "无编码", "颜色": "红"},
    {"客户名称": "新客户"},
]  # fmt: skip


def imported(begin: Begin, rows: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
    with begin() as work:
        return intake.import_customers(work, rows, **options)


def counts(begin: Begin) -> tuple[int, int, int]:
    with begin() as work:
        customers, history = model.customers, model.customer_history
        return (
            work.execute(select(func.count()).select_from(customers)).scalar_one(),
            work.execute(select(func.count()).select_from(history)).scalar_one(),
            work.execute(select(func.count()).select_from(work.table("events"))).scalar_one(),
        )


def test_each_row_of_an_import_stands_alone_and_names_its_faults(begin: Begin) -> None:
    answer = imported(begin, ROWS)
    assert (answer["rows"], answer["created"], answer["failed"]) == (6, 3, 3)
    statuses = [result["status"] for result in answer["results"]]
    assert statuses == ["created", "created", "error", "error", "error", "created"]
    faults = {
        result["row"]: [(error["field"], error["code"]) for error in result["errors"]]
        for result in answer["results"]
        if result["errors"]
    }
    assert faults == {
        3: [("name", "required")],
        4: [("code", "customer_code_taken")],
        5: [("颜色", "unknown_field")],
    }
    assert "一号" in answer["results"][3]["errors"][0]["message"]
    first = record(begin, "R-1")
    assert first["fields"] == {"industry": "wholesale", "listed": True}
    assert first["contacts"] == [{"name": "张三", "phone": "0591-8888", "primary": False}]
    assert counts(begin) == (3, 3, 3)


def test_a_dry_run_says_the_same_and_keeps_nothing(begin: Begin) -> None:
    tried = imported(begin, ROWS, dry_run=True)
    assert counts(begin) == (0, 0, 0)
    done = imported(begin, ROWS)
    assert [item["status"] for item in tried["results"]] == [item["status"] for item in done["results"]]
    assert [item["errors"] for item in tried["results"]] == [item["errors"] for item in done["results"]]


def test_existing_customers_are_changed_only_when_asked(begin: Begin) -> None:
    rows = [{"客户编码": "R-1", "客户名称": "一号"}, {"客户编码": "R-2", "客户名称": "二号"}]
    imported(begin, rows)
    rows[0]["地区"] = "华南"
    assert [item["status"] for item in imported(begin, rows)["results"]] == ["error", "error"]
    again = imported(begin, rows, update_existing=True)
    assert [item["status"] for item in again["results"]] == ["updated", "unchanged"]
    assert (again["updated"], again["unchanged"], again["failed"]) == (1, 1, 0)
    assert record(begin, "R-1")["region"] == "华南"


def test_importing_an_edited_export_keeps_the_contacts_and_ignores_what_is_only_shown(begin: Begin) -> None:
    contacts = [{"name": "张三", "phone": "0591-8888", "primary": True}, {"name": "李四"}]
    with begin() as work:
        draft = {"code": "R-1", "name": "一号", "contacts": contacts}
        records.create_customer(work, fields.load(schema.NewCustomer(), draft))
    row = {
        "客户编码": "R-1",
        "联系人": "张三",
        "联系电话": "0591-9999",
        "客户名称": "一号",
        "信用等级": "A",
        "版本": "1",
    }
    answer = imported(begin, [row], update_existing=True)
    assert answer["results"][0]["status"] == "updated", answer
    assert record(begin, "R-1")["contacts"] == [
        {"name": "张三", "phone": "0591-9999", "primary": True},
        {"name": "李四", "primary": False},
    ]
    assert imported(begin, [row], update_existing=True)["unchanged"] == 1


def test_two_thousand_rows_are_imported_in_one_go(begin: Begin) -> None:
    answer = imported(begin, [{"code": f"N{number}", "name": f"客户{number}"} for number in range(2_000)])
    assert answer["created"] == 2_000
    assert counts(begin) == (2_000, 2_000, 2_000)

"""What was approved is written into the record that the flow is about: once, as its form's types want it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from services.common.caller import Caller
from services.common.ids import new_id
from tests.integration.workflow.conftest import CARL, LENA, MIA, ROOT, House
from tests.integration.workflow.test_people_act import Flow, person, row
from tests.integration.workflow.test_shipped_flows import run

DESIGNER = Caller(
    "user",
    str(new_id()),
    "dora",
    permissions=frozenset({"forms.read", "forms.write", "forms.publish", "customers.read"}),
)
CLERK = Caller(
    "user",
    MIA.id,
    "mia",
    permissions=MIA.permissions | {f"form:visit.{one}" for one in ("read", "create", "update")},
)


def field(key: str, kind: str, **more: Any) -> dict[str, Any]:
    """A field of a form."""
    return {"key": key, "label": {"zh": key}, "type": kind, **more}


FIELDS = [
    field("地点", "text", required=True),
    field("预算", "money"),
    field("批准预算", "money"),
    field("批准日", "date"),
    field("人数", "number", decimals=0),
    field("合计", "formula", formula="预算 * 2"),
]
VALUES = {"批准预算": "预算 * 0.8", "批准日": "DATE(2026, 1, 5)", "人数": "3"}
READS = {"预算": "number", "地点": "text"}


@pytest.fixture(scope="module")
def visits(house: House) -> House:
    """The company with a form of its own."""
    form = {"key": "visit", "title": {"zh": "拜访"}, "fields": FIELDS}
    house.door.ask("application", "create_form", {"key": "visit", "definition": form}, DESIGNER)
    house.door.ask("application", "publish_form", {"key": "visit"}, DESIGNER)
    return house


def writes(values: dict[str, str], form: str = "visit", key: str = "write") -> dict[str, Any]:
    """A node that writes back."""
    return {"key": key, "type": "action", "do": "write_back", "form": form, "values": values}


@pytest.fixture
def bound(visits: House) -> Iterator[Flow]:
    """A flow that both events of the form start."""
    flow = Flow(visits, row(person("one", "lena"), writes(VALUES), fields=READS))
    events = ("application.record_created", "application.record_updated")
    made = [visits.ask("bind_flow", ROOT, event=event, type="visit", flow=flow.key)["id"] for event in events]
    yield flow
    for binding in made:
        visits.ask("unbind_flow", ROOT, binding_id=binding)


def record(house: House, method: str, **asked: Any) -> dict[str, Any]:
    """Somebody at work writes or reads a record."""
    found: dict[str, Any] = house.door.ask("application", method, {"form": "visit", **asked}, CLERK)
    house.door.settle()
    return found


def instances(flow: Flow) -> list[dict[str, Any]]:
    """All instances of a flow."""
    items: list[dict[str, Any]] = flow.house.ask("list_instances", ROOT, where={"flow_key": flow.key})[
        "items"
    ]
    return items


def test_an_approved_record_is_written_back_once_and_asks_for_nothing_again(bound: Flow) -> None:
    house = bound.house
    made = record(house, "create_record", fields={"地点": "上海", "预算": "1000.00"})
    [instance] = instances(bound)
    bound.act("approve_task", instance["id"], LENA)
    house.door.settle()
    after = record(house, "get_record", record_id=made["id"])
    wanted = {"批准预算": "800", "批准日": "2026-01-05", "人数": "3"}
    assert after["fields"] == {"地点": "上海", "预算": "1000.00", "合计": "2000", **wanted}
    assert (after["version"], after["updated_by"]) == (2, "lena")
    assert bound.show(instance["id"])["state"] == "approved"
    assert {"command_sent", "command_done"} <= set(bound.actions(instance["id"]))
    assert len(instances(bound)) == 1, "what the flow has written does not start it again"
    record(house, "update_record", record_id=made["id"], fields={"预算": "500.00"})
    assert len(instances(bound)) == 2, "what a person changes does"


def test_what_the_form_does_not_take_goes_the_error_branch_or_is_shown(visits: House) -> None:
    made = record(visits, "create_record", fields={"地点": "北京"})
    about = {"subject": {"type": "record", "id": made["id"], "key": "V-1"}}
    graph = row(writes({"人数": "1.5"}), fields=READS)
    graph["nodes"].append(person("look", "lena"))
    graph["edges"] += [{"from": "write", "to": "look", "on": "error"}, {"from": "look", "to": "end"}]
    minded = Flow(visits, graph)
    instance = minded.start(**about)
    visits.door.settle()
    assert minded.waiting(instance) == ["lena"]
    assert record(visits, "get_record", record_id=made["id"])["version"] == 1
    minded.act("reject_task", instance, LENA)
    plain = Flow(visits, row(writes({"人数": "1.5"}), fields=READS))
    failed = plain.start(**about)
    visits.door.settle()
    assert plain.show(failed)["state"] == "grant_failed"
    # About nothing, about another form's record, or about no customer there is nothing to write into.
    assert plain.show(plain.start())["state"] == "grant_failed"
    of_customers = Flow(visits, row(writes({"name": '"新"'}, form="customer")))
    assert of_customers.show(of_customers.start())["state"] == "grant_failed"
    todos = visits.ask("list_todos", ROOT, where={"state": "open"}, page_size=200)["items"]
    about_failed = [todo for todo in todos if todo["subject"]["id"] == made["id"]]
    assert len(about_failed) == 1


@pytest.mark.parametrize(
    ("node", "code"),
    [
        (writes({"没有": "1"}), "field_unknown"),
        (writes({"合计": "1"}), "field_not_written"),
        (writes({"人数": '"三"'}), "field_type"),
        (writes({"批准日": "预算"}), "field_type"),
        (writes({"地点": "1"}, form="none"), "form_missing"),
        (writes({"地点": "1"}, form="application"), "form"),
        (writes({"name": "预算"}, form="customer"), "field_type"),
        (writes({"额度": "预算"}, form="customer"), "field_unknown"),
    ],
)
def test_fields_are_checked_when_a_flow_is_published(visits: House, node: dict[str, Any], code: str) -> None:
    key = f"f-{uuid4().hex[:8]}"
    visits.ask("create_flow", ROOT, key=key, name="试用", graph=row(node, fields=READS))
    refused = visits.refused("publish_flow", ROOT, None, flow=key)
    assert refused.status == 422
    assert [(one["field"], one["code"]) for one in refused.errors] == [("write", code)]


def test_customers_get_core_fields_and_those_of_their_form(visits: House) -> None:
    house = visits
    form = house.door.ask("customer", "get_form", {"key": "customer"}, DESIGNER)
    more = {"key": "customer", "title": form["title"], "fields": [*form["fields"], field("评分", "number")]}
    house.door.ask("customer", "save_form", {"key": "customer", "definition": more}, DESIGNER)
    house.door.ask("customer", "publish_form", {"key": "customer"}, DESIGNER)
    values = {"name": "新名称", "region": "地区", "评分": "amount / 100"}
    fields = {"新名称": "text", "地区": "text"}
    flow = Flow(house, row(person("one", "carl"), writes(values, form="customer"), fields=fields))
    customer = house.customer()
    house.door.settle()
    instance = flow.start(customer_id=customer, amount="5000", currency="CNY", fields={"新名称": "蓝天"})
    flow.act("approve_task", instance, CARL)
    house.door.settle()
    found = house.door.ask("customer", "get_customer", {"customer_id": customer}, DESIGNER)
    assert (found["name"], found["region"], found["fields"]["评分"]) == ("蓝天", None, "50")
    assert flow.show(instance)["state"] == "approved"
    # The shipped one, of which only what was filled in is changed.
    changed = {"地区": "华东", "销售负责人": "mia"}
    assert run(house, "customer-change", LENA, customer_id=customer, fields=changed) == "approved"
    found = house.door.ask("customer", "get_customer", {"customer_id": customer}, DESIGNER)
    assert (found["name"], found["region"], found["salesperson"]) == ("蓝天", "华东", "mia")

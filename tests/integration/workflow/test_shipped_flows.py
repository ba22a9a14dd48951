"""The other flows that the product ships with end in what they are for; each is drawn as BPMN and SVG."""

from __future__ import annotations

from typing import Any

from services.common.caller import Caller
from services.common.errors import NotFound
from services.common.ids import new_id
from services.workflow.seed import SHIPPED
from tests.integration.workflow.conftest import CARL, LENA, MIA, READER, RITA, ROOT, House

FINANCE = Caller("user", str(new_id()), "fin", permissions=frozenset({"invoices.create", "credit.freeze"}))
LEDGER = Caller(
    "user",
    str(new_id()),
    "boss",
    permissions=frozenset({"credit.grant", "orders.create", "orders.read", "overrides.read"}),
)
_DAYS = {"invoice_date": "2026-01-01", "due_date": "2026-02-01"}


def run(house: House, flow: str, *people: Caller, **asked: Any) -> str:
    """Start a shipped flow and let these people approve, one after the other; the state that it ends in."""
    instance = house.ask("start_instance", MIA, flow=flow, **asked)["id"]
    for person in people:
        found = house.ask("list_tasks", person, where={"state": "open"}, page_size=200)["items"]
        [task] = [each["id"] for each in found if each["instance_id"] == instance]
        house.ask("approve_task", person, task_id=task)
        house.door.settle()
    return str(house.ask("get_instance", MIA, instance_id=instance)["state"])


def test_limits_are_raised_cut_and_granted_for_a_time(house: House) -> None:
    customer = house.customer()
    house.door.settle()
    money = {"customer_id": customer, "currency": "CNY"}
    application = {"customer_id": customer, "amount": "1000.00", "currency": "CNY"}
    made = house.door.ask("application", "create_application", application, MIA)
    house.submit(made["id"])
    house.ask("approve_task", LENA, task_id=house.task(LENA, made["id"]))
    assert house.status(made["id"]) == "effective"
    assert run(house, "limit-raise", RITA, CARL, amount="500.00", **money) == "approved"
    assert house.limit(customer) == "1500.00"
    assert run(house, "limit-cut", RITA, amount="300.00", **money) == "approved"
    assert house.limit(customer) == "1200.00"
    span = {"valid_from": "2020-01-01", "valid_to": "2099-12-31"}
    assert run(house, "temporary-limit", LENA, RITA, amount="100.00", **span, **money) == "approved"
    assert house.limit(customer) == "1300.00"
    too_much = run(house, "limit-cut", RITA, amount="9999999.00", **money)
    assert (too_much, house.limit(customer)) == ("grant_failed", "1300.00")


def test_customers_are_unfrozen_and_changed_and_invoices_written_off(house: House) -> None:
    customer = house.customer()
    house.door.settle()
    asked = {"customer_id": customer, "reason": "逾期"}
    house.door.ask("limits", "freeze_account", asked, FINANCE)
    assert run(house, "unfreeze", RITA, customer_id=customer) == "approved"
    account = house.door.ask("limits", "get_credit_account", {"customer_id": customer}, MIA)
    assert account["frozen"] is False
    changed = {"客户名称": "新名称", "地区": "华东"}
    assert run(house, "customer-change", LENA, customer_id=customer, fields=changed) == "approved"
    reader = Caller("user", str(new_id()), "eva", permissions=frozenset({"customers.read"}))
    found = house.door.ask("customer", "get_customer", {"customer_id": customer}, reader)
    assert (found["name"], found["region"]) == ("新名称", "华东")
    invoice = {"invoice_no": "INV-1", "customer_id": customer, "amount": "70.00", "currency": "CNY"}
    house.door.ask("limits", "record_invoice", invoice | _DAYS, FINANCE)
    # Nobody is in finance here, so the administrators decide for them.
    money = {"amount": "70.00", "currency": "CNY", "fields": {"发票号": "INV-1"}}
    assert run(house, "write-off", ROOT, CARL, customer_id=customer, **money) == "approved"
    account = house.door.ask("limits", "get_credit_account", {"customer_id": customer}, MIA)
    assert account["exposure"]["receivable"] == "0.00"


def test_a_special_approval_lets_the_order_pass_that_was_refused(house: House) -> None:
    customer = house.customer()
    house.door.settle()
    grant = {"customer_id": customer, "amount": "100.00", "currency": "CNY", "term_days": 30}
    house.door.ask("limits", "grant_credit", grant, LEDGER)
    order = {"customer_id": customer, "order_no": "SP-1", "amount": "150.00", "currency": "CNY"}
    assert house.door.ask("limits", "reserve_order", order, LEDGER)["status"] == "refused"
    asked = {"customer_id": customer, "amount": "150.00", "currency": "CNY", "fields": {"订单号": "SP-1"}}
    assert run(house, "override", LENA, RITA, **asked) == "approved"
    taken = house.door.ask("limits", "get_order", {"order_no": "SP-1"}, LEDGER)
    [override] = house.door.ask("limits", "list_overrides", {}, LEDGER)["items"]
    assert taken["status"] == "reserved"
    assert taken["decision"]["inputs"]["override"]["id"] == override["id"]
    assert (override["status"], override["granted_by"]) == ("used", "rita")
    again = house.door.ask("limits", "reserve_order", order | {"order_no": "SP-2"}, LEDGER)
    assert again["status"] == "refused"


def test_each_is_drawn(house: House) -> None:
    for key, (name, graph) in SHIPPED.items():
        bpmn = house.ask("export_flow", READER, flow=key)
        svg = house.ask("export_flow", READER, flow=key, format="svg")
        assert (bpmn["media_type"], svg["media_type"]) == ("application/xml", "image/svg+xml")
        assert name in bpmn["text"]
        assert all(node["title"] in svg["text"] for node in graph["nodes"])
    assert isinstance(house.refused("export_flow", READER, None, flow="none"), NotFound)
    assert house.refused("export_flow", READER, None, flow="unfreeze", format="png").status == 422

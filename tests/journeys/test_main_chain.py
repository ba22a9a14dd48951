"""The main chain through the public API, embedded and over RabbitMQ: from a customer to a frozen account."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import eventlet
import pytest
from amqp import Connection, Message

from credit.demo.client import ApiRefused
from credit.verifying import verify
from tests.journeys.conftest import Company, refused
from tests.support.rabbitmq import parts
from tests.support.wait import wait_until

USCC = "91350100M000100Y43"


def test_a_customer_is_created_once_with_a_checked_credit_code(company: Company) -> None:
    body = {
        "code": "KH-1",
        "name": "福州某某有限公司",
        "uscc": USCC,
        "region": "华东",
        "salesperson": "sam",
        "contacts": [{"name": "陈经理", "phone": "13800000000"}],
    }
    customer = company.sam.post("/customers", body)
    assert company.sam.get(f"/customers/{customer['id']}")["contacts"][0]["name"] == "陈经理"
    refused(409, company.sam.post, "/customers", {**body, "uscc": None})
    wrong = refused(422, company.sam.post, "/customers", {**body, "code": "KH-2", "uscc": USCC[:-1] + "4"})
    assert wrong["errors"][0]["field"] == "uscc"
    frozen = refused(422, company.sam.patch, f"/customers/{customer['id']}", {"credit_limit": "1.00"})
    assert frozen["errors"][0]["field"] == "credit_limit"


def test_a_small_application_goes_to_the_department_head_alone(company: Company) -> None:
    customer = company.sam.post("/customers", {"code": "SMALL", "name": "小客户", "salesperson": "sam"})
    asked = {"customer_id": customer["id"], "amount": "49999.99", "currency": "CNY", "term_days": 30}
    application = company.sam.post("/applications", asked)
    assert application["status"] == "draft"
    company.sam.post(f"/applications/{application['id']}:submit")
    assert [task["node"] for task in company.tasks("mia")] == ["manager"]
    assert company.tasks("rita") == company.tasks("carl") == company.tasks("fin") == []
    task = company.tasks("mia")[0]
    refused(404, company.rita.post, f"/tasks/{task['id']}:approve", {"opinion": "不是我的"})
    answer = company.mia.post(f"/tasks/{task['id']}:approve", {"opinion": "同意"})
    assert answer["instance_state"] == "effective"
    assert company.account(customer)["limit"] == "49999.99"
    closed = refused(409, company.mia.post, f"/tasks/{task['id']}:approve", {"opinion": "再来"})
    assert closed["state"] == "done"


def test_fifty_thousand_goes_to_risk_and_cfo_who_may_approve_less(company: Company) -> None:
    customer = company.sam.post("/customers", {"code": "BIG", "name": "大客户", "salesperson": "sam"})
    asked = {"customer_id": customer["id"], "amount": "50000.00", "currency": "CNY", "term_days": 60}
    application = company.sam.post("/applications", asked)
    company.sam.post(f"/applications/{application['id']}:submit")
    assert company.tasks("mia") == []
    task = company.tasks("rita")[0]
    assert task["summary"]["amount"] == "50000.00"
    less = {"opinion": "先给一部分", "approved": {"amount": "40000.00", "currency": "CNY", "term_days": 45}}
    too_much = {"opinion": "多给", "approved": {"amount": "60000.00", "currency": "CNY"}}
    refused(422, company.rita.post, f"/tasks/{task['id']}:approve", too_much)
    company.rita.post(f"/tasks/{task['id']}:approve", less)
    task = company.tasks("carl")[0]
    company.carl.post(f"/tasks/{task['id']}:approve", {"opinion": "同意"})
    company.settle()
    shown = company.sam.get(f"/customers/{customer['id']}")
    assert (shown["credit_limit"], shown["payment_term_days"]) == ("40000.00", 45)
    assert company.sam.get(f"/applications/{application['id']}")["status"] == "effective"
    instance = company.sam.get(f"/instances/{task['instance_id']}")
    acted = [(line["action"], line["actor"]) for line in instance["timeline"]]
    assert acted[:3] == [("submit", "sam"), ("approve", "rita"), ("approve", "carl")]


def test_a_returned_application_is_resubmitted_and_a_rejected_one_ends(company: Company) -> None:
    customer = company.sam.post("/customers", {"code": "BACK", "name": "退回客户", "salesperson": "sam"})
    asked = {"customer_id": customer["id"], "amount": "1000.00", "currency": "CNY"}
    application = company.sam.post("/applications", asked)
    path = f"/applications/{application['id']}"
    company.sam.post(f"{path}:submit")
    company.mia.post(f"/tasks/{company.tasks('mia')[0]['id']}:return", {"opinion": "补充材料"})
    wait_until(lambda: company.sam.get(path)["status"] == "returned", what="the return")
    company.sam.post(f"{path}:submit")
    company.mia.post(f"/tasks/{company.tasks('mia')[0]['id']}:reject", {"opinion": "不同意"})
    wait_until(lambda: company.sam.get(path)["status"] == "rejected", what="the rejection")
    refused(409, company.sam.post, f"{path}:submit")
    assert company.account(customer)["state"] == "unset"


def test_of_two_who_decide_at_once_one_wins_and_the_other_hears_409(company: Company) -> None:
    company.admin.post(
        "/users",
        {"username": "ralf", "password": "another password", "name": "ralf", "roles": ["risk_analyst"]},
    )
    ralf = company.suite.client().sign_in("ralf", "another password")
    customer = company.sam.post("/customers", {"code": "RACE", "name": "竞争客户", "salesperson": "sam"})
    asked = {"customer_id": customer["id"], "amount": "90000.00", "currency": "CNY"}
    application = company.sam.post("/applications", asked)
    company.sam.post(f"/applications/{application['id']}:submit")

    clients = {"rita": company.rita, "ralf": ralf}
    ids = {name: client.get("/tasks", state="open")["items"][0]["id"] for name, client in clients.items()}
    pool = eventlet.GreenPool()

    def approve(name: str) -> int:
        try:
            clients[name].post(f"/tasks/{ids[name]}:approve", {"opinion": "同意"})
        except ApiRefused as refusal:
            return refusal.status
        return 200

    assert sorted(pool.imap(approve, ids)) == [200, 409]
    assert len(company.tasks("carl")) == 1
    company.carl.post(f"/tasks/{company.tasks('carl')[0]['id']}:reject", {"opinion": "不"})
    company.admin.patch("/users/ralf", {"active": False})
    refused(401, ralf.get, "/me")


def test_an_invoice_beyond_the_limit_is_recorded_flagged_and_told_to_the_sales_owner(
    company: Company,
) -> None:
    customer = company.customer_with_limit("OVER", "100.00")
    dated = {"invoice_date": "2026-01-05", "due_date": "2026-02-04"}
    invoice = {"invoice_no": "OVER-1", "customer_id": customer["id"], "amount": "100.01", "currency": "CNY"}
    assert company.fin.post("/invoices", {**invoice, **dated})["over_limit"] is True
    company.settle()
    told = wait_until(lambda: _told_of_excess(company), what="the notification")
    assert "100.01" in told[0]["body"]


def _told_of_excess(company: Company) -> list[dict[str, Any]]:
    items = company.sam.get("/notifications")["items"]
    return [each for each in items if "超限" in (each["title"] or "")]


def test_orders_reserve_deliver_invoice_and_pay_the_limit_back(company: Company) -> None:
    customer = company.customer_with_limit("CHAIN", "1000.00")
    order = {"order_no": "A/1:甲", "customer_code": "CHAIN", "amount": "600.00", "currency": "CNY"}
    dry = {name: value for name, value in order.items() if name != "order_no"}
    assert company.sam.post("/orders:check", dry)["status"] == "reserved"
    answer = company.sam.post("/orders", order, key="order-1")
    assert answer["status"] == "reserved"
    assert company.sam.post("/orders", order, key="order-1") == answer
    refused(409, company.sam.post, "/orders", {**order, "amount": "1.00"}, key="order-1")
    problem = refused(422, company.sam.post, "/orders", {**order, "order_no": "A2", "amount": "500.00"})
    assert problem["decision"]["would_pass_if"]["largest_amount"] == "400.00"
    path = f"/orders/{quote('A/1:甲', safe='')}"
    assert company.sam.get(path)["order"]["order_no"] == "A/1:甲"
    refused(422, company.sam.post, f"{path}:amend", {"amount": "1500.00"})
    assert company.sam.post(f"{path}:amend", {"amount": "700.00"})["order"]["reserved"] == "700.00"
    company.sam.post(f"{path}:deliver", {"delivery_no": "D1", "amount": "500.00"})
    exposure = company.account(customer)["exposure"]
    assert (exposure["reserved"], exposure["delivered"]) == ("200.00", "500.00")
    invoice = {
        "invoice_no": "CHAIN-I1",
        "customer_code": "CHAIN",
        "order_no": "A/1:甲",
        "amount": "700.00",
        "currency": "CNY",
        "invoice_date": "2026-01-05",
        "due_date": "2026-02-04",
    }
    company.fin.post("/invoices", invoice)
    assert company.account(customer)["exposure"]["receivable"] == "700.00"
    payment = {"payment_no": "CHAIN-P1", "customer_code": "CHAIN", "amount": "700.00", "currency": "CNY"}
    company.fin.post("/payments", {**payment, "paid_at": "2026-01-05"})
    assert company.account(customer)["available"] == "1000.00"
    company.sam.post("/orders", {**order, "order_no": "A3"})
    assert company.sam.post("/orders/A3:cancel")["status"] == "cancelled"
    batch = [{**order, "order_no": f"B{n}", "amount": "400.00"} for n in range(3)]
    results = company.sam.batch("/orders:batch", batch, key="batch")
    assert [result["status"] for result in results] == ["reserved", "reserved", "refused"]


def test_overdue_warns_once_freezes_and_a_payment_unfreezes_at_once(company: Company) -> None:
    customer = company.customer_with_limit("LATE", "1000.00")
    invoice = {
        "invoice_no": "LATE-I1",
        "customer_code": "LATE",
        "amount": "300.00",
        "currency": "CNY",
        "invoice_date": "2026-01-05",
        "due_date": "2026-01-10",
    }
    company.fin.post("/invoices", invoice)
    for date in ("2026-01-17", "2026-01-18", "2026-01-19"):
        company.open(date)
    todos = [item for item in company.sam.get("/todos", state="open")["items"] if "LATE" in item["title"]]
    assert len(todos) == 1
    for address in ("sam@example.com", "fin@example.com"):
        wait_until(lambda address=address: _about(company, address, "LATE"), timeout=20, what=address)
        assert len(_about(company, address, "LATE")) == 1
    assert company.sam.post(f"/todos/{todos[0]['id']}:done", {"opinion": "已联系"})["state"] == "done"

    company.open("2026-02-09")
    assert company.account(customer)["state"] == "amount"
    company.open("2026-02-10")
    assert company.account(customer)["state"] == "frozen"
    order = {"order_no": "LATE-1", "customer_code": "LATE", "amount": "1.00", "currency": "CNY"}
    problem = refused(422, company.sam.post, "/orders", order)
    assert problem["decision"]["reasons"][0]["code"] == "customer_frozen"
    payment = {"payment_no": "LATE-P1", "customer_code": "LATE", "amount": "300.00", "currency": "CNY"}
    company.fin.post("/payments", {**payment, "paid_at": "2026-02-10"})
    assert company.account(customer)["state"] == "amount"
    assert company.sam.post("/orders", order)["status"] == "reserved"
    assert len(_about(company, "sam@example.com", "LATE")) == 1


def test_a_freeze_set_by_a_person_outlives_a_payment(company: Company) -> None:
    customer = company.customer_with_limit("HELD", "1000.00")
    path = f"/credit-accounts/{customer['id']}"
    company.rita.post(f"{path}:freeze", {"reason": "经营异常"})
    payment = {"payment_no": "HELD-P1", "customer_code": "HELD", "amount": "5.00", "currency": "CNY"}
    company.fin.post("/payments", {**payment, "paid_at": "2026-02-10"})
    assert company.account(customer)["state"] == "frozen"
    refused(403, company.sam.post, f"{path}:unfreeze", {"reason": "我想卖"})
    company.rita.post(f"{path}:unfreeze", {"reason": "已核实"})
    assert company.account(customer)["state"] == "amount"


def test_a_guarantee_and_a_raise_let_a_refused_order_pass(company: Company) -> None:
    customer = company.customer_with_limit("GUA-1", "40000.00")
    account = f"/credit-accounts/{customer['id']}"
    order = {"order_no": "GUA/1", "customer_id": customer["id"], "amount": "52500.00", "currency": "CNY"}
    refusal = refused(422, company.sam.post, "/orders", order)
    assert refusal["decision"]["would_pass_if"]["payment_needed"] == "12500.00"
    wanted = {
        "kind": "insurance",
        "value": "20000.00",
        "currency": "CNY",
        "accepted_percent": "50",
        "provider": "中国信保",
    }
    refused(403, company.sam.post, f"{account}/guarantees", wanted)
    problem = refused(422, company.carl.post, f"{account}/guarantees", {**wanted, "accepted_percent": "101"})
    assert [error["field"] for error in problem["errors"]] == ["accepted_percent"]
    guarantee = company.carl.post(f"{account}/guarantees", wanted, key="gua-1")["guarantee"]
    assert company.carl.post(f"{account}/guarantees", wanted, key="gua-1")["guarantee"] == guarantee
    raised = {"change": "raise", "amount": "2500.00", "currency": "CNY", "reason": "旺季"}
    assert company.carl.post(f"{account}/grants", raised)["account"]["limit"] == "52500.00"
    assert company.sam.post("/orders", order)["status"] == "reserved"
    gone = company.carl.post(f"{account}/guarantees/{guarantee['id']}:release", {"reason": "保单到期"})
    assert (gone["account"]["state"], gone["account"]["available"]) == ("over-limit", "-10000.00")
    assert company.fin.get(f"{account}/guarantees")["items"][0]["release_reason"] == "保单到期"
    assert [grant["change"] for grant in company.fin.get(f"{account}/grants")["items"]] == ["raise", "grant"]
    company.settle()
    seen = company.sam.get(f"/customers/{customer['id']}")
    assert (seen["credit_limit"], seen["credit_status"]) == ("42500.00", "over-limit")


def test_what_becomes_of_receivables_over_http(company: Company) -> None:
    customer = company.customer_with_limit("AR", "1000.00")

    def total() -> str:
        return str(company.account(customer)["exposure"]["total"])

    mine = {"customer_code": "AR", "currency": "CNY"}
    invoice = {**mine, "invoice_no": "AR/I1", "amount": "600.00", "invoice_date": "2026-02-01"}
    made = company.fin.post("/invoices", invoice, key="ar-i1")["invoice"]
    assert made["due_date"] == "2026-03-03"
    bill = {"number": "AR:B1", "due_date": "2026-08-01"}
    paid = {**mine, "payment_no": "AR/P1", "amount": "200.00", "paid_at": "2026-02-10"}
    company.fin.post("/payments", {**paid, "method": "acceptance_bill", "bill": bill})
    note = {**mine, "credit_note_no": "AR/C1", "amount": "50.00", "credit_note_date": "2026-02-10"}
    results = company.fin.batch("/credit-notes:batch", [{**note, "invoice_no": "AR/I1"}], key="ar-c")
    assert [result["status"] for result in results] == ["recorded"]
    wanted = {"invoice_no": "AR/I1", "amount": "100.00", "reason": "尾款", "write_off_no": "AR-W1"}
    refused(403, company.fin.post, "/write-offs", wanted)
    assert company.carl.post("/write-offs", wanted, key="ar-w1")["invoice"]["open_amount"] == "250.00"
    assert total() == "450.00"
    named = {"allocations": [{"invoice_no": "AR/I1", "amount": "150.00"}]}
    moved = company.fin.post(f"/payments/{quote('AR/P1', safe='')}:reallocate", named)
    assert [part["amount"] for part in moved["allocations"]] == ["150.00", "50.00"]
    dispute = company.sam.post("/disputes", {"invoice_no": "AR/I1", "amount": "250.00", "reason": "质量"})
    refused(403, company.sam.post, f"/disputes/{dispute['dispute']['id']}:resolve")
    company.fin.post(f"/disputes/{dispute['dispute']['id']}:resolve", {"resolution": "已协商"})
    assert company.fin.get("/bills", status="pending")["items"][0]["number"] == "AR:B1"
    company.fin.post(f"/bills/{quote('AR:B1', safe='')}:dishonour", {"reason": "拒付"})
    assert total() == "450.00"
    company.carl.post("/write-offs/AR-W1:reverse")
    company.fin.post(f"/credit-notes/{quote('AR/C1', safe='')}:reverse", {"reason": "错误"})
    assert total() == "600.00"
    order = {**mine, "order_no": "AR/O1", "amount": "400.00", "valid_until": "2026-12-31"}
    assert company.sam.post("/orders", order)["order"]["valid_until"] == "2026-12-31"
    path = f"/orders/{quote('AR/O1', safe='')}"
    company.sam.post(f"{path}:deliver", {"delivery_no": "D1", "amount": "300.00"})
    company.sam.post(f"{path}:return-delivery", {"return_no": "R1", "amount": "100.00"})
    company.fin.post(f"{path}:reverse-delivery", {"delivery_no": "R1"})
    refused(403, company.fin.patch, "/admin/credit-settings", {"horizon_days": 30})
    assert company.admin.patch("/admin/credit-settings", {"horizon_days": 30})["horizon_days"] == 30
    assert company.admin.patch("/admin/credit-settings", {"horizon_days": None}) == {
        "horizon_days": None,
        "reservation_days": None,
        "disputes_are_overdue": True,
    }
    assert total() == "1000.00"


def test_the_erp_over_amqp_does_the_same_in_any_order_and_number(company: Company) -> None:
    if company.suite.is_embedded:
        pytest.skip("the in-memory broker has no way in from outside")
    customer = company.customer_with_limit("ERP", "1000.00")
    order = {"order_no": "E1", "customer_code": "ERP", "amount": "400.00", "currency": "CNY"}
    invoice = {
        "invoice_no": "ERP-I1",
        "customer_code": "ERP",
        "order_no": "E1",
        "amount": "400.00",
        "currency": "CNY",
        "invoice_date": "2026-02-10",
        "due_date": "2026-03-10",
    }
    payment = {
        "payment_no": "ERP-P1",
        "customer_code": "ERP",
        "amount": "150.00",
        "currency": "CNY",
        "paid_at": "2026-02-10",
        "allocations": [{"invoice_no": "ERP-I1", "amount": "150.00"}],
    }
    documents = [
        ("payment.received", {**payment, "event_id": "p1"}),
        ("invoice.issued", {**invoice, "event_id": "i1"}),
        ("order.created", {**order, "event_id": "o1"}),
        ("order.created", {**order, "order_no": "E2", "event_id": "o2", "amount": "9999.00"}),
        ("order.created", {**order, "order_no": "E3", "event_id": "o3", "customer_code": "LATER"}),
        ("order.created", {**order, "order_no": "E4", "event_id": "o4", "amount": "-1"}),
    ]
    _publish(company.suite.settings.amqp_uri, documents * 3)

    def done() -> bool:
        found = company.account(customer)["exposure"]
        return (found["reserved"], found["receivable"]) == ("0.00", "250.00")

    wait_until(done, timeout=30, what="the documents")
    # Invoice and payment alone come to the same: the orders are there when the later one is.
    wait_until(lambda: company.fin.get("/orders", order_no="E2")["items"], what="the refused order")
    orders = {item["order_no"]: item["status"] for item in company.fin.get("/orders", source="erp")["items"]}
    assert orders["E1"] == "reserved"
    assert company.fin.get("/orders", order_no="E2")["items"][0]["status"] == "refused"
    parked = wait_until(
        lambda: company.admin.get("/admin/parked-events")["items"], timeout=20, what="the parked document"
    )
    assert [item["event"]["data"]["order_no"] for item in parked] == ["E4"]
    company.admin.post(f"/admin/parked-events/limits/{parked[0]['identity']}:discard")
    assert company.fin.get("/orders", order_no="E3")["items"] == []
    company.sam.post("/customers", {"code": "LATER", "name": "后来的客户", "salesperson": "sam"})
    wait_until(
        lambda: company.fin.get("/orders", order_no="E3")["items"], timeout=20, what="the waiting order"
    )


def test_dashboards_and_profile_agree_with_the_ledger(company: Company) -> None:
    company.settle()
    overview = company.carl.get("/dashboards/credit-overview/data")
    widgets = {widget["key"]: widget for widget in overview["widgets"]}
    totals = widgets["totals"]["data"]["rows"][0]
    customers = list(company.sam.pages("/customers"))
    accounts = [company.account(customer) for customer in customers]
    expected = sum(float(account["limit"] or 0) for account in accounts)
    assert float(totals["credit_limit"]) == pytest.approx(expected)
    counted = sum(row["customers"] for row in widgets["customers-by-grade"]["data"]["rows"])
    assert counted == len(customers)
    assert widgets["monthly-limits"]["data"][-1]["month"] == "2026-02"
    aging = company.carl.get("/dashboards/aging/data")["widgets"][0]["data"]["pivot"]
    assert set(aging["columns"]) <= {"current", "1-30", "31-60", "61-90", "91-180", ">180"}
    late = next(customer for customer in customers if customer["code"] == "LATE")
    profile = company.sam.get(f"/customers/{late['id']}/profile")
    assert profile["orders"]["count"] == 1
    assert [freeze["action"] for freeze in profile["freezes"]] == ["customer_unfrozen", "customer_frozen"]
    assert profile["credit_history"][0]["amount"] == "1000.00"


def test_the_books_are_right(company: Company) -> None:
    company.settle()
    checks = verify(company.suite.settings, lambda check: None)
    assert {check.title: check.faults for check in checks if check.faults} == {}


def _about(company: Company, address: str, word: str) -> list[Any]:
    return [mail for mail in company.mails.to(address) if word in str(mail["Subject"])]


def _publish(uri: str, documents: list[tuple[str, dict[str, Any]]]) -> None:
    host, port, user, password, virtual_host = parts(uri)
    with Connection(f"{host}:{port}", user, password, virtual_host=virtual_host) as connection:
        channel = connection.channel()
        for routing_key, body in documents:
            text = json.dumps({**body, "source": "erp", "occurred_at": "2026-02-10T00:00:00Z"})
            message = Message(text.encode(), content_type="application/json", delivery_mode=2)
            channel.basic_publish_confirm(message, "erp.events", routing_key)

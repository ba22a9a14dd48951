"""Every flow that the product ships with, over HTTP and by its people, to its effect in the ledger; and what
no flow, and nobody in one, may do.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg2
import pytest

from credit.demo.client import ApiRefused, Client
from services.common.config import Settings
from tests.journeys.conftest import PASSWORD, Company, hire, refused
from tests.support.smtp_sink import SmtpSink
from tests.support.suites import embedded_suite
from tests.support.wait import wait_until

_SECONDS_MAX = 60


@pytest.fixture(scope="module")
def company(module_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company in the embedded suite, whose webhooks may reach this machine."""
    with SmtpSink(tmp_path_factory.mktemp("mails")) as mails:
        settings = replace(module_settings, outgoing_allowed=("127.0.0.1",), smtp_url=mails.url)
        with embedded_suite(settings) as suite:
            yield hire(suite, mails)


@pytest.fixture(scope="module")
def customer(company: Company) -> dict[str, Any]:
    """A customer whose application for 60,000.00 went through its flow."""
    return company.customer_with_limit("FLOWS", "60000.00")


def start(company: Company, flow: str, **asked: Any) -> str:
    """An instance that sam starts."""
    company.settle()
    return str(company.sam.post("/instances", {"flow": flow, **asked})["id"])


def task(person: Client, instance: str) -> dict[str, Any]:
    """Somebody's one open task on an instance."""
    open_tasks = person.pages("/tasks", state="open")
    [found] = [each for each in open_tasks if each["instance_id"] == instance]
    return found


def approve(company: Company, instance: str, *names: str) -> str:
    """Let these people approve, one after the other; the state that comes of it."""
    for name in names:
        person = company.people[name]
        person.post(f"/tasks/{task(person, instance)['id']}:approve", {"opinion": "同意"})
    company.settle()
    return str(company.admin.get(f"/instances/{instance}")["state"])


def run(company: Company, flow: str, *names: str, **asked: Any) -> str:
    """Start a flow and let these people approve."""
    return approve(company, start(company, flow, **asked), *names)


def money(customer: dict[str, Any], amount: str) -> dict[str, Any]:
    """What is asked for a customer."""
    return {"customer_id": customer["id"], "amount": amount, "currency": "CNY"}


def test_limits_are_applied_for_raised_cut_and_granted_for_a_time(
    company: Company, customer: dict[str, Any]
) -> None:
    limits = [company.account(customer)["limit"]]
    assert run(company, "limit-raise", "rita", "carl", **money(customer, "5000.00")) == "approved"
    limits.append(company.account(customer)["limit"])
    assert run(company, "limit-cut", "rita", **money(customer, "1000.00")) == "approved"
    limits.append(company.account(customer)["limit"])
    span = {"valid_from": "2026-01-05", "valid_to": "2026-01-31"}
    temporary = {**money(customer, "300.00"), **span}
    assert run(company, "temporary-limit", "mia", "rita", **temporary) == "approved"
    limits.append(company.account(customer)["limit"])
    assert limits == ["60000.00", "65000.00", "64000.00", "64300.00"]
    refusing = start(company, "limit-raise", **money(customer, "1.00"))
    answer = company.rita.post(f"/tasks/{task(company.rita, refusing)['id']}:reject", {"opinion": "不同意"})
    assert (answer["instance_state"], company.account(customer)["limit"]) == ("rejected", "64300.00")


def test_a_special_approval_lets_a_refused_order_pass_once(
    company: Company, customer: dict[str, Any]
) -> None:
    order = {"order_no": "SP-1", "order_date": "2026-01-05", **money(customer, "900000.00")}
    problem = refused(422, company.sam.post, "/orders", order)
    assert "limit_exceeded" in {reason["code"] for reason in problem["decision"]["reasons"]}
    asked = {**money(customer, "900000.00"), "valid_to": "2026-02-28", "fields": {"订单号": "SP-1"}}
    assert run(company, "override", "mia", "rita", **asked) == "approved"
    assert company.sam.get("/orders/SP-1")["order"]["status"] == "reserved"
    [override] = company.sam.get("/overrides", customer_id=customer["id"])["items"]
    assert (override["status"], override["uses"][0]["order_no"]) == ("used", "SP-1")
    refused(422, company.sam.post, "/orders", {**order, "order_no": "SP-2"})
    refused(403, company.rita.post, "/overrides", {**money(customer, "1.00"), "reason": "x"})
    more = company.carl.post("/overrides", {**money(customer, "5.00"), "reason": "备用", "count": 2})
    ended = company.carl.post(f"/overrides/{more['override']['id']}:end", {"reason": "不再需要"})
    assert ended["override"]["status"] == "ended"
    company.sam.post("/orders/SP-1:cancel", {})


def test_freezes_end_invoices_are_written_off_and_customers_change(
    company: Company, customer: dict[str, Any]
) -> None:
    company.fin.post(f"/credit-accounts/{customer['id']}:freeze", {"reason": "逾期"})
    assert company.account(customer)["frozen"] is True
    assert run(company, "unfreeze", "rita", customer_id=customer["id"]) == "approved"
    assert company.account(customer)["frozen"] is False
    dates = {"invoice_date": "2026-01-05", "due_date": "2026-02-04"}
    company.fin.post("/invoices", {"invoice_no": "WO-1", **dates, **money(customer, "70.00")})
    receivable = company.account(customer)["exposure"]["receivable"]
    asked = {**money(customer, "70.00"), "fields": {"发票号": "WO-1"}}
    assert run(company, "write-off", "fin", "carl", **asked) == "approved"
    assert (receivable, company.account(customer)["exposure"]["receivable"]) == ("70.00", "0.00")
    fields = {"客户名称": "新名称", "地区": "华南"}
    assert run(company, "customer-change", "mia", customer_id=customer["id"], fields=fields) == "approved"
    changed = company.sam.get(f"/customers/{customer['id']}")
    assert (changed["name"], changed["region"]) == ("新名称", "华南")
    newest = company.admin.get(f"/customers/{customer['id']}/history")["items"][0]
    assert {each["field"] for each in newest["changes"]} == {"name", "region"}
    wrong = {"统一社会信用代码": "91350100M000100Y44"}
    failed = run(company, "customer-change", "mia", customer_id=customer["id"], fields=wrong)
    assert failed == "grant_failed"
    assert [each for each in company.admin.get("/todos", state="open")["items"] if "uscc" in each["title"]]


# --- what no flow may be, and nobody may do --------------------------------------------------------------


def person(key: str, name: str, **said: Any) -> dict[str, Any]:
    """A node where somebody decides."""
    return {"key": key, "type": "approval", "approvers": [{"kind": "user", "value": name}], **said}


def graph(*nodes: dict[str, Any], **said: Any) -> dict[str, Any]:
    """Nodes in a row."""
    keys = ["start", *(node["key"] for node in nodes), "end"]
    edges = [{"from": one, "to": other} for one, other in itertools.pairwise(keys)]
    ends = ({"key": "start", "type": "start"}, {"key": "end", "type": "end"})
    return {"nodes": [ends[0], *nodes, ends[1]], "edges": edges, **said}


def draw(company: Company, key: str, drawn: dict[str, Any]) -> str:
    """A flow of its own, in force."""
    company.admin.post("/flows", {"key": key, "name": key, "graph": drawn})
    company.admin.post(f"/flows/{key}:publish")
    return key


_CIRCLE = graph({"key": "a", "type": "condition"}, {"key": "b", "type": "delay", "hours": 1})
_CIRCLE["edges"] += [{"from": "a", "to": "end"}, {"from": "b", "to": "a"}]
_CIRCLE["edges"] = [edge for edge in _CIRCLE["edges"] if edge != {"from": "b", "to": "end"}]
_CIRCLE["edges"][1]["when"] = "amount > 1"


@pytest.mark.parametrize(
    ("drawn", "code"),
    [
        (_CIRCLE, "loop_without_person"),
        (graph(*({"key": f"n{n}", "type": "cc", "to": []} for n in range(5_000))), "flow_too_large"),
        (graph({"key": "x", "type": "teleport"}), "node_type"),
        (
            graph({"key": "x", "type": "action", "do": "write_back", "form": "none", "values": {}}),
            "form_missing",
        ),
    ],
)
def test_what_is_no_sound_flow_is_never_in_force(company: Company, drawn: dict[str, Any], code: str) -> None:
    key = f"bad-{code}".replace("_", "-")
    company.admin.post("/flows", {"key": key, "name": key, "graph": drawn})
    problem = refused(422, company.admin.post, f"/flows/{key}:publish")
    assert code in {problem["code"], *(error["code"] for error in problem.get("errors") or ())}
    assert company.admin.get(f"/flows/{key}")["published_version"] is None
    refused(404, company.sam.post, "/instances", {"flow": key})


def test_anothers_task_a_node_never_passed_and_a_late_withdrawal_are_refused(company: Company) -> None:
    key = draw(company, "two-steps", graph(person("one", "rita"), person("two", "carl")))
    instance = start(company, key)
    mine = task(company.rita, instance)["id"]
    for action in ("approve", "reject", "return", "comment", "cc"):
        more = {"to": ["mia"]} if action == "cc" else {}
        refused(404, company.mia.post, f"/tasks/{mine}:{action}", {"opinion": "x", **more})
    problem = refused(422, company.rita.post, f"/tasks/{mine}:return", {"to": "two", "opinion": "x"})
    assert problem["code"] == "node_not_passed"
    approve(company, instance, "rita")
    said = {"to": "one", "opinion": "再看", "resume": "straight"}
    back = company.carl.post(f"/tasks/{task(company.carl, instance)['id']}:return", said)
    assert back["instance_state"] == "running"
    assert approve(company, instance, "rita", "carl") == "approved"
    late = refused(409, company.sam.post, f"/instances/{instance}:withdraw", {"reason": "晚了"})
    assert (late["code"], late["state"]) == ("instance_ended", "approved")
    refused(404, company.mia.post, f"/instances/{instance}:withdraw", {})


def test_the_work_of_somebody_who_left_goes_to_whom_the_flow_names_and_says_so(company: Company) -> None:
    body = {"username": "lou", "password": PASSWORD, "name": "lou", "department": "S"}
    company.admin.post("/users", {**body, "roles": ["risk_analyst"]})
    settings = {"gone": "user", "gone_user": "carl"}
    key = draw(company, "leaving", graph(person("one", "lou"), settings=settings))
    instance = start(company, key)
    assert task(company.suite.client().sign_in("lou", PASSWORD), instance)
    company.admin.patch("/users/lou", {"active": False})
    company.settle()
    assert task(company.carl, instance)["node"] == "one"
    shown = company.admin.get(f"/instances/{instance}")
    [line] = [each for each in shown["timeline"] if each["action"] == "reassigned"]
    assert "lou" in line["opinion"]
    assert line["detail"] == {"from": "lou", "to": "carl"}
    later = start(company, key)
    [noted] = [
        each
        for each in company.admin.get(f"/instances/{later}")["timeline"]
        if each["action"] == "reassigned"
    ]
    assert "lou" in noted["detail"]["note"]
    assert task(company.carl, later)


class Deaf(ThreadingHTTPServer):
    """A server that takes requests and answers them only once it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Silent)
        self.hears = threading.Event()
        self.keys: list[str] = []


class _Silent(BaseHTTPRequestHandler):
    server: Deaf

    def do_POST(self) -> None:
        """Keep what was asked; say nothing before it is time."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.keys.append(self.headers["Idempotency-Key"])
        self.server.hears.wait(_SECONDS_MAX)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    """A server of the test's own."""
    made = Deaf()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.hears.set()
    made.shutdown()
    made.server_close()


def _tried_before(company: Company, instance: str) -> None:
    """As if a webhook had been tried until its last time."""
    url = company.suite.settings.database("workflow").replace("+psycopg2", "", 1)
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE timers SET attempts = 4 WHERE instance_id = %s AND kind = 'webhook'", (instance,)
        )


def _hook(company: Company, deaf: Deaf, key: str, *, minded: bool) -> str:
    url = f"http://127.0.0.1:{deaf.server_port}/hook"
    hook = {"key": "hook", "type": "action", "do": "webhook", "url": url}
    drawn = graph(hook, fields={})
    if minded:
        drawn["nodes"].append(person("look", "carl"))
        drawn["edges"] += [{"from": "hook", "to": "look", "on": "error"}, {"from": "look", "to": "end"}]
    return draw(company, key, drawn)


def test_a_webhook_that_hangs_costs_bounded_time_and_then_the_error_branch_or_an_administrator(
    company: Company, deaf: Deaf
) -> None:
    instances = {
        minded: start(company, _hook(company, deaf, f"hook-{minded}".lower(), minded=minded))
        for minded in (True, False)
    }

    def actions(instance: str) -> list[str]:
        _tried_before(company, instance)
        return [each["action"] for each in company.admin.get(f"/instances/{instance}")["timeline"]]

    wait_until(lambda: "action_failed" in actions(instances[True]), _SECONDS_MAX, what="the error branch")
    assert task(company.carl, instances[True])["node"] == "look"
    wait_until(lambda: "webhook_parked" in actions(instances[False]), _SECONDS_MAX, what="the parking")
    assert company.admin.get(f"/instances/{instances[False]}")["state"] == "running"
    deaf.hears.set()
    company.admin.post(f"/instances/{instances[False]}:retry", {"reason": "对方已恢复"})
    wait_until(lambda: "webhook_sent" in actions(instances[False]), _SECONDS_MAX, what="the webhook")
    assert len(set(deaf.keys)) == 2, "one key for each, however often it was sent"
    with pytest.raises(ApiRefused):
        company.admin.post(f"/instances/{instances[False]}:retry", {"reason": "已结束"})

"""A suite with records of every kind that belong to one salesperson, and others who are not them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from gateway.identity.permissions import ALL, SCOPED
from tests.conftest import suite_settings
from tests.support.postgres import DatabaseServer
from tests.support.suites import Suite, embedded_suite

PASSWORD = "a long enough password"
SHOPS = {"sam": "EAST", "sue": "WEST"}


@dataclass
class Person:
    """Somebody who asks the API; every answer is kept as it comes."""

    url: str
    username: str
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        url = f"{self.url}/api/v1{path}"
        headers = {**self.headers, **options.pop("headers", {})}
        return requests.request(method, url, json=body, headers=headers, timeout=60, **options)

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The JSON of an answer that must be good."""
        response = self.send(method, path, body, **options)
        assert response.status_code < 300, f"{self.username} {method} {path}: {response.text}"
        return response.json()

    def refused(self, status: int, method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        """The problem document of an answer that must be this refusal."""
        response = self.send(method, path, body, **more)
        assert response.status_code == status, f"{self.username} {method} {path}: {response.text}"
        problem: dict[str, Any] = response.json()
        return problem


@dataclass
class Office:
    """A running suite, its administrator, and what sam has: the ids and numbers of his records."""

    suite: Suite
    admin: Person
    of_sam: dict[str, str] = field(default_factory=dict)

    def ground(self, service: str) -> Any:
        """What a running service stands on."""
        assert self.suite.runner is not None
        dependencies = self.suite.runner.container(service).dependencies
        return next(each for each in dependencies if hasattr(each, "ask"))

    def sign_in(self, username: str, password: str = PASSWORD) -> Person:
        nobody = Person(self.suite.url, username)
        login = {"username": username, "password": password}
        token = nobody.ask("POST", "/auth/login", login)["access_token"]
        return Person(self.suite.url, username, {"Authorization": f"Bearer {token}"})

    def role(self, key: str, grants: list[dict[str, Any]], fields: Any = None) -> None:
        """Make or replace a role by its matrix."""
        body = {"label": key, "grants": grants, "fields": fields or {}}
        self.admin.ask("PUT", f"/roles/{key}", body)

    def hire(self, username: str, roles: list[str], department: str = "WEST") -> Person:
        """A new user, signed in; one who is there gets these roles."""
        body = {"name": username, "department": department, "roles": roles}
        if self.admin.send("GET", f"/users/{username}").status_code == 404:
            self.admin.ask("POST", "/users", {"username": username, "password": PASSWORD, **body})
        else:
            self.admin.ask("PATCH", f"/users/{username}", body)
        return self.sign_in(username)


_OF_RECORDS = ("read", "create", "update", "delete", "import")


def everything(kind: str = "all", **more: Any) -> list[dict[str, Any]]:
    """Every right there is but the administration's, those that can be narrowed with this scope."""
    scope = {"kind": kind, **more}
    return [
        {"right": right, "scopes": [scope] if right in SCOPED else [{"kind": "all"}]}
        for right in sorted(ALL)
        if not right.startswith("admin.")
    ] + [{"right": f"form:visits.{action}", "scopes": [scope]} for action in _OF_RECORDS]


@pytest.fixture(scope="module")
def office(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder: Path = tmp_path_factory.mktemp("office")
    with database_server.databases() as prefix:
        settings = suite_settings(database_server, prefix, folder)
        with embedded_suite(settings) as suite:
            nobody = Office(suite, Person(suite.url, "nobody"))
            admin = nobody.sign_in(settings.admin_username, settings.admin_password)
            made = Office(suite, admin)
            _furnish(made)
            yield made


def _furnish(office: Office) -> None:
    admin = office.admin
    for code, parent in (("HQ", None), ("EAST", "HQ"), ("EAST-1", "EAST"), ("WEST", "HQ")):
        admin.ask("POST", "/departments", {"code": code, "name": code, "parent": parent})
    office.hire("mia", ["department_manager"], "HQ")
    for code in ("EAST", "WEST"):
        admin.ask("PATCH", f"/departments/{code}", {"head": "mia"})
    admin.ask("POST", "/admin/business-date", {"date": "2026-01-05"})
    subject = {"key": "subject", "label": {"zh": "主题"}, "type": "text"}
    papers = {"key": "papers", "label": {"zh": "资料"}, "type": "attachment"}
    admin.ask("POST", "/forms", {"key": "visits", "title": {"zh": "拜访"}, "fields": [subject, papers]})
    admin.ask("POST", "/forms", {"key": "application", "title": {"zh": "申请"}, "fields": [papers]})
    customers = admin.ask("GET", "/forms/customer")
    admin.ask("PUT", "/forms/customer", {**customers, "fields": [*customers["fields"], papers]})
    for key in ("visits", "application", "customer"):
        admin.ask("POST", f"/forms/{key}:publish", {})
    office.role("everything", everything())
    sam = office.hire("sam", ["everything"], "EAST")
    _trade(office, sam)
    admin.ask("POST", "/admin/streams:drain")


def _trade(office: Office, sam: Person) -> None:
    """Records of every kind that the API can name, all of a customer of sam's."""
    files = {form: _file(sam, form) for form in ("customer", "application", "visits")}
    contact = {"name": "张三", "mobile": "13812341234", "email": "zhang.san@example.com"}
    customer = sam.ask(
        "POST",
        "/customers",
        {
            "code": "C-SAM",
            "name": "山姆的客户",
            "region": "华东",
            "salesperson": "sam",
            "department": "EAST",
            "contacts": [contact],
            "fields": {"annual_sales": "5000000.00", "industry": "retail", "papers": [files["customer"]]},
        },
    )
    asked = {"customer_id": customer["id"], "amount": "30000.00", "currency": "CNY", "term_days": 30}
    fields = {"papers": [files["application"]]}
    application = sam.ask("POST", "/applications", {**asked, "fields": fields})
    sam.ask("POST", f"/applications/{application['id']}:submit")
    office.admin.ask("POST", "/admin/streams:drain")
    mia = office.sign_in("mia")
    task = mia.ask("GET", "/tasks?state=open")["items"][0]
    account = f"/credit-accounts/{customer['id']}"
    money = {"customer_id": customer["id"], "currency": "CNY"}
    sam.ask("POST", f"{account}/grants", {"amount": "100000.00", "currency": "CNY"})
    worth = {"kind": "guarantee", "value": "1000.00", "currency": "CNY", "accepted_percent": "50"}
    guarantee = sam.ask("POST", f"{account}/guarantees", {**worth, "provider": "某银行"})["guarantee"]
    sam.ask("POST", "/orders", {**money, "order_no": "O-SAM", "amount": "900.00", "order_date": "2026-01-05"})
    sam.ask("POST", "/orders/O-SAM:deliver", {"delivery_no": "D-SAM", "amount": "100.00"})
    dated = {"invoice_date": "2026-01-05", "due_date": "2026-02-05"}
    sam.ask("POST", "/invoices", {**money, **dated, "invoice_no": "I-SAM", "amount": "500.00"})
    paid = {"paid_at": "2026-01-05", "amount": "50.00"}
    sam.ask("POST", "/payments", {**money, **paid, "payment_no": "P-SAM"})
    bill = {"method": "acceptance_bill", "bill": {"number": "B-SAM", "due_date": "2026-03-01"}}
    sam.ask("POST", "/payments", {**money, **paid, **bill, "payment_no": "P-BILL"})
    noted = {"credit_note_no": "N-SAM", "amount": "10.00", "credit_note_date": "2026-01-05", "reason": "折让"}
    sam.ask("POST", "/credit-notes", {**money, **noted})
    written_off = {"write_off_no": "W-SAM", "invoice_no": "I-SAM", "amount": "5.00", "reason": "尾差"}
    sam.ask("POST", "/write-offs", written_off)
    disputed = {"invoice_no": "I-SAM", "amount": "20.00", "reason": "质量"}
    dispute = sam.ask("POST", "/disputes", disputed)["dispute"]
    values = {"subject": "山姆的拜访", "papers": [files["visits"]]}
    record = sam.ask("POST", "/forms/visits/records", {"fields": values})
    view = sam.ask("POST", "/forms/visits/views", {"name": "山姆的视图"})
    override = sam.ask("POST", "/overrides", {**money, "amount": "1.00", "reason": "特批"})["override"]
    office.of_sam |= {
        "customer_id": customer["id"],
        **_papers(sam, customer["id"]),
        **{f"file_of_{form}": file["id"] for form, file in files.items()},
        "session_id": sam.ask("GET", "/me/sessions")["items"][0]["id"],
        "application_id": application["id"],
        "task_id": task["id"],
        "notification_id": mia.ask("GET", "/notifications")["items"][0]["id"],
        "instance_id": task["instance_id"],
        "guarantee_id": guarantee["id"],
        "order_no": "O-SAM",
        "dispute_id": dispute["id"],
        "invoice": "I-SAM",
        "payment": "P-SAM",
        "credit-note": "N-SAM",
        "write-off": "W-SAM",
        "bill": "B-SAM",
        "form": "visits",
        "record_id": record["id"],
        "view_id": view["id"],
        "override_id": override["id"],
        "import_id": _import(sam),
    }


def _file(sam: Person, form: str) -> dict[str, Any]:
    """A file for the field `papers` of a form."""
    sent = {"file": ("资料.txt", b"the papers")}
    upload = requests.post(
        f"{sam.url}/api/v1/forms/{form}/files",
        params={"field": "papers"},
        files=sent,
        headers=sam.headers,
        timeout=30,
    )
    assert upload.status_code == 201, upload.text
    found: dict[str, Any] = upload.json()
    return found


def _import(sam: Person) -> str:
    """A table of visits that was uploaded."""
    upload = requests.post(
        f"{sam.url}/api/v1/forms/visits/imports",
        files={"file": ("拜访.csv", "主题\n山姆的导入\n".encode())},
        headers=sam.headers,
        timeout=60,
    )
    assert upload.status_code == 201, upload.text
    return str(upload.json()["id"])


def _papers(sam: Person, customer_id: str) -> dict[str, str]:
    """A file and a document of a customer."""
    upload = requests.post(
        f"{sam.url}/api/v1/customers/{customer_id}/attachments",
        files={"file": ("合同.txt", b"the contract")},
        headers=sam.headers,
        timeout=30,
    )
    assert upload.status_code == 201, upload.text
    licence = {"kind": "business_licence", "valid_to": "2027-01-31"}
    document = sam.ask("POST", f"/customers/{customer_id}/documents", licence)
    return {"attachment_id": upload.json()["id"], "document_id": document["id"]}


def path_of(path: str, names: dict[str, str]) -> str:
    """A route's path with these ids in it."""
    return re.sub(r"<([^>]+)>", lambda found: names[found.group(1)], path)

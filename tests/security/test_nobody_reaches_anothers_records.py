"""IDOR: every id of another's record, through every route that takes one, by somebody with every right."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gateway.routes import Route
from gateway.table import all_routes
from tests.security.conftest import Office, Person, everything, path_of

# What of a path names no record of a person or a customer: whose right reaches it, reaches all of them.
_OF_EVERYBODY = {
    # Groups hold customers of everybody, see below.
    "group_id",
    "form",
    *("key", "flow", "rule", "service", "identity", "dashboard"),
    "binding_id",
    # One's own, but for who may set everybody's, see below.
    "absence_id",
}
_NUMBERS = ("invoices", "payments", "credit-notes", "write-offs", "bills")
_PARAMETERS = re.compile(r"<([^>]+)>")
_GRANT = {"amount": "5.00", "currency": "CNY"}
_DELIVERY = {"amount": "1.00", "delivery_no": "D-SAM", "return_no": "R-SUE"}
# What a route's body needs so that it is refused for whose record it is, and for nothing else.
_GUARANTEE = {
    "kind": "guarantee",
    "value": "1.00",
    "currency": "CNY",
    "accepted_percent": "50",
    "provider": "x",
}
_BODIES: dict[str, Any] = {
    "PATCH /forms/<form>/records/<record_id>": {"fields": {"subject": "x"}, "version": 1},
    "PATCH /customers/<customer_id>": {"region": "华北"},
    **{
        f"POST /customers/<customer_id>:{verb}": {"reason": "x"}
        for verb in ("blacklist", "whitelist", "unlist")
    },
    "POST /customers/<customer_id>/documents": {"kind": "other"},
    "POST /customers/<customer_id>:merge": {"into": "C-SAM", "reason": "x"},
    "PUT /applications/<application_id>": _GRANT,
    "POST /credit-accounts/<customer_id>/grants": _GRANT,
    "POST /credit-accounts/<customer_id>/guarantees": _GUARANTEE,
    "POST /credit-accounts/<customer_id>/guarantees/<guarantee_id>:release": {"reason": "x"},
    "POST /credit-accounts/<customer_id>:freeze": {"reason": "x"},
    "POST /credit-accounts/<customer_id>:unfreeze": {"reason": "x"},
    "POST /orders/<order_no>:amend": {"amount": "1.00"},
    "POST /orders/<order_no>:deliver": {"amount": "1.00", "delivery_no": "D-SUE"},
    "POST /orders/<order_no>:return-delivery": {"amount": "1.00", "return_no": "R-SUE"},
    "POST /orders/<order_no>:reverse-delivery": {"delivery_no": "D-SAM"},
    "POST /overrides/<override_id>:end": {"reason": "x"},
    "POST /tasks/<task_id>:comment": {"opinion": "x"},
    "POST /tasks/<task_id>:transfer": {"to": "sue"},
    "POST /tasks/<task_id>:delegate": {"to": "sue"},
    "POST /tasks/<task_id>:add-sign": {"to": ["sue"], "when": "beside"},
    "POST /tasks/<task_id>:remove-sign": {"who": "sam"},
    "POST /tasks/<task_id>:cc": {"to": ["sue"]},
    "POST /instances/<instance_id>:terminate": {"reason": "x"},
    "POST /instances/<instance_id>:jump": {"reason": "x", "to": "risk"},
    "POST /instances/<instance_id>:retry": {"reason": "x"},
    "PUT /customers/<customer_id>/rating": {"grade": "A", "reason": "x"},
    "POST /customers/<record>:share": {"username": "sue"},
    "POST /customers/<record>:unshare": {"username": "sue"},
    "POST /applications/<record>:share": {"username": "sue"},
    "POST /applications/<record>:unshare": {"username": "sue"},
    "POST /credit-pools/<pool_kind>/<pool_key>/grants": _GRANT,
    "POST /credit-pools/<pool_kind>/<pool_key>/guarantees": _GUARANTEE,
    "POST /credit-pools/<pool_kind>/<pool_key>/guarantees/<guarantee_id>:release": {"reason": "x"},
    "POST /credit-pools/<pool_kind>/<pool_key>:release": {"reason": "x"},
}


def _names(route: Route, of_sam: dict[str, str]) -> dict[str, str]:
    resource = route.path.split("/")[1].partition(":")[0]
    forms = {"customers": "customer", "applications": "application", "forms": "visits"}
    shared = {"customers": of_sam["customer_id"], "applications": of_sam["application_id"]}
    return {
        **of_sam,
        "number": of_sam[resource.removesuffix("s")] if resource in _NUMBERS else "",
        "record": shared.get(resource, ""),
        "file_id": of_sam[f"file_of_{forms.get(resource, 'visits')}"],
        "pool_kind": "salesperson",
        "pool_key": "sam",
    }


def _is_of_records(route: Route) -> bool:
    names = set(_PARAMETERS.findall(route.path))
    return bool(names - _OF_EVERYBODY) and not route.permission.startswith("admin.")


def _words(route: Route) -> set[str]:
    """The first words of what a path names."""
    return {name.partition("_")[0] for name in _PARAMETERS.findall(route.path)}


_ROUTES = [route for route in all_routes() if _is_of_records(route)]


@pytest.fixture(scope="module")
def stranger(office: Office) -> Person:
    """Somebody with every right there is, to what is their own: they have nothing."""
    office.role("own_everything", everything("own"))
    return office.hire("sue", ["own_everything"])


@pytest.fixture(scope="module")
def owner(office: Office, stranger: Person) -> Person:
    return office.hire("sam", ["own_everything"], "EAST")


@pytest.mark.parametrize("route", _ROUTES, ids=lambda route: route.name)
def test_anothers_record_is_not_there(office: Office, stranger: Person, route: Route) -> None:
    path = path_of(route.path, _names(route, office.of_sam))
    body = _BODIES.get(route.name, {}) if route.method in ("POST", "PUT", "PATCH") else None
    response = stranger.send(route.method, path, body)
    assert response.status_code == 404, f"{route.name}: {response.status_code} {response.text}"
    assert "山姆" not in response.text


@pytest.mark.parametrize(
    "route",
    # The task is mia's, and nobody has given sam a pool.
    [route for route in _ROUTES if route.method == "GET" and not {"task", "pool"} & _words(route)],
    ids=lambda route: route.name,
)
def test_their_owner_finds_them_by_the_same_rights(office: Office, owner: Person, route: Route) -> None:
    response = owner.send("GET", path_of(route.path, _names(route, office.of_sam)))
    assert response.status_code == 200, f"{route.name}: {response.text}"


def _bodies_with_ids(office: Office) -> list[tuple[str, dict[str, Any]]]:
    mine = {"customer_id": office.of_sam["customer_id"], "currency": "CNY", "amount": "1.00"}
    coded = {"customer_code": "C-SAM", "currency": "CNY", "amount": "1.00"}
    dated = {"invoice_date": "2026-01-05", "due_date": "2026-02-05"}
    return [
        ("/applications", mine),
        ("/applications", {**mine, "customer_id": "C-SAM"}),
        ("/orders", {**mine, "order_no": "O-1", "order_date": "2026-01-05"}),
        ("/orders", {**coded, "order_no": "O-1", "order_date": "2026-01-05"}),
        ("/orders:check", mine),
        ("/orders:check", coded),
        ("/invoices", {**mine, **dated, "invoice_no": "I-1"}),
        ("/payments", {**mine, "payment_no": "P-1", "paid_at": "2026-01-05"}),
        ("/credit-notes", {**mine, "credit_note_no": "N-1", "credit_note_date": "2026-01-05"}),
        ("/write-offs", {"write_off_no": "W-1", "invoice_no": "I-SAM", "amount": "1.00", "reason": "x"}),
        ("/disputes", {"invoice_no": "I-SAM", "amount": "1.00", "reason": "x"}),
    ]


def test_an_id_in_a_body_reaches_no_further_than_one_in_a_path(office: Office, stranger: Person) -> None:
    for path, body in _bodies_with_ids(office):
        response = stranger.send("POST", path, body)
        assert response.status_code == 404, f"{path} {body}: {response.text}"
        if path not in ("/applications", "/orders:check", "/disputes"):
            results = stranger.ask("POST", f"{path}:batch", {"items": [body]})["results"]
            assert [result["problem"]["status"] for result in results] == [404], results
    tasks = {"task_ids": [office.of_sam["task_id"]], "action": "approve"}
    results = stranger.ask("POST", "/tasks:batch", tasks)["results"]
    assert [result["problem"]["status"] for result in results] == [404]
    query = f"?customer_id={office.of_sam['customer_id']}"
    stranger.refused(404, "GET", f"/dashboards/customer-profile/data{query}")


def test_what_is_taken_is_refused_without_saying_by_whom(office: Office, stranger: Person) -> None:
    taken = {"code": "C-SAM", "name": "另一个", "salesperson": "sue"}
    response = stranger.send("POST", "/customers", taken)
    assert response.status_code == 409
    assert "山姆" not in response.text
    assert office.of_sam["customer_id"] not in response.text


def test_anothers_absence_is_ended_by_nobody_but_those_who_set_them(office: Office, owner: Person) -> None:
    span = {"starts_at": "2026-01-06T00:00:00Z", "ends_at": "2026-01-07T00:00:00Z"}
    absence = owner.ask("POST", "/absences", {"deputy": "mia", **span})
    office.role("acts", [{"right": "tasks.act"}])
    ann = office.hire("ann", ["acts"])
    assert ann.ask("GET", "/absences")["items"] == []
    ann.refused(404, "DELETE", f"/absences/{absence['id']}")
    owner.ask("DELETE", f"/absences/{absence['id']}")


def test_a_group_is_moved_by_nobody_whose_right_does_not_reach_all(office: Office, stranger: Person) -> None:
    group = office.admin.ask("POST", "/customer-groups", {"code": "G-1", "name": "集团"})
    problem = stranger.refused(403, "PATCH", f"/customer-groups/{group['id']}", {"name": "改名"})
    assert problem["code"] == "beyond_scope"
    office.admin.ask("PATCH", f"/customer-groups/{group['id']}", {"name": "改名"})


def test_nobody_makes_a_customer_that_they_would_not_reach(stranger: Person) -> None:
    problem = stranger.refused(403, "POST", "/customers", {"name": "别人的", "salesperson": "sam"})
    assert problem["code"] == "beyond_scope"
    assert problem["permission"] == "customers.create"


_LISTS = [
    *("/customers", "/applications", "/orders", "/invoices", "/payments", "/credit-notes", "/write-offs"),
    *("/bills", "/disputes", "/decisions", "/tasks", "/todos", "/credit-pools"),
    *("/customers?q=山姆", "/customers?code=C-SAM", "/rules/overdue-7-days/firings"),
]


@pytest.mark.parametrize("path", _LISTS)
def test_lists_and_searches_hold_nothing_of_others(stranger: Person, path: str) -> None:
    assert stranger.ask("GET", path)["items"] == []


@pytest.mark.parametrize("path", [path for path in _LISTS if path.startswith(("/cu", "/ap", "/or", "/in"))])
def test_their_owner_has_them_in_the_same_lists(owner: Person, path: str) -> None:
    assert owner.ask("GET", path)["items"]


def test_reports_dashboards_and_exports_count_only_what_one_may_see(
    office: Office, stranger: Person, owner: Person
) -> None:
    office.admin.ask("POST", "/admin/streams:drain")
    question = {"measures": ["customers", "order_amount", "receivable_open"], "dimensions": []}
    (nothing,) = stranger.ask("POST", "/reports/query", question)["rows"]
    assert nothing == {"currency": None, "customers": 0, "order_amount": "0", "receivable_open": "0"}
    (row,) = owner.ask("POST", "/reports/query", question)["rows"]
    assert row["customers"] == 1
    assert row["order_amount"] == "900.00"
    for person, has in ((stranger, False), (owner, True)):
        shown = person.send("GET", "/dashboards/credit-overview/data").text
        assert ("100500.00" in shown) == has, shown
        exported = person.send("GET", "/customers:export").text
        assert ("山姆的客户" in exported) == has
        csv = person.send("POST", "/reports/query?format=csv", {**question, "dimensions": ["customer"]})
        assert ("山姆的客户" in csv.text) == has

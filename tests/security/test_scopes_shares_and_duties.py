"""Every kind of scope and condition, shared records, duties kept apart, previews, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from gateway.notifications import projection
from services.common.caller import service_caller
from services.common.config import GATEWAY
from services.common.events import Event
from tests.security.conftest import Office, Person, everything

_READ = "customers.read"


@pytest.fixture(scope="module")
def customers(office: Office) -> dict[str, str]:
    """Customers of several departments and salespersons, by code."""
    made = {}
    for code, department, salesperson, region in (
        ("K-EAST", "EAST", "ed", "华东"),
        ("K-EAST-1", "EAST-1", "eve", "华东"),
        ("K-WEST", "WEST", "wim", "华西"),
        ("K-HQ", "HQ", None, "华北"),
    ):
        body = {"code": code, "name": code, "department": department, "region": region}
        made[code] = office.admin.ask("POST", "/customers", {**body, "salesperson": salesperson})["id"]
    office.admin.ask("POST", "/admin/streams:drain")
    return made


@pytest.mark.parametrize(
    ("scopes", "condition", "seen"),
    [
        ([{"kind": "all"}], None, {"K-EAST", "K-EAST-1", "K-WEST", "K-HQ"}),
        ([{"kind": "own"}], None, {"K-EAST"}),
        ([{"kind": "department"}], None, {"K-EAST"}),
        ([{"kind": "department_below"}], None, {"K-EAST", "K-EAST-1"}),
        ([{"kind": "departments", "departments": ["WEST", "HQ"]}], None, {"K-WEST", "K-HQ"}),
        ([{"kind": "expression", "expression": '地区 = "华东"'}], None, {"K-EAST", "K-EAST-1"}),
        (
            [{"kind": "expression", "expression": "department in my_departments"}],
            None,
            {"K-EAST", "K-EAST-1"},
        ),
        ([{"kind": "own"}, {"kind": "departments", "departments": ["HQ"]}], None, {"K-EAST", "K-HQ"}),
        ([{"kind": "department_below"}], "salesperson <> my_username", {"K-EAST-1"}),
        ([{"kind": "shared"}], None, set()),
    ],
)
def test_a_scope_reaches_what_it_says(
    office: Office, customers: dict[str, str], scopes: Any, condition: str | None, seen: set[str]
) -> None:
    office.role("looker", [{"right": _READ, "scopes": scopes, "condition": condition}])
    ed = office.hire("ed", ["looker"], "EAST")
    found = {one["code"] for one in ed.ask("GET", "/customers?q=K-")["items"]}
    assert found == seen
    for code, customer_id in customers.items():
        assert ed.send("GET", f"/customers/{customer_id}").status_code == (200 if code in seen else 404)
        asked = {"username": "ed", "right": _READ, "record": code}
        why = office.admin.ask("POST", "/admin/permissions:explain", asked)
        assert why["allowed"] == (code in seen), why


def test_groups_are_listed_as_far_as_their_customers_are_reached(office: Office) -> None:
    made: dict[str, str] = {}
    for code, above in (("T", None), ("T-MID", "T"), ("T-EAST", "T-MID"), ("T-WEST", "T"), ("T-NONE", "T")):
        body = {"code": code, "name": code, "parent_id": above and made[above]}
        made[code] = office.admin.ask("POST", "/customer-groups", body)["id"]
    for code, department in (("T-EAST", "EAST"), ("T-WEST", "WEST"), ("T-MID", "WEST")):
        body = {"code": f"C-{code}", "name": code, "department": department, "group_id": made[code]}
        office.admin.ask("POST", "/customers", body)

    def listed(person: Person) -> dict[str, Any]:
        items = person.ask("GET", "/customer-groups")["items"]
        return {one["code"]: one for one in items if one["code"].startswith("T")}

    office.role("grouped", [{"right": _READ, "scopes": [{"kind": "department"}]}])
    seen = listed(office.hire("greta", ["grouped"], "EAST"))
    assert set(seen) == {"T", "T-MID", "T-EAST"}
    assert seen["T-EAST"]["parent_id"] == made["T-MID"]
    known = {code for code, group in seen.items() if group["created_at"] is not None}
    assert known == {"T-EAST"}, "of the groups above, only code, name and place are told"
    assert set(listed(office.hire("gus", ["grouped"], "HQ"))) == set()
    assert set(listed(office.admin)) == set(made)


def test_a_grant_that_makes_no_sense_is_refused_with_its_place(office: Office) -> None:
    mars = {"kind": "departments", "departments": ["MARS"]}
    for grant, code in (
        ({"right": "customers.dance"}, "permission_unknown"),
        ({"right": _READ, "scopes": [{"kind": "galaxy"}]}, "scope_unknown"),
        (
            {"right": _READ, "scopes": [mars]},
            "department_unknown",
        ),
        ({"right": _READ, "condition": "amount > 5"}, "expression"),
        ({"right": _READ, "condition": "credit_limit + 5"}, "expression"),
        ({"right": "rules.write", "scopes": [{"kind": "own"}]}, "scope_not_supported"),
    ):
        body = {"label": "x", "grants": [grant]}
        problem = office.admin.refused(422, "PUT", "/roles/senseless", body)
        assert problem["code"] == code
        assert problem["errors"][0]["field"]
    office.admin.refused(404, "GET", "/roles/senseless")


def test_cells_of_a_matrix_are_changed_and_the_others_stay(office: Office) -> None:
    office.role("celled", everything("own"), {"customers": {"uscc": "hidden"}})
    change = {"grant": [{"right": _READ}], "revoke": ["orders.create"]}
    freed = {"customers": {"uscc": "write"}}
    role = office.admin.ask("PATCH", "/roles/celled", {**change, "fields": freed})
    by_right = {grant["right"]: grant["scopes"] for grant in role["grants"]}
    assert by_right[_READ] == [{"kind": "all"}]
    assert by_right["customers.update"] == [{"kind": "own"}]
    assert "orders.create" not in by_right
    assert role["fields"] == {}


def test_a_condition_limits_what_may_be_ordered(office: Office, customers: dict[str, str]) -> None:
    office.role("small", [{"right": "orders.check", "condition": "amount <= 100"}])
    ed = office.hire("ed", ["small"], "EAST")
    asked = {"customer_id": customers["K-WEST"], "currency": "CNY"}
    assert ed.ask("POST", "/orders:check", {**asked, "amount": "100.00"})["status"] == "refused"
    ed.refused(404, "POST", "/orders:check", {**asked, "amount": "100.01"})


@pytest.fixture
def shared_with_sue(office: Office) -> Iterator[Person]:
    office.role("sharing", everything("shared"))
    yield office.hire("sia", ["sharing"])
    office.admin.send("POST", f"/customers/{office.of_sam['customer_id']}:unshare", {"username": "sia"})


def test_what_is_shared_is_seen_as_far_as_it_is_shared(office: Office, shared_with_sue: Person) -> None:
    sia, customer = shared_with_sue, office.of_sam["customer_id"]
    seen = [f"/customers/{customer}", "/orders/O-SAM", f"/credit-accounts/{customer}"]
    seen += [f"/customers/{customer}/profile", f"/applications/{office.of_sam['application_id']}"]
    for path in seen:
        sia.refused(404, "GET", path)
    share = f"/customers/{customer}:share"
    office.admin.ask("POST", share, {"username": "sia"})
    for path in seen:
        sia.ask("GET", path)
    assert [one["code"] for one in sia.ask("GET", "/customers")["items"]] == ["C-SAM"]
    assert [one["order_no"] for one in sia.ask("GET", "/orders")["items"]] == ["O-SAM"]
    sia.refused(404, "PATCH", f"/customers/{customer}", {"region": "华北"})
    office.admin.ask("POST", share, {"username": "sia", "level": "write"})
    sia.ask("PATCH", f"/customers/{customer}", {"region": "华北"})
    sia.ask("PATCH", f"/customers/{customer}", {"region": "华东"})
    (told,) = office.admin.ask("GET", f"/customers/{customer}/shares")["items"]
    assert (told["username"], told["level"], told["shared_by"]) == ("sia", "write", "admin")
    office.admin.ask("POST", f"/customers/{customer}:unshare", {"username": "sia"})
    for path in seen:
        sia.refused(404, "GET", path)


def test_nobody_shares_what_they_do_not_see_or_with_nobody(office: Office, shared_with_sue: Person) -> None:
    share = f"/customers/{office.of_sam['customer_id']}:share"
    shared_with_sue.refused(404, "POST", share, {"username": "sia"})
    office.admin.refused(422, "POST", share, {"username": "nobody-here"})
    office.admin.refused(422, "POST", share, {"username": "sia", "expires_at": "2020-01-01T00:00:00Z"})


def test_a_publisher_is_not_the_author_where_it_is_so_set(office: Office) -> None:
    rule = office.admin.ask("GET", "/rules/overdue-7-days")
    draft = {name: rule[name] for name in ("name", "trigger", "condition", "actions") if name in rule}
    office.role("rules", [{"right": f"rules.{action}"} for action in ("read", "write", "publish")])
    author, other = office.hire("ann", ["rules"]), office.hire("ben", ["rules"])
    author.ask("PUT", "/rules/overdue-7-days", draft)
    office.admin.ask("PATCH", "/admin/duties", {"publish_own_draft": False})
    try:
        problem = author.refused(403, "POST", "/rules/overdue-7-days:publish")
        assert problem["code"] == "own_draft"
        other.ask("POST", "/rules/overdue-7-days:publish")
    finally:
        office.admin.ask("PATCH", "/admin/duties", {"publish_own_draft": True})
    author.ask("POST", "/rules/overdue-7-days:publish")


def test_a_preview_sees_what_the_user_sees_and_changes_nothing(office: Office) -> None:
    office.role("looker", [{"right": _READ, "scopes": [{"kind": "own"}]}])
    office.hire("ed", ["looker"], "EAST")
    as_ed = {"headers": {**office.admin.headers, "X-Preview-As": "ed"}}
    found = {one["code"] for one in office.admin.ask("GET", "/customers", **as_ed)["items"]}
    assert found == {"K-EAST"}
    assert office.admin.ask("GET", "/me", **as_ed)["user"]["username"] == "ed"
    office.admin.refused(403, "GET", "/orders", **as_ed)
    problem = office.admin.refused(403, "POST", "/customers", {"name": "x"}, **as_ed)
    assert problem["code"] == "preview_only_reads"
    office.admin.refused(404, "GET", "/customers", headers={**office.admin.headers, "X-Preview-As": "ghost"})
    # Whoever may look as others sees no more than they may see themselves.
    office.role("helper", [{"right": "admin.preview"}, {"right": _READ, "scopes": [{"kind": "own"}]}])
    helper = office.hire("hal", ["helper"])
    for username in ("admin", "ed"):
        headers = {**helper.headers, "X-Preview-As": username}
        assert helper.refused(403, "GET", "/customers", headers=headers)["code"] == "permission_beyond"


def test_an_explanation_names_role_grant_scope_and_what_the_condition_read(office: Office) -> None:
    grant = {"right": _READ, "scopes": [{"kind": "department_below"}], "condition": 'region = "华西"'}
    office.role("looker", [grant])
    office.hire("ed", ["looker"], "EAST")
    asked = {"username": "ed", "right": _READ, "record": "K-EAST-1"}
    why = office.admin.ask("POST", "/admin/permissions:explain", asked)
    assert (why["allowed"], why["why"]) == (False, "not_reached")
    (role,) = why["roles"]
    (told,) = role["grants"]
    assert role["role"] == "looker"
    assert told["scope"] == {"kind": "department_below"}
    assert told["means"] == ["EAST", "EAST-1"]
    assert (told["in_scope"], told["condition_holds"]) == (True, False)
    assert told["reads"] == {"region": "华东"}
    asked = {"username": "ed", "right": "orders.create"}
    without = office.admin.ask("POST", "/admin/permissions:explain", asked)
    assert (without["allowed"], without["why"]) == (False, "no_role_with_the_right")


def _notified(person: Person) -> list[tuple[str, str]]:
    items = person.ask("GET", "/notifications")["items"]
    return [(one["title"], one["body"]) for one in items]


_WITHHELD = "您现在无权查看"


def test_who_is_mentioned_is_told_what_they_may_see_now(office: Office) -> None:
    grants = [{"right": "notifications.read"}, {"right": "tasks.read"}]

    def rob(kind: str, fields: Any = None) -> Person:
        office.role("mentioned", [*grants, {"right": "instances.read", "scopes": [{"kind": kind}]}], fields)
        return office.hire("rob", ["mentioned"])

    rob("own")
    office.admin.ask("POST", "/admin/streams:drain")
    mia = office.sign_in("mia")
    body = {"opinion": "@rob 请看", "mention": ["rob"]}
    mia.ask("POST", f"/tasks/{office.of_sam['task_id']}:comment", body)
    office.admin.ask("POST", "/admin/streams:drain")
    assert _notified(rob("own")) == [(f"提到了您: {_WITHHELD}", "")]
    (told,) = _notified(rob("all"))
    assert "山姆的客户" in told[1]
    assert "30000.00" in told[1]
    (told,) = _notified(rob("all", {"customers": {"name": "masked"}, "applications": {"amount": "hidden"}}))
    assert "山****" in told[1]
    assert "30000" not in told[1]
    assert _notified(rob("own")) == [(f"提到了您: {_WITHHELD}", "")]


def test_a_warning_is_read_by_whoever_reaches_its_customer_now(office: Office) -> None:
    grants = [{"right": "notifications.read"}, {"right": "firings.read", "scopes": [{"kind": "own"}]}]
    office.role("warned", grants)
    ola = office.hire("ola", ["warned"])
    body = {"code": "K-OLA", "name": "奥拉的客户", "department": "EAST", "salesperson": "ola"}
    customer = office.admin.ask("POST", "/customers", body)
    office.admin.ask("POST", "/admin/streams:drain")
    action = {"kind": "notify", "to": ["ola"], "subject": "奥拉的客户 逾期 9 天", "body": "逾期 500.00"}
    data = {"rule_key": "r", "customer_id": customer["id"], "episode": 1, "facts": {}, "actions": [action]}
    fired = Event(
        id=uuid4(),
        type="rule_fired",
        source="risk_rules",
        subject=customer["id"],
        sequence=1,
        ordering_key=customer["id"],
        time="2026-01-05T00:00:00Z",
        actor="",
        trace_id="",
        data={**data, "salesperson": "ola", "department": "EAST"},
        dataversion=1,
    )
    with office.ground(GATEWAY).database.begin(service_caller(GATEWAY)) as work:
        projection.rule_fired(work, fired)
    assert _notified(ola) == [("奥拉的客户 逾期 9 天", "逾期 500.00")]
    office.admin.ask("PATCH", f"/customers/{customer['id']}", {"salesperson": "ed"})
    office.admin.ask("POST", "/admin/streams:drain")
    assert _notified(ola) == [(_WITHHELD, "")]


def test_a_missing_right_is_named(office: Office) -> None:
    office.role("looker", [{"right": _READ}])
    ed = office.hire("ed", ["looker"], "EAST")
    problem = ed.refused(403, "GET", "/orders")
    assert "orders.read" in problem["detail"]
    assert problem["permission"] == "orders.read"


def test_the_catalogue_tells_what_a_matrix_is_made_of(office: Office) -> None:
    catalogue = office.admin.ask("GET", "/admin/permissions")
    by_key = {right["key"]: right for right in catalogue["items"]}
    assert by_key["orders.create"]["routes"] == ["POST /orders", "POST /orders:batch"]
    assert by_key["orders.create"]["label"]["zh"] == "新建"
    assert by_key["orders.create"]["scoped"]
    assert not by_key["rules.write"]["scoped"]
    of_routes = [right for right in catalogue["items"] if not right["key"].startswith("form:")]
    assert [right["key"] for right in of_routes if not right["routes"]] == []


def test_nobody_gives_a_role_more_than_they_have(office: Office) -> None:
    own = [{"right": _READ, "scopes": [{"kind": "own"}]}]
    hidden = {"customers": {"uscc": "hidden"}}
    office.role("chief", [*own, {"right": "admin.roles"}], hidden)
    chief = office.hire("chi", ["chief"])
    for grants, fields in (
        ([{"right": _READ}], hidden),
        ([{"right": "orders.read"}], hidden),
        (own, {}),
    ):
        body = {"label": "x", "grants": grants, "fields": fields}
        assert chief.refused(403, "PUT", "/roles/mightier", body)["code"] == "permission_beyond"
    chief.ask("PUT", "/roles/weaker", {"label": "x", "grants": own, "fields": hidden})

"""What a role may not see of a field stands in no answer, and what it may not write is refused by name."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest

from tests.security.conftest import Office, Person, everything

_FIELDS = {
    "customers": {
        "uscc": "hidden",
        "salesperson": "hidden",
        "credit_limit": "hidden",
        "contacts.mobile": "masked",
        "contacts.email": {"level": "masked"},
        "name": "masked",
        "region": "read",
        "fields.annual_sales": {"level": "masked", "mask": "amount"},
    },
    "credit": {"limit": "hidden", "available": "hidden", "exposure": "masked", "amount": "hidden"},
}


@pytest.fixture(scope="module")
def clerk(office: Office) -> Person:
    """Somebody with every right to every record, and not to every field."""
    office.role("clerk", everything(), _FIELDS)
    return office.hire("cleo", ["clerk"])


@pytest.fixture(scope="module")
def customer(office: Office) -> str:
    return office.of_sam["customer_id"]


def test_a_record_shows_what_its_reader_may_see(clerk: Person, customer: str) -> None:
    for shown in (
        clerk.ask("GET", f"/customers/{customer}"),
        clerk.ask("GET", "/customers?code=C-SAM")["items"][0],
    ):
        assert not {"uscc", "salesperson", "credit_limit"} & shown.keys()
        assert shown["name"] == "山****"
        (contact,) = shown["contacts"]
        assert contact["mobile"] == "138****1234"
        assert contact["email"] == "z***@example.com"
        fields = {key: shown["fields"][key] for key in ("annual_sales", "industry")}
        assert fields == {"annual_sales": "****", "industry": "retail"}
        assert shown["region"] == "华东"


def test_what_is_kept_back_stands_in_no_answer_about_the_customer(
    office: Office, clerk: Person, customer: str
) -> None:
    office.admin.ask("POST", "/admin/streams:drain")
    kept_back = ("山姆的客户", "13812341234", "zhang.san", "5000000", '"sam"', "100500")
    paths = [
        *(f"/customers/{customer}", f"/customers/{customer}/history", f"/customers/{customer}/profile"),
        *("/customers", "/customers:export", f"/credit-accounts/{customer}", "/decisions", "/orders"),
        *("/dashboards/credit-overview/data", f"/dashboards/customer-profile/data?customer_id={customer}"),
        *("/applications", f"/applications/{office.of_sam['application_id']}"),
    ]
    for path in paths:
        text = clerk.send("GET", path).text
        # Whoever made a record is told to everybody: that is the trail, and no field of the customer.
        told = text.replace('"initiator":"sam"', "").replace('"opened_by":"sam"', "")
        told = told.replace('"created_by":"sam"', "").replace('"updated_by":"sam"', "")
        told = told.replace('"changed_by":"sam"', "").replace('"actor":"sam"', "")
        told = told.replace('"decided_by":"sam"', "")
        assert not [value for value in kept_back if value in told], f"{path}: {told}"


def test_a_profile_keeps_back_what_the_record_does(clerk: Person, customer: str) -> None:
    profile = clerk.ask("GET", f"/customers/{customer}/profile")
    assert profile["customer"]["name"] == "山****"
    assert profile["customer"]["code"] == "C-SAM"
    assert "salesperson" not in profile["customer"]
    assert not {"credit_limit", "available"} & profile["account"].keys()
    assert profile["account"]["receivable"] == "****"
    assert "credit_history" not in profile


def test_a_history_keeps_back_what_the_record_does(clerk: Person, customer: str) -> None:
    changes = [
        change
        for entry in clerk.ask("GET", f"/customers/{customer}/history")["items"]
        for change in entry["changes"]
    ]
    by_field = {change["field"]: change for change in changes}
    assert not {"uscc", "salesperson"} & by_field.keys()
    assert by_field["name"]["after"] == "山****"
    assert by_field["contacts"]["after"][0]["mobile"] == "138****1234"
    assert by_field["fields.annual_sales"]["after"] == "****"


def test_an_export_has_no_column_for_what_is_hidden(clerk: Person) -> None:
    csv = clerk.send("GET", "/customers:export").text
    header = csv.splitlines()[0]
    assert "统一社会信用代码" not in header
    assert "授信额度" not in header
    assert "客户编码" in header
    book = openpyxl.load_workbook(io.BytesIO(clerk.send("GET", "/customers:export?format=xlsx").content))
    cells = [cell for row in book.worksheets[0].iter_rows(values_only=True) for cell in row]
    assert "销售负责人" not in cells
    assert "山姆的客户" not in cells


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/customers?salesperson=sam", "salesperson"),
        ("/customers?name=山姆的客户", "name"),
        ("/customers?uscc=91350100M000100Y43", "uscc"),
        ("/customers?sort=-credit_limit", "credit_limit"),
        ("/customers?sort=name", "name"),
        ("/customers:export?salesperson=sam", "salesperson"),
    ],
)
def test_one_cannot_filter_or_sort_by_what_one_does_not_see(clerk: Person, path: str, field: str) -> None:
    problem = clerk.refused(403, "GET", path)
    assert problem["code"] == "field_not_seen"
    assert problem["errors"][0]["field"] == field


def test_a_search_does_not_look_into_what_one_does_not_see(clerk: Person) -> None:
    assert clerk.ask("GET", "/customers?q=山姆的客户")["items"] == []
    assert clerk.ask("GET", "/customers?q=C-SAM")["items"]


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"measures": ["credit_limit"]}, "credit_limit"),
        ({"measures": ["orders"], "dimensions": ["salesperson"]}, "salesperson"),
        ({"measures": ["orders"], "filters": {"customer": "山姆的客户"}}, "customer"),
        ({"measures": ["credit_used"]}, "credit_used"),
    ],
)
def test_reports_do_not_count_by_what_one_does_not_see(clerk: Person, question: Any, field: str) -> None:
    for path in ("/reports/query", "/reports/query?format=csv", "/reports/query?format=xlsx"):
        problem = clerk.refused(403, "POST", path, question)
        assert problem["errors"][0]["field"] == field


def test_a_dashboard_shows_what_it_may(clerk: Person) -> None:
    widgets = {one["key"]: one for one in clerk.ask("GET", "/dashboards/credit-overview/data")["widgets"]}
    assert widgets["totals"]["data"] is None
    assert widgets["totals"]["problem"]["code"] == "field_not_seen"
    assert widgets["customers-by-grade"]["data"]["rows"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"region": "华北"}, "region"),
        ({"name": "新名称"}, "name"),
        ({"salesperson": "sue"}, "salesperson"),
        ({"fields": {"annual_sales": "1.00"}}, "fields.annual_sales"),
        ({"contacts": [{"name": "张三", "mobile": "13900000000"}]}, "contacts.mobile"),
        # It would replace the numbers of everybody whom it does not name.
        ({"contacts": []}, "contacts.email"),
    ],
)
def test_what_one_may_not_write_is_refused_by_name_and_nothing_is_done(
    office: Office, clerk: Person, customer: str, change: Any, field: str
) -> None:
    before = office.admin.ask("GET", f"/customers/{customer}")
    problem = clerk.refused(403, "PATCH", f"/customers/{customer}", {**change, "group_id": None})
    assert problem["code"] == "field_not_writable"
    assert problem["errors"][0]["field"] == field
    assert office.admin.ask("GET", f"/customers/{customer}") == before


def test_an_import_is_held_to_the_same(office: Office, clerk: Person) -> None:
    files = {"file": ("客户.csv", "客户编码,客户名称,地区\nC-NEW,新客户,华东\n".encode())}
    response = clerk.send("POST", "/customers:import", files=files)
    (row,) = response.json()["results"]
    assert row["status"] == "error"
    assert row["errors"][0]["code"] == "field_not_writable"
    assert office.admin.ask("GET", "/customers?code=C-NEW")["items"] == []


def test_an_account_shows_what_it_may_and_no_sentence_made_of_the_rest(clerk: Person, customer: str) -> None:
    account = clerk.ask("GET", f"/credit-accounts/{customer}")
    assert not {"limit", "available"} & account.keys()
    assert set(account["exposure"].values()) == {"****"}
    assert not {"limit", "available"} & account["pools"][0].keys()
    asked = {"customer_id": customer, "amount": "99999999.00", "currency": "CNY"}
    answer = clerk.ask("POST", "/orders:check", asked)
    assert answer["status"] == "refused"
    for reason in answer["decision"]["reasons"]:
        assert not {"available"} & reason.keys()
        assert "99" not in reason["message"]


def test_me_tells_the_app_which_fields_are_not_free(clerk: Person) -> None:
    me = clerk.ask("GET", "/me")
    assert me["fields"]["customers"]["uscc"] == "hidden"
    assert me["fields"]["customers"]["region"] == "read"

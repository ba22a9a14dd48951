"""A company's directory in one workbook: tried, brought in whole or not at all, and kept in step."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import openpyxl
import pytest
import requests
from sqlalchemy import event

from gateway.directory import workbook
from gateway.directory.synchronising import Synchronising
from services.common.db import Database
from services.common.sheets import SheetRow
from tests.integration.gateway.conftest import Api, Begin, Gateway, problem_of

Book = Mapping[str, Sequence[Sequence[Any]]]
PASSWORD = "a long enough password"
DEPARTMENTS = ["编码", "名称", "上级", "负责人"]
POSITIONS = ["编码", "名称"]
PEOPLE = ["用户名", "姓名", "邮箱", "部门", "岗位", "角色", "在职"]
BOOK: Book = {
    # The one below stands above the one that it is below of.
    "部门": [DEPARTMENTS, ["S1", "销售一部", "S", "mei"], ["S", "销售部", "", ""]],
    "岗位": [POSITIONS, ["REP", "销售代表"], ["MGR", "经理"]],
    "人员": [
        PEOPLE,
        ["mei", "韩梅", "mei@example.com", "S1", "MGR", "department_manager、salesperson", "是"],
        ["lei", "李雷", "", "S1", "REP", "salesperson", ""],
        ["gone", "已离职", "", "S1", "REP", "salesperson", "否"],
    ],
}


def _bytes(book: Book) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, lines in book.items():
        sheet = made.create_sheet(title)
        for line in lines:
            sheet.append(list(line))
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


Send = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def send(admin: Api) -> Send:
    def upload(book: Book | bytes, by: Api = admin, **parameters: str) -> requests.Response:
        content = book if isinstance(book, bytes) else _bytes(book)
        return by.send(
            "POST",
            "/api/v1/admin/directory:import",
            files={"file": ("directory.xlsx", content)},
            params=parameters,
        )

    return upload


def _report(response: requests.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    report: dict[str, Any] = response.json()
    return report


def _changed(sheet: str, row: int, column: int, value: Any) -> Book:
    """The workbook with one other cell; `row` as a spreadsheet counts."""
    lines = [list(line) for line in BOOK[sheet]]
    lines[row - 1][column] = value
    return {**BOOK, sheet: lines}


def test_a_dry_run_says_what_would_happen_and_keeps_nothing(admin: Api, send: Send) -> None:
    report = _report(send(BOOK, dry_run="true"))
    assert report["departments"] == {"created": 2, "changed": 0, "unchanged": 0}
    assert report["people"] == {"created": 2, "changed": 0, "unchanged": 1}
    assert report["errors"] == []
    for path in ("/users/mei", "/departments/S", "/positions/REP"):
        admin.refused("GET", path, 404)
    assert admin.json("GET", "/admin/audit", params={"action": "directory.import"})["items"] == []


@pytest.mark.parametrize(
    ("sheet", "row", "column", "value", "code"),
    [
        ("部门", 2, 2, "NOWHERE", "department_unknown"),
        ("部门", 3, 2, "S1", "department_unknown"),
        ("部门", 2, 3, "nobody", "user_unknown"),
        ("部门", 2, 1, None, "required"),
        ("岗位", 3, 0, "REP", "row_doubled"),
        ("人员", 2, 0, "has blanks", "username_invalid"),
        ("人员", 3, 0, "MEI", "row_doubled"),
        ("人员", 2, 2, "no address", "email_invalid"),
        ("人员", 3, 3, "NOWHERE", "department_unknown"),
        ("人员", 3, 4, "NOTHING", "position_unknown"),
        ("人员", 3, 5, "king", "role_unknown"),
        ("人员", 3, 6, "perhaps", "not_a_flag"),
        ("人员", 3, 1, "x" * 500, "too_long"),
    ],
)
def test_a_wrong_cell_is_named_and_nothing_is_kept(
    admin: Api, send: Send, sheet: str, row: int, column: int, value: Any, code: str
) -> None:
    book = _changed(sheet, row, column, value)
    problem = problem_of(send(book))
    assert (problem["status"], problem["code"]) == (422, "directory_refused")
    place = {"sheet": sheet, "row": row, "column": BOOK[sheet][0][column]}
    (named,) = [
        error for error in problem["errors"] if error["code"] == code and place.items() <= error.items()
    ]
    assert any("\u4e00" <= sign <= "\u9fff" for sign in named["message"])
    report = _report(send(book, dry_run="true"))
    assert report["errors"] == problem["errors"]
    for path in ("/users/mei", "/users/lei", "/departments/S", "/positions/REP"):
        admin.refused("GET", path, 404)


def test_a_workbook_is_brought_in_and_again_changes_nothing(admin: Api, send: Send) -> None:
    report = _report(send(BOOK))
    assert report["departments"]["created"] == report["people"]["created"] == 2
    mei = admin.json("GET", "/users/mei")
    assert (mei["department"], mei["position"], mei["email"]) == ("S1", "MGR", "mei@example.com")
    assert mei["roles"] == ["department_manager", "salesperson"]
    below = admin.json("GET", "/departments/S1")
    assert (below["parent"], below["head"]) == ("S", "mei")
    admin.refused("GET", "/users/gone", 404)
    again = _report(send(BOOK))
    assert {name: again[name]["unchanged"] for name in ("departments", "positions", "people")} == {
        "departments": 2,
        "positions": 2,
        "people": 3,
    }
    assert admin.json("GET", "/users/mei")["version"] == mei["version"]
    (line, *_) = admin.json("GET", "/admin/audit", params={"action": "directory.import"})["items"]
    assert line["actor"] == "admin"


def test_a_column_that_is_not_there_leaves_what_is_there(admin: Api, send: Send) -> None:
    _report(send(BOOK))
    _report(send({"人员": [["用户名", "姓名"], ["lei", "李雷雷"]]}))
    lei = admin.json("GET", "/users/lei")
    assert (lei["name"], lei["department"], lei["roles"]) == ("李雷雷", "S1", ["salesperson"])


def test_synchronising_disables_who_is_gone_and_deletes_nobody(
    gateway: Gateway, admin: Api, send: Send
) -> None:
    _report(send(BOOK))
    body = {"username": "left", "password": PASSWORD, "name": "离开", "roles": ["finance"]}
    admin.json("POST", "/users", 201, json=body)
    left = gateway.api.sign_in("left", PASSWORD)
    tried = _report(send(BOOK, sync="true", dry_run="true"))
    assert "left" in tried["disabled"]
    left.json("GET", "/me")
    report = _report(send(BOOK, sync="true"))
    assert "left" in report["disabled"]
    assert report["kept"] == ["admin"]
    left.refused("GET", "/me", 401)
    assert admin.json("GET", "/users/left")["active"] is False
    assert admin.json("GET", "/users/mei")["active"] is True
    back = {"人员": [["用户名", "姓名", "在职"], ["left", "回来", "是"]]}
    _report(send(back))
    assert admin.json("GET", "/users/left")["active"] is True


def test_nobody_counts_as_gone_while_a_row_cannot_be_read(admin: Api, send: Send) -> None:
    _report(send(BOOK))
    unreadable = _changed("人员", 2, 6, "perhaps")
    report = _report(send(unreadable, sync="true", dry_run="true"))
    assert (report["disabled"], report["errors_found"]) == ([], 1)
    only = {"人员": [PEOPLE, [*BOOK["人员"][1][:-1], "perhaps"]]}
    (error,) = problem_of(send(only, sync="true"))["errors"]
    assert (error["code"], error["field"]) == ("not_a_flag", "人员!2!在职")
    assert admin.json("GET", "/users/lei")["active"] is True


def test_what_is_no_such_workbook_is_refused(gateway: Gateway, admin: Api, send: Send) -> None:
    for content, status in (
        (b"PK\x03\x04nonsense", 400),
        (b"a,b\n1,2\n", 400),
        (_bytes({"Sheet1": [["x"]]}), 422),
        (_bytes({"人员": [["用户名", "姓名", "鞋码"], ["a", "b", "42"]]}), 422),
        (_bytes({"人员": [["用户名", "用户名"], ["a", "b"]]}), 422),
        (_bytes({"人员": [["用户名", "姓名"], *([f"u{n}", "x"] for n in range(5_001))]}), 422),
    ):
        problem = problem_of(send(content))
        assert problem["status"] == status, problem
    assert problem_of(send(BOOK, sync="perhaps"))["code"] == "not_a_flag"
    assert problem_of(send({"部门": BOOK["部门"]}, sync="true"))["code"] == "sync_without_people"
    assert problem_of(send(BOOK, by=gateway.api))["status"] == 401
    admin.refused("POST", "/admin/directory:import", 415, json={})


def test_nobody_brings_in_people_mightier_than_themselves(gateway: Gateway, admin: Api, send: Send) -> None:
    role = {"key": "clerk", "label": "文员", "permissions": ["admin.users", "admin.departments"]}
    admin.json("POST", "/roles", 201, json=role)
    body = {"username": "clerk", "password": PASSWORD, "name": "文员", "roles": ["clerk"]}
    admin.json("POST", "/users", 201, json=body)
    clerk = gateway.api.sign_in("clerk", PASSWORD)
    book = {"人员": [["用户名", "姓名", "角色"], ["mighty", "大", "admin"]]}
    (error,) = problem_of(send(book, by=clerk))["errors"]
    assert (error["code"], error["row"]) == ("permission_beyond", 2)
    admin.refused("GET", "/users/mighty", 404)
    # Nor do they shut them out by leaving them away: it is said of whom, for there is no row.
    body = {"username": "boss", "password": PASSWORD, "name": "老板", "roles": ["approver_of_all"]}
    role = {"key": "approver_of_all", "label": "总审批", "permissions": ["tasks.approve", "customers.read"]}
    admin.json("POST", "/roles", 201, json=role)
    admin.json("POST", "/users", 201, json=body)
    problem = problem_of(send({"人员": [["用户名", "姓名"], ["clerk", "文员"]]}, by=clerk, sync="true"))
    assert problem["code"] == "directory_refused"
    assert any(one["row"] is None and one["message"].startswith("boss: ") for one in problem["errors"])
    assert admin.json("GET", "/users/boss")["active"] is True
    admin.json("PATCH", "/users/boss", json={"active": False})


# --- leave -----------------------------------------------------------------------------------------------


@pytest.fixture
def person(gateway: Gateway, admin: Api, send: Send) -> Api:
    _report(send(BOOK))
    admin.json("PATCH", "/users/lei", json={"password": PASSWORD})
    return gateway.api.sign_in("lei", PASSWORD)


def test_somebody_says_when_they_are_away_and_who_does_their_work(admin: Api, person: Api) -> None:
    leave = {"from": "2026-03-02", "until": "2026-03-06", "stand_in": "Mei"}
    assert person.json("PUT", "/me/leave", json=leave)["leave"] == {**leave, "stand_in": "mei"}
    assert admin.json("GET", "/users/lei")["leave"] == {**leave, "stand_in": "mei"}
    away = {"from": "2026-03-06", "until": "2026-03-07", "stand_in": "lei"}
    assert admin.refused("PUT", "/users/mei/leave", 422, json=away)["code"] == "stand_in_away"
    assert person.json("DELETE", "/me/leave")["leave"] is None
    admin.json("PUT", "/users/mei/leave", json=away)
    admin.json("DELETE", "/users/mei/leave")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"until": "2026-03-01"}, "leave_ends_before_it_begins"),
        ({"stand_in": "lei"}, "stand_in_is_oneself"),
        ({"stand_in": "nobody"}, "user_unknown"),
        ({"until": "soon"}, "invalid"),
        ({"more": 1}, "invalid"),
    ],
)
def test_a_leave_that_makes_no_sense_is_refused(person: Api, change: dict[str, Any], code: str) -> None:
    leave = {"from": "2026-03-02", "until": "2026-03-06", "stand_in": "mei", **change}
    assert person.refused("PUT", "/me/leave", 422, json=leave)["code"] == code


def test_positions_are_made_and_renamed(gateway: Gateway, admin: Api) -> None:
    made = admin.json("POST", "/positions", 201, json={"code": "CFO", "name": "财务总监"})
    admin.refused("POST", "/positions", 409, json={"code": "CFO", "name": "又一个"})
    admin.refused("POST", "/positions", 422, json={"code": "", "name": "x"})
    renamed = admin.json("PATCH", "/positions/CFO", json={"name": "首席财务官", "version": 1})
    assert renamed == {**made, "name": "首席财务官", "version": 2}
    admin.refused("PATCH", "/positions/CFO", 409, json={"name": "x", "version": 1})
    admin.refused("GET", "/positions/NONE", 404)
    gateway.api.refused("GET", "/positions", 401)
    assert (
        admin.refused("PATCH", "/users/admin", 422, json={"position": "NONE"})["code"] == "position_unknown"
    )


def _lookups(database: Database, begin: Begin, people: range) -> list[str]:
    """The statements that look every role, department or position up while these people are brought in."""
    row = {"姓名": "甲", "部门": "D", "岗位": "P", "角色": "finance"}
    book = {
        "部门": [SheetRow(2, {"编码": "D", "名称": "部门"})],
        "岗位": [SheetRow(2, {"编码": "P", "名称": "岗位"})],
        "人员": [SheetRow(2 + one, {"用户名": f"u{one}", **row}) for one in people],
    }
    seen: list[str] = []

    def note(*arguments: Any) -> None:
        seen.append(" ".join(str(arguments[2]).split()))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        with begin() as work:
            faults = workbook.Faults()
            report = Synchronising(work, workbook.read(book, faults), faults, sync=False).run(dry_run=False)
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    assert report["people"]["created"] == len(people)
    tables = ("roles", "departments", "job_positions")
    return [text for text in seen if text.startswith("SELECT") and text.endswith(tables)]


def test_roles_departments_and_positions_are_not_looked_up_for_each_person(
    database: Database, begin: Begin
) -> None:
    _lookups(database, begin, range(1))
    assert len(_lookups(database, begin, range(1, 3))) == len(_lookups(database, begin, range(3, 13))) > 0


def test_users_are_found_by_a_part_of_their_name_and_by_a_role(send: Send, admin: Api) -> None:
    _report(send(BOOK))

    def found(**parameters: str) -> list[str]:
        answer = admin.send("GET", "/api/v1/users", params=parameters)
        assert answer.status_code == 200, answer.text
        return [user["username"] for user in answer.json()["items"]]

    assert found(q="韩") == ["mei"]
    assert found(q="LEI") == ["lei"]
    assert found(role="department_manager") == ["mei"]
    assert found(role="salesperson", q="梅") == ["mei"]
    assert found(q="%") == []

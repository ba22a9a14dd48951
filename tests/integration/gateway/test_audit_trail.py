"""The audit trail: complete, in one chain that only grows, searched and exported."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import eventlet
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway.audit import store
from gateway.audit.trail import trail
from services.common.caller import service_caller
from services.common.config import Settings
from services.common.db import Database
from tests.integration.gateway.conftest import Api, Begin, Gateway, running_gateway
from tests.support.postgres import DatabaseServer


@pytest.fixture
def filled(database: Database, begin: Begin) -> Database:
    for number in range(5):
        with begin() as work:
            trail(work).add("thing.do", f"thing-{number}", {"number": number})
    return database


def _verify(database: Database) -> tuple[int, str | None]:
    with database.read(service_caller("gateway")) as work:
        return store.verify(work)


@pytest.fixture
def break_in(filled: Database) -> Callable[[str], None]:
    """Run a statement as somebody who owns the database and has taken the guard away."""

    def run(statement: str) -> None:
        with filled.engine.begin() as connection:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER audit_append_only"))
            connection.execute(text(statement))
            connection.execute(text("ALTER TABLE audit ENABLE TRIGGER audit_append_only"))

    return run


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"], ids=str.split
)
def test_the_database_itself_refuses_to_change_the_trail(filled: Database, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), filled.engine.begin() as connection:
        connection.execute(text(statement))
    assert _verify(filled)[1] is None


def test_a_whole_trail_is_found_whole(filled: Database) -> None:
    count, fault = _verify(filled)
    assert fault is None
    assert count >= 5


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET subject = 'other' WHERE place = 3",
        "UPDATE audit SET detail = '[1]' WHERE place = 3",
        "UPDATE audit SET at = at + interval '1 second' WHERE place = 3",
        "DELETE FROM audit WHERE place = 3",
        "DELETE FROM audit WHERE place >= 3",
        "UPDATE audit SET place = 1000 WHERE place = 3",
    ],
)
def test_the_first_broken_line_is_named(
    filled: Database, break_in: Callable[[str], None], statement: str
) -> None:
    break_in(statement)
    count, fault = _verify(filled)
    assert count == 2
    assert fault is not None
    assert "3" in fault


def test_many_who_write_at_once_make_one_chain(filled: Database) -> None:
    other = Database(filled.engine.url.render_as_string(hide_password=False), filled.metadata, name="gateway")

    def write(place: int) -> None:
        with (filled, other)[place % 2].begin(service_caller("gateway")) as work:
            trail(work).add("thing.do", str(place))

    before = _verify(filled)[0]
    for green in [eventlet.spawn(write, place) for place in range(30)]:
        green.wait()
    assert _verify(filled) == (before + 30, None)
    other.dispose()


def test_what_is_rolled_back_leaves_no_line(filled: Database, begin: Begin) -> None:
    before = _verify(filled)

    def fail() -> None:
        with begin() as work:
            trail(work).add("thing.do", "never")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert _verify(filled) == before


# --- over HTTP -------------------------------------------------------------------------------------------


def _lines(admin: Api, **where: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = admin.json("GET", "/admin/audit", params=where)["items"]
    return items


@pytest.fixture(scope="module")
def person(admin: Api) -> str:
    body = {"username": "audited", "password": "a long enough password", "name": "甲"}
    admin.json("POST", "/users", 201, json={**body, "roles": ["finance"]})
    return "audited"


def test_sign_ins_are_told_with_their_place(gateway: Gateway, admin: Api, person: str) -> None:
    wrong = {"username": person, "password": "wrong"}
    headers = {"User-Agent": "test/1.0", "X-Request-Id": "sign-in-1"}
    gateway.api.refused("POST", "/auth/login", 401, json=wrong, headers=headers)
    (failed,) = _lines(admin, subject=person, action="sign_in.failed")
    assert (failed["address"], failed["agent"], failed["trace_id"]) == ("127.0.0.1", "test/1.0", "sign-in-1")
    right = {"username": person, "password": "a long enough password"}
    gateway.api.json("POST", "/auth/login", json=right)
    assert _lines(admin, subject=person, action="sign_in")[0]["actor"] == person


def test_a_change_tells_before_and_after_and_no_secret(admin: Api, person: str) -> None:
    change = {"name": "乙", "password": "another long password"}
    headers = {"X-Request-Id": "change-1", "User-Agent": "test/2.0"}
    admin.json("PATCH", f"/users/{person}", json=change, headers=headers)
    (line,) = _lines(admin, trace_id="change-1")
    assert (line["actor"], line["action"], line["subject"]) == ("admin", "user.change", person)
    assert line["agent"] == "test/2.0"
    assert {"field": "name", "before": "甲", "after": "乙"} in line["changes"]
    assert line["detail"] == {"password_changed": True}
    assert "another long password" not in str(line)
    assert "argon2" not in str(line)


def test_the_trail_is_searched_by_filters_and_pages(admin: Api, person: str) -> None:
    first = admin.json("GET", "/admin/audit", params={"page[size]": "2", "action": "user.*"})
    assert {line["action"].partition(".")[0] for line in first["items"]} == {"user"}
    everything = admin.json("GET", "/admin/audit", params={"page[size]": "2"})
    following = admin.json(
        "GET", "/admin/audit", params={"page[size]": "2", "page[after]": everything["next"]}
    )
    places = [line["place"] for line in everything["items"] + following["items"]]
    assert places == sorted(places, reverse=True)
    assert len(set(places)) == 4
    at = first["items"][0]["at"]
    assert all(line["at"] >= at for line in _lines(admin, **{"from": at}))
    assert all(line["at"] < at for line in _lines(admin, to=at))
    assert {line["subject"] for line in _lines(admin, text=person, action="user.*")} == {person}
    assert _lines(admin, text="100%_") == []


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"colour": "red"}, 422, "filter_unknown"),
        ({"from": "yesterday"}, 422, "instant_malformed"),
        ({"page[after]": "nonsense"}, 400, "cursor_invalid"),
        ({"sort": "actor"}, 422, "sort_unknown"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    admin: Api, parameters: dict[str, str], status: int, code: str
) -> None:
    assert admin.refused("GET", "/admin/audit", status, params=parameters)["code"] == code
    if "page[after]" not in parameters and "sort" not in parameters:
        assert admin.refused("GET", "/admin/audit:export", status, params=parameters)["code"] == code


def test_only_those_with_the_right_see_it(gateway: Gateway, admin: Api) -> None:
    body = {"username": "curious", "password": "a long enough password", "name": "丙", "roles": ["cfo"]}
    admin.json("POST", "/users", 201, json=body)
    curious = gateway.api.sign_in("curious", "a long enough password")
    for path in ("/admin/audit", "/admin/audit:export"):
        gateway.api.refused("GET", path, 401)
        curious.refused("GET", path, 403)


def test_an_export_is_neutral_and_a_line_itself(admin: Api) -> None:
    admin.json("POST", "/departments", 201, json={"code": "=1+1", "name": "公式"})
    response = admin.send("GET", "/api/v1/admin/audit:export", params={"action": "department.create"})
    assert response.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert {row["对象"] for row in rows} == {"'=1+1"}
    (line,) = _lines(admin, action="audit.export")[:1]
    assert line["detail"] == {"filters": {"action": "department.create"}}


@pytest.mark.parametrize(("proxies", "believed"), [(1, "203.0.113.9"), (2, "198.51.100.7")])
def test_only_as_many_proxies_are_believed_as_there_are(
    database_server: DatabaseServer, tmp_path: Path, proxies: int, believed: str
) -> None:
    def behind(settings: Settings) -> Settings:
        return replace(settings, proxies=proxies)

    # What a client makes up stands to the left; each proxy adds on the right whom it was asked by.
    forwarded = {"X-Forwarded-For": "6.6.6.6, 198.51.100.7, 203.0.113.9"}
    with running_gateway(database_server, tmp_path, behind) as gateway:
        wrong = {"username": "admin", "password": "not the password"}
        gateway.api.refused("POST", "/auth/login", 401, json=wrong, headers=forwarded)
        admin = gateway.api.sign_in(gateway.settings.admin_username, gateway.settings.admin_password)
        lines = admin.json("GET", "/admin/audit", params={"address": believed})["items"]
    assert "sign_in.failed" in [line["action"] for line in lines]

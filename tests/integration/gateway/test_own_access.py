"""What people do about their own way in, and administrators about others', over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyotp
import pytest

from tests.integration.gateway.conftest import Api, Gateway
from tests.support.wait import wait_until

PASSWORD = "a long enough password"
NEW = "yet another long password"


@pytest.fixture(scope="module")
def names() -> Iterator[str]:
    return (f"someone{number}" for number in range(100))


@pytest.fixture
def name(admin: Api, names: Iterator[str]) -> str:
    """Somebody new."""
    username = next(names)
    body = {"username": username, "password": PASSWORD, "name": "某人", "roles": ["finance"]}
    admin.json("POST", "/users", 201, json=body)
    return username


@pytest.fixture
def person(gateway: Gateway, name: str) -> Api:
    return gateway.api.sign_in(name, PASSWORD)


def _login(gateway: Gateway, name: str, password: str = PASSWORD) -> dict[str, Any]:
    answer: dict[str, Any] = gateway.api.json(
        "POST", "/auth/login", json={"username": name, "password": password}
    )
    return answer


def test_sessions_are_listed_and_ended(gateway: Gateway, name: str, person: Api) -> None:
    others = [gateway.api.sign_in(name, PASSWORD) for _ in range(3)]
    listed = person.json("GET", "/me/sessions")["items"]
    assert len(listed) == 4
    assert [each["current"] for each in listed].count(True) == 1
    assert all(each["address"] == "127.0.0.1" and each["agent"] for each in listed)
    assert not {"refresh_hash", "user_id"} & listed[0].keys()
    (mine,) = [each["id"] for each in others[0].json("GET", "/me/sessions")["items"] if each["current"]]
    person.json("DELETE", f"/me/sessions/{mine}")
    others[0].refused("GET", "/me", 401)
    assert person.json("POST", "/me/sessions:end-others") == {"ended": 2}
    others[1].refused("GET", "/me", 401)
    person.json("GET", "/me")


def test_nobody_ends_the_sessions_of_another(gateway: Gateway, person: Api, admin: Api) -> None:
    (session,) = [one["id"] for one in admin.json("GET", "/me/sessions")["items"] if one["current"]]
    for wanted in (session, "nonsense", "00000000-0000-0000-0000-000000000000"):
        person.refused("DELETE", f"/me/sessions/{wanted}", 404)
    admin.json("GET", "/me")


def test_an_administrator_lists_and_ends_the_sessions_of_others(
    gateway: Gateway, name: str, person: Api, admin: Api
) -> None:
    gateway.api.sign_in(name, PASSWORD)
    listed = admin.json("GET", f"/admin/users/{name}/sessions")["items"]
    assert len(listed) == 2
    admin.json("DELETE", f"/admin/users/{name}/sessions/{listed[0]['id']}")
    admin.refused("DELETE", f"/admin/users/{name}/sessions/{listed[0]['id']}", 404)
    admin.json("POST", f"/admin/users/{name}/sessions:end")
    person.refused("GET", "/me", 401)
    admin.refused("GET", "/admin/users/nobody-at-all/sessions", 404)


def test_a_password_is_changed_by_who_knows_it(gateway: Gateway, name: str, person: Api) -> None:
    other = gateway.api.sign_in(name, PASSWORD)
    wrong = {"password": "not the one I have", "new_password": NEW}
    assert person.refused("POST", "/me/password", 422, json=wrong)["code"] == "password_wrong"
    same = {"password": PASSWORD, "new_password": PASSWORD}
    assert person.refused("POST", "/me/password", 422, json=same)["code"] == "password_same"
    person.json("POST", "/me/password", json={"password": PASSWORD, "new_password": NEW})
    person.json("GET", "/me")
    other.refused("GET", "/me", 401)
    assert "access_token" in _login(gateway, name, NEW)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "too_short"),
        ("password1234", "password_weak"),
        ("1234567890", "password_weak"),
        ("weakling-is-my-name-9f3", "password_has_own_name"),
    ],
)
def test_a_password_that_can_be_guessed_is_refused(admin: Api, password: str, code: str) -> None:
    body = {"username": "weakling", "password": password, "name": "弱", "roles": []}
    refusal = admin.refused("POST", "/users", 422, json=body)
    assert refusal["code"] == code
    assert refusal["errors"][0]["field"] == "password"
    admin.refused("GET", "/users/weakling", 404)


def test_a_second_factor_from_beginning_to_end(gateway: Gateway, name: str, person: Api, admin: Api) -> None:
    factor = "/me/second-factor"
    assert person.json("GET", factor) == {"state": "none", "needed": False, "recovery_codes_left": 0}
    person.refused("POST", f"{factor}:confirm", 409, json={"code": "123456"})
    person.refused("POST", f"{factor}:enrol", 422, json={"password": "wrong"})
    enrolled = person.json("POST", f"{factor}:enrol", json={"password": PASSWORD})
    assert f"secret={enrolled['secret']}" in enrolled["otpauth_uri"]
    app = pyotp.TOTP(enrolled["secret"])
    assert person.refused("POST", f"{factor}:confirm", 422, json={"code": "000000"})["code"] == "code_wrong"
    codes = person.json("POST", f"{factor}:confirm", json={"code": app.now()})["recovery_codes"]
    assert person.json("GET", factor) == {"state": "confirmed", "needed": False, "recovery_codes_left": 10}
    person.refused("POST", f"{factor}:enrol", 409, json={"password": PASSWORD})
    ticket = _login(gateway, name)["ticket"]
    step = {"ticket": ticket, "code": codes[0]}
    assert "access_token" in gateway.api.json("POST", "/auth/second-factor", json=step)
    fresh = person.json("POST", f"{factor}:recovery-codes", json={"code": codes[1]})["recovery_codes"]
    assert not set(fresh) & set(codes)
    gateway.api.refused("POST", "/auth/second-factor", 401, json={"ticket": ticket, "code": codes[2]})
    person.json("POST", f"{factor}:remove", json={"code": fresh[0]})
    assert "access_token" in _login(gateway, name)


def test_an_administrator_takes_away_a_lost_second_factor(
    gateway: Gateway, name: str, person: Api, admin: Api
) -> None:
    admin.refused("DELETE", f"/admin/users/{name}/second-factor", 404)
    secret = person.json("POST", "/me/second-factor:enrol", json={"password": PASSWORD})["secret"]
    person.json("POST", "/me/second-factor:confirm", json={"code": pyotp.TOTP(secret).now()})
    admin.json("DELETE", f"/admin/users/{name}/second-factor")
    person.refused("GET", "/me", 401)
    assert "access_token" in _login(gateway, name)


def test_who_may_do_less_takes_no_way_in_from_who_may_do_more(gateway: Gateway, admin: Api) -> None:
    role = {"key": "clerk_of_users", "label": "用户管理员", "permissions": ["admin.users"]}
    admin.json("POST", "/roles", 201, json=role)
    body = {"username": "clerk", "password": PASSWORD, "name": "文员", "roles": ["clerk_of_users"]}
    admin.json("POST", "/users", 201, json=body)
    clerk = gateway.api.sign_in("clerk", PASSWORD)
    for method, path in (("POST", "sessions:end"), ("DELETE", "second-factor")):
        assert clerk.refused(method, f"/admin/users/admin/{path}", 403)["code"] == "permission_beyond"


def test_sign_in_settings_are_checked(admin: Api) -> None:
    path = "/admin/sign-in-settings"
    before = admin.json("GET", path)
    for body, code in (
        ({"password_length_min": 3}, "invalid"),
        ({"password_length_min": "ten"}, "invalid"),
        ({"second_factor_roles": ["nobody"]}, "role_unknown"),
        ({"colour": "red"}, "invalid"),
    ):
        assert admin.refused("PATCH", path, 422, json=body)["code"] == code
    after = admin.json("PATCH", path, json={"password_length_min": 12, "version": before["version"]})
    assert after == {**before, "password_length_min": 12, "version": before["version"] + 1}
    admin.refused("PATCH", path, 409, json={"password_length_min": 9, "version": before["version"]})
    admin.json("PATCH", path, json={"password_length_min": 10})


def test_a_key_has_no_person_and_tells_when_it_was_used(gateway: Gateway, admin: Api) -> None:
    made = admin.json("POST", "/admin/keys", 201, json={"name": "bi", "permissions": ["reports.read"]})
    assert made["key"].startswith(made["hint"])
    machine = Api(gateway.api.url, {"X-API-Key": made["key"]})

    def listed() -> dict[str, Any]:
        items = admin.json("GET", "/admin/keys", params={"name": "bi"})["items"]
        return next(item for item in items if item["id"] == made["id"])

    assert listed()["last_used_at"] is None
    machine.json("GET", "/me")
    wait_until(lambda: listed()["last_used_at"], 5, what="the key's use")
    assert listed()["last_used_from"] == "127.0.0.1"
    assert "key_hash" not in listed()
    assert made["key"] not in str(listed())
    for path in ("/me/sessions", "/me/second-factor"):
        assert machine.refused("GET", path, 404)["code"] == "not_a_person"
    machine.refused("GET", "/admin/keys", 403)
    admin.json("DELETE", f"/admin/keys/{made['id']}")
    machine.refused("GET", "/me", 401)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/auth/second-factor", {"ticket": "x", "code": "1"}),
        ("/auth/second-factor:enrol", {"ticket": "x" * 1_900}),
        ("/auth/second-factor:confirm", {"ticket": "a.b.c", "code": "1"}),
        ("/auth/refresh", {"refresh_token": "x"}),
    ],
)
def test_what_is_no_ticket_or_token_is_refused(api: Api, path: str, body: dict[str, str]) -> None:
    api.refused("POST", path, 401, json=body)
    api.refused("POST", path, 422, json={})
    api.refused("POST", path, 422, json={**body, "extra": 1})
    api.refused("POST", path, 422, json=dict.fromkeys(body, "x" * 3_000))
    api.refused("POST", path, 400, json=[body])


def test_a_forged_forwarding_header_changes_nothing(gateway: Gateway, admin: Api) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Request-Id": "forged-1"}
    body = {"username": "nobody-here", "password": "guess"}
    gateway.api.refused("POST", "/auth/login", 401, json=body, headers=headers)
    (line,) = admin.json("GET", "/admin/audit", params={"trace_id": "forged-1"})["items"]
    assert line["address"] == "127.0.0.1"

"""A remembered caller costs no look into the database, and what is revoked is gone in two seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, text

from gateway.identity import callers, model, permissions, roles, store
from gateway.service import GatewayService
from services.common.db import Database
from services.common.messaging import Runner
from tests.integration.gateway.conftest import Api, Gateway
from tests.support.ports import free_port
from tests.support.wait import wait_until

_PASSWORD = "a long enough password"
_GONE_SECONDS_MAX = 2.0


@pytest.fixture(scope="module")
def second(gateway: Gateway) -> Iterator[Api]:
    """Another gateway over the same database, as a replica is."""
    settings = replace(gateway.settings, http_port=free_port())
    runner = Runner(settings, [GatewayService])
    runner.start()
    yield Api(f"http://127.0.0.1:{settings.http_port}")
    runner.stop()


def _user(admin: Api, roles: list[str]) -> str:
    username = f"u-{uuid4().hex[:8]}"
    body = {"username": username, "password": _PASSWORD, "name": username, "roles": roles}
    admin.json("POST", "/users", 201, json=body)
    return username


def _status(api: Api, path: str) -> int:
    return api.send("GET", f"/api/v1{path}").status_code


def _revoke_role(admin: Api, username: str, session: Api) -> None:
    admin.json("PATCH", f"/users/{username}", json={"roles": []})


def _disable(admin: Api, username: str, session: Api) -> None:
    admin.json("PATCH", f"/users/{username}", json={"active": False})


def _change_role(admin: Api, username: str, session: Api) -> None:
    admin.json("PATCH", "/roles/readers", json={"revoke": ["notifications.read"]})


def _sign_out(admin: Api, username: str, session: Api) -> None:
    session.json("POST", "/auth/logout")


def _change_password(admin: Api, username: str, session: Api) -> None:
    admin.json("PATCH", f"/users/{username}", json={"password": "another long password"})


@pytest.mark.parametrize(
    ("revoke", "status"),
    [(_revoke_role, 403), (_disable, 401), (_change_role, 403), (_sign_out, 401), (_change_password, 401)],
)
def test_what_is_revoked_in_one_gateway_is_gone_in_the_other(
    admin: Api, api: Api, second: Api, revoke: Callable[[Api, str, Api], None], status: int
) -> None:
    label = {"label": "readers", "permissions": ["notifications.read"]}
    admin.json("PUT", "/roles/readers", json=label)
    username = _user(admin, ["readers"])
    here = api.sign_in(username, _PASSWORD)
    there = Api(second.url, here.headers)
    assert _status(here, "/notifications") == 200
    wait_until(lambda: _status(there, "/notifications") == 200, _GONE_SECONDS_MAX, what="the role")
    revoke(admin, username, here)
    assert _status(here, "/notifications") == status
    wait_until(lambda: _status(there, "/notifications") == status, _GONE_SECONDS_MAX, what="the other one")


def test_a_revoked_key_is_gone_in_the_other_gateway(admin: Api, second: Api) -> None:
    made = admin.json("POST", "/admin/keys", 201, json={"name": "bi", "permissions": ["notifications.read"]})
    there = Api(second.url, {"X-API-Key": made["key"]})
    assert _status(there, "/notifications") == 200
    admin.json("DELETE", f"/admin/keys/{made['id']}")
    wait_until(lambda: _status(there, "/notifications") == 401, _GONE_SECONDS_MAX, what="the other gateway")


def test_what_is_changed_by_hand_in_the_database_counts_as_well(
    gateway: Gateway, admin: Api, api: Api
) -> None:
    username = _user(admin, ["salesperson"])
    session = api.sign_in(username, _PASSWORD)
    assert _status(session, "/notifications") == 200
    database = Database(gateway.settings.database("gateway"), model.metadata, name="by-hand")
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE users SET active = false WHERE username = :name"), {"name": username})
    database.dispose()
    wait_until(lambda: _status(session, "/notifications") == 401, _GONE_SECONDS_MAX, what="the gateway")


class _Statements:
    """What a database is asked while it is watched."""

    def __init__(self, database: Database) -> None:
        self.seen: list[str] = []
        for engine in (database.engine, database._glancing):
            event.listen(engine, "before_cursor_execute", self._note)

    def _note(self, *arguments: Any) -> None:
        self.seen.append(arguments[2])


def test_a_remembered_caller_costs_one_look_at_the_log_a_while(
    gateway: Gateway, admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = next(each for each in gateway.runner.container("gateway").dependencies if hasattr(each, "desk"))
    admin.json("GET", "/me")
    monkeypatch.setattr(callers, "_READ_AFTER_SECONDS", 3600.0)
    statements = _Statements(ground.database)
    for _ in range(20):
        admin.json("GET", "/me")
    assert [one for one in statements.seen if "users" in one or "roles" in one or "identity" in one] == []
    monkeypatch.setattr(callers, "_READ_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(callers, "_WAIT_AFTER_SECONDS", 0.0)
    statements.seen.clear()
    for _ in range(20):
        admin.json("GET", "/me")
    asked = [one for one in statements.seen if "users" in one or "roles" in one or "identity" in one]
    assert len(asked) == 20
    assert all("identity_changes" in one for one in asked)


def test_roles_that_ship_get_what_is_new_and_keep_what_an_administrator_said(begin: Any) -> None:
    with begin() as work:
        kept = store.all_roles(work)["finance"]
        narrowed = set(kept["permissions"]) - {"credit.freeze"} | {"flows.write"}
        roles.save_role(work, "finance", {"label": "财务部", "permissions": sorted(narrowed)})
        # As an older release left it: it had never heard of two of today's rights.
        older = [right for right in kept["offered"] if right not in ("reports.export", "firings.read")]
        store.change(work, "roles", kept["id"], {"offered": older})
        roles.change_role(work, "finance", {"revoke": ["reports.export", "firings.read"]})
    with begin() as work:
        roles.seed_roles(work)
    with begin() as work:
        after = store.all_roles(work)["finance"]
        given = set(after["permissions"])
        assert {"reports.export", "firings.read", "flows.write"} <= given
        assert "credit.freeze" not in given
        assert after["label"] == "财务部"
        roles.change_role(work, "finance", {"revoke": ["reports.export"]})
        roles.seed_roles(work)
        assert "reports.export" not in store.all_roles(work)["finance"]["permissions"]
        assert set(store.all_roles(work)["admin"]["permissions"]) == permissions.ALL

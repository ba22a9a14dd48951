"""Who may do what: every route, asked by nobody and by a holder of each role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
import requests

from gateway.identity.permissions import ALL, ROLES, SCOPED
from gateway.routes import PUBLIC, SIGNED_IN, Route
from gateway.table import all_routes
from services.common.config import Settings
from services.common.forms.rights import PREFIX
from tests.support.suites import Suite, embedded_suite

_PASSWORD = "a long enough password"
# Whoever asks for these is signed out, or waits for everything to be read.
_NOT_ASKED = {"POST /auth/logout", "POST /admin/streams:drain"}
_ROUTES = [route for route in all_routes() if route.name not in _NOT_ASKED]


# Beside the roles that ship: one without any right, one with each half of them, and one narrowed to its own.
_RIGHTS = sorted(ALL)
_MADE = {
    "nothing": frozenset(),
    "even": frozenset(_RIGHTS[::2]),
    "odd": frozenset(_RIGHTS[1::2]),
    "own": frozenset(right for right in _RIGHTS if not right.startswith("admin.")),
}
_ROLES = {**{role: rights for role, (_, rights) in ROLES.items()}, **_MADE}


@pytest.fixture(scope="module")
def suite(module_settings: Settings) -> Iterator[Suite]:
    """The embedded suite with a holder of each role, named like it."""
    with embedded_suite(module_settings) as running:
        admin = running.administrator()
        admin.post("/departments", {"code": "HQ", "name": "总部"})
        for role, rights in _MADE.items():
            scope = [{"kind": "own" if role == "own" else "all"}]
            grants = [{"right": right, **({"scopes": scope} if right in SCOPED else {})} for right in rights]
            admin.post("/roles", {"key": role, "label": role, "grants": grants})
        for role in _ROLES:
            body = {"username": f"the-{role}", "password": _PASSWORD, "name": role, "department": "HQ"}
            admin.post("/users", {**body, "roles": [role]})
        yield running


def _send(suite: Suite, route: Route, headers: dict[str, str]) -> requests.Response:
    path = re.sub(r"<[^>]+>", str(uuid4()), route.path)
    url = f"{suite.url}/api/v1{path}"
    body = {} if route.method in ("POST", "PATCH", "PUT") else None
    # What has no end is not waited for; everything else is read before its connection is closed.
    with requests.request(route.method, url, json=body, headers=headers, timeout=60, stream=True) as response:
        if not response.headers["Content-Type"].startswith("text/event-stream"):
            _ = response.content
    return response


def test_nobody_gets_anything_but_what_is_public(suite: Suite) -> None:
    for route in _ROUTES:
        status = _send(suite, route, {}).status_code
        assert (status == 401) == (route.permission != PUBLIC) or route.path == "/auth/login", route.name


@pytest.mark.parametrize("role", sorted(_ROLES))
def test_a_role_does_what_its_rights_say_and_nothing_else(suite: Suite, role: str) -> None:
    login = {"username": f"the-{role}", "password": _PASSWORD}
    answer = requests.post(f"{suite.url}/api/v1/auth/login", json=login, timeout=30).json()
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    rights = _ROLES[role]
    for route in _ROUTES:
        may = route.permission in (PUBLIC, SIGNED_IN) or route.permission in rights
        response = _send(suite, route, headers)
        if response.status_code == 403:
            named = response.json()["permission"]
            asked = route.may_need if may else (route.permission,)
            # Nobody has a right on the records of a form that does not exist.
            of_a_form = route.path.startswith("/forms/") and named.startswith(PREFIX)
            assert named in asked or of_a_form, f"{role} {route.name}: {named}"
            assert named not in rights
        else:
            assert may, f"{role} {route.name}: {response.text}"
        assert response.status_code < 500, f"{role} {route.name}: {response.text}"

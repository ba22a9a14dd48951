"""The gateway and the services ask for the same rights, and every right that exists is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from credit.suite import service_class
from gateway.identity.permissions import ALL, CATALOGUE, ROLES
from gateway.routes import PUBLIC, SIGNED_IN, Route
from gateway.table import all_routes
from services.common.config import ALL_SERVICES, GATEWAY
from services.common.messaging.door import OfService

# A route with a view of its own may ask for more than the calls that it is made of.
_FORWARDED = [
    route for route in all_routes() if route.call and route.service != GATEWAY and route.view is None
]


@pytest.mark.parametrize("route", _FORWARDED, ids=lambda route: route.name)
def test_a_route_asks_for_the_right_that_its_service_asks_for(route: Route) -> None:
    door = getattr(service_class(route.service), route.call)
    declared = door.__credit_endpoint__.permission
    # Where the right is that of the form which is asked for, the service alone can tell.
    assert route.permission == (SIGNED_IN if declared is None or callable(declared) else declared)


def test_every_right_exists_and_is_asked_for() -> None:
    asked = {route.permission for route in all_routes()} - {PUBLIC, SIGNED_IN}
    assert asked <= ALL
    assert all(rights <= ALL for _, rights in ROLES.values())


# Whoever is signed in may ask for these; another route says which right it needs.
_FOR_EVERYBODY_SIGNED_IN = {
    "POST /auth/logout",
    "GET /admin/business-date",
    "GET /events/stream",
    "GET /people",
    "POST /services/<service>:echo",
}


# The service that keeps a form asks for the right on its records.
_OF_FORMS = {
    route.name for route in all_routes() if "/forms/<form>/" in route.path or route.path.endswith(":evaluate")
}


def test_the_records_of_a_form_are_asked_for_by_its_own_right() -> None:
    doors = {route.call for route in all_routes() if "/forms/<form>/" in route.path and route.call}
    for call in doors:
        right = getattr(service_class("application"), call).__credit_endpoint__.permission
        assert right({"form": "visit"}).startswith("form:visit."), call


def test_a_service_says_the_right_of_each_door_that_it_shares_with_others() -> None:
    said = {"application": "form:visit.import", "customer": "customers.import"}
    found: dict[str, set[str]] = {}
    for name in ALL_SERVICES:
        kind: Any = service_class(name)
        for door in vars_of(kind):
            declared = getattr(door, "__credit_endpoint__", None)
            if declared is not None and isinstance(declared.permission, OfService):
                right = getattr(kind, declared.permission.method)(kind, {"form": "visit"})
                found.setdefault(name, set()).add(right)
    assert found == {name: {right} for name, right in said.items()}


def test_a_route_without_a_right_of_its_own_is_named_here() -> None:
    signed_in = {route.name for route in all_routes() if route.permission == SIGNED_IN}
    # What is below `/me` is one's own, found by who asks.
    elsewhere = {name for name in signed_in if " /me" not in name and name not in _OF_FORMS}
    assert elsewhere == _FOR_EVERYBODY_SIGNED_IN
    public = {route.path for route in all_routes() if route.permission == PUBLIC}
    factor = "/auth/second-factor"
    factors = {factor, f"{factor}:enrol", f"{factor}:confirm"}
    resets = {"/auth/password:forgot", "/auth/password:reset"}
    sso = {"/auth/providers", "/auth/sso/<key>", "/auth/sso/<key>/callback", "/auth/sso:redeem"}
    assert public == {"/auth/login", "/auth/refresh"} | factors | resets | sso


def test_a_route_that_says_nothing_of_its_right_is_no_route() -> None:
    with pytest.raises(TypeError, match="permission"):
        Route("GET", "/secrets")  # type: ignore[call-arg]


def test_every_right_is_asked_for_by_a_route_or_a_service() -> None:
    asked = {right for route in all_routes() for right in (route.permission, *route.may_need)}
    assert asked & ALL == ALL
    declared = {
        door.__credit_endpoint__.permission
        for name in ALL_SERVICES
        for door in vars_of(service_class(name))
        if hasattr(door, "__credit_endpoint__") and not callable(door.__credit_endpoint__.permission)
        # What a service itself says is held to it above.
        if not isinstance(door.__credit_endpoint__.permission, OfService)
    }
    assert declared - {None, "public", "services-only"} <= ALL


def vars_of(kind: type) -> list[object]:
    """Every attribute of a class."""
    return [getattr(kind, name) for name in dir(kind)]


def test_every_scoped_resource_says_which_columns_hold_what_its_scopes_read() -> None:
    owned = {name for service in ALL_SERVICES for name in service_class(service).owned}
    # How far somebody may decide is asked of the task itself.
    assert {resource.key for resource in CATALOGUE.values() if resource.scope} - owned == {"tasks"}


def test_no_two_routes_answer_the_same() -> None:
    names = [route.name for route in all_routes()]
    assert len(names) == len(set(names))

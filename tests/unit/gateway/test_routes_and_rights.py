"""The gateway and the services ask for the same rights, and every right that exists is asked for."""

from __future__ import annotations

import pytest

from credit.suite import service_class
from gateway.identity.permissions import ALL, ROLES
from gateway.routes import PUBLIC, SIGNED_IN, Route
from gateway.table import all_routes
from services.common.config import GATEWAY

# A route with a view of its own may ask for more than the calls that it is made of.
_FORWARDED = [
    route for route in all_routes() if route.call and route.service != GATEWAY and route.view is None
]


@pytest.mark.parametrize("route", _FORWARDED, ids=lambda route: route.name)
def test_a_route_asks_for_the_right_that_its_service_asks_for(route: Route) -> None:
    door = getattr(service_class(route.service), route.call)
    declared = door.__credit_endpoint__.permission
    assert route.permission == (SIGNED_IN if declared is None else declared)


def test_every_right_exists_and_is_asked_for() -> None:
    asked = {route.permission for route in all_routes()} - {PUBLIC, SIGNED_IN}
    assert asked <= ALL
    assert all(rights <= ALL for _, rights in ROLES.values())


def test_no_two_routes_answer_the_same() -> None:
    names = [route.name for route in all_routes()]
    assert len(names) == len(set(names))

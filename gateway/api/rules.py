"""Rules and ratings."""

from __future__ import annotations

from typing import Any

from gateway.routes import Route
from services.risk_rules import schema

_ONE = "/rules/<rule>"


def _route(method: str, path: str, call: str, permission: str, summary: str, **more: Any) -> Route:
    return Route(
        method,
        path,
        service="risk_rules",
        call=call,
        permission=permission,
        tag="rules",
        summary=summary,
        **more,
    )


ROUTES = [
    _route("GET", "/rules", "list_rules", "rules.read", "Rules, with what is in force", listing=True),
    _route("POST", "/rules", "create_rule", "rules.write", "Make a rule", body=schema.NewRule, status=201),
    _route("GET", _ONE, "get_rule", "rules.read", "One rule, by id or key, with its versions"),
    _route("PUT", _ONE, "change_rule", "rules.write", "Change a rule's draft", body=schema.RuleInput),
    _route("POST", f"{_ONE}:publish", "publish_rule", "rules.publish", "Put the draft in force"),
    _route("POST", f"{_ONE}:test", "test_rule", "rules.test", "Try it on one case", body=schema.RuleTest),
    _route("GET", f"{_ONE}/firings", "list_firings", "firings.read", "When it fired", listing=True),
    _route("GET", "/customers/<customer_id>/rating", "get_rating", "ratings.read", "A customer's rating"),
    _route(
        "PUT",
        "/customers/<customer_id>/rating",
        "rate_customer",
        "ratings.write",
        "Grade a customer by judgement",
        body=schema.RatingInput,
    ),
]

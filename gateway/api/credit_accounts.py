"""Credit accounts: limit, exposure, grants, freezes; and the business date."""

from __future__ import annotations

from typing import Any

from gateway.routes import Route
from services.limits import schema

_ONE = "/credit-accounts/<customer_id>"


def _route(method: str, path: str, call: str, permission: str, summary: str, **more: Any) -> Route:
    return Route(
        method,
        path,
        service="limits",
        call=call,
        permission=permission,
        tag="credit-accounts",
        summary=summary,
        **more,
    )


ROUTES = [
    _route(
        "GET",
        _ONE,
        "get_credit_account",
        "credit.read",
        "Limit, exposure by stage, available, state; `as_of` a date, `known_at` an instant",
        answer=schema.Account,
    ),
    _route(
        "GET",
        f"{_ONE}/entries",
        "list_entries",
        "credit.read",
        "The entries of the ledger; `as_of` a date, `known_at` an instant",
        listing=True,
    ),
    _route("GET", f"{_ONE}/grants", "list_grants", "credit.read", "Every limit that was granted"),
    _route(
        "POST",
        f"{_ONE}/grants",
        "grant_credit",
        "credit.grant",
        "Grant a limit without an application, or raise, cut or replace the one in force (`change`)",
        body=schema.GrantInput,
        status=201,
    ),
    _route(
        "GET", f"{_ONE}/guarantees", "list_guarantees", "credit.read", "Guarantees, collateral, insurance"
    ),
    _route(
        "POST",
        f"{_ONE}/guarantees",
        "accept_guarantee",
        "credit.grant",
        "Raise the limit by a share of a guarantee, collateral or insurance",
        body=schema.GuaranteeInput,
        status=201,
    ),
    _route(
        "POST",
        f"{_ONE}/guarantees/<guarantee_id>:release",
        "release_guarantee",
        "credit.grant",
        "End a guarantee before its time",
        body=schema.GuaranteeKey,
    ),
    _route("GET", f"{_ONE}/freezes", "list_freezes", "credit.read", "Every freeze, with who and why"),
    _route(
        "POST",
        f"{_ONE}:freeze",
        "freeze_account",
        "credit.freeze",
        "Stop new credit",
        body=schema.FreezeInput,
        answer=schema.Account,
    ),
    _route(
        "POST",
        f"{_ONE}:unfreeze",
        "unfreeze_account",
        "credit.unfreeze",
        "Lift every freeze",
        body=schema.FreezeInput,
        answer=schema.Account,
    ),
    _route(
        "GET",
        "/admin/credit-settings",
        "get_ledger_settings",
        "credit.settings",
        "What is set for the whole ledger: credit horizon, reservations, disputes",
    ),
    _route(
        "PATCH",
        "/admin/credit-settings",
        "change_ledger_settings",
        "credit.settings",
        "Set credit horizon, reservations, disputes; what is left out stays",
        body=schema.LedgerSettings,
    ),
    _route("GET", "/admin/business-date", "get_business_date", "signed-in", "The open business date"),
    _route(
        "POST",
        "/admin/business-date",
        "open_business_date",
        "admin.business_date",
        "Open a later business date, running every day between",
        body=schema.BusinessDate,
        timeout_seconds=300,
    ),
    _route(
        "POST",
        "/admin/ledger:verify",
        "verify",
        "credit.verify",
        "Recompute the ledger, some seconds at a time: ask again with `after` until `next` is null",
        body=schema.VerificationInput,
        timeout_seconds=60,
    ),
]

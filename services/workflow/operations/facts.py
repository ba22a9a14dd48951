"""What the conditions of flows read of an instance."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import Invalid, invalid_field
from services.common.expressions import ExpressionError, Fields, record_from_json
from services.common.money import EXACT
from services.workflow import store

_TEXTS = ("currency", "type", "initiator", "department", "grade", "reason", "subject_type", "subject_key")
_DAYS = ("valid_from", "valid_to")
_NUMBERS = ("amount", "amount_base", "approved_amount", "approved_amount_base", "term_days")


def data_of(instance: Mapping[str, Any]) -> dict[str, Any]:
    """What an instance knows of itself, as `facts_of` reads it."""
    own = {name: instance[name] for name in ("initiator", "subject_type", "subject_key")}
    return {**instance["data"], **own}


def facts_of(work: UnitOfWork, graph: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """What conditions may read; amounts are in the base currency by the rate of the business date, exactly.

    Without a rate an amount in the base currency is unknown.
    """
    facts = {name: data.get(name) for name in _TEXTS}
    approved = data.get("approved") or {}
    if not isinstance(approved, Mapping):
        raise _wrong("approved", "not_an_object", "应为对象")
    facts["currency"] = facts["currency"] or work.base_currency
    facts["approved_currency"] = approved.get("currency") or facts["currency"]
    facts["amount"] = data.get("amount")
    facts["approved_amount"] = approved.get("amount") or data.get("amount")
    facts["term_days"] = approved.get("term_days") or data.get("term_days")
    for name in _NUMBERS:
        facts[name] = _number(name, facts.get(name))
    for name, currency in (
        ("amount", facts["currency"]),
        ("approved_amount", facts["approved_currency"]),
    ):
        facts[f"{name}_base"] = in_base(work, name, facts[name], currency)
    # A text that is none is unknown to conditions, as one that was not given.
    known = {
        name: value if name in _NUMBERS or isinstance(value, str) else None for name, value in facts.items()
    }
    days = {name: approved.get(name) or data.get(name) for name in _DAYS}
    return {**_own_fields(graph, data.get("fields")), **known, **_record(days, dict.fromkeys(_DAYS, "date"))}


def _own_fields(graph: Mapping[str, Any], values: Any) -> dict[str, Any]:
    """The values of the fields that a flow declares; what does not fit its declaration is refused."""
    declared = graph.get("fields") or {}
    if not declared:
        return {}
    if not isinstance(values or {}, Mapping):
        raise _wrong("fields", "not_an_object", "应为对象")
    return _record(values or {}, declared)


def _record(values: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return record_from_json(values, Fields(declared))
    except ExpressionError as problem:
        raise _wrong("fields", "wrong_value", str(problem)) from problem


def _number(name: str, value: Any) -> Decimal | None:
    try:
        number = None if value is None else Decimal(str(value))
    except ArithmeticError:
        raise _wrong(name, "not_a_number", "应为数字") from None
    if number is not None and not number.is_finite():
        raise _wrong(name, "not_a_number", "应为数字")
    return number


def in_base(work: UnitOfWork, name: str, amount: Decimal | None, currency: Any) -> Decimal | None:
    """An amount in the base currency by the rate of the business date; None without a rate.

    `Invalid` names the field `name` where it becomes too large.
    """
    if amount is None or currency == work.base_currency:
        return amount
    rate = store.rate_in_force(work, currency) if isinstance(currency, str) else None
    try:
        return None if rate is None else EXACT.multiply(amount, rate)
    except ArithmeticError:
        raise _wrong(name, "out_of_range", "数字过大") from None


def _wrong(name: str, code: str, message: str) -> Invalid:
    return invalid_field(f"data.{name}", code, message, f"{name} {message}")

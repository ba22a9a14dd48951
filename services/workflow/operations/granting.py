"""What an approver grants: as asked, or another amount, currency, term and validity."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import invalid_field
from services.common.money import format_amount, parse_amount
from services.common.strict_json import to_plain
from services.workflow.operations.facts import in_base

_APPROVE_MORE = "tasks.approve_more"


def approved_by(work: UnitOfWork, instance: Mapping[str, Any], wished: Any) -> dict[str, Any]:
    """What is approved once somebody wishes this: amount, currency, term in days, validity.

    `Invalid` names what cannot be approved: more than was asked for, say, without the right to it.
    """
    granted: dict[str, Any] = dict(instance["data"]["approved"])
    if not wished:
        return granted
    granted |= _approved_amount(work, granted, wished)
    for name in ("term_days", "valid_from", "valid_to"):
        if wished.get(name) is not None:
            granted[name] = to_plain(wished[name])
    first, last = granted.get("valid_from"), granted.get("valid_to")
    if first and last and last < first:
        raise invalid_field("approved.valid_to", "validity", "失效日期不能早于生效日期")
    return granted


def _approved_amount(
    work: UnitOfWork, granted: Mapping[str, Any], wished: Mapping[str, Any]
) -> dict[str, str]:
    """The amount and the currency that are approved; in another currency than asked, both are compared in
    the base currency by the rate of the business date, exactly.
    """
    asked_in = granted["currency"] or work.base_currency
    currency = wished.get("currency") or asked_in
    if wished.get("amount") is None:
        if currency != asked_in:
            raise invalid_field("approved.amount", "required", "改变币种时请填写批准的金额")
        return {}
    amount = parse_amount(wished["amount"], currency)
    if amount <= 0:
        raise invalid_field("approved.amount", "amount_not_positive", "批准的金额必须大于零")
    asked = Decimal(str(granted["amount"]))
    if currency == asked_in:
        is_more = amount > asked
    else:
        is_more = _in_base(work, amount, currency) > _in_base(work, asked, asked_in)
    if is_more and not work.caller.can(_APPROVE_MORE):
        raise invalid_field("approved.amount", "more_than_asked", "批准的金额不能大于申请的金额")
    return {"amount": format_amount(amount, currency), "currency": currency}


def _in_base(work: UnitOfWork, amount: Decimal, currency: str) -> Decimal:
    found = in_base(work, "approved.amount", amount, currency)
    if found is None:
        message = f"{currency} 没有当日有效的汇率, 不能批准其他币种"
        raise invalid_field("approved.currency", "rate_missing", message)
    return found

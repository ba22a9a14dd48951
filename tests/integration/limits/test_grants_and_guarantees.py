"""Limits are raised, cut and replaced with a reason; guarantees raise them while they are valid."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.common.errors import Conflict, Invalid, NotFound
from services.common.fields import load
from services.common.ids import new_id
from services.limits import schema
from services.limits.operations import accounts, grants, orders, verification
from tests.integration.limits.conftest import CUSTOMER, OTHER, TODAY, Ledger


def _guarantee(ledger: Ledger, value: str = "50000.00", percent: str = "50", **more: Any) -> dict[str, Any]:
    body = {
        "customer_id": str(CUSTOMER),
        "value": value,
        "currency": "CNY",
        "accepted_percent": percent,
        "provider": "某银行",
        **more,
    }
    answer: dict[str, Any] = ledger.do(grants.accept_guarantee, load(schema.GuaranteeInput(), body))
    return answer


def _release(ledger: Ledger, guarantee_id: Any, **more: Any) -> dict[str, Any]:
    body = {"customer_id": str(CUSTOMER), "guarantee_id": str(guarantee_id), "reason": "到期归还", **more}
    answer: dict[str, Any] = ledger.do(grants.release_guarantee, load(schema.GuaranteeKey(), body))
    return answer


def _open_days(ledger: Ledger, days: int) -> None:
    for day in range(1, days + 1):
        ledger.open_date(TODAY + timedelta(days=day))


def test_raise_and_cut_move_the_limit_and_keep_its_term_and_end(ledger: Ledger) -> None:
    ledger.grant("100.00", term_days=45, valid_to="2026-12-31")
    raised = ledger.grant("20.50", change="raise", reason="旺季", term_days=None)["grant"]
    assert (raised["amount"], raised["term_days"], str(raised["valid_to"])) == ("120.50", 45, "2026-12-31")
    cut = ledger.grant("60.50", change="cut", reason="付款变慢", term_days=30)["grant"]
    assert (cut["amount"], cut["term_days"], cut["change"], cut["reason"]) == ("60.00", 30, "cut", "付款变慢")
    assert ledger.account()["limit"] == "60.00"
    history = ledger.do(grants.list_grants, CUSTOMER)["items"]
    assert [(grant["change"], grant["replaced_on"]) for grant in history] == [
        ("cut", None),
        ("raise", TODAY),
        ("grant", TODAY),
    ]


def test_a_cut_below_the_exposure_is_allowed_and_gives_over_limit(ledger: Ledger) -> None:
    ledger.grant("100.00")
    ledger.do(orders.reserve_order, ledger.order("A1", "80.00"))
    account = ledger.grant("50.00", change="cut", reason="风险上升")["account"]
    assert (account["state"], account["available"]) == ("over-limit", "-30.00")
    answer = ledger.do(orders.reserve_order, ledger.order("A2", "0.01"))
    assert answer["decision"]["would_pass_if"]["payment_needed"] == "30.01"
    assert answer["decision"]["would_pass_if"]["largest_amount"] == "0.00"


@pytest.mark.parametrize(
    ("first", "amount", "change", "code"),
    [
        (None, "1.00", "raise", "no_grant_to_change"),
        ({"amount": "5.00"}, "5.01", "cut", "cut_too_large"),
        ({"amount": None}, "5.00", "raise", "grant_unlimited"),
    ],
)
def test_a_change_without_what_it_changes_is_refused(
    ledger: Ledger, first: dict[str, Any] | None, amount: str, change: str, code: str
) -> None:
    if first is not None:
        ledger.grant(**first)
    before = ledger.account()
    with pytest.raises((Conflict, Invalid)) as refusal:
        ledger.grant(amount, change=change, reason="试")
    assert refusal.value.code == code
    assert ledger.account() == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"change": "raise", "amount": "1.00"}, "reason"),
        ({"change": "raise", "unlimited": True, "reason": "x"}, "amount"),
        ({"change": "double", "amount": "1.00", "reason": "x"}, "change"),
    ],
)
def test_a_change_says_why_and_how_much(body: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        load(schema.GrantInput(), {"customer_id": str(CUSTOMER), "currency": "CNY", **body})
    assert [error["field"] for error in refusal.value.errors] == [field]


def test_temporary_limits_add_up_and_are_raised_one_at_a_time(ledger: Ledger) -> None:
    ledger.grant("100.00")
    ledger.grant("10.00", kind="temporary", valid_to="2026-03-04")
    ledger.grant("5.00", kind="temporary", change="raise", reason="展会")
    assert ledger.account()["limit"] == "115.00"
    ledger.grant("1.00", kind="temporary", valid_to="2026-03-03")
    assert ledger.account()["limit"] == "116.00"
    with pytest.raises(Conflict, match="replace"):
        ledger.grant("5.00", kind="temporary", change="cut", reason="两个都在")
    _open_days(ledger, 2)
    assert ledger.account()["limit"] == "115.00"
    _open_days(ledger, 3)
    assert ledger.account()["limit"] == "100.00"


def test_a_guarantee_raises_what_orders_may_take_until_it_ends(ledger: Ledger) -> None:
    ledger.grant("100000.00")
    accepted = _guarantee(ledger, valid_to="2026-03-03")
    assert accepted["guarantee"]["accepted"] == "25000.00"
    assert (accepted["account"]["limit"], accepted["account"]["guaranteed"]) == ("125000.00", "25000.00")
    answer = ledger.do(orders.reserve_order, ledger.order("A1", "125000.00"))
    assert answer["status"] == "reserved"
    assert answer["decision"]["inputs"]["guaranteed"] == "25000.00"
    told = len(ledger.events("account_changed"))
    _open_days(ledger, 1)
    assert (ledger.account()["state"], len(ledger.events("account_changed"))) == ("amount", told)
    _open_days(ledger, 2)
    # Its last day is over: nothing had to run for the limit, and whoever keeps a copy is told.
    assert (ledger.account()["state"], ledger.account()["available"]) == ("over-limit", "-25000.00")
    assert ledger.events("account_changed")[-1]["account"]["state"] == "over-limit"
    assert ledger.do(verification.verify)["differences"] == []


def test_a_guarantee_alone_is_no_credit(ledger: Ledger) -> None:
    _guarantee(ledger)
    assert ledger.account()["state"] == "unset"
    assert ledger.do(orders.reserve_order, ledger.order("A1", "1.00"))["status"] == "refused"


def test_a_released_guarantee_counts_no_more_and_is_released_once(ledger: Ledger) -> None:
    ledger.grant("10.00")
    accepted = _guarantee(ledger)["guarantee"]
    released = _release(ledger, accepted["id"])
    assert (released["account"]["limit"], released["guarantee"]["released_on"]) == ("10.00", TODAY)
    with pytest.raises(Conflict):
        _release(ledger, accepted["id"])
    listed = ledger.do(grants.list_guarantees, CUSTOMER)["items"]
    assert [(one["accepted"], one["release_reason"]) for one in listed] == [("25000.00", "到期归还")]
    names = ("guarantee_accepted", "guarantee_released")
    assert [len(ledger.events(name)) for name in names] == [1, 1]


def test_somebody_elses_guarantee_is_not_found(ledger: Ledger) -> None:
    accepted = _guarantee(ledger)["guarantee"]
    with pytest.raises(NotFound):
        _release(ledger, accepted["id"], customer_id=str(OTHER))
    with pytest.raises(NotFound):
        _release(ledger, new_id())


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"accepted_percent": "0"}, "accepted_percent"),
        ({"accepted_percent": "100.01"}, "accepted_percent"),
        ({"accepted_percent": "12.34567"}, "accepted_percent"),
        ({"kind": "promise"}, "kind"),
        ({"value": "0.00"}, "value"),
        ({"value": "1.001"}, "value"),
        ({"valid_from": "2026-03-02", "valid_to": "2026-03-01"}, "valid_to"),
        ({"provider": " "}, "provider"),
    ],
)
def test_a_wrong_guarantee_is_refused_by_the_field(ledger: Ledger, wrong: dict[str, Any], field: str) -> None:
    more = {"value": "5.00", "percent": "50", **{n: v for n, v in wrong.items() if n != "accepted_percent"}}
    if "accepted_percent" in wrong:
        more["percent"] = wrong["accepted_percent"]
    with pytest.raises(Invalid) as refusal:
        _guarantee(ledger, **more)
    assert [error["field"] for error in refusal.value.errors] == [field]


def test_a_refusal_names_the_date_from_which_the_order_passes(ledger: Ledger) -> None:
    ledger.grant("100.00")
    ledger.grant("50.00", kind="temporary", valid_from="2026-03-05")
    _guarantee(ledger, value="100.00", percent="100", valid_from="2026-03-09")
    for number, amount, passes_on in (
        ("A1", "150.00", "2026-03-05"),
        ("A2", "150.01", "2026-03-09"),
        ("A3", "250.01", None),
    ):
        decision = ledger.do(orders.reserve_order, ledger.order(number, amount))["decision"]
        found = decision["would_pass_if"].get("date")
        assert (None if found is None else str(found)) == passes_on
    _open_days(ledger, 3)
    assert ledger.do(orders.reserve_order, ledger.order("A1", "150.00"))["status"] == "reserved"


def test_no_date_is_promised_to_a_frozen_customer(ledger: Ledger) -> None:
    ledger.grant("100.00", valid_from="2026-03-05")
    frozen = {"customer_id": CUSTOMER, "reason": "核查", "reason_code": None}
    ledger.do(accounts.freeze_by_person, frozen)
    decision = ledger.do(orders.reserve_order, ledger.order("A1", "1.00"))["decision"]
    assert {reason["code"] for reason in decision["reasons"]} == {"customer_frozen", "limit_unset"}
    assert "date" not in decision["would_pass_if"]

"""Groups, salespersons, departments and segments carry limits that every order of theirs must keep."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import eventlet
import pytest
from sqlalchemy import text

from services.common.errors import Conflict, Invalid, NotFound
from services.common.fields import load
from services.limits import schema, store
from services.limits.operations import history, orders, pool_limits, receivables
from services.limits.pools import PoolKey
from tests.integration.limits.conftest import CUSTOMER, OTHER, TODAY, Ledger
from tests.integration.limits.conftest import key as _key
from tests.support.wait import wait_until

TOP, BELOW = UUID("018f0000-0000-7000-8000-0000000000f1"), UUID("018f0000-0000-7000-8000-0000000000f2")


@pytest.fixture(autouse=True)
def company(ledger: Ledger) -> None:
    """Both customers have much credit of their own; the second one is in a group below another."""
    with ledger.database.begin(ledger.caller) as work:
        store.save_group(work, {"id": TOP, "code": "TOP", "name": "恒信集团", "parent_id": None})
        store.save_group(work, {"id": BELOW, "code": "BELOW", "name": "恒信华东", "parent_id": TOP})
    for customer_id in (CUSTOMER, OTHER):
        ledger.grant("1000.00", customer_id=str(customer_id))
    _move(ledger, CUSTOMER, group_id=TOP)
    _move(ledger, OTHER, group_id=BELOW)


def _move(ledger: Ledger, customer_id: UUID, **change: Any) -> None:
    with ledger.database.begin(ledger.caller) as work:
        before = store.lock_customers(work, [customer_id])[customer_id]
        after = {**before, **change}
        store.save_customer(work, after)
        pool_limits.follow_customer(work, before, after)


def _limit(ledger: Ledger, kind: str, key: Any, amount: str, segment: str | None = None) -> dict[str, Any]:
    body = {"pool_kind": kind, "pool_key": str(key), "amount": amount, "currency": "CNY"}
    body |= {"segment": segment} if segment else {}
    answer: dict[str, Any] = ledger.do(pool_limits.grant_pool_limit, load(schema.PoolLimitInput(), body))
    shown: dict[str, Any] = answer["pool"]
    return shown


def _pool(ledger: Ledger, kind: str, key: Any, segment: str = "") -> dict[str, Any]:
    asked = {"pool_kind": kind, "pool_key": str(key), "segment": segment}
    found: dict[str, Any] = ledger.do(pool_limits.get_pool, asked)
    return found


def _held(ledger: Ledger, kind: str, key: Any, segment: str = "") -> tuple[str, str, str]:
    exposure = _pool(ledger, kind, key, segment)["exposure"]
    return exposure["reserved"], exposure["delivered"], exposure["receivable"]


def _order(
    ledger: Ledger, number: str, amount: str, customer_id: UUID = CUSTOMER, **more: Any
) -> dict[str, Any]:
    order = ledger.order(number, amount, customer_id=str(customer_id), **more)
    answer: dict[str, Any] = ledger.do(orders.reserve_order, order)
    return answer


def test_a_group_limit_is_shared_by_all_customers_of_its_tree(ledger: Ledger) -> None:
    _limit(ledger, "group", TOP, "100.00")
    assert _order(ledger, "SO-1", "60.00")["status"] == "reserved"
    refused = _order(ledger, "SO-2", "60.00", OTHER)
    assert refused["status"] == "refused"
    (reason,) = refused["decision"]["reasons"]
    assert (reason["code"], reason["pool"], reason["needed"], reason["available"]) == (
        "limit_exceeded",
        f"group:{TOP}",
        "60.00",
        "40.00",
    )
    assert reason["message"].startswith("集团「恒信集团」可用额度不足")
    assert refused["decision"]["would_pass_if"]["largest_amount"] == "40.00"
    assert _held(ledger, "group", TOP) == ("60.00", "0.00", "0.00")
    assert ledger.account(OTHER)["exposure"]["reserved"] == "0.00", "all pools or none"
    assert _order(ledger, "SO-3", "40.00", OTHER)["status"] == "reserved"


def test_every_pool_that_refuses_is_named(ledger: Ledger) -> None:
    _limit(ledger, "group", BELOW, "10.00")
    _limit(ledger, "salesperson", "sales", "20.00")
    _limit(ledger, "department", "S", "500.00")
    ledger.grant("5.00", customer_id=str(OTHER))
    refused = _order(ledger, "SO-1", "30.00", OTHER)
    named = [reason["pool"] for reason in refused["decision"]["reasons"]]
    assert named == ["customer", f"group:{BELOW}", "salesperson:sales"]
    assert refused["decision"]["would_pass_if"]["largest_amount"] == "5.00"
    assert refused["decision"]["would_pass_if"]["payment_needed"] == "25.00"


def test_what_is_owed_when_control_begins_is_counted_and_released_with_it(ledger: Ledger) -> None:
    _order(ledger, "SO-1", "60.00", company="C1")
    ledger.do(receivables.record_invoice, ledger.invoice("I-1", "30.00", company="C2"))
    begun = _limit(ledger, "department", "S", "100.00")
    assert begun["exposure"]["total"] == "90.00"
    assert _limit(ledger, "department", "S", "100.00", "C2")["exposure"]["total"] == "30.00"
    assert _order(ledger, "SO-2", "20.00", OTHER)["status"] == "refused"
    asked = {"pool_kind": "department", "pool_key": "S", "reason": "改制"}
    ledger.do(pool_limits.release_pool, asked)
    released = _pool(ledger, "department", "S")
    assert (released["controlled"], released["exposure"]["total"]) == (False, "0.00")
    assert _order(ledger, "SO-3", "20.00", OTHER)["status"] == "reserved"
    with pytest.raises(Conflict):
        ledger.do(pool_limits.release_pool, asked)
    assert _limit(ledger, "department", "S", "100.00")["exposure"]["total"] == "110.00", "it counts anew"
    assert ledger.differences() == []


def test_a_customer_who_moves_takes_along_what_it_owes(ledger: Ledger) -> None:
    _order(ledger, "SO-1", "60.00")
    _limit(ledger, "group", BELOW, "50.00")
    _limit(ledger, "salesperson", "eve", "500.00")
    _limit(ledger, "salesperson", "sales", "500.00")
    assert _held(ledger, "group", BELOW)[0] == "0.00"
    _move(ledger, CUSTOMER, group_id=BELOW, salesperson="eve")
    assert (_held(ledger, "group", BELOW)[0], _pool(ledger, "group", BELOW)["state"]) == (
        "60.00",
        "over-limit",
    )
    assert (_held(ledger, "salesperson", "eve")[0], _held(ledger, "salesperson", "sales")[0]) == (
        "60.00",
        "0.00",
    )
    assert _order(ledger, "SO-2", "1.00", OTHER)["status"] == "refused", "its new group is over the limit"
    ledger.do(orders.close_order, {"order_no": "SO-1", "source": "api", "company": ""}, "cancelled")
    assert _held(ledger, "group", BELOW)[0] == "0.00"
    assert ledger.differences() == []


def test_a_limit_for_one_segment_lets_orders_of_that_company_pass_only(ledger: Ledger) -> None:
    third = UUID("018f0000-0000-7000-8000-00000000000c")
    with ledger.database.begin(ledger.caller) as work:
        copy = {"id": third, "code": "C-3", "name": "客户 C-3", "salesperson": None, "department": None}
        store.save_customer(work, {**copy, "group_id": None, "active": True})
    _limit(ledger, "customer", third, "100.00", "C1")
    assert _order(ledger, "SO-1", "60.00", third, company="C1")["status"] == "reserved"
    short = _order(ledger, "SO-2", "60.00", third, company="C1")
    assert [reason["pool"] for reason in short["decision"]["reasons"]] == ["customer@C1"]
    other = _order(ledger, "SO-3", "1.00", third, company="C2")
    assert [reason["code"] for reason in other["decision"]["reasons"]] == ["limit_unset"]
    ledger.grant("70.00", customer_id=str(third))
    both = _order(ledger, "SO-4", "20.00", third, company="C1")
    assert [reason["pool"] for reason in both["decision"]["reasons"]] == ["customer"]
    assert _order(ledger, "SO-5", "10.00", third, company="C2")["status"] == "reserved"


def test_a_payment_without_a_company_relieves_the_segment_of_what_it_pays(ledger: Ledger) -> None:
    _limit(ledger, "department", "S", "100.00", "C1")
    ledger.do(receivables.record_invoice, ledger.invoice("I-1", "80.00", company="C1"))
    assert _held(ledger, "department", "S", "C1") == ("0.00", "0.00", "80.00")
    ledger.do(receivables.record_payment, ledger.payment("P-1", "50.00"))
    assert _held(ledger, "department", "S", "C1") == ("0.00", "0.00", "30.00")
    key = {"number": "P-1", "source": None, "company": None, "reason": "退票"}
    ledger.do(receivables.reverse_payment, key)
    assert _held(ledger, "department", "S", "C1") == ("0.00", "0.00", "80.00")
    assert ledger.account()["exposure"]["total"] == "80.00"
    assert ledger.differences() == []


def test_an_invoice_of_an_order_stays_in_the_segment_in_which_the_order_was_checked(ledger: Ledger) -> None:
    for company in ("C1", "C2"):
        _limit(ledger, "department", "S", "100.00", company)
    _order(ledger, "SO-1", "60.00", company="C1")
    for number, company in (("I-1", None), ("I-2", "C2")):
        named = {"company": company} if company else {}
        ledger.do(receivables.record_invoice, ledger.invoice(number, "30.00", order_no="SO-1", **named))
    assert _held(ledger, "department", "S", "C1") == ("0.00", "0.00", "60.00")
    assert _held(ledger, "department", "S", "C2") == ("0.00", "0.00", "0.00")
    note = ledger.credit_note("N-1", "20.00", invoice_no="I-1", order_no="SO-1")
    ledger.do(receivables.record_credit_note, note)
    # What came back may be ordered again: it is reserved once more, and no longer owed.
    assert _held(ledger, "department", "S", "C1") == ("20.00", "0.00", "40.00")
    ledger.do(receivables.reverse_invoice, _key("I-2"))
    assert _held(ledger, "department", "S", "C1") == ("50.00", "0.00", "10.00")
    assert ledger.differences() == []


def test_a_bill_binds_in_the_segments_of_what_it_pays_until_it_is_honoured(ledger: Ledger) -> None:
    for company in ("C1", "C2"):
        _limit(ledger, "department", "S", "100.00", company)
        ledger.do(receivables.record_invoice, ledger.invoice(f"I-{company}", "40.00", company=company))
    bill = {"method": "acceptance_bill", "bill": {"number": "B", "due_date": "2026-06-30"}}
    wanted = [{"invoice_no": "I-C1", "amount": "40.00"}, {"invoice_no": "I-C2", "amount": "10.00"}]
    paid = ledger.payment("P", "50.00", **bill, allocations=wanted)
    ledger.do(receivables.record_payment, paid)

    def held() -> list[str]:
        return [_held(ledger, "department", "S", company)[2] for company in ("C1", "C2")]

    assert held() == ["40.00", "40.00"], "the promise is as good as what was owed"
    assert ledger.differences() == []
    ledger.do(receivables.honour_bill, load(schema.BillKey(), {"number": "B"}))
    assert held() == ["0.00", "30.00"]
    assert ledger.differences() == []
    ledger.do(receivables.dishonour_bill, load(schema.BillKey(), {"number": "B"}))
    assert held() == ["40.00", "40.00"]
    assert ledger.differences() == []


def test_what_has_happened_already_is_flagged_when_a_shared_pool_goes_over(ledger: Ledger) -> None:
    _limit(ledger, "group", TOP, "50.00")
    answer = ledger.do(receivables.record_invoice, ledger.invoice("I-1", "60.00"))
    assert answer["over_limit"] is True
    assert _pool(ledger, "group", TOP)["state"] == "over-limit"


def test_an_account_shows_the_pools_behind_it(ledger: Ledger) -> None:
    _limit(ledger, "group", TOP, "50.00")
    _limit(ledger, "department", "S", "40.00", "C1")
    _limit(ledger, "salesperson", "eve", "30.00")
    asked = {"customer_id": OTHER, "as_of": None, "known_at": None}
    shown = ledger.do(history.get_account, asked)["pools"]
    named = [(pool["kind"], pool["segment"], pool["limit"]) for pool in shown]
    assert named == [("customer", None, "1000.00"), ("group", None, "50.00"), ("department", "C1", "40.00")]


@pytest.mark.parametrize(
    ("pool", "behind_its_back"),
    [
        (("department", "S", ""), "UPDATE customers SET department = 'X' WHERE code = 'C-1'"),
        (("salesperson", "sales", "C1"), "UPDATE customers SET salesperson = NULL WHERE code = 'C-1'"),
        (("group", str(TOP), ""), "UPDATE customers SET group_id = NULL WHERE code = 'C-2'"),
        (("group", str(TOP), ""), "UPDATE customer_groups SET parent_id = NULL WHERE code = 'BELOW'"),
        (("customer", str(CUSTOMER), "C1"), "UPDATE orders SET company = 'C2' WHERE order_no = 'SO-1'"),
        (("department", "S", ""), "UPDATE pools SET controlled = false WHERE kind = 'department'"),
        (("group", str(TOP), "C1"), "UPDATE pools SET currency = 'JPY' WHERE kind = 'group'"),
    ],
)
def test_verification_compares_shared_and_segment_pools_with_documents(
    ledger: Ledger, pool: tuple[str, str, str], behind_its_back: str
) -> None:
    kind, key, segment = pool
    _limit(ledger, kind, key, "500.00", segment or None)
    _order(ledger, "SO-1", "60.00", company="C1")
    _order(ledger, "SO-2", "30.00", OTHER, company="C1")
    assert ledger.differences() == []
    with ledger.database.engine.begin() as connection:
        assert connection.execute(text(behind_its_back)).rowcount == 1
    found = ledger.differences()
    assert {(one["kind"], one["key"], one["segment"]) for one in found if "kind" in one} == {pool}
    assert {one["check"] for one in found} == {"pool_equals_documents"}


def test_two_first_documents_in_a_new_currency_at_once_make_one_pool(ledger: Ledger) -> None:
    _limit(ledger, "group", TOP, "50.00")
    first, second = (
        ledger.invoice(f"I-{who}", "60.00", currency="USD", customer_id=str(who)) for who in (CUSTOMER, OTHER)
    )
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with ledger.database.begin(ledger.caller) as work:
        receivables.record_invoice(work, first)
        store.book_of(work).flush()
        other = eventlet.spawn(ledger.do, receivables.record_invoice, second)
        with ledger.database.read(ledger.caller) as reading:
            wait_until(lambda: reading.execute(text(waiting)).scalar_one(), what="the second to wait")
    assert other.wait()["status"] == "recorded"
    with ledger.database.read(ledger.caller) as work:
        assert store.balance_of(work, PoolKey("group", str(TOP)), "USD").total == 120
    assert ledger.differences() == []


def test_what_cannot_be_limited_is_refused(ledger: Ledger) -> None:
    with pytest.raises(NotFound):
        _limit(ledger, "group", UUID(int=7), "1.00")
    with pytest.raises(NotFound):
        _limit(ledger, "group", "no-id", "1.00")
    with pytest.raises(Invalid):
        _limit(ledger, "customer", CUSTOMER, "1.00")
    with pytest.raises(Invalid):
        _limit(ledger, "country", "CN", "1.00")


def _unit(ledger: Ledger, code: str, parent: str | None) -> None:
    """Let the gateway tell of a department."""
    told = {"code": code, "name": code, "parent": parent, "head": None}
    with ledger.database.begin(ledger.caller) as work:
        pool_limits.department_changed(work, _event({"department": told}))


def _event(data: dict[str, Any]) -> Any:
    return SimpleNamespace(data=data)


def test_a_departments_pool_covers_all_departments_below_it_and_follows_them(ledger: Ledger) -> None:
    _unit(ledger, "HQ", None)
    _unit(ledger, "EAST", "HQ")
    _limit(ledger, "department", "HQ", "100.00")
    assert _limit(ledger, "department", "S", "90.00")["exposure"]["total"] == "0.00"
    ledger.do(orders.reserve_order, ledger.order("A", "60.00"))
    assert _held(ledger, "department", "HQ") == ("0.00", "0.00", "0.00"), "nobody said where S belongs"
    _unit(ledger, "S", "EAST")
    assert _held(ledger, "department", "HQ") == ("60.00", "0.00", "0.00")
    refused = ledger.do(orders.reserve_order, ledger.order("B", "50.00", customer_id=str(OTHER)))
    told = [each["pool"] for each in refused["decision"]["reasons"]]
    assert told == ["department:S", "department:HQ"]
    assert ledger.differences() == []
    _unit(ledger, "EAST", None)
    assert _held(ledger, "department", "HQ") == ("0.00", "0.00", "0.00")
    assert ledger.do(orders.reserve_order, ledger.order("E", "30.00"))["status"] == "reserved"
    _move(ledger, OTHER, department="HQ")
    ledger.do(orders.reserve_order, ledger.order("D", "5.00", customer_id=str(OTHER)))
    assert _held(ledger, "department", "HQ")[0] == "5.00"
    assert ledger.differences() == []
    with ledger.database.engine.begin() as connection:
        connection.execute(text("UPDATE departments SET parent = 'HQ' WHERE code = 'EAST'"))
    assert {each["check"] for each in ledger.differences()} == {"pool_equals_documents"}


def test_a_group_that_moves_takes_along_what_is_owed_below_it(ledger: Ledger) -> None:
    above = UUID("018f0000-0000-7000-8000-0000000000f9")
    with ledger.database.begin(ledger.caller) as work:
        store.save_group(work, {"id": above, "code": "ABOVE", "name": "恒信控股", "parent_id": None})
    _limit(ledger, "group", TOP, "500.00")
    _limit(ledger, "group", above, "50.00")
    ledger.do(orders.reserve_order, ledger.order("A", "60.00", customer_id=str(OTHER)))

    def move(parent: UUID | None) -> None:
        told = {"id": str(BELOW), "code": "BELOW", "name": "恒信华东", "parent_id": parent and str(parent)}
        with ledger.database.begin(ledger.caller) as work:
            pool_limits.group_changed(work, _event({"group": told}))

    move(above)
    assert (_held(ledger, "group", TOP)[0], _held(ledger, "group", above)[0]) == ("0.00", "60.00")
    told = ledger.events("customer_reassigned")[-1]
    assert (told["customer_id"], told["over_limit"]) == (str(OTHER), True)
    assert ledger.differences() == []
    move(TOP)
    assert (_held(ledger, "group", TOP)[0], _held(ledger, "group", above)[0]) == ("60.00", "0.00")
    assert ledger.events("customer_reassigned")[-1]["over_limit"] is False
    assert ledger.differences() == []


def test_every_pool_is_shown_on_any_date_as_it_was_known(ledger: Ledger) -> None:
    ledger.configure(horizon_days=10)
    for kind, key, segment in (("group", TOP, None), ("department", "S", None), ("customer", CUSTOMER, "C1")):
        _limit(ledger, kind, key, "100.00", segment)
    far = (TODAY + timedelta(days=11)).isoformat()
    ledger.do(orders.reserve_order, ledger.order("A", "10.00", company="C1"))
    ledger.do(orders.reserve_order, ledger.order("B", "20.00", company="C1", delivery_date=far))
    with ledger.database.begin(ledger.caller) as work:
        moment = work.now
    ledger.open_date(TODAY + timedelta(days=1))
    ledger.do(orders.reserve_order, ledger.order("C", "30.00", company="C1"))
    _limit(ledger, "department", "S", "200.00")
    late = ledger.invoice("I", "5.00", company="C1")
    ledger.do(receivables.record_invoice, {**late, "invoice_date": TODAY})

    def shown(kind: str, key: Any, **more: Any) -> tuple[str, str]:
        asked = {"pool_kind": kind, "pool_key": str(key), "as_of": None, "known_at": None, **more}
        pool = ledger.do(history.get_pool, asked)
        return pool["exposure"]["total"], pool["available"]

    assert shown("department", "S") == ("65.00", "135.00")
    assert shown("department", "S", as_of=TODAY) == ("35.00", "65.00"), (
        "the late invoice counts from its date"
    )
    assert shown("department", "S", known_at=moment) == ("30.00", "70.00")
    assert shown("group", TOP, as_of=TODAY, known_at=moment) == ("30.00", "70.00")
    segment = {"segment": "C1"}
    assert shown("customer", CUSTOMER, **segment) == ("65.00", "35.00"), "what was far has come near"
    assert shown("customer", CUSTOMER, as_of=TODAY, **segment) == ("35.00", "85.00")
    assert shown("customer", CUSTOMER, known_at=moment, **segment) == ("30.00", "90.00")
    asked = {"customer_id": CUSTOMER, "as_of": TODAY, "known_at": None}
    behind = {
        (pool["kind"], pool["segment"]): pool["available"]
        for pool in ledger.do(history.get_account, asked)["pools"]
    }
    assert behind == {
        ("customer", None): "985.00", ("group", None): "65.00", ("department", None): "65.00",
        ("customer", "C1"): "85.00",
    }  # fmt: skip


def test_guarantees_raise_the_limit_of_any_pool_while_it_controls(ledger: Ledger) -> None:
    body = {"value": "50.00", "currency": "CNY", "accepted_percent": "80", "provider": "银行"}
    pools = (("group", TOP, ""), ("salesperson", "sales", ""), ("customer", CUSTOMER, "C1"))
    for kind, key, segment in pools:
        named = {"pool_kind": kind, "pool_key": str(key), "segment": segment}
        shape = load(schema.PoolGuaranteeInput(), {**body, **{k: v for k, v in named.items() if v}})
        with pytest.raises(Conflict):
            ledger.do(pool_limits.accept_pool_guarantee, shape)
        _limit(ledger, kind, key, "100.00", segment or None)
        accepted = ledger.do(pool_limits.accept_pool_guarantee, shape)
        assert (accepted["pool"]["limit"], accepted["pool"]["guaranteed"]) == ("140.00", "40.00")
    assert ledger.do(orders.reserve_order, ledger.order("A", "140.00", company="C1"))["status"] == "reserved"
    refused = ledger.do(orders.reserve_order, ledger.order("B", "0.01", company="C1"))
    told = [each["pool"] for each in refused["decision"]["reasons"]]
    assert told == ["customer@C1", f"group:{TOP}", "salesperson:sales"]
    for kind, key, segment in pools:
        named = {"pool_kind": kind, "pool_key": str(key), "segment": segment}
        (found,) = ledger.do(pool_limits.list_pool_guarantees, named)["items"]
        given = {**named, "guarantee_id": found["id"], "reason": "到期"}
        if kind != "group":
            released = ledger.do(pool_limits.release_pool_guarantee, given)
            assert (released["pool"]["available"], released["pool"]["state"]) == ("-40.00", "over-limit")
        else:
            ledger.do(pool_limits.release_pool, {**named, "reason": "改制"})
        with pytest.raises(Conflict):
            ledger.do(pool_limits.release_pool_guarantee, given)
    assert ledger.account()["limit"] == "1000.00", "no pool's guarantee is the customer's own"
    names = [event["guarantee"]["pool_kind"] for event in ledger.events("guarantee_released")]
    assert sorted(names) == ["customer", "group", "salesperson"]
    assert ledger.differences() == []

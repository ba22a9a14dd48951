"""A special approval lets orders pass what a limit or a rule says, so much and so often, and is used up."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest

from services.common import expressions
from services.common.caller import Caller
from tests.integration.limits.trading import BOSS, Trade, trading
from tests.support.doors import Door
from tests.support.postgres import DatabaseServer

CHIEF = Caller(
    "user",
    "chief",
    "chief",
    permissions=BOSS.permissions
    | {"overrides.read", "overrides.grant", "overrides.reverse", "credit.freeze", "orders.check"},
)


@pytest.fixture(scope="module")
def door(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One ledger; each test has customers of its own."""
    with trading(database_server, tmp_path_factory.mktemp("overrides")) as opened:
        yield opened


class Special(Trade):
    """A customer with a limit of 100.00, and special approvals beyond it."""

    def __init__(self, door: Door) -> None:
        super().__init__(door, "100.00")

    def do(self, method: str, /, **received: Any) -> Any:
        """Call the ledger as somebody who may approve specially."""
        return self.door.ask("limits", method, received, CHIEF)

    def grant(self, amount: str = "500.00", **more: Any) -> dict[str, Any]:
        """A special approval."""
        asked = {"customer_id": self.customer_id, "amount": amount, "currency": "CNY", "reason": "旺季"}
        found: dict[str, Any] = self.do("grant_override", **asked, **more)
        return found

    def order(self, number: str, amount: str, **more: Any) -> str:
        """What comes of an order."""
        return str(self.record("order", number, amount, **more)["status"])

    def overrides(self) -> list[dict[str, Any]]:
        """The customer's special approvals, the newest first."""
        answer = self.do("list_overrides", where={"customer_id": self.customer_id})
        found: list[dict[str, Any]] = answer["items"]
        return found

    def told(self, name: str) -> list[dict[str, Any]]:
        """What the ledger has told of this customer's special approvals."""
        return [
            one["override"]
            for one in self.door.log_of("limits", name)
            if one["override"]["customer_id"] == self.customer_id
        ]


@pytest.fixture
def special(door: Door) -> Special:
    """A customer of the test's own."""
    return Special(door)


def test_it_lets_one_order_pass_beyond_the_limit_and_is_used_up_by_it(special: Special) -> None:
    assert special.order("A", "150.00") == "refused"
    granted = special.grant()["override"]
    assert (granted["status"], granted["count"], granted["amount"]) == ("open", 1, "500.00")
    checked = special.do("check_order", customer_id=special.customer_id, amount="150.00", currency="CNY")
    assert checked["status"] == "reserved", "asking uses nothing up"
    answer = special.record("order", "A", "150.00", revision=2)
    assert (answer["status"], answer["over_limit"]) == ("reserved", True)
    decision = answer["decision"]
    assert [each["code"] for each in decision["reasons"]] == ["limit_exceeded"]
    assert decision["inputs"]["override"] == {"id": granted["id"], "left": "500.00"}
    [used] = special.overrides()
    assert (used["status"], used["used_amount"], used["used_count"]) == ("used", "150.00", 1)
    assert [(use["order_no"], use["amount"], use["decision_id"]) for use in used["uses"]] == [
        (special.number("A"), "150.00", decision["id"])
    ]
    assert special.order("B", "1.00") == "refused", "once"
    assert [one["used_amount"] for one in special.told("override_used")] == ["150.00"]
    account = special.ask("get_credit_account", customer_id=special.customer_id)
    assert (account["available"], account["state"]) == ("-50.00", "over-limit")


def test_what_passes_by_itself_uses_nothing_up(special: Special) -> None:
    special.grant()
    assert special.order("A", "100.00") == "reserved"
    assert special.overrides()[0]["used_count"] == 0


def test_so_much_and_so_often_and_no_more(special: Special) -> None:
    special.grant("300.00", count=2)
    assert special.order("A", "301.00") == "refused", "more than it lets pass"
    assert special.order("B", "200.00") == "reserved"
    assert special.order("C", "100.01") == "refused", "more than is left of it"
    assert special.order("D", "100.00") == "reserved"
    assert special.order("E", "0.01") == "refused"
    assert special.overrides()[0]["status"] == "used"


def test_one_order_alone_whose_refusal_or_hold_ends_at_once(special: Special) -> None:
    assert special.order("A", "150.00") == "refused"
    answer = special.grant(order_no=special.number("A"))
    assert (answer["status"], answer["order"]["status"]) == ("reserved", "reserved")
    assert answer["override"]["status"] == "used"
    early = special.grant(order_no=special.number("B"))
    assert "order" not in early, "it has not come yet"
    assert special.order("C", "150.00") == "refused", "it is for another"
    assert special.order("B", "150.00") == "reserved"
    held = f"hold-{uuid4().hex[:8]}"
    rule = {"key": held, "version": 1, "trigger": "order_check", "strength": "approve", "active": True}
    rule |= {"name": "核准", "condition": expressions.parse("amount = 77.07"), "reads": ["amount"]}
    special.door.tell("risk_rules", "rule_published", held, {"rule": rule})
    special.door.settle()
    other = Special(special.door)
    assert other.order("H", "77.07") == "held"
    assert other.grant(order_no=other.number("H"))["status"] == "reserved"
    assert other.overrides()[0]["used_amount"] == "77.07"


def test_a_freeze_a_missing_limit_and_an_order_of_another_are_no_matter_of_it(special: Special) -> None:
    special.grant("1000.00", count=9)
    special.do("freeze_account", customer_id=special.customer_id, reason="涉诉")
    assert special.order("A", "150.00") == "refused"
    none = Special(special.door)
    unset = str(uuid4())
    customer = {"id": unset, "code": unset[:8], "name": unset[:8]}
    special.door.tell("customer", "customer_created", unset, {"customer": customer})
    asked = {"customer_id": unset, "amount": "10.00", "currency": "CNY", "reason": "新"}
    special.do("grant_override", **asked)
    order = {"customer_id": unset, "order_no": f"{unset[:8]}/A", "amount": "10.00", "currency": "CNY"}
    assert special.ask("reserve_order", **order)["status"] == "refused"
    assert none.order("A", "150.00") == "refused"
    refusal = special.door.refused("limits", "grant_override", {**asked, "order_no": none.number("A")}, CHIEF)
    assert refusal.code == "order_of_another_customer"
    nobody = special.door.refused("limits", "grant_override", asked, BOSS)
    assert (nobody.status, nobody.code) == (403, "forbidden")
    late = special.door.refused("limits", "grant_override", {**asked, "valid_until": "2020-01-01"}, CHIEF)
    assert late.code == "valid_until_past"


def test_it_counts_until_its_last_day_or_until_it_is_ended(special: Special) -> None:
    granted = special.grant(valid_until="2026-03-02")["override"]
    other = special.grant(count=3, valid_until="2026-03-02")["override"]
    ended = special.do("end_override", override_id=granted["id"], reason="撤回")["override"]
    assert ended["status"] == "ended"
    again = special.door.refused(
        "limits", "end_override", {"override_id": granted["id"], "reason": "x"}, CHIEF
    )
    assert (again.status, again.data["state"]) == (409, "ended")
    unknown = {"override_id": str(uuid4()), "reason": "x"}
    assert special.door.refused("limits", "end_override", unknown, CHIEF).status == 404
    assert special.order("A", "150.00") == "reserved", "of the one that was not ended"
    special.do("open_business_date", date="2026-03-03")
    assert special.order("B", "150.00") == "refused"
    statuses = {one["id"]: one["status"] for one in special.overrides()}
    assert statuses == {granted["id"]: "ended", other["id"]: "expired"}


def test_of_many_at_once_only_as_many_pass_as_it_lets(special: Special) -> None:
    special.grant("1000.00", count=3)
    found: list[str] = []
    threads = [
        Thread(target=lambda number=number: found.append(special.order(f"M{number}", "150.00")))
        for number in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found) == ["refused"] * 7 + ["reserved"] * 3
    [override] = special.overrides()
    assert (override["used_count"], override["used_amount"]) == (3, "450.00")


def test_what_is_used_is_verified_and_past_days_stay_as_they_were(special: Special) -> None:
    special.grant("500.00", count=2)
    day = special.ask("get_business_date")["date"]
    assert special.order("A", "150.00") == "reserved"
    before = special.ask("get_credit_account", customer_id=special.customer_id, as_of=day)
    special.ask("open_business_date", date="2026-03-09")
    assert special.order("B", "20.00") == "reserved"
    after = special.ask("get_credit_account", customer_id=special.customer_id, as_of=day)
    assert (after["limit"], after["exposure"]) == (before["limit"], before["exposure"])
    assert after["exposure"]["total"] == "150.00"
    found, next_place = [], None
    while True:
        answer = special.ask("verify", after=next_place)
        found += answer["differences"]
        next_place = answer["next"]
        if next_place is None:
            break
    assert found == []

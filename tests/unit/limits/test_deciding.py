"""The decision on an order: every pool must let it pass, and what would let it pass is true."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from services.limits.deciding import Check, PoolCheck, judge
from services.limits.ledger import EXPIRED, UNSET, Limit

amounts = st.decimals(min_value=0, max_value=10**9, places=2)
limits = st.one_of(
    st.just(Limit(UNSET)),
    st.just(Limit(EXPIRED)),
    st.just(Limit("unlimited")),
    amounts.map(lambda amount: Limit("amount" if amount else "zero", amount)),
)


def _pool(name: str, limit: Limit, exposure: Decimal, increase: Decimal) -> PoolCheck:
    return PoolCheck(name, name, "CNY", limit, exposure, increase)


@given(st.lists(st.tuples(limits, amounts), min_size=1, max_size=4), amounts.filter(bool))
def test_an_order_passes_exactly_when_every_pool_has_room_for_it(
    pools: list[tuple[Limit, Decimal]], increase: Decimal
) -> None:
    names = ["customer", *(f"group:{number}" for number in range(1, len(pools)))]
    checks = [
        _pool(name, limit, exposure, increase) for name, (limit, exposure) in zip(names, pools, strict=True)
    ]
    verdict = judge(Check(increase, "CNY", checks))
    fails = [
        check.name
        for check in checks
        if check.limit.state in (UNSET, EXPIRED)
        or (check.limit.amount is not None and check.exposure + increase > check.limit.amount)
    ]
    assert (verdict.result == "reserved") == (not fails)
    assert [reason.pool for reason in verdict.reasons] == fails
    if "largest_amount" in verdict.would_pass_if:
        largest = Decimal(verdict.would_pass_if["largest_amount"])
        smaller = [_pool(each.name, each.limit, each.exposure, largest) for each in checks]
        assert largest == 0 or judge(Check(largest, "CNY", smaller)).result == "reserved"
        larger = [_pool(each.name, each.limit, each.exposure, largest + Decimal("0.01")) for each in checks]
        assert judge(Check(largest, "CNY", larger)).result == "refused"


def test_the_date_that_lets_pass_is_the_first_on_which_all_pools_do() -> None:
    first, second = date(2026, 4, 1), date(2026, 5, 1)
    raised = Limit("amount", Decimal(100))
    asked = Decimal(50)
    zero = Limit("zero", Decimal(0))
    own = PoolCheck("customer", "客户", "CNY", zero, Decimal(0), asked, lambda: [(first, raised)])
    group = PoolCheck("group:g", "集团", "CNY", Limit(EXPIRED), Decimal(0), asked, lambda: [(second, raised)])
    verdict = judge(Check(asked, "CNY", [own, group]))
    assert verdict.would_pass_if["date"] == second
    assert [each["pool"] for each in verdict.would_pass_if["limits_needed"]] == ["customer", "group:g"]

"""Which pools a document touches, and which of them it must keep."""

from __future__ import annotations

from services.limits.pools import Owner, PoolKey, ancestors, judged, touched

OWNER = Owner(customer="c", groups=("g2", "g1"), salesperson="sam", departments=("S",))
OWN = PoolKey("customer", "c")


def test_only_pools_that_control_hold_a_balance_beside_the_customer_own() -> None:
    assert touched(OWNER, "", set()) == [OWN]
    controlled = {PoolKey("group", "g1"), PoolKey("department", "S", "C1"), PoolKey("salesperson", "eve")}
    assert touched(OWNER, "", controlled) == [OWN, PoolKey("group", "g1")]
    assert touched(OWNER, "C1", controlled) == [OWN, PoolKey("group", "g1"), PoolKey("department", "S", "C1")]
    assert touched(OWNER, "C2", controlled) == [OWN, PoolKey("group", "g1")]


def test_a_limit_for_the_segment_alone_leaves_no_overall_one_to_keep() -> None:
    segment = PoolKey("customer", "c", "C1")
    assert judged([OWN, segment], {segment}) == [segment]
    assert judged([OWN, segment], {OWN, segment}) == [OWN, segment]
    assert judged([OWN], {segment}) == [OWN], "in another segment there is no credit"
    assert judged([OWN, PoolKey("group", "g1")], set()) == [OWN, PoolKey("group", "g1")]


def test_a_circle_of_groups_ends() -> None:
    assert ancestors("a", {"a": "b", "b": "a"}) == ("a", "b")
    assert ancestors(None, {}) == ()


def test_names_say_kind_whose_and_segment() -> None:
    assert OWN.name == "customer"
    assert PoolKey("customer", "c", "C1").name == "customer@C1"
    assert PoolKey("department", "S", "C1").name == "department:S@C1"

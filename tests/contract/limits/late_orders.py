"""Orders that come after their invoice or delivery, or go to another payer or owner, by each route."""

from __future__ import annotations

from functools import partial

from tests.contract.limits.ways import ASKED, HAPPENED, MORE, Way
from tests.contract.limits.world import World


def _by_hand(amount: str, world: World, **more: object) -> object:
    return world.record("order", "SO", amount, **more)


def _in_a_batch(amount: str, world: World, **more: object) -> object:
    items = [world.body("order", "SO", amount, **more)]
    return world.ask("reserve_orders", items=items)["results"][0]


def _by_erp(routing_key: str, amount: str, world: World, **more: object) -> object:
    return world.erp(routing_key, **world.body("order", "SO", amount, **more))


# An own pool and a shared one: each kind by each route is in `ways`.
_KINDS = ("customer", "group")
_ROUTES = {
    "reserve_order": _by_hand,
    "reserve_orders": _in_a_batch,
    "order.created": partial(_by_erp, "order.created"),
    "order.amended": partial(_by_erp, "order.amended"),
}


def _invoiced(world: World) -> None:
    world.record("invoice", "I", MORE, order_no=world.named("SO"))


def _invoiced_by_no_company(world: World) -> None:
    world.record("invoice", "I", MORE, company=None, order_no=world.named("SO"))


def _delivered(world: World) -> None:
    told = {"order_no": world.named("SO"), "delivery_no": "D", "amount": "70.00"}
    assert world.erp("order.delivered", **told) == {"status": "waiting"}


def _after(door: str) -> tuple[Way, ...]:
    act = _ROUTES[door]
    return (
        Way(f"{door} after its invoice", ASKED, (door,), partial(act, "120.00"), _invoiced,
            kinds=_KINDS),
        Way(f"{door} after an invoice of no company", HAPPENED, (door,), partial(act, "10.00"),
            _invoiced_by_no_company, event="order_reserved", kinds=("segment",)),
        Way(f"{door} after a delivery of more", HAPPENED, (door,), partial(act, "10.00"), _delivered,
            event="order_delivered", kinds=_KINDS),
    )  # fmt: skip


def _paid_by_another(world: World) -> None:
    """An order that a customer pays who is outside of every pool here, and has credit."""
    world.other = world.new_customer(None, elsewhere=True)
    granted = {"customer_id": world.other, "amount": "1000.00", "currency": "CNY", "term_days": 30}
    world.ask("grant_credit", **granted)
    world.take("SO", MORE, payer_id=world.other)


def _handed_over(door: str) -> Way:
    act = partial(_ROUTES[door], MORE, revision=2)
    return Way(f"{door} for another payer", ASKED, (door,), act, _paid_by_another, kinds=_KINDS)


def _turns_out_to_be_one(world: World) -> None:
    told = {"customer_id": world.other, "into_id": world.customer}
    world.door.tell("customer", "customer_merged", world.other, told)
    world.door.settle()


LATE_ORDERS = (
    Way("a customer who turns out to be this one", HAPPENED, ("customer_merged",), _turns_out_to_be_one,
        _paid_by_another, event="exposure_merged"),
    *(way for door in _ROUTES for way in _after(door)),
    *(_handed_over(door) for door in _ROUTES),
)  # fmt: skip

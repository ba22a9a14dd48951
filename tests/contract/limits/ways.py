"""Every way in which exposure can rise, or a limit fall below it: one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import eventlet

from tests.contract.limits.world import COMPANY, KINDS, OWN, SHARED, World

ASKED = "asked"
HAPPENED = "happened"
FALLS = "falls"
# What no limit lets pass where 40.00 are left.
MORE = "60.00"
_HELD = "60.07"
_GUARANTEE = {"value": MORE, "currency": "CNY", "accepted_percent": "100", "provider": "银行"}
Act = Callable[[World], object]


def _nothing(world: World) -> None:
    """A way that needs nothing before."""


@dataclass(frozen=True)
class Way:
    """One way. `asked`: it is refused, as the decision on order `number` says. `happened`: it is recorded
    and flagged. `falls`: the limit, or what counts, moves under the customer.

    `covers` names the endpoints and routing keys that it goes by; `before` makes what it needs, then the
    pool is filled until 40.00 are left, then `act` wants 60.00 more. `event` is what tells `over_limit`.
    """

    name: str
    how: str
    covers: tuple[str, ...]
    act: Act
    before: Act = _nothing
    number: str = "SO"
    event: str = ""
    kinds: tuple[str, ...] = KINDS


def _order(number: str, amount: str, **more: object) -> Act:
    return lambda world: world.take(number, amount, **more)


def _amend(amount: str, **more: object) -> Act:
    return lambda world: world.ask("amend_order", **world.key("SO"), amount=amount, **more)


def _erp_order(routing_key: str, amount: str, **more: object) -> Act:
    return lambda world: world.erp(routing_key, **world.body("order", "SO", amount, **more))


def _then(*acts: Act) -> Act:
    def run(world: World) -> object:
        return [act(world) for act in acts][-1]

    return run


def _ask_order(method: str, **more: object) -> Act:
    return lambda world: world.ask(method, **world.key("SO"), **more)


def _deliver(amount: str, number: str = "D1") -> Act:
    return _ask_order("deliver_order", delivery_no=number, amount=amount)


def _record(kind: str, number: str, amount: str, **more: object) -> Act:
    return lambda world: world.record(kind, number, amount, **more)


def _take_back(method: str, number: str) -> Act:
    return lambda world: world.ask(method, **world.document(number))


def _erp_take_back(kind: str, number: str) -> Act:
    return lambda world: world.erp(f"{kind}.reversed", **{f"{kind}_no": world.named(number)})


def _at_once(world: World) -> None:
    """Three clients at once: what the service applies together in one transaction."""
    bodies = [world.body("order", number, MORE) for number in ("SO", "SO-2", "SO-3")]
    threads = [eventlet.spawn(world.ask, "reserve_order", **body) for body in bodies]
    assert [thread.wait()["status"] for thread in threads] == ["refused"] * 3


def _batch(world: World) -> None:
    items = [world.body("order", number, MORE) for number in ("SO-1", "SO")]
    results = world.ask("reserve_orders", items=items)["results"]
    assert [result["status"] for result in results] == ["refused", "refused"]


def _await_customer(world: World) -> None:
    """An order of a customer whom nobody knows yet waits for it."""
    world.customer = "00000000-0000-4000-8000-" + world.tag
    told = world.erp("order.created", **world.body("order", "SO", MORE))
    assert told == {"status": "waiting"}


def _bill(world: World) -> None:
    bill = {"number": world.named("B"), "due_date": world.day(60)}
    _record("invoice", "I", MORE)(world)
    world.record("payment", "P", MORE, method="acceptance_bill", bill=bill)
    world.ask("honour_bill", **world.document("B"))


def _written_off(world: World) -> None:
    _record("invoice", "I", MORE)(world)
    write_off = {"invoice_no": world.named("I"), "reason": "坏账", "write_off_no": world.named("W")}
    world.ask("record_write_off", **write_off, source="api", company=COMPANY)


def _written_off_of_an_order(world: World) -> None:
    world.take("SO", MORE)
    world.record("invoice", "I", MORE, order_no=world.named("SO"))
    write_off = {"invoice_no": world.named("I"), "reason": "坏账", "write_off_no": world.named("W")}
    world.ask("record_write_off", **write_off, source="api", company=COMPANY)


def _came_back(world: World) -> None:
    world.take("SO", MORE)
    _deliver(MORE)(world)
    world.ask("close_order", **world.key("SO"))
    world.ask("return_delivery", **world.key("SO"), return_no="R1", amount=MORE)


def _segment_paid(world: World) -> None:
    """A payment that names no company pays what one company is owed."""
    _record("invoice", "I", MORE)(world)
    _record("payment", "P", MORE, company=None)(world)


def _pay_another(world: World) -> object:
    _record("invoice", "J", MORE, company="C2")(world)
    wanted = [{"invoice_no": world.named("J"), "amount": MORE}]
    return world.ask("reallocate_payment", number=world.named("P"), allocations=wanted)


def _horizon(days: int | None) -> Act:
    return lambda world: world.ask("change_ledger_settings", horizon_days=days)


def _far_order(days: int) -> Act:
    return lambda world: world.take("SO", MORE, delivery_date=world.day(days))


def _moved_near(world: World) -> None:
    near = world.ask("amend_order", **world.key("SO"), delivery_date=world.day(1))
    assert near["status"] == "refused"


def _temporary(world: World) -> None:
    world.limit("grant", MORE, kind="temporary", valid_to=world.today.isoformat())


def _next_day(world: World) -> None:
    world.ask("open_business_date", date=world.day(1))


def _guaranteed(world: World) -> None:
    world.ask("accept_guarantee", customer_id=world.customer, **_GUARANTEE)


def _release_pool_guarantee(world: World) -> None:
    items = world.ask("list_pool_guarantees", **world.pool_key)["items"]
    named = {**world.pool_key, "guarantee_id": items[0]["id"], "reason": "到期"}
    world.ask("release_pool_guarantee", **named)


def _release_guarantee(world: World) -> None:
    items = world.ask("list_guarantees", customer_id=world.customer)["items"]
    named = {"customer_id": world.customer, "guarantee_id": items[0]["id"], "reason": "到期"}
    world.ask("release_guarantee", **named)


def _stranger(world: World) -> None:
    """Another customer, outside of every pool here and without credit."""
    world.other = world.new_customer(None, elsewhere=True)


def _paid_for(world: World, kind: str, number: str, amount: str) -> dict[str, object]:
    return world.body(kind, number, amount, customer_id=world.other, payer_id=world.customer)


def _for_another(kind: str, number: str, amount: str = MORE) -> Act:
    method = "reserve_order" if kind == "order" else f"record_{kind}"
    return lambda world: world.ask(method, **_paid_for(world, kind, number, amount))


def _in_a_unit_apart(world: World) -> None:
    """The customer is of a department of its own, and owes something."""
    world.move_department(None)
    world.tell(world.customer, "customer_updated", world.groups[2], department=f"unit-{world.tag}")
    world.take("SO", MORE)


def _rate(rate: str) -> Act:
    """Another rate of a currency in which nobody owes anything but in this kind of world."""
    return lambda world: world.ask("set_exchange_rates", rates=[{"currency": world.foreign, "rate": rate}])


def _foreign(kind: str, number: str, amount: str) -> Act:
    return lambda world: world.record(kind, number, amount, currency=world.foreign)


def _rate_of_tomorrow(world: World) -> None:
    rate = {"currency": world.foreign, "rate": "2.2", "valid_from": world.day(1)}
    world.ask("set_exchange_rates", rates=[rate])


def _expired(world: World) -> None:
    """An order whose last day was over when the ERP told of it: reserved and released at once."""
    _erp_order("order.created", MORE, valid_until=world.day(-1))(world)
    assert world.ask("get_order", **world.key("SO"))["status"] == "closed"


def _override(number: str | None = None, amount: str = "100.00") -> Act:
    def grant(world: World) -> object:
        named = {} if number is None else world.key(number)
        asked = {"amount": amount, "currency": "CNY", "reason": "特批", **named}
        return world.ask("grant_override", customer_id=world.customer, **asked)

    return grant


WAYS = (
    Way("a new order", ASKED, ("reserve_order",), _record("order", "SO", MORE)),
    Way("orders in a batch", ASKED, ("reserve_orders",), _batch),
    Way("orders at once, applied together", ASKED, ("reserve_order",), _at_once),
    Way("a new order of the ERP", ASKED, ("order.created",), _erp_order("order.created", MORE)),
    Way("an amendment that comes before its order", ASKED, ("order.amended",),
        _erp_order("order.amended", MORE, revision=2)),
    Way("an order amended", ASKED, ("amend_order",), _amend("70.00"), _order("SO", "10.00")),
    Way("an order amended by the ERP", ASKED, ("order.amended",),
        _erp_order("order.amended", "70.00", revision=2), _order("SO", "10.00")),
    Way("an order created again with a later revision", ASKED, ("order.created",),
        _erp_order("order.created", "70.00", revision=2), _order("SO", "10.00")),
    Way("an order posted again with a later revision", ASKED, ("reserve_order",),
        _record("order", "SO", "70.00", revision=2), _order("SO", "10.00")),
    Way("a refused order tried again", ASKED, ("reserve_order",),
        _record("order", "SO", MORE, revision=2), _record("order", "SO", "100000.01")),
    Way("a refused order amended", ASKED, ("amend_order",), _amend(MORE),
        _record("order", "SO", "100000.01")),
    Way("a cancelled order opened again", ASKED, ("reopen_order",), _ask_order("reopen_order"),
        _then(_order("SO", MORE), _ask_order("cancel_order"))),
    Way("a closed order opened again by the ERP", ASKED, ("order.reopened",),
        lambda world: world.erp("order.reopened", order_no=world.named("SO"), revision=3),
        _then(_order("SO", MORE), _ask_order("close_order"))),
    Way("a copy under a new number", ASKED, ("reserve_order",), _record("order", "SO", "50.00"),
        _order("the original", "50.00")),
    Way("a split into more than the whole", ASKED, ("amend_order", "reserve_order"),
        _record("order", "SO", "65.00"),
        _then(_order("the original", "50.00"),
              lambda world: world.ask("amend_order", **world.key("the original"), amount="25.00"))),
    Way("a held order released", ASKED, ("release_order",), _ask_order("release_order"),
        _then(lambda world: world.hold_orders_of(_HELD), _record("order", "SO", _HELD))),
    Way("an expired order amended by the ERP", ASKED, ("order.amended",),
        _erp_order("order.amended", MORE, revision=2), _expired),
    Way("an order that waited for its customer", ASKED, ("order.created", "customer_created"),
        lambda world: world.tell(world.customer, "customer_created", world.groups[2]), _await_customer,
        kinds=SHARED),
    Way("an order brought inside the horizon", ASKED, ("amend_order",), _moved_near,
        _then(_horizon(10), _far_order(40)), kinds=OWN),
    Way("an order in another currency", ASKED, ("reserve_order",), _foreign("order", "SO", "30.00"),
        _rate("2")),
    Way("an order in a currency amended after its rate has risen", ASKED, ("amend_order",),
        _then(_rate("3"), _amend("60.00")), _then(_rate("1"), _foreign("order", "SO", "10.00"))),
    Way("an order of another customer that this one pays", ASKED, ("reserve_order",),
        _for_another("order", "SO"), _stranger),
    Way("such an order amended", ASKED, ("amend_order",), _amend("70.00"),
        _then(_stranger, _for_another("order", "SO", "10.00"))),
    Way("such an order of the ERP", ASKED, ("order.created",),
        lambda world: world.erp("order.created", **_paid_for(world, "order", "SO", MORE)), _stranger),
    Way("an invoice of an order that this customer pays", HAPPENED, ("record_invoice",),
        lambda world: world.record("invoice", "I", "70.00", customer_id=world.other,
                                   order_no=world.named("SO")),
        _then(_stranger, _for_another("order", "SO", "10.00")), event="invoice_recorded"),
    Way("a delivery of such an order", HAPPENED, ("deliver_order",), _deliver("70.00"),
        _then(_stranger, _for_another("order", "SO", "10.00")), event="order_delivered"),
    Way("an invoice of another customer that this one pays", HAPPENED, ("record_invoice",),
        _for_another("invoice", "I"), _stranger, event="invoice_recorded"),
    Way("a payment for another customer taken back", HAPPENED, ("reverse_payment",),
        _take_back("reverse_payment", "P"),
        _then(_stranger, _record("invoice", "I", MORE), _for_another("payment", "P")),
        event="payment_reversed"),
    Way("an order that a special approval lets pass", HAPPENED, ("reserve_order", "grant_override"),
        _record("order", "SO", MORE), _override(), event="order_reserved"),
    Way("a refused order that a special approval lets pass", HAPPENED, ("grant_override",),
        _override("SO", "200000.00"), _record("order", "SO", "100000.01"), event="order_reserved",
        kinds=("customer",)),
    Way("an order that is effective already", HAPPENED, ("reserve_order",),
        _record("order", "SO", MORE, already_effective=True), event="order_reserved"),
    Way("an order of the ERP that is effective already", HAPPENED, ("order.created",),
        _erp_order("order.created", MORE, already_effective=True), event="order_reserved"),
    Way("a delivery over the order", HAPPENED, ("deliver_order",), _deliver("70.00"), _order("SO", "10.00"),
        event="order_delivered"),
    Way("a delivery of the ERP over the order", HAPPENED, ("order.delivered",),
        lambda world: world.erp("order.delivered", order_no=world.named("SO"), delivery_no="D",
                                amount="70.00"),
        _order("SO", "10.00"), event="order_delivered"),
    Way("a delivery after the reservation expired", HAPPENED, ("deliver_order",), _deliver(MORE), _expired,
        event="order_delivered"),
    Way("a return that was none", HAPPENED, ("reverse_delivery",),
        _ask_order("reverse_delivery", delivery_no="R1"), _came_back, event="order_delivery_reversed"),
    Way("an invoice without an order", HAPPENED, ("record_invoice",), _record("invoice", "I", MORE),
        event="invoice_recorded"),
    Way("invoices in a batch", HAPPENED, ("record_invoices",),
        lambda world: world.ask("record_invoices", items=[world.body("invoice", "I", MORE)])["results"][0],
        event="invoice_recorded"),
    Way("an invoice of the ERP without an order", HAPPENED, ("invoice.issued",),
        lambda world: world.erp("invoice.issued", **world.body("invoice", "I", MORE)),
        event="invoice_recorded"),
    Way("an invoice over its order", HAPPENED, ("record_invoice",),
        lambda world: world.record("invoice", "I", "70.00", order_no=world.named("SO")),
        _order("SO", "10.00"), event="invoice_recorded"),
    Way("an invoice of no company, of an order of this one", HAPPENED, ("record_invoice",),
        lambda world: world.record("invoice", "I", "70.00", company=None, order_no=world.named("SO")),
        _order("SO", "10.00"), event="invoice_recorded", kinds=("segment",)),
    Way("an invoice taken back whose rest was written off", HAPPENED, ("reverse_invoice",),
        _take_back("reverse_invoice", "I"), _written_off_of_an_order, event="invoice_reversed"),
    Way("the same by the ERP", HAPPENED, ("invoice.reversed",), _erp_take_back("invoice", "I"),
        _written_off_of_an_order, event="invoice_reversed"),
    Way("a payment taken back", HAPPENED, ("reverse_payment",), _take_back("reverse_payment", "P"),
        _then(_record("invoice", "I", MORE), _record("payment", "P", MORE)), event="payment_reversed"),
    Way("a payment taken back by the ERP", HAPPENED, ("payment.reversed",), _erp_take_back("payment", "P"),
        _then(_record("invoice", "I", MORE), _record("payment", "P", MORE)), event="payment_reversed"),
    Way("a payment assigned to what another company is owed", HAPPENED, ("reallocate_payment",), _pay_another,
        _segment_paid, event="payment_allocated", kinds=("segment",)),
    Way("a credit note taken back", HAPPENED, ("reverse_credit_note",),
        _take_back("reverse_credit_note", "N"),
        _then(_record("invoice", "I", MORE), _record("credit_note", "N", MORE)),
        event="credit_note_reversed"),
    Way("a credit note taken back by the ERP", HAPPENED, ("credit_note.reversed",),
        _erp_take_back("credit_note", "N"),
        _then(_record("invoice", "I", MORE), _record("credit_note", "N", MORE)),
        event="credit_note_reversed"),
    Way("a write-off taken back", HAPPENED, ("reverse_write_off",), _take_back("reverse_write_off", "W"),
        _written_off, event="write_off_reversed"),
    Way("an honoured bill charged back", HAPPENED, ("dishonour_bill",), _take_back("dishonour_bill", "B"),
        _bill, event="bill_dishonoured"),
    Way("a customer who joins", HAPPENED, ("customer_updated",), lambda world: world.move(elsewhere=False),
        _then(lambda world: world.move(elsewhere=True), _order("SO", MORE)), event="customer_reassigned",
        kinds=SHARED),
    Way("an invoice in another currency", HAPPENED, ("record_invoice",), _foreign("invoice", "I", "30.00"),
        _rate("2"), event="invoice_recorded"),
    Way("another exchange rate", HAPPENED, ("set_exchange_rates",), _rate("2.2"),
        _then(_rate("1"), _foreign("order", "SO", "50.00")), event="pool_revalued"),
    Way("an exchange rate that begins with a day", HAPPENED, ("open_business_date",), _next_day,
        _then(_rate("1"), _foreign("order", "SO", "50.00"), _rate_of_tomorrow), event="pool_revalued"),
    Way("a group moved below another", HAPPENED, ("group_updated",),
        lambda world: world.move_group(world.groups[0]),
        _then(lambda world: world.move_group(None), _order("SO", MORE)), event="customer_reassigned",
        kinds=("group",)),
    Way("a department moved below another", HAPPENED, ("department_changed",),
        lambda world: world.move_department(f"department-{world.tag}"), _in_a_unit_apart,
        event="customer_reassigned", kinds=("department",)),
    Way("a limit replaced by less", FALLS, ("grant_credit", "grant_pool_limit"),
        lambda world: world.limit("replace", "50.00")),
    Way("a temporary limit that ends", FALLS, ("open_business_date",), _next_day, _temporary),
    Way("a guarantee released", FALLS, ("release_guarantee",), _release_guarantee, _guaranteed,
        kinds=("customer",)),
    Way("a guarantee of a pool released", FALLS, ("release_pool_guarantee",), _release_pool_guarantee,
        lambda world: world.ask("accept_pool_guarantee", **world.pool_key, **_GUARANTEE),
        kinds=("segment", *SHARED)),
    Way("a horizon set farther", FALLS, ("change_ledger_settings",), _horizon(None),
        _then(_horizon(10), _far_order(40)), kinds=OWN),
    Way("an order that comes inside the horizon", FALLS, ("open_business_date",), _next_day,
        _then(_horizon(10), _far_order(11)), kinds=OWN),
)  # fmt: skip

# What can raise no exposure and lower no limit, and why.
HARMLESS = {
    "order.cancelled": "releases",
    "order.closed": "releases",
    "order.returned": "takes off what was delivered; what is still to be delivered stays reserved",
    "payment.received": "takes off; by bill it takes off and binds the same",
    "credit_note.issued": "takes off; what it leaves of its order to be invoiced takes its place",
    "unfreeze_account": "lets new credit be asked for: that is checked",
    "freeze_account": "stops new credit",
    "accept_guarantee": "raises a limit",
    "accept_pool_guarantee": "raises a limit",
    "cancel_order": "releases",
    "close_order": "releases",
    "return_delivery": "takes off what was delivered; what is still to be delivered stays reserved",
    "record_payment": "takes off; by bill it takes off and binds the same",
    "record_payments": "the same, many",
    "record_credit_note": "takes off; what it leaves of its order to be invoiced takes its place",
    "record_credit_notes": "the same, many",
    "allocate_payment": "goes by the same code as reallocate_payment",
    "reallocate_credit_note": "goes by the same code as reallocate_payment",
    "honour_bill": "takes off",
    "end_override": "lets nothing more pass",
    "open_dispute": "moves no exposure",
    "resolve_dispute": "moves no exposure",
    "record_write_off": "takes off",
    "record_write_offs": "the same, many",
    "release_pool": "a pool that controls no longer refuses nothing",
    "group_created": "a new group has no customers",
    "customer_deleted": "takes no new documents",
    "rule_published": "moves no exposure",
    "rule_fired": "stops new credit",
    "follow-settings": "tells what was set",
    "open-business-date": "goes by the same code as open_business_date",
    "park-documents": "takes no documents",
    "apply-waiting-documents": "goes by the same code as the documents",
}

"""ERP documents: any number of times, in any order, the same end (API.md, messages in)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import Conflict, CreditError, Invalid, NotFound, is_passing
from services.common.events import Event
from services.common.fields import load
from services.limits import events, schema, store
from services.limits.operations import (
    accounts,
    checking,
    expiry,
    orders,
    pool_limits,
    receivables,
)
from services.limits.operations.accounts import lock_customers_of, tell_accounts
from services.limits.operations.waiting import set_aside

KEYS = ("order.*", "invoice.*", "payment.*", "credit_note.*")
WAIT_HOURS = 72
_PARTIES = ("customer", "payer")
_AT_ONCE = 500

_new_order = schema.NewOrder()
_new_invoice = schema.NewInvoice()
_new_payment = schema.NewPayment()
_new_credit_note = schema.NewCreditNote()
# Documents that may be taken back, each by its own number.
_REVERSIBLE: dict[str, Callable[[UnitOfWork, Mapping[str, Any]], dict[str, Any]]] = {
    "invoice": receivables.reverse_invoice,
    "payment": receivables.reverse_payment,
    "credit_note": receivables.reverse_credit_note,
}
# What tells the whole of an order, and may be the first to do so.
_WHOLE = ("order.created", "order.amended")
_ENVELOPE = ("event_id", "occurred_at")
Body = Mapping[str, Any]


def apply_document(work: UnitOfWork, routing_key: str, body: dict[str, Any]) -> dict[str, Any]:
    """Apply one ERP document; its verdict goes out as the usual events.

    The same event id changes nothing. An unknown customer makes it wait, an order that has not arrived
    makes its later states wait; anything else that cannot be applied is refused, and so parked.
    """
    source, event_id = body.get("source"), body.get("event_id")
    if not isinstance(source, str) or not source or not isinstance(event_id, str) or not event_id:
        raise Invalid("ERP 报文缺少 source 或 event_id", code="envelope")
    if not store.is_new_event(work, source, event_id):
        return {"status": "duplicate"}
    return _route(work, routing_key, body)


def foresee(work: UnitOfWork, documents: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Read together, and lock in one order, what these documents will ask for; wrong ones ask for nothing."""
    bodies = [body for _, body in documents]
    store.read_event_ids(work, {(body["source"], body["event_id"]) for body in bodies if _is_addressed(body)})
    keys = {kind: _keys(kind, bodies) for kind in ("order", *_REVERSIBLE)}
    owners = {owner for kind, found in keys.items() for owner in store.owners_of(work, kind, found)}
    named = [_named_customer(body) for body in bodies]
    owners |= set(lock_customers_of(work, [*named, *({"customer_id": owner} for owner in owners)]))
    coming = {key for route, body in documents if route in _WHOLE for key in _keys("order", [body])}
    awaited = [
        *(store.key_of_order(*key) for key in keys["order"]),
        *("|".join((kind, *key)) for kind in _REVERSIBLE for key in keys[kind]),
    ]
    with store.together(work):
        store.read_arriving(work, coming)
        store.read_orders(work, keys["order"] - coming)
        store.read_invoices(work, keys["invoice"])
        for kind in ("payment", "credit_note"):
            store.read_payments(work, keys[kind], kind)
        store.read_waiting(work, "order", awaited)
        store.read_matchable(work, list(owners))
        checking.foresee(work, list(owners))
    orders.foresee_early(work, coming, list(owners))


def _is_addressed(body: Body) -> bool:
    return all(isinstance(body.get(name), str) and body[name] for name in ("source", "event_id"))


def _keys(kind: str, bodies: Iterable[Body]) -> set[tuple[str, str, str]]:
    named = ((body.get("source"), body.get("company") or "", body.get(f"{kind}_no")) for body in bodies)
    return {key for key in named if all(isinstance(part, str) for part in key)}  # type: ignore[misc]


def _named_customer(body: Body) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for party in _PARTIES:
        code, text = body.get(f"{party}_code"), body.get(f"{party}_id")
        if isinstance(code, str):
            named[f"{party}_code"] = code
            continue
        try:
            named[f"{party}_id"] = UUID(text) if isinstance(text, str) else None
        except ValueError:
            continue
    return named


def _route(work: UnitOfWork, routing_key: str, body: dict[str, Any]) -> dict[str, Any]:
    apply = _ROUTES.get(routing_key)
    if apply is None:
        raise Invalid(f"未知的 ERP 报文类型: {routing_key[:100]}", code="routing_key")
    try:
        with work.attempt():
            return apply(work, body)
    except NotFound as refusal:
        if refusal.code == "unknown_customer":
            return _wait(work, "customer", _unknown_key(work, body), routing_key, body)
        if refusal.code == "unknown_order":
            return _wait(work, "order", _order_key(body), routing_key, body)
        raise


def _wait(work: UnitOfWork, what: str, key: str, routing_key: str, body: dict[str, Any]) -> dict[str, Any]:
    revision = body.get("revision")
    store.wait_for(work, what, key, routing_key, revision if isinstance(revision, int) else 0, body)
    return {"status": "waiting"}


def _unknown_key(work: UnitOfWork, body: Body) -> str:
    """What names the first of customer and payer who is not here."""
    named = _named_customer(body)
    unknown = [
        party
        for party in _PARTIES
        if (body.get(f"{party}_id") or body.get(f"{party}_code"))
        and store.find_customer(work, named.get(f"{party}_id"), named.get(f"{party}_code")) is None
    ]
    party = unknown[0] if unknown else _PARTIES[0]
    if body.get(f"{party}_id"):
        return f"id:{str(body[f'{party}_id']).lower()}"
    return f"code:{body.get(f'{party}_code')}"


def _order_key(body: Body) -> str:
    named = (body.get("source"), body.get("company") or "", body.get("order_no"))
    return store.key_of_order(*(str(each) for each in named))


def _create(work: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    return _upsert_order(work, load(_new_order, body))


def _amend(work: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    # An amendment carries the full state: it may well come before what it amends.
    received = load(_new_order, body)
    return _upsert_order(work, received)


def _upsert_order(work: UnitOfWork, received: dict[str, Any]) -> dict[str, Any]:
    existing = store.order_of(work, received["source"], received["company"], received["order_no"])
    if existing is not None and received["revision"] <= existing["content_revision"]:
        return {"status": "duplicate"}
    # What only expired here may well live on there: it is checked anew.
    if existing is not None and existing["status"] in orders.ENDED and existing["expired_on"] is None:
        return orders.note_state(work, existing, received)
    answer = orders.reserve_locked(work, received)
    order = store.order_of(work, received["source"], received["company"], received["order_no"])
    if order is not None:
        for current in store.held_orders(work, [order["id"]]):
            expiry.expire_order(work, current)
        tell_accounts(work, [order["customer_id"]])
    return answer


def _invoice(work: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    return receivables.record_invoice(work, load(_new_invoice, body))


def _payment(work: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    return receivables.record_payment(work, load(_new_payment, body))


def _credit_note(work: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    return receivables.record_credit_note(work, load(_new_credit_note, body))


def _reverse(kind: str) -> Callable[[UnitOfWork, dict[str, Any]], dict[str, Any]]:
    def apply(work: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
        number = body.get(f"{kind}_no")
        if not isinstance(number, str) or not number:
            raise Invalid(f"ERP 报文缺少 {kind}_no", code=f"{kind}_no")
        key = {"number": number, "source": body.get("source"), "company": body.get("company") or ""}
        try:
            return _REVERSIBLE[kind](work, {**key, "reason": body.get("reason")})
        except NotFound as refusal:
            if refusal.code != f"unknown_{kind}":
                raise
            return _wait(work, "order", _document_key(kind, body), f"{kind}.reversed", body)
        except Conflict as refusal:
            if refusal.code != "already_reversed":
                raise
            return {"status": "duplicate"}

    return apply


def _document_key(kind: str, body: Body) -> str:
    return f"{kind}|{body.get('source')}|{body.get('company') or ''}|{body.get(f'{kind}_no')}"


def _then_reverse(
    kind: str, record: Callable[[UnitOfWork, dict[str, Any]], dict[str, Any]]
) -> Callable[[UnitOfWork, dict[str, Any]], dict[str, Any]]:
    def apply(work: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
        answer = record(work, body)
        _apply_taken(work, store.take_waiting(work, "order", [_document_key(kind, body)]))
        return answer

    return apply


_ROUTES: dict[str, Callable[[UnitOfWork, dict[str, Any]], dict[str, Any]]] = {
    "order.created": _create,
    "order.amended": _amend,
    **orders.LATER_STATES,
    "invoice.issued": _then_reverse("invoice", _invoice),
    "invoice.reversed": _reverse("invoice"),
    "payment.received": _then_reverse("payment", _payment),
    "payment.reversed": _reverse("payment"),
    "credit_note.issued": _then_reverse("credit_note", _credit_note),
    "credit_note.reversed": _reverse("credit_note"),
}
ROUTING_KEYS = tuple(_ROUTES)


def _apply_taken(work: UnitOfWork, rows: Iterable[Mapping[str, Any]]) -> None:
    """Apply documents that waited; what cannot be applied is parked by itself."""
    for row in rows:
        try:
            _route(work, row["routing_key"], row["body"])
        except CreditError as refusal:
            if is_passing(refusal):
                raise
            set_aside(work, row, refusal.detail)


def apply_overtaken(work: UnitOfWork) -> bool:
    """Apply some documents that wait for what is here: both came at once; whether there may be more."""
    rows = store.take_overtaken(work, _AT_ONCE)
    _apply_taken(work, rows)
    return len(rows) == _AT_ONCE


def park_expired(work: UnitOfWork) -> None:
    """Park the documents whose customer has not come within `WAIT_HOURS`."""
    for row in store.take_waiting_since(work, WAIT_HOURS, _AT_ONCE):
        set_aside(work, row, f"{WAIT_HOURS} 小时内没有出现客户 {row['key']}")


# --- customers -------------------------------------------------------------------------------------------


def customer_changed(work: UnitOfWork, event: Event) -> None:
    """Keep the copy of a customer, bring along what it owes, and apply what waited for it."""
    customer = event.data["customer"]
    copy = events.customer_copy(customer)
    before = store.lock_customers(work, [copy["id"]]).get(copy["id"])
    store.save_customer(work, copy)
    if before is not None:
        pool_limits.follow_customer(work, before, copy)
    blacklisted_for = events.blacklisted_for(customer)
    if before is not None or blacklisted_for is not None:
        accounts.follow_blacklist(work, copy["id"], blacklisted_for)
    keys = [f"id:{customer['id']}", f"code:{customer['code']}"]
    _apply_taken(work, store.take_waiting(work, "customer", keys))


def customer_deleted(work: UnitOfWork, event: Event) -> None:
    """A deleted customer takes no new documents; what it owes stays."""
    customer_id = UUID(str(event.data["customer_id"]))
    rows = store.lock_customers(work, [customer_id])
    if customer_id in rows:
        store.save_customer(work, {**rows[customer_id], "active": False})

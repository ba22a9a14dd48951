"""What other services tell of changes, as lines of the audit trail.

Every change is an event of its service's log, written in the change's own transaction, so the trail misses
none and costs the change nothing. The documents that machines send by the thousand are left out: each has
its decision record and its entries, which are append-only and chained themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.audit.trail import trail
from services.common.db import UnitOfWork
from services.common.events import Event, Handler
from services.common.fields import parse_instant

# Told by every service of a change that has no event of its own, see `Service.apply`.
_OTHERWISE = "change_applied"
_DOCUMENTS = ("amended", "cancelled", "closed", "reopened", "released")
AUDITED: Mapping[str, tuple[str, ...]] = {
    "customer": (
        _OTHERWISE,
        "customer_created",
        "customer_updated",
        "customer_deleted",
        "customer_merged",
        "group_created",
        "group_updated",
        "form_drafted",
        "form_published",
        "import_started",
        "import_ended",
    ),
    "application": (
        _OTHERWISE,
        "applications_merged",
        "application_created",
        "application_submitted",
        "application_withdrawn",
        "application_changed",
        "form_drafted",
        "form_published",
        "record_created",
        "record_updated",
        "record_deleted",
        "record_restored",
        "records_imported",
        "import_started",
        "import_ended",
    ),
    "workflow": (
        _OTHERWISE,
        "instance_started",
        "instance_ended",
        "instance_jumped",
        "instance_terminated",
        "fields_written",
        "authorities_set",
        *(f"task_{what}" for what in ("created", "closed", "transferred", "delegated", "copied")),
        *(f"task_{what}" for what in ("commented", "urged")),
        "signers_added",
        "signer_removed",
    ),
    "limits": (
        _OTHERWISE,
        "credit_granted",
        "pool_limit_granted",
        "pool_released",
        "guarantee_accepted",
        "guarantee_released",
        "customer_frozen",
        "customer_unfrozen",
        "customer_reassigned",
        "exposure_merged",
        *(f"override_{what}" for what in ("granted", "used", "ended")),
        "ledger_settings_changed",
        "exchange_rates_set",
        "business_date_opened",
        *(f"order_{what}" for what in _DOCUMENTS),
        "delivery_reversed",
        "invoice_reversed",
        "payment_reversed",
        "credit_note_recorded",
        "credit_note_reversed",
        "write_off_recorded",
        "write_off_reversed",
        "dispute_opened",
        "dispute_resolved",
        "bill_honoured",
        "bill_dishonoured",
    ),
    "risk_rules": (_OTHERWISE, "rule_published", "customer_rated"),
    "reporting": (_OTHERWISE,),
}
# What these tell stands in decision records and entries, or follows from what others tell.
LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    "customer": ("import_progressed", "reminder_due", "reminder_settled"),
    "limits": (
        "order_reserved",
        "order_held",
        "order_refused",
        "order_delivered",
        "order_restaged",
        "order_expired",
        "delivery_returned",
        "invoice_recorded",
        "invoice_restaged",
        "payment_recorded",
        "payment_allocated",
        "credit_note_allocated",
        "bill_received",
        "bill_voided",
        "account_changed",
        "pool_revalued",
        "customer_aged",
        "business_date_closed",
    ),
    "risk_rules": ("rule_fired",),
    "application": ("import_progressed",),
    "workflow": ("task_reminded", "people_notified"),
}


def with_audit(
    subscriptions: Mapping[str, Mapping[str, Handler]],
) -> dict[str, dict[str, Handler]]:
    """These subscriptions, and a line of the trail for everything that is audited."""
    joined = {source: dict(handlers) for source, handlers in subscriptions.items()}
    for source, names in AUDITED.items():
        handlers = joined.setdefault(source, {})
        for name in names:
            handlers[name] = _both(handlers[name]) if name in handlers else _HANDLERS.get(name, add_line)
    return joined


def _both(handler: Handler) -> Handler:
    def handle(work: UnitOfWork, event: Event) -> None:
        handler(work, event)
        add_line(work, event)

    return handle


def add_line(work: UnitOfWork, event: Event) -> None:
    """Add what an event tells: records in it are compared with what was last told of them."""
    action = event.name
    detail = {name: value for name, value in event.data.items() if not _is_record(value)}
    if action == _OTHERWISE:
        action, detail = str(event.data["method"]), {"input": event.data.get("input")}
    states: dict[str, Any] = {}
    if event.name != _OTHERWISE:
        states = {name: value for name, value in event.data.items() if _is_record(value)}
    trail(work).add_event(_line(event, action, detail), states)


def _line(event: Event, action: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "event_id": event.id,
        "at": parse_instant(event.time),
        "source": event.source,
        "actor": event.actor,
        "action": action,
        "subject": event.subject,
        "trace_id": event.trace_id,
        "detail": detail,
    }


def add_imported(work: UnitOfWork, event: Event) -> None:
    """One line for records that came together; each is remembered, so that its changes show as such."""
    told = event.data["records"]
    detail = {"form": event.data["form"], "records": [record["id"] for record in told]}
    line = {**_line(event, event.name, detail), "subject": f"{event.data['form']} ({len(told)})"}
    trail(work).add_event(line, {}, {("record", str(record["id"])): record for record in told})


_HANDLERS: Mapping[str, Handler] = {"records_imported": add_imported}


def _is_record(value: Any) -> bool:
    return isinstance(value, Mapping) and "id" in value

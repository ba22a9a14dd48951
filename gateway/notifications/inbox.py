"""A person's notifications, listed and marked as read; and the mails as an operator sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from gateway.context import Context
from gateway.identity.explaining import facts_from
from gateway.identity.permissions import STATIC
from gateway.notifications import store, telling
from services.common.caller import Caller
from services.common.db import UnitOfWork
from services.common.errors import NotFound
from services.common.expressions import World
from services.common.scopes import reaches, world_of

_ABOUT_CUSTOMERS = (("risk_rules", "firings"), ("customer", "customers"))


def list_mine(context: Context, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of the caller's notifications, newest first, each as far as they may see now what it tells."""
    found, world = context.read_raw(lambda work: (store.list_notifications(work, received), world_of(work)))
    rows = found["items"]
    seen = _instances_seen(context, rows) | _customers_seen(context, rows, world)
    return {"items": [_shown(row, context.caller, seen) for row in rows], "next": found["next"]}


def _shown(row: Mapping[str, Any], reader: Caller, seen: frozenset[str]) -> dict[str, Any]:
    about = row["about"]
    # A to-do of one's own may belong to no instance.
    record = about["customer_id"] if about["kind"] == "rule" else about["instance_id"]
    earlier = None if row["title"] is None else (row["title"], row["body"])
    title, body = telling.told(about, reader, seen=record is None or record in seen, earlier=earlier)
    kept = {name: row[name] for name in ("id", "created_at", "read_at")}
    return {**kept, "title": title, "body": body}


def _instances_seen(context: Context, rows: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    wanted = _named(rows, "instance_id")
    if not wanted or not context.caller.can("tasks.read"):
        return frozenset()
    answer = context.ask("workflow", "shown_instances", {"instance_ids": wanted})
    return frozenset(answer["instance_ids"])


def _customers_seen(context: Context, rows: Sequence[Mapping[str, Any]], world: World) -> frozenset[str]:
    """Of whom they see the customer itself, or what rules find of it."""
    wanted, reader = set(_named(rows, "customer_id")), context.caller
    seen: set[str] = set()
    for service, resource in _ABOUT_CUSTOMERS:
        right, fields = f"{resource}.read", STATIC.resources[resource].scope_of_records
        unseen = sorted(wanted - seen)
        if reader.clauses_of(right) is None:
            return frozenset(wanted)
        if unseen and reader.can(right):
            told = context.facts(service, resource, unseen)
            facts = {customer: facts_from(answer, fields) for customer, answer in told.items()}
            seen |= {one for one in facts if reaches(reader, right, facts[one], fields, world)}
    return frozenset(seen)


def _named(rows: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    return sorted({row["about"][name] for row in rows if row["about"].get(name)})


def read_one(work: UnitOfWork, notification_id: str) -> dict[str, Any]:
    """Mark one of the caller's notifications as read; somebody else's is not found."""
    try:
        wanted = UUID(notification_id)
    except ValueError:
        raise _not_found() from None
    if not store.mark_read(work, wanted):
        raise _not_found()
    return {"id": wanted, "read_at": work.now}


def read_all(work: UnitOfWork) -> dict[str, Any]:
    """Mark all of the caller's notifications as read."""
    return {"read": store.mark_read(work, None)}


def retry_mails(work: UnitOfWork) -> dict[str, Any]:
    """Send again what was given up, or was kept without a mail server."""
    return {"waiting": store.retry_mails(work)}


def _not_found() -> NotFound:
    return NotFound("没有这条通知", code="notification_not_found")

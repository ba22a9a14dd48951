"""What administrators set: authorities, the business calendar, which flow an event starts; and absences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.db import UnitOfWork
from services.common.errors import Conflict, Forbidden, NotFound, invalid_field
from services.common.ids import new_id
from services.workflow import store
from services.workflow.operations.flows import require_flow

_SETTINGS = "flows.settings"
# The events that may start a flow, and what each is about.
STARTING_EVENTS: Mapping[str, str] = {
    "application.application_submitted": "application",
    "application.record_created": "record",
    "application.record_updated": "record",
    "customer.customer_created": "customer",
    "limits.order_held": "order",
}


def get_authorities(work: UnitOfWork) -> dict[str, Any]:
    """Up to which amount each role may approve, in the base currency."""
    amounts = store.authorities_by_role(work)
    items = [{"role": role, "amount": amounts[role]} for role in sorted(amounts)]
    return {"items": items, "currency": work.base_currency}


def set_authorities(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Set the authority of every role; without any, amounts are not looked at."""
    amounts = {one["role"]: one["amount"] for one in received["items"]}
    if len(amounts) < len(received["items"]):
        raise invalid_field("items", "role_twice", "角色重复")
    before = get_authorities(work)["items"]
    store.replace_authorities(work, amounts)
    after = get_authorities(work)
    work.add_event("authorities_set", subject="authorities", data={"before": before, "after": after["items"]})
    return after


def get_calendar(work: UnitOfWork) -> dict[str, Any]:
    """The business calendar by which deadlines count their hours."""
    found = store.calendar(work)
    hours = [{name: f"{one[name]:%H:%M}" for name in ("starts", "ends")} for one in found["hours"]]
    return {"days": found["days"], "hours": hours, "timezone": work.timezone}


def set_calendar(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Set the days that are not as the week says, or the hours of a day, or both."""
    days, hours = received["days"], received["hours"]
    if days is not None and len({one["day"] for one in days}) < len(days):
        raise invalid_field("days", "day_twice", "日期重复")
    last = None
    for span in sorted(hours or [], key=lambda one: str(one["starts"])):
        if span["ends"] <= span["starts"] or (last is not None and span["starts"] < last):
            raise invalid_field("hours", "hours_overlap", "时段应先开始后结束, 且不重叠")
        last = span["ends"]
    store.replace_calendar(work, days, hours)
    return get_calendar(work)


def list_bindings(work: UnitOfWork) -> dict[str, Any]:
    """Which flow each event starts, and the events that may."""
    return {"items": store.bindings_listed(work), "events": sorted(STARTING_EVENTS)}


def bind_flow(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Let an event of a type start a flow, instead of one that it started before."""
    if received["event"] not in STARTING_EVENTS:
        raise invalid_field("event", "event_unknown", f"应为 {', '.join(sorted(STARTING_EVENTS))}")
    flow = require_flow(work, received["flow"])
    if flow["published_version"] is None:
        raise Conflict("流程还没有发布", code="flow_not_published")
    names = ("event", "type", "active")
    bound = {name: received[name] for name in names} | {"id": new_id(), "flow_key": flow["key"]}
    return store.save_binding(work, bound)


def unbind_flow(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Let an event start nothing any more."""
    if not store.drop_binding(work, received["binding_id"]):
        raise NotFound("没有这个绑定")
    return {"id": received["binding_id"]}


# --- absences --------------------------------------------------------------------------------------------


def list_absences(work: UnitOfWork) -> dict[str, Any]:
    """One's own absences; everybody's for those who may set them."""
    everybody = work.caller.can(_SETTINGS)
    return {"items": store.absences_of(work, None if everybody else work.caller.username)}


def add_absence(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Name a deputy for a time; what comes meanwhile is theirs, what is there already stays."""
    username = received["username"] or work.caller.username
    if username != work.caller.username and not work.caller.can(_SETTINGS):
        raise Forbidden("只能为自己设置委托", code="forbidden", permission=_SETTINGS)
    company = store.company(work)
    for name, field in ((username, "username"), (received["deputy"], "deputy")):
        if not company.is_active(name):
            raise invalid_field(field, "user_unknown", f"没有用户 {name}")
    if username == received["deputy"]:
        raise invalid_field("deputy", "oneself", "不能委托给自己")
    if received["ends_at"] <= received["starts_at"]:
        raise invalid_field("ends_at", "span", "结束时间应晚于开始时间")
    flow_key = require_flow(work, received["flow"])["key"] if received["flow"] else None
    names = ("deputy", "starts_at", "ends_at", "reason")
    absence = {name: received[name] for name in names}
    absence |= {"id": new_id(), "username": username, "flow_key": flow_key}
    store.add_absence(work, absence)
    return absence


def end_absence(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Take an absence back; tasks that went to the deputy stay with them."""
    found = store.find_absence(work, received["absence_id"])
    if found is None or (found["username"] != work.caller.username and not work.caller.can(_SETTINGS)):
        raise NotFound("没有这个委托")
    store.drop_absence(work, found["id"])
    return found

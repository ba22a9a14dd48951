"""Flow definitions: drafts, published versions, and trying them out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.common.db import UnitOfWork
from services.common.duties import require_other_author
from services.common.errors import Conflict, Invalid, NotFound
from services.common.ids import new_id
from services.common.money import EXACT
from services.common.paging import page
from services.workflow import model, store
from services.workflow.engine import NODES_MAX, advance, checked_graph
from services.workflow.people import assign

_NUMBERS = ("amount", "amount_base", "approved_amount", "approved_amount_base", "term_days")


def flow_view(flow: Mapping[str, Any]) -> dict[str, Any]:
    """A flow as answered: its draft, and which version is in force."""
    names = ("id", "key", "name", "published_version", "version", "author", "updated_at")
    return {**{name: flow[name] for name in names}, "graph": flow["draft"]}


def create_flow(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Make a flow as a draft; mistakes in its graph are found when it is published."""
    flow = {
        "id": new_id(),
        "key": received["key"],
        "name": received["name"],
        "draft": received["graph"],
        "published_version": None,
        "version": 1,
        "author": work.caller.actor,
        "updated_at": work.now,
    }
    if not store.add_flow(work, flow):
        raise Conflict(f"流程 {received['key']} 已存在", code="flow_taken")
    return flow_view(flow)


def change_flow(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Change a flow's draft; what is published stays in force."""
    flow = require_flow(work, received["flow"], locked=True)
    if received.get("version") not in (None, flow["version"]):
        raise Conflict("流程已被他人修改, 请刷新后再试", code="stale_version", version=flow["version"])
    values = {
        "draft": received["graph"],
        "name": received.get("name") or flow["name"],
        "version": flow["version"] + 1,
        "author": work.caller.actor,
        "updated_at": work.now,
    }
    store.change_flow(work, flow["id"], values)
    return flow_view(flow | values)


def publish_flow(work: UnitOfWork, key: str) -> dict[str, Any]:
    """Put a flow's draft in force as a new, unchangeable version; running instances stay on theirs."""
    flow = require_flow(work, key, locked=True)
    require_other_author(work.caller, flow["author"])
    graph = checked_graph(flow["draft"])
    version = (flow["published_version"] or 0) + 1
    store.add_version(
        work,
        {
            "flow_id": flow["id"],
            "version": version,
            "graph": graph,
            "published_at": work.now,
            "published_by": work.caller.actor,
        },
    )
    store.change_flow(work, flow["id"], {"published_version": version})
    return flow_view(flow | {"published_version": version})


def get_flow(work: UnitOfWork, key: str) -> dict[str, Any]:
    """One flow with its published versions."""
    flow = require_flow(work, key)
    return {**flow_view(flow), "versions": store.versions_of(work, flow["id"])}


def list_flows(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """A page of flows by key."""
    return page(
        work,
        store.flows_listed(),
        received,
        sort={"key": model.flows.c.key},
        key=model.flows.c.id,
        default_sort="key",
        to_item=flow_view,
    )


def simulate_flow(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """The path of a flow and its people for sample data, as if everybody approved; nothing is written."""
    flow = require_flow(work, received["flow"])
    found = store.graph_of(work, flow["key"])
    graph = found[1] if found else checked_graph(flow["draft"])
    people = store.company(work)
    initiator = received["initiator"]
    if initiator not in people.people:
        error = {"field": "initiator", "code": "user_unknown", "message": "没有这个用户"}
        raise Invalid(f"没有用户 {initiator}", code="user_unknown", errors=[error])
    facts = facts_of(work, {**received["data"], "initiator": initiator})
    path: list[dict[str, Any]] = []
    key: str | None = None
    for _ in range(NODES_MAX):
        stop = advance(graph, key, facts)
        for node in stop.path:
            approvers: tuple[str, ...] = ()
            if node["type"] == "approval":
                approvers = assign(node["approvers"], initiator, people).usernames
            path.append({"node": node["key"], "kind": node["type"], "approvers": list(approvers)})
        if stop.ended:
            return {"path": path, "end": stop.node["key"]}
        key = str(stop.node["key"])
    raise Invalid("流程没有走到结束", code="flow_loops")


def facts_of(work: UnitOfWork, data: Mapping[str, Any]) -> dict[str, Any]:
    """What conditions may read; amounts are in the base currency by the rate of the business date, exactly.

    Without a rate an amount in the base currency is unknown.
    """
    facts = {name: data.get(name) for name in ("currency", "type", "initiator", "department", "grade")}
    approved = data.get("approved") or {}
    if not isinstance(approved, Mapping):
        raise _wrong("approved", "not_an_object", "应为对象")
    facts["currency"] = facts["currency"] or work.base_currency
    facts["amount"] = data.get("amount")
    facts["approved_amount"] = approved.get("amount") or data.get("amount")
    facts["term_days"] = approved.get("term_days") or data.get("term_days")
    for name in _NUMBERS:
        facts[name] = _number(name, facts.get(name))
    for name, currency in (
        ("amount", facts["currency"]),
        ("approved_amount", approved.get("currency") or facts["currency"]),
    ):
        facts[f"{name}_base"] = _in_base(work, name, facts[name], currency)
    # A text that is none is unknown to conditions, as one that was not given.
    return {
        name: value if name in _NUMBERS or isinstance(value, str) else None for name, value in facts.items()
    }


def _number(name: str, value: Any) -> Decimal | None:
    try:
        number = None if value is None else Decimal(str(value))
    except ArithmeticError:
        raise _wrong(name, "not_a_number", "应为数字") from None
    if number is not None and not number.is_finite():
        raise _wrong(name, "not_a_number", "应为数字")
    return number


def _in_base(work: UnitOfWork, name: str, amount: Decimal | None, currency: Any) -> Decimal | None:
    if amount is None or currency == work.base_currency:
        return amount
    rate = store.rate_in_force(work, currency) if isinstance(currency, str) else None
    try:
        return None if rate is None else EXACT.multiply(amount, rate)
    except ArithmeticError:
        raise _wrong(name, "out_of_range", "数字过大") from None


def _wrong(name: str, code: str, message: str) -> Invalid:
    error = {"field": f"data.{name}", "code": code, "message": message}
    return Invalid(f"{name} {message}", code=code, errors=[error])


def require_flow(work: UnitOfWork, key: str, *, locked: bool = False) -> dict[str, Any]:
    """A flow by id or key; `NotFound` otherwise."""
    flow = store.find_flow(work, key, locked=locked)
    if flow is None:
        raise NotFound("没有这个流程")
    return flow

"""Flow definitions: drafts, published versions, and trying them out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.db import UnitOfWork
from services.common.duties import require_other_author
from services.common.errors import Conflict, Invalid, NotFound, invalid_field
from services.common.ids import new_id
from services.common.paging import page
from services.workflow import model, store
from services.workflow.drawing import to_bpmn, to_svg
from services.workflow.engine import PERSON_TYPES, checked_graph, compile_flow
from services.workflow.engine.simulation import simulate
from services.workflow.operations import moving
from services.workflow.operations.written_forms import Forms, forms_written, require_fields
from services.workflow.people import Case, named

# Whom these name does not depend on who asks.
_KNOWN_AT_ONCE = ("user", "role")


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


def forms_to_check(work: UnitOfWork, key: str) -> list[str]:
    """The forms into whose records a flow's draft writes."""
    return forms_written(require_flow(work, key)["draft"])


def publish_flow(work: UnitOfWork, key: str, forms: Forms) -> dict[str, Any]:
    """Put a flow's draft in force as a new, unchangeable version; running instances stay on theirs.

    `forms` are those of `forms_to_check`, as they are now.
    """
    flow = require_flow(work, key, locked=True)
    require_other_author(work.caller, flow["author"])
    graph = checked_graph(flow["draft"])
    _require_people(work, graph)
    if not set(forms_written(graph)) <= set(forms):
        raise Conflict("流程刚被他人修改, 请刷新后再试", code="stale_version", version=flow["version"])
    require_fields(graph, forms)
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


def _require_people(work: UnitOfWork, graph: Mapping[str, Any]) -> None:
    """Refuse nodes that want people to be there already, and name nobody who is."""
    company, anybody = store.company(work), Case("")
    otherwise = (graph.get("settings") or {}).get("empty")
    errors = [
        {
            "field": node["key"],
            "code": "approver_empty",
            "message": f"节点 {node['key']} 现在没有可用的审批人",
        }
        for node in graph["nodes"]
        if node["type"] in PERSON_TYPES
        and (node.get("empty") or otherwise) == "refuse"
        and all(one["kind"] in _KNOWN_AT_ONCE for one in node["approvers"])
        and not any(
            company.is_active(name) for name in named(node["approvers"], node["key"], anybody, company)
        )
    ]
    if errors:
        said = "; ".join(error["message"] for error in errors)
        raise Invalid(f"流程有误: {said}", code="flow_invalid", errors=errors)


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
    flow_row = require_flow(work, received["flow"])
    flow = compile_flow(_graph_in_force(work, flow_row))
    company = store.company(work, flow_row["key"])
    initiator = received["initiator"]
    if initiator not in company.people:
        raise invalid_field("initiator", "user_unknown", "没有这个用户", f"没有用户 {initiator}")
    data = {**received["data"], "initiator": initiator}
    if data.get("department") is None:
        data["department"] = company.people[initiator].department
    return simulate(flow, moving.world_of(work, flow, data, company))


def export_flow(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """What is in force of a flow, else its draft, as BPMN 2.0 XML or as SVG: `{"media_type", "text"}`."""
    flow = require_flow(work, received["flow"])
    graph = _graph_in_force(work, flow)
    if received["format"] == "svg":
        return {"media_type": "image/svg+xml", "text": to_svg(flow["name"], graph)}
    return {"media_type": "application/xml", "text": to_bpmn(flow["key"], flow["name"], graph)}


def _graph_in_force(work: UnitOfWork, flow: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is in force of a flow, else its draft; `Invalid` for a draft with mistakes."""
    version = flow["published_version"]
    graph: Mapping[str, Any] = (
        checked_graph(flow["draft"]) if version is None else store.graph_of_version(work, flow["id"], version)
    )
    return graph


def require_flow(work: UnitOfWork, key: str, *, locked: bool = False) -> dict[str, Any]:
    """A flow by id or key; `NotFound` otherwise."""
    flow = store.find_flow(work, key, locked=locked)
    if flow is None:
        raise NotFound("没有这个流程")
    return flow

"""The flow engine: a graph of nodes, a token that advances, and the check of a graph. Pure.

A graph is `{"nodes": [{"key", "type", "title", "position"?, …}], "edges": [{"from", "to", "when"?}]}`. Types:
`start`, `approval` (`approvers`), `condition` (edges with `when`, one of them without: the default), `end`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.common.errors import Invalid
from services.common.expressions import ExpressionError, check, evaluate, parse

TYPES = ("start", "approval", "condition", "end")
APPROVER_KINDS = ("user", "role", "department_head", "initiator")
NODES_MAX = 500
FACTS: dict[str, str] = {
    "amount": "number",
    "amount_base": "number",
    "approved_amount": "number",
    "approved_amount_base": "number",
    "currency": "text",
    "term_days": "number",
    "type": "text",
    "initiator": "text",
    "department": "text",
    "grade": "text",
}
_STEPS_MAX = 1_000

Graph = Mapping[str, Any]
Node = Mapping[str, Any]


@dataclass(frozen=True)
class Stop:
    """Where a token came to rest: at an approval, or at the end. `path` are the nodes that it passed."""

    node: Node
    path: tuple[Node, ...]

    @property
    def ended(self) -> bool:
        """Whether the flow is over."""
        return bool(self.node["type"] == "end")


def advance(graph: Graph, from_key: str | None, facts: Mapping[str, Any]) -> Stop:
    """Move the token on from a node (None: from the start) to the next approval or to the end.

    Conditions are judged on `facts`; the first edge whose condition is true is taken, else the default.
    """
    nodes = {node["key"]: node for node in graph["nodes"]}
    current = nodes[from_key] if from_key else next(n for n in graph["nodes"] if n["type"] == "start")
    path: list[Node] = []
    for _ in range(_STEPS_MAX):
        current = nodes[_next_key(graph, current, facts)]
        path.append(current)
        if current["type"] in ("approval", "end"):
            return Stop(current, tuple(path))
    raise Invalid("流程在条件节点之间循环, 没有人工节点", code="flow_loops")


def _next_key(graph: Graph, node: Node, facts: Mapping[str, Any]) -> str:
    edges = [edge for edge in graph["edges"] if edge["from"] == node["key"]]
    for edge in edges:
        if edge.get("when") and evaluate(edge["tree"], facts) is True:
            return str(edge["to"])
    return str(next(edge["to"] for edge in edges if not edge.get("when")))


def checked_graph(received: Any) -> dict[str, Any]:
    """A graph ready to be published, conditions parsed and typed; `Invalid` lists every mistake by node."""
    errors: list[dict[str, Any]] = []

    def fault(place: str, code: str, message: str) -> None:
        errors.append({"field": place, "code": code, "message": message})

    nodes, edges = _parts(received)
    if len(nodes) > NODES_MAX:
        raise Invalid(f"流程最多 {NODES_MAX} 个节点", code="flow_too_large")
    keys = [str(node.get("key")) for node in nodes]
    for node in nodes:
        if not isinstance(node.get("key"), str) or not node["key"]:
            fault(str(node.get("key"))[:40], "node_key", "每个节点需要一个文本 key")
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        fault(key, "node_twice", f"节点 {key} 出现了两次")
    _check_nodes(nodes, edges, fault)
    parsed = [_checked_edge(edge, set(keys), fault) for edge in edges]
    if not errors:
        _check_reach(nodes, edges, fault)
    if errors:
        said = "; ".join(str(error["message"]) for error in errors[:5])
        raise Invalid(f"流程有误: {said}", code="flow_invalid", errors=errors)
    return {"nodes": [dict(node) for node in nodes], "edges": parsed}


def _parts(received: Any) -> tuple[list[Node], list[Mapping[str, Any]]]:
    if not isinstance(received, Mapping):
        raise Invalid("流程应为对象", code="flow_invalid")
    nodes, edges = received.get("nodes"), received.get("edges")
    if not isinstance(nodes, list) or not isinstance(edges, list):
        raise Invalid("流程应有 nodes 与 edges", code="flow_invalid")
    if not all(isinstance(part, Mapping) for part in [*nodes, *edges]):
        raise Invalid("节点与连线应为对象", code="flow_invalid")
    return nodes, edges


def _check_nodes(nodes: Sequence[Node], edges: Sequence[Mapping[str, Any]], fault: Any) -> None:
    for kind, word in (("start", "开始"), ("end", "结束")):
        count = sum(node.get("type") == kind for node in nodes)
        if count != 1:
            fault("", f"{kind}_count", f"流程应有一个{word}节点, 实际有 {count} 个")
    for node in nodes:
        key, kind = str(node.get("key")), str(node.get("type"))
        leaving = [edge for edge in edges if edge.get("from") == key]
        if kind not in TYPES:
            fault(key, "node_type", f"节点 {key} 的类型未知: {kind[:40]}")
        elif kind == "end" and leaving:
            fault(key, "end_leaves", f"结束节点 {key} 不能有出线")
        elif kind in ("start", "approval") and len(leaving) != 1:
            fault(key, "edge_count", f"节点 {key} 应有一条出线, 实际有 {len(leaving)} 条")
        elif kind == "condition" and sum(not edge.get("when") for edge in leaving) != 1:
            fault(key, "no_default", f"条件节点 {key} 应有且只有一条默认分支")
        if kind == "approval":
            _check_approvers(key, node.get("approvers"), fault)


def _check_approvers(key: str, approvers: Any, fault: Any) -> None:
    if not isinstance(approvers, list) or not approvers:
        fault(key, "no_approver", f"节点 {key} 没有审批人")
        return
    for approver in approvers:
        kind = approver.get("kind") if isinstance(approver, Mapping) else None
        if kind not in APPROVER_KINDS:
            fault(key, "approver_kind", f"节点 {key} 的审批人类型未知: {str(kind)[:40]}")
        elif kind in ("user", "role") and not approver.get("value"):
            fault(key, "approver_value", f"节点 {key} 的审批人没有指定")


def _checked_edge(edge: Mapping[str, Any], keys: set[str], fault: Any) -> dict[str, Any]:
    parsed = dict(edge)
    for end in ("from", "to"):
        if not isinstance(edge.get(end), str) or edge[end] not in keys:
            fault(str(edge.get(end)), "edge_end", f"连线指向不存在的节点 {edge.get(end)}")
    if edge.get("when"):
        try:
            parsed["tree"] = check(parse(str(edge["when"])), FACTS, "bool").tree
        except ExpressionError as problem:
            fault(str(edge.get("from")), "condition", f"节点 {edge.get('from')} 的条件有误: {problem}")
    return parsed


def _check_reach(nodes: Sequence[Node], edges: Sequence[Mapping[str, Any]], fault: Any) -> None:
    start = next(node["key"] for node in nodes if node["type"] == "start")
    end = next(node["key"] for node in nodes if node["type"] == "end")
    forward: dict[str, set[str]] = {}
    backward: dict[str, set[str]] = {}
    for edge in edges:
        forward.setdefault(edge["from"], set()).add(edge["to"])
        backward.setdefault(edge["to"], set()).add(edge["from"])
    reached, ending = _closure(start, forward), _closure(end, backward)
    for node in nodes:
        if node["key"] not in reached:
            fault(node["key"], "unreachable", f"节点 {node['key']} 不可到达")
        elif node["key"] not in ending:
            fault(node["key"], "dead_end", f"从节点 {node['key']} 无法走到结束")
    people = {node["key"] for node in nodes if node["type"] == "approval"}
    without_people = {key: following - people for key, following in forward.items() if key not in people}
    for node in nodes:
        loops = node["key"] not in people and node["key"] in _closure_after(node["key"], without_people)
        if loops:
            fault(node["key"], "loop_without_person", f"节点 {node['key']} 处于没有人工节点的循环中")


def _closure(start: str, following: Mapping[str, set[str]]) -> set[str]:
    return {start} | _closure_after(start, following)


def _closure_after(start: str, following: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = list(following.get(start, ()))
    while todo:
        key = todo.pop()
        if key not in seen:
            seen.add(key)
            todo += following.get(key, ())
    return seen

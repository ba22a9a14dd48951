"""The check of a graph before it is published: every mistake, named by its node. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.common.errors import Invalid
from services.common.expressions import ExpressionError, Fields, check, parse
from services.workflow.engine.branches import Fault, stacks_of
from services.workflow.engine.definition import (
    EDGES_MAX,
    NODES_MAX,
    PERSON_TYPES,
    TYPES,
    Node,
    catalogue_of,
)
from services.workflow.engine.node_checks import check_node, check_settings

Graph = Mapping[str, Any]
_KEY_LENGTH_MAX = 60
_SAID_MAX = 5


def checked_graph(received: Any) -> dict[str, Any]:
    """A graph ready to be published, conditions parsed and typed; `Invalid` lists every mistake by node."""
    errors: list[dict[str, Any]] = []

    def fault(place: str, code: str, message: str) -> None:
        errors.append({"field": place[:_KEY_LENGTH_MAX], "code": code, "message": message})

    graph = _parts(received)
    nodes, edges = graph["nodes"], graph["edges"]
    catalogue = _catalogue(graph, fault)
    _check_keys(nodes, fault)
    check_settings(graph.get("settings"), fault)
    leaving: dict[str, list[Mapping[str, Any]]] = {}
    for edge in edges:
        leaving.setdefault(str(edge.get("from")), []).append(edge)
    _check_ends(nodes, fault)
    made = [_checked_node(node, leaving.get(str(node.get("key")), []), catalogue, fault) for node in nodes]
    types = {str(node.get("key")): str(node.get("type")) for node in nodes}
    parsed = [_checked_edge(edge, types, catalogue, fault) for edge in edges]
    if not errors:
        _check_ways(made, parsed, fault)
    if errors:
        said = "; ".join(str(error["message"]) for error in errors[:_SAID_MAX])
        raise Invalid(f"流程有误: {said}", code="flow_invalid", errors=errors)
    return {**graph, "nodes": made, "edges": parsed}


def _parts(received: Any) -> dict[str, Any]:
    if not isinstance(received, Mapping):
        raise Invalid("流程应为对象", code="flow_invalid")
    nodes, edges = received.get("nodes"), received.get("edges")
    if not isinstance(nodes, list) or not isinstance(edges, list):
        raise Invalid("流程应有 nodes 与 edges", code="flow_invalid")
    if not all(isinstance(part, Mapping) for part in [*nodes, *edges]):
        raise Invalid("节点与连线应为对象", code="flow_invalid")
    if len(nodes) > NODES_MAX or len(edges) > EDGES_MAX:
        raise Invalid(f"流程最多 {NODES_MAX} 个节点、{EDGES_MAX} 条连线", code="flow_too_large")
    return dict(received)


def _catalogue(graph: Graph, fault: Fault) -> Fields:
    declared = graph.get("fields")
    if declared is not None and not isinstance(declared, Mapping):
        fault("fields", "fields", "fields 应为对象: 字段名到类型")
        return catalogue_of({})
    try:
        return catalogue_of(graph)
    except ExpressionError as problem:
        fault("fields", "fields", f"字段声明有误: {problem}")
        return catalogue_of({})


def _check_keys(nodes: Sequence[Node], fault: Fault) -> None:
    seen: set[str] = set()
    for node in nodes:
        key = node.get("key")
        if not isinstance(key, str) or not 0 < len(key) <= _KEY_LENGTH_MAX:
            fault(str(key), "node_key", f"每个节点需要一个文本 key, 最多 {_KEY_LENGTH_MAX} 个字符")
        elif key in seen:
            fault(key, "node_twice", f"节点 {key} 出现了两次")
        else:
            seen.add(key)


def _check_ends(nodes: Sequence[Node], fault: Fault) -> None:
    for kind, word in (("start", "开始"), ("end", "结束")):
        count = sum(node.get("type") == kind for node in nodes)
        if count != 1:
            fault("", f"{kind}_count", f"流程应有一个{word}节点, 实际有 {count} 个")


def _checked_node(
    node: Node, leaving: Sequence[Mapping[str, Any]], catalogue: Fields, fault: Fault
) -> dict[str, Any]:
    key, kind = str(node.get("key")), str(node.get("type"))
    if kind not in TYPES:
        fault(key, "node_type", f"节点 {key} 的类型未知: {kind[:40]}")
        return dict(node)
    plain = [edge for edge in leaving if not edge.get("on")]
    if kind == "end":
        if leaving:
            fault(key, "end_leaves", f"结束节点 {key} 不能有出线")
    elif kind == "condition":
        if sum(not edge.get("when") for edge in plain) != 1:
            fault(key, "no_default", f"条件节点 {key} 应有且只有一条默认分支")
    elif kind == "split":
        if len(plain) < 2:
            fault(key, "split_width", f"并行节点 {key} 至少有两条出线")
    elif len(plain) != 1:
        fault(key, "edge_count", f"节点 {key} 应有一条出线, 实际有 {len(plain)} 条")
    _check_ports(key, kind, leaving, fault)
    return check_node(node, catalogue, fault)


def _check_ports(key: str, kind: str, leaving: Sequence[Mapping[str, Any]], fault: Fault) -> None:
    """The ways out of a node besides the ordinary one: each kind of node has its own."""
    offered = {"approval": ("reject",), "action": ("error",), "subflow": ("error",)}.get(kind, ())
    used = [str(edge["on"]) for edge in leaving if edge.get("on")]
    for port in used:
        if port not in offered:
            fault(key, "edge_on", f"节点 {key} 没有出口 {port[:40]}")
        elif used.count(port) > 1:
            fault(key, "edge_on_twice", f"节点 {key} 的出口 {port} 有不止一条连线")


def _checked_edge(
    edge: Mapping[str, Any], types: Mapping[str, str], catalogue: Fields, fault: Fault
) -> dict[str, Any]:
    parsed = {name: value for name, value in edge.items() if name != "tree"}
    for end in ("from", "to"):
        if not isinstance(edge.get(end), str) or edge[end] not in types:
            fault(str(edge.get(end)), "edge_end", f"连线指向不存在的节点 {str(edge.get(end))[:60]}")
            return parsed
    if types[edge["to"]] == "start":
        fault(edge["to"], "start_entered", "开始节点不能有入线")
    if edge.get("when"):
        if types[edge["from"]] != "condition":
            fault(edge["from"], "when_without_condition", f"只有条件节点的连线可以有条件: {edge['from']}")
        try:
            parsed["tree"] = check(parse(str(edge["when"])), catalogue, "bool").tree
        except ExpressionError as problem:
            fault(edge["from"], "condition", f"节点 {edge['from']} 的条件有误: {problem}")
    return parsed


# --- ways ------------------------------------------------------------------------------------------------


def _check_ways(nodes: Sequence[Node], edges: Sequence[Mapping[str, Any]], fault: Fault) -> None:
    start = next(node["key"] for node in nodes if node["type"] == "start")
    end = next(node["key"] for node in nodes if node["type"] == "end")
    forward: dict[str, set[str]] = {}
    backward: dict[str, set[str]] = {}
    for edge in edges:
        forward.setdefault(edge["from"], set()).add(edge["to"])
        backward.setdefault(edge["to"], set()).add(edge["from"])
    reached, ending = _closure(start, forward), _closure(end, backward)
    sound = True
    for node in nodes:
        if node["key"] not in reached:
            fault(node["key"], "unreachable", f"节点 {node['key']} 不可到达")
            sound = False
        elif node["key"] not in ending:
            fault(node["key"], "dead_end", f"从节点 {node['key']} 无法走到结束")
            sound = False
    for key in _loops_without_person(nodes, forward):
        fault(key, "loop_without_person", f"节点 {key} 处于没有人工节点的循环中")
    if sound:
        stacks_of(nodes, edges, fault)


def _loops_without_person(nodes: Sequence[Node], forward: Mapping[str, set[str]]) -> list[str]:
    """The nodes of circles that nobody interrupts: what is left without nodes that lead nowhere."""
    people = {node["key"] for node in nodes if node["type"] in PERSON_TYPES}
    ways = {
        node["key"]: forward.get(node["key"], set()) - people for node in nodes if node["key"] not in people
    }
    for _ in range(2):
        waiting = {key: len(following) for key, following in ways.items()}
        before: dict[str, list[str]] = {}
        for key, following in ways.items():
            for each in following:
                before.setdefault(each, []).append(key)
        done = [key for key, count in waiting.items() if not count]
        for key in done:
            for earlier in before.get(key, ()):
                waiting[earlier] -= 1
                if not waiting[earlier]:
                    done.append(earlier)
        left = set(ways) - set(done)
        # What only leads to a circle goes the second time, with the arrows turned round.
        ways = {key: {each for each in left if key in ways[each]} for key in left}
    return sorted(ways)


def _closure(start: str, following: Mapping[str, set[str]]) -> set[str]:
    seen = {start}
    todo = [start]
    while todo:
        for key in following.get(todo.pop(), ()):
            if key not in seen:
                seen.add(key)
                todo.append(key)
    return seen

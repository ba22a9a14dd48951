"""Which parallel branches each node lies in: every split has one join, and nothing jumps across. Pure.

A node's stack names the branches around it, the outermost first: `(split, number of the branch)` each. As
every way into a node has the same stack, a token's surroundings follow from where it stands, and one branch
never holds two tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Branch = tuple[str, int]
Stack = tuple[Branch, ...]
Fault = Callable[[str, str, str], None]


@dataclass
class Structure:
    """The stacks of nodes (around them) and of edges (by place), and the join of each split."""

    stacks: dict[str, Stack] = field(default_factory=dict)
    edge_stacks: dict[int, Stack] = field(default_factory=dict)
    join_of: dict[str, str] = field(default_factory=dict)


def stacks_of(
    nodes: Sequence[Mapping[str, Any]],
    edges: Sequence[Mapping[str, Any]],
    fault: Fault = lambda place, code, message: None,
) -> Structure:
    """The structure of a graph whose nodes are all reached from its start; every break of it is a fault."""
    types = {node["key"]: node["type"] for node in nodes}
    leaving: dict[str, list[tuple[int, str]]] = {}
    for place, edge in enumerate(edges):
        leaving.setdefault(edge["from"], []).append((place, edge["to"]))
    found = Structure()
    start = next(key for key, kind in types.items() if kind == "start")
    found.stacks[start] = ()
    todo = [start]
    while todo:
        key = todo.pop()
        for number, (place, target) in enumerate(leaving.get(key, ())):
            stack = found.stacks[key]
            if types[key] == "split":
                stack = (*stack, (key, number))
            found.edge_stacks[place] = stack
            inside = _entered(types[target], target, stack, found, fault)
            if inside is None:
                continue
            if target not in found.stacks:
                found.stacks[target] = inside
                todo.append(target)
            elif found.stacks[target] != inside:
                fault(target, "crosses_parallel", f"节点 {target} 被并行分支内外的连线同时指向")
    _check_splits(types, leaving, found, fault)
    return found


def _entered(kind: str, target: str, stack: Stack, found: Structure, fault: Fault) -> Stack | None:
    """The stack of a node that is reached by an edge with this one; None where that is a fault."""
    if kind == "end" and stack:
        fault(target, "ends_in_parallel", f"并行分支 {stack[-1][0]} 没有经过汇聚就到了结束")
        return None
    if kind != "join":
        return stack
    if not stack:
        fault(target, "join_without_split", f"汇聚节点 {target} 前面没有对应的并行分支")
        return None
    split = stack[-1][0]
    if found.join_of.setdefault(split, target) != target:
        fault(target, "join_unpaired", f"并行分支 {split} 的各路没有汇聚到同一个节点")
        return None
    return stack[:-1]


def _check_splits(
    types: Mapping[str, str],
    leaving: Mapping[str, Sequence[tuple[int, str]]],
    found: Structure,
    fault: Fault,
) -> None:
    arriving: dict[str, set[Branch]] = {}
    for edges in leaving.values():
        for place, target in edges:
            stack = found.edge_stacks.get(place)
            if types[target] == "join" and stack:
                arriving.setdefault(target, set()).add(stack[-1])
    for key, kind in types.items():
        if kind != "split" or key not in found.stacks:
            continue
        join = found.join_of.get(key)
        wanted = {(key, number) for number in range(len(leaving.get(key, ())))}
        if join is None:
            fault(key, "split_without_join", f"并行分支 {key} 没有汇聚节点")
        elif arriving.get(join) != wanted:
            fault(
                join, "join_unreachable", f"汇聚节点 {join} 等不到并行分支 {key} 的每一路, 或等到了别的分支"
            )

"""What a graph may say, and the flow that is made of a checked graph. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from services.common.expressions import Compiled, Fields, compile_tree
from services.workflow.engine.branches import Branch, Stack, stacks_of

PERSON_TYPES = ("approval", "handling")
# Where a token rests until something from outside moves it on.
RESTING_TYPES = (*PERSON_TYPES, "delay", "action", "subflow")
TYPES = (
    "start",
    "approval",
    "handling",
    "condition",
    "split",
    "join",
    "cc",
    "delay",
    "action",
    "subflow",
    "end",
)
APPROVER_KINDS = (
    *("user", "role", "department_head", "manager", "managers_up_to", "initiator"),
    *("field", "chosen_by_initiator", "chosen_by_previous", "expression"),
)
MODES = ("any", "all", "ratio", "order")
EMPTY = ("admin", "user", "pass", "refuse")
OWN = ("manager", "self", "skip", "admin")
SAME = ("ask", "skip", "skip_adjacent")
DEADLINE_ENDS = ("remind", "escalate", "transfer", "approve", "reject")
PERSON_ACTIONS = (
    *("approve", "reject", "return", "transfer", "delegate", "add_sign", "remove_sign"),
    *("cc", "comment", "urge"),
)
FIELD_ACCESS = ("hidden", "read", "edit", "required")
OPINIONS = ("optional", "required", "required_on_reject")
ACTION_KINDS = ("write_back", "command", "webhook", "notify", "todo", "decision_table")
# The one form whose records are customers; that of applications is filled in by whoever applies, and by
# nobody after that.
CUSTOMER_FORM = "customer"
APPLICATION_FORM = "application"
NODES_MAX = 500
EDGES_MAX = 2_000
FACTS: dict[str, str] = {
    "amount": "number",
    "amount_base": "number",
    "approved_amount": "number",
    "approved_amount_base": "number",
    "currency": "text",
    "approved_currency": "text",
    "term_days": "number",
    "type": "text",
    "initiator": "text",
    "department": "text",
    "grade": "text",
    "reason": "text",
    "subject_type": "text",
    "subject_key": "text",
    "valid_from": "date",
    "valid_to": "date",
}

Node = Mapping[str, Any]


def catalogue_of(graph: Mapping[str, Any]) -> Fields:
    """What a flow's conditions may read: the facts of every instance, and the fields that it declares.

    No other form: its records are kept by another service, which nobody can ask while a flow moves on.
    """
    return Fields({**(graph.get("fields") or {}), **FACTS}, forms={})


@dataclass(frozen=True)
class Edge:
    """A way from node to node; `on` is empty for the ordinary one, `branch` the parallel branch it is in."""

    source: str
    target: str
    when: Compiled | None = None
    on: str = ""
    branch: Branch | None = None


class Flow:
    """A checked graph, ready to run; it keeps no state, so threads may share it."""

    def __init__(self, graph: Mapping[str, Any]) -> None:
        self.graph = graph
        self.nodes: dict[str, Node] = {node["key"]: node for node in graph["nodes"]}
        self.settings: Mapping[str, Any] = graph.get("settings") or {}
        structure = stacks_of(graph["nodes"], graph["edges"])
        self.stacks: Mapping[str, Stack] = structure.stacks
        self.join_of: Mapping[str, str] = structure.join_of
        self.start = next(node["key"] for node in graph["nodes"] if node["type"] == "start")
        self._leaving: dict[str, list[Edge]] = {}
        for place, edge in enumerate(graph["edges"]):
            stack = structure.edge_stacks[place]
            made = Edge(
                edge["from"],
                edge["to"],
                compile_tree(edge["tree"]) if edge.get("tree") else None,
                str(edge.get("on") or ""),
                stack[-1] if stack else None,
            )
            self._leaving.setdefault(made.source, []).append(made)

    def leaving(self, key: str, on: str = "") -> Sequence[Edge]:
        """The ways out of a node, in their order."""
        return [edge for edge in self._leaving.get(key, ()) if edge.on == on]

    @property
    def gone_to(self) -> str | None:
        """Who takes the work of those who have left; None: the administrators."""
        return self.settings.get("gone_user") if self.settings.get("gone") == "user" else None

    def keeps_time(self, key: str) -> bool:
        """Whether a visit of a node may have timers."""
        node = self.nodes[key]
        return node["type"] not in PERSON_TYPES or node.get("deadline") is not None

    @cached_property
    def has_times(self) -> bool:
        """Whether an instance may have timers."""
        resting = (key for key, node in self.nodes.items() if node["type"] in RESTING_TYPES)
        return any(self.keeps_time(key) for key in resting)

    def width(self, split: str) -> int:
        """How many branches a split has."""
        return len(self._leaving[split])

    def setting(self, node: Node, name: str, otherwise: Any) -> Any:
        """What a node says, else what the flow says, else this."""
        found = node.get(name)
        return self.settings.get(name, otherwise) if found is None else found


def compile_flow(graph: Mapping[str, Any]) -> Flow:
    """The flow of a checked graph; compile it once to run it often."""
    return Flow(graph)

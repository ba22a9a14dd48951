"""Random flows that can be published, and random companies whose people act in them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from services.workflow.people import Company, Department, Person

INITIATOR = "mia"
# Somebody who can take every task that finds nobody else.
ADMIN = "root"
USERNAMES = (INITIATOR, "bob", "eva", "jan", ADMIN)
CONDITIONS = ("approved_amount_base < 50000", "term_days > 30", 'currency = "USD"', "false", "true")
_ROLES = ("risk_analyst", "cfo", "department_manager")
_UNITS = ("HQ", "S", "S-1")
_DEPTH_MAX = 2

approvers = st.one_of(
    st.sampled_from([*USERNAMES, "gone"]).map(lambda name: {"kind": "user", "value": name}),
    st.sampled_from(_ROLES).map(lambda role: {"kind": "role", "value": role}),
    st.sampled_from(["department_head", "initiator"]).map(lambda kind: {"kind": kind}),
    st.sampled_from(["manager", "managers_up_to"]).map(lambda kind: {"kind": kind, "level": 2}),
)
_ways_to_decide = st.one_of(
    st.sampled_from(
        [{}, {"mode": "any"}, {"mode": "all"}, {"mode": "order"}, {"mode": "any", "veto": False}]
    ),
    st.integers(1, 100).map(lambda ratio: {"mode": "ratio", "ratio": ratio}),
    st.sampled_from([{"empty": "pass"}, {"same_approver": "skip"}, {"same_approver": "skip_adjacent"}]),
)


class _Pen:
    """Draws nodes and edges, each with a key of its own."""

    def __init__(self, draw: st.DrawFn, kinds: list[str], most: int) -> None:
        self.draw = draw
        self.kinds = kinds
        self.left = most
        self.nodes: list[dict[str, Any]] = []
        self.edges: list[dict[str, Any]] = []

    def node(self, kind: str, **said: Any) -> str:
        """A new node's key."""
        self.left -= 1
        key = f"n{len(self.nodes)}"
        self.nodes.append({"key": key, "type": kind, **said})
        return key

    def row(self, depth: int) -> tuple[str, list[str]]:
        """A row of elements: its first node, and the nodes whose ways out are still open."""
        count = self.draw(st.integers(1, 3))
        firsts, ends, people = [], [], []
        for _ in range(count):
            first, last = self.element(depth)
            firsts.append(first)
            ends.append(last)
            if len(last) == 1 and first == last[0] and self.is_person(first):
                people.append(first)
        for place, last in enumerate(ends[:-1]):
            for key in last:
                self.edges.append({"from": key, "to": firsts[place + 1]})
        for place, key in enumerate(firsts):
            if self.nodes[int(key[1:])]["type"] == "condition":
                targets = [*firsts[place + 1 :], *people]
                for to in self.draw(st.lists(st.sampled_from(targets), max_size=2)) if targets else ():
                    self.edges.append({"from": key, "to": to, "when": self.draw(st.sampled_from(CONDITIONS))})
        return firsts[0], ends[-1]

    def is_person(self, key: str) -> bool:
        """Whether people act at a node."""
        return self.nodes[int(key[1:])]["type"] in ("approval", "handling")

    def element(self, depth: int) -> tuple[str, list[str]]:
        """One node, or a parallel block with its join."""
        kind = self.draw(st.sampled_from(self.kinds))
        if kind == "split" and depth < _DEPTH_MAX and self.left > 4:
            split = self.node("split")
            branches = [self.row(depth + 1) for _ in range(self.draw(st.integers(2, 3)))]
            join = self.node("join")
            for first, last in branches:
                self.edges.append({"from": split, "to": first})
                self.edges += [{"from": key, "to": join} for key in last]
            return split, [join]
        if kind in ("approval", "handling", "split"):
            asked = self.draw(st.lists(approvers, min_size=1, max_size=3))
            kind = "approval" if kind == "split" else kind
            key = self.node(kind, title=kind, approvers=asked, **self.draw(_ways_to_decide))
        elif kind == "cc":
            key = self.node(kind, to=self.draw(st.lists(approvers, min_size=1, max_size=2)))
        elif kind == "delay":
            key = self.node(kind, hours=1)
        else:
            key = self.node(kind)
        return key, [key]


@st.composite
def sound_graphs(
    draw: st.DrawFn,
    kinds: tuple[str, ...] = ("approval", "approval", "handling", "condition", "split", "cc", "delay"),
    most: int = 14,
) -> dict[str, Any]:
    """A flow without a mistake: rows of nodes with parallel blocks, branches ahead or back to a person."""
    pen = _Pen(draw, list(kinds), most)
    first, last = pen.row(0)
    nodes = [{"key": "start", "type": "start"}, {"key": "end", "type": "end"}, *pen.nodes]
    edges = [{"from": "start", "to": first}, *pen.edges, *({"from": key, "to": "end"} for key in last)]
    return {"nodes": draw(st.permutations(nodes)), "edges": edges}


@st.composite
def companies(draw: st.DrawFn) -> Company:
    """People with any roles, some of them away, in departments with or without heads; the admin is there."""
    people = {
        name: Person(
            name,
            draw(st.sampled_from([*_UNITS, None, "closed"])),
            tuple(draw(st.sets(st.sampled_from([*_ROLES, "admin"])))) + (("admin",) if name == ADMIN else ()),
            active=name == ADMIN or draw(st.booleans()),
        )
        for name in USERNAMES
    }
    heads = st.sampled_from([*USERNAMES, "gone", None])
    parents = {"HQ": None, "S": "HQ", "S-1": draw(st.sampled_from(["S", "HQ", "S-1"]))}
    units = {code: Department(code, parent, draw(heads)) for code, parent in parents.items()}
    return Company(people, units)

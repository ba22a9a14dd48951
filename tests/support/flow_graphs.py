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

approvers = st.one_of(
    st.sampled_from([*USERNAMES, "gone"]).map(lambda name: {"kind": "user", "value": name}),
    st.sampled_from(_ROLES).map(lambda role: {"kind": "role", "value": role}),
    st.sampled_from(["department_head", "initiator"]).map(lambda kind: {"kind": kind}),
)


@st.composite
def sound_graphs(draw: st.DrawFn) -> dict[str, Any]:
    """A flow without a mistake: its nodes in a row, branches that leap ahead or back to a person."""
    kinds = draw(st.lists(st.sampled_from(["approval", "condition"]), min_size=1, max_size=7))
    keys = [f"n{place}" for place in range(len(kinds))]
    people = [key for key, kind in zip(keys, kinds, strict=True) if kind == "approval"]
    nodes: list[dict[str, Any]] = [{"key": "start", "type": "start"}, {"key": "end", "type": "end"}]
    edges: list[dict[str, Any]] = [{"from": "start", "to": keys[0]}]
    for place, (key, kind) in enumerate(zip(keys, kinds, strict=True)):
        later = [*keys[place + 1 :], "end"]
        if kind == "approval":
            asked = draw(st.lists(approvers, min_size=1, max_size=3))
            nodes.append({"key": key, "type": "approval", "title": key, "approvers": asked})
        else:
            nodes.append({"key": key, "type": "condition"})
            branches = draw(st.lists(st.sampled_from([*later, *people]), max_size=2))
            edges += [{"from": key, "to": to, "when": draw(st.sampled_from(CONDITIONS))} for to in branches]
        edges.append({"from": key, "to": later[0]})
    return {"nodes": draw(st.permutations(nodes)), "edges": draw(st.permutations(edges))}


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

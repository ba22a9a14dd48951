"""The flow engine: the seeded flow's paths, and every mistake of a graph found before it is published."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from services.common.errors import Invalid
from services.workflow.engine import advance, checked_graph
from services.workflow.people import Company, Department, Person, assign
from services.workflow.seed import CREDIT_APPLICATION


@pytest.mark.parametrize(
    ("amount", "node"), [("49999.99", "manager"), ("50000.00", "risk"), (None, "risk"), ("1", "manager")]
)
def test_the_seeded_flow_takes_the_longer_path_from_fifty_thousand(amount: str | None, node: str) -> None:
    graph = checked_graph(CREDIT_APPLICATION)
    facts = {"approved_amount_base": None if amount is None else Decimal(amount)}
    assert advance(graph, None, facts).node["key"] == node


def _broken(change: Any) -> list[str]:
    graph = deepcopy(CREDIT_APPLICATION)
    change(graph)
    with pytest.raises(Invalid) as refusal:
        checked_graph(graph)
    return [error["code"] for error in refusal.value.errors]


def test_mistakes_of_a_graph_are_named() -> None:
    assert "node_twice" in _broken(lambda graph: graph["nodes"].append(graph["nodes"][1]))
    assert "no_approver" in _broken(lambda graph: graph["nodes"][2].pop("approvers"))
    assert "no_default" in _broken(lambda graph: graph["edges"].pop(2))
    assert "condition" in _broken(lambda graph: graph["edges"][1].update(when="amout < 5"))
    assert "edge_end" in _broken(lambda graph: graph["edges"][0].update(to="nowhere"))
    assert "node_type" in _broken(lambda graph: graph["nodes"][2].update(type="magic"))


def test_a_loop_without_a_person_is_refused() -> None:
    def loop(graph: Any) -> None:
        graph["nodes"].append({"key": "again", "type": "condition"})
        graph["edges"][2]["to"] = "again"
        graph["edges"] += [
            {"from": "again", "to": "by-amount"},
            {"from": "again", "to": "risk", "when": "true"},
        ]

    assert "loop_without_person" in _broken(loop)


def test_nobody_approves_their_own_application() -> None:
    people = {
        name: Person(name, "S", roles)
        for name, roles in (("mia", ("department_manager",)), ("root", ("admin",)), ("boss", ()))
    }
    units = {"S": Department("S", "HQ", "mia"), "HQ": Department("HQ", None, "boss")}
    company = Company(people, units)
    head = [{"kind": "department_head"}]
    assert assign(head, "root", company).usernames == ("mia",)
    assert assign(head, "mia", company).usernames == ("boss",)
    assert assign([{"kind": "role", "value": "cfo"}], "mia", company).usernames == ("root",)

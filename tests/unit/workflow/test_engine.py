"""The flow engine: the seeded flow's paths, and every mistake of a graph found before it is published."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from services.common.errors import Invalid
from services.workflow.engine import NODES_MAX, World, begin, checked_graph, compile_flow
from services.workflow.people import Case, Company, Department, Person, assign
from services.workflow.seed import CREDIT_APPLICATION

NOBODY = Company({}, {})


@pytest.mark.parametrize(
    ("amount", "node"), [("49999.99", "manager"), ("50000.00", "risk"), (None, "risk"), ("1", "manager")]
)
def test_the_seeded_flow_takes_the_longer_path_from_fifty_thousand(amount: str | None, node: str) -> None:
    flow = compile_flow(checked_graph(CREDIT_APPLICATION))
    facts = {"approved_amount_base": None if amount is None else Decimal(amount)}
    assert list(begin(flow, World(NOBODY, Case("mia", facts))).state.tokens.values()) == [node]


def _broken(change: Any, graph: Any = CREDIT_APPLICATION) -> list[str]:
    graph = deepcopy(graph)
    change(graph)
    with pytest.raises(Invalid) as refusal:
        checked_graph(graph)
    return [error["code"] for error in refusal.value.errors] or [refusal.value.code]


def test_mistakes_of_a_graph_are_named() -> None:
    assert "node_twice" in _broken(lambda graph: graph["nodes"].append(graph["nodes"][1]))
    assert "no_approver" in _broken(lambda graph: graph["nodes"][2].pop("approvers"))
    assert "no_default" in _broken(lambda graph: graph["edges"].pop(2))
    assert "condition" in _broken(lambda graph: graph["edges"][1].update(when="amout < 5"))
    assert "condition" in _broken(lambda graph: graph["edges"][1].update(when="amount + 5"))
    assert "edge_end" in _broken(lambda graph: graph["edges"][0].update(to="nowhere"))
    assert "node_type" in _broken(lambda graph: graph["nodes"][2].update(type="magic"))


def test_what_a_node_computes_is_what_was_checked() -> None:
    hook = {
        "key": "hook",
        "type": "action",
        "do": "webhook",
        "url": "https://example.com/",
        "trees": {"x": 1},
    }
    nodes = [{"key": "start", "type": "start"}, hook, {"key": "end", "type": "end"}]
    edges = [{"from": "start", "to": "hook"}, {"from": "hook", "to": "end"}]
    assert "trees" not in checked_graph({"nodes": nodes, "edges": edges})["nodes"][1]
    hook["values"] = {"y": "amount"}
    assert list(checked_graph({"nodes": nodes, "edges": edges})["nodes"][1]["trees"]) == ["y"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"approvers": [{"kind": "psychic"}]}, "approver_kind"),
        ({"approvers": [{"kind": "role"}]}, "approver_value"),
        ({"approvers": [{"kind": "manager", "level": 0}]}, "approver_level"),
        ({"approvers": [{"kind": "field", "value": "nothing"}]}, "approver_field"),
        ({"approvers": [{"kind": "expression", "value": "IF("}]}, "approver_expression"),
        ({"mode": "some"}, "mode"),
        ({"mode": "ratio"}, "ratio"),
        ({"mode": "ratio", "ratio": 101}, "ratio"),
        ({"empty": "user"}, "empty_user"),
        ({"own": "always"}, "own"),
        ({"fields": {"额度": "burn"}}, "fields"),
        ({"actions": ["explode"]}, "actions"),
        ({"deadline": {"hours": 0}}, "time_hours"),
        ({"deadline": {"hours": "x"}}, "time_hours"),
        ({"deadline": {}}, "time"),
        ({"deadline": {"field": "currency"}}, "time_field"),
        ({"deadline": {"hours": 8, "then": "burn"}}, "then"),
        ({"deadline": {"hours": 8, "then": "transfer"}}, "deadline_to"),
        ({"deadline": {"hours": 8, "remind": [-1]}}, "deadline_remind"),
        ({"type": "action", "do": "burn"}, "action"),
        ({"type": "action", "do": "command", "service": "limits", "method": "drop", "values": {}}, "command"),
        ({"type": "action", "do": "webhook", "url": "file:///etc/passwd"}, "url"),
        ({"type": "action", "do": "write_back", "values": {"a": "1 +"}}, "value_expression"),
        ({"type": "action", "do": "decision_table", "table": {}}, "table"),
        ({"type": "action", "do": "notify", "to": []}, "no_approver"),
        ({"type": "delay"}, "time"),
        ({"type": "subflow"}, "subflow"),
        ({"type": "cc"}, "no_approver"),
    ],
)
def test_mistakes_of_a_node_are_named(said: dict[str, Any], code: str) -> None:
    def change(graph: Any) -> None:
        if said.get("type") == "cc":
            graph["nodes"][2].pop("approvers")
        graph["nodes"][2].update(said)

    assert code in _broken(change)


def test_a_loop_without_a_person_is_refused() -> None:
    def loop(graph: Any) -> None:
        graph["nodes"].append({"key": "again", "type": "condition"})
        graph["edges"][2]["to"] = "again"
        graph["edges"] += [
            {"from": "again", "to": "by-amount"},
            {"from": "again", "to": "risk", "when": "true"},
        ]

    assert "loop_without_person" in _broken(loop)


ASK = [{"kind": "role", "value": "cfo"}]
PARALLEL: dict[str, Any] = {
    "nodes": [
        {"key": "start", "type": "start"},
        {"key": "split", "type": "split"},
        {"key": "a", "type": "approval", "approvers": ASK},
        {"key": "b", "type": "approval", "approvers": ASK},
        {"key": "join", "type": "join"},
        {"key": "end", "type": "end"},
    ],
    "edges": [
        {"from": "start", "to": "split"},
        {"from": "split", "to": "a"},
        {"from": "split", "to": "b"},
        {"from": "a", "to": "join"},
        {"from": "b", "to": "join"},
        {"from": "join", "to": "end"},
    ],
}


def test_parallel_branches_meet_in_one_join_and_nothing_jumps_across() -> None:
    checked_graph(PARALLEL)
    assert "ends_in_parallel" in _broken(lambda graph: graph["edges"][4].update(to="end"), PARALLEL)
    assert "crosses_parallel" in _broken(lambda graph: graph["edges"][3].update(to="b"), PARALLEL)
    assert "join_without_split" in _broken(_join_alone, PARALLEL)
    assert "split_width" in _broken(lambda graph: graph["edges"].pop(1), PARALLEL)
    assert "join_unpaired" in _broken(_two_joins, PARALLEL)


def _join_alone(graph: Any) -> None:
    graph["nodes"].append({"key": "alone", "type": "join"})
    graph["edges"][0]["to"] = "alone"
    graph["edges"].append({"from": "alone", "to": "split"})


def _two_joins(graph: Any) -> None:
    graph["nodes"].append({"key": "other", "type": "join"})
    graph["edges"][4]["to"] = "other"
    graph["edges"].append({"from": "other", "to": "end"})


def test_a_graph_of_five_thousand_nodes_is_refused_at_once() -> None:
    def grow(graph: Any) -> None:
        graph["nodes"] += [{"key": f"n{number}", "type": "condition"} for number in range(5_000)]

    assert _broken(grow) == ["flow_too_large"]
    assert NODES_MAX < 5_000


def test_nobody_approves_their_own_application_unless_the_installation_lets_them() -> None:
    people = {
        name: Person(name, "S", roles)
        for name, roles in (("mia", ("department_manager",)), ("root", ("admin",)), ("boss", ()))
    }
    units = {"S": Department("S", "HQ", "mia"), "HQ": Department("HQ", None, "boss")}
    company = Company(people, units)
    node = {"key": "n", "approvers": [{"kind": "department_head"}]}
    assert assign(node, Case("root"), company, {}).usernames == ("mia",)
    assert assign(node, Case("mia"), company, {}).usernames == ("boss",)
    assert assign(node, Case("mia", own_allowed=True), company, {}).usernames == ("mia",)
    assert assign({**node, "own": "admin"}, Case("mia"), company, {}).usernames == ("root",)
    assert assign({**node, "own": "self"}, Case("mia"), company, {}).usernames == ("boss",)
    assert assign({**node, "own": "skip"}, Case("mia", own_allowed=True), company, {}).passes
    officer = {"key": "n", "approvers": ASK}
    assert assign(officer, Case("mia"), company, {}).usernames == ("root",)
    assert assign({**officer, "empty": "pass"}, Case("mia"), company, {}).passes
    assert assign({**officer, "empty": "user", "empty_user": "boss"}, Case("mia"), company, {}).usernames == (
        "boss",
    )

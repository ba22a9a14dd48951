"""Whatever graph is drawn: it is refused with named mistakes, or every token in it comes to rest.

And wherever it rests there is somebody to act, who is not the one who asked.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.errors import Invalid
from services.workflow.engine import advance, checked_graph
from services.workflow.people import Company, assign
from tests.support.flow_graphs import INITIATOR, USERNAMES, companies, sound_graphs
from tests.support.flow_graphs import approvers as any_approver

_CONDITIONS = ("approved_amount_base < 50000", "term_days > 30", 'currency = "USD"', "true")
_facts = st.fixed_dictionaries(
    {
        "approved_amount_base": st.none() | st.decimals(0, 10**6, places=2),
        "term_days": st.none() | st.integers(0, 365).map(Decimal),
        "currency": st.sampled_from(["CNY", "USD", None]),
    }
)


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """Any graph of up to eight nodes in the middle, most of them sound, with any edges between them."""
    nodes: list[dict[str, Any]] = [{"key": "start", "type": "start"}, {"key": "end", "type": "end"}]
    edges: list[dict[str, Any]] = []
    middle = [f"n{number}" for number in range(draw(st.integers(1, 8)))]
    targets = st.sampled_from([*middle, "end"])
    for key in middle:
        if draw(st.booleans()):
            nodes.append({"key": key, "type": "approval", "approvers": [{"kind": "role", "value": "cfo"}]})
            edges.append({"from": key, "to": draw(targets)})
        else:
            nodes.append({"key": key, "type": "condition"})
            whens = draw(st.lists(st.sampled_from(_CONDITIONS), max_size=3))
            edges += [{"from": key, "to": draw(targets), "when": when} for when in whens]
            edges.append({"from": key, "to": draw(targets)})
    edges.append({"from": "start", "to": draw(targets)})
    reached = {edge["to"] for edge in edges} | {"start", "end"}
    if draw(st.booleans()):
        nodes = [node for node in nodes if node["key"] in reached]
        edges = [edge for edge in edges if edge["from"] in reached]
    return {"nodes": nodes, "edges": draw(st.permutations(edges))}


@given(graphs(), st.lists(_facts, min_size=1, max_size=12))
@settings(max_examples=400, deadline=None)
def test_a_graph_is_refused_with_its_mistakes_or_every_token_comes_to_rest(
    drawn: dict[str, Any], moves: list[dict[str, Any]]
) -> None:
    graph = _published(drawn)
    if graph is None:
        return
    here: str | None = None
    for facts in moves:
        stop = advance(graph, here, facts)
        assert stop == advance(graph, here, facts), "the same token goes the same way"
        assert all(node["type"] == "condition" for node in stop.path[:-1]), "nobody is passed over"
        assert stop.path[-1] == stop.node
        if stop.ended:
            assert stop.node["key"] == "end"
            return
        assert stop.node["type"] == "approval"
        here = stop.node["key"]


def _published(drawn: dict[str, Any]) -> dict[str, Any] | None:
    """The graph ready to run; None for one that was refused, each mistake with its place."""
    try:
        return checked_graph(drawn)
    except Invalid as refusal:
        mistakes = refusal.errors
    known = {node["key"] for node in drawn["nodes"]}
    assert mistakes
    assert all(one["field"] in known and one["code"] and one["message"] for one in mistakes)
    return None


@given(sound_graphs(), companies(), st.lists(_facts, min_size=1, max_size=12))
@settings(max_examples=300, deadline=None)
def test_a_sound_flow_ends_or_waits_for_somebody_and_goes_the_same_way_again(
    drawn: dict[str, Any], company: Company, moves: list[dict[str, Any]]
) -> None:
    graph = checked_graph(drawn)
    walked = _walk(graph, company, moves)
    assert walked == _walk(checked_graph(drawn), company, moves)
    *waiting, last = walked
    assert all(names for key, names in [*waiting, last] if key != "end")
    assert all(key != "end" for key, _ in waiting)
    assert last[0] == "end" or len(walked) == len(moves)


@given(st.lists(any_approver, min_size=1, max_size=4), companies(), st.sampled_from([*USERNAMES, "stranger"]))
@settings(max_examples=500, deadline=None)
def test_a_node_finds_active_people_once_each_and_never_the_initiator(
    asked: list[dict[str, Any]], company: Company, initiator: str
) -> None:
    found = assign(asked, initiator, company)
    assert initiator not in found.usernames
    assert len(set(found.usernames)) == len(found.usernames)
    assert all(company.people[name].active for name in found.usernames)
    others = [name for name in company.with_role("admin") if name != initiator]
    assert found.usernames or not others, "a task that finds nobody goes to the administrators"
    named = {str(one["value"]) for one in asked if one["kind"] == "user"} - {initiator}
    available = {name for name in named if name in company.people and company.people[name].active}
    assert available <= set(found.usernames)
    if available:
        assert found.note is None


def _walk(
    graph: dict[str, Any], company: Company, moves: list[dict[str, Any]]
) -> list[tuple[str, tuple[str, ...]]]:
    """Where the token rests and who acts there, as if everybody approved, with the facts of each moment."""
    walked: list[tuple[str, tuple[str, ...]]] = []
    here: str | None = None
    for facts in moves:
        stop = advance(graph, here, facts)
        here = str(stop.node["key"])
        names = () if stop.ended else assign(stop.node["approvers"], INITIATOR, company).usernames
        walked.append((here, names))
        if stop.ended:
            break
    return walked

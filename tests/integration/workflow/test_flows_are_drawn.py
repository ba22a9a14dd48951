"""Flows as data: drafts, published versions that never change, and trying a flow out without effect."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from services.common.errors import Conflict, Forbidden, Invalid, NotFound
from services.workflow.seed import CREDIT_APPLICATION
from tests.integration.workflow.conftest import CARL, LENA, READER, RITA, ROOT, House

SHIPPED = "credit-application"
START = {"key": "start", "type": "start"}


def graph(*approvers: str) -> dict[str, Any]:
    """A flow of persons in a row."""
    keys = ["start", *(f"step-{place}" for place in range(len(approvers))), "end"]
    nodes: list[dict[str, Any]] = [{"key": "start", "type": "start"}, {"key": "end", "type": "end"}]
    for key, name in zip(keys[1:-1], approvers, strict=True):
        people = [{"kind": "user", "value": name}]
        nodes.append({"key": key, "type": "approval", "approvers": people})
    return {"nodes": nodes, "edges": [{"from": a, "to": b} for a, b in itertools.pairwise(keys)]}


@pytest.fixture
def shipped(house: House) -> Iterator[House]:
    """The house; afterwards the shipped flow is in force again."""
    yield house
    house.ask("change_flow", ROOT, flow=SHIPPED, graph=CREDIT_APPLICATION)
    house.ask("publish_flow", ROOT, flow=SHIPPED)


def test_a_draft_has_no_effect_until_it_is_published(house: House) -> None:
    made = house.ask("create_flow", ROOT, key="f-draft", name="试用", graph=graph("lena"))
    assert (made["published_version"], made["version"], made["author"]) == (None, 1, "root")
    published = house.ask("publish_flow", ROOT, flow="f-draft")
    assert published["published_version"] == 1
    changed = house.ask("change_flow", ROOT, flow=made["id"], graph=graph("lena", "carl"), name="改名")
    assert (changed["version"], changed["published_version"], changed["name"]) == (2, 1, "改名")
    [version] = house.ask("get_flow", READER, flow="f-draft")["versions"]
    assert (version["version"], version["published_by"]) == (1, "root")
    assert [node["key"] for node in version["graph"]["nodes"]] == ["start", "end", "step-0"]
    house.ask("publish_flow", ROOT, flow="f-draft")
    versions = house.ask("get_flow", READER, flow="f-draft")["versions"]
    assert [each["version"] for each in versions] == [2, 1]
    assert versions[1] == version, "what was published never changes"


def test_a_running_instance_stays_on_its_version(shipped: House) -> None:
    before = shipped.submitted("60000.00")
    shipped.ask("change_flow", ROOT, flow=SHIPPED, graph=graph("lena"))
    shipped.ask("publish_flow", ROOT, flow=SHIPPED)
    after = shipped.submitted("60000.00")
    assert len(shipped.tasks(LENA, after["id"])) == 1
    shipped.ask("approve_task", RITA, task_id=shipped.task(RITA, before["id"]))
    assert len(shipped.tasks(CARL, before["id"])) == 1, "the old way leads on to the officer"
    shipped.ask("approve_task", LENA, task_id=shipped.task(LENA, after["id"]))
    assert shipped.status(after["id"]) == "effective"
    assert shipped.status(before["id"]) == "in_approval"


def test_a_flow_without_persons_approves_by_itself(shipped: House) -> None:
    nodes = [{"key": "start", "type": "start"}, {"key": "end", "type": "end"}]
    straight = {"nodes": nodes, "edges": [{"from": "start", "to": "end"}]}
    shipped.ask("change_flow", ROOT, flow=SHIPPED, graph=straight)
    shipped.ask("publish_flow", ROOT, flow=SHIPPED)
    application = shipped.submitted("60000.00")
    assert shipped.status(application["id"]) == "effective"


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ({"nodes": "none", "edges": []}, None),
        ({"nodes": [], "edges": []}, "start_count"),
        ({"nodes": [START, {"type": "end"}], "edges": [{"from": "start", "to": None}]}, "node_key"),
        ({"nodes": [START, {"type": "end", "key": 5}], "edges": [{"from": "start", "to": 5}]}, "node_key"),
        ({"nodes": [START, {"type": "end", "key": {}}], "edges": [{"from": "start", "to": {}}]}, "node_key"),
        ({"nodes": [{"type": "end", "key": "end"}], "edges": [{"from": [1], "to": None}]}, "edge_end"),
        ({"nodes": [{"type": ["end"], "key": "end"}], "edges": []}, "node_type"),
    ],
)
def test_a_graph_that_makes_no_sense_is_never_published(
    house: House, broken: dict[str, Any], code: str | None
) -> None:
    key = f"f-{abs(hash(str(broken)))}"
    house.ask("create_flow", ROOT, key=key, name="试用", graph=broken)
    problem = house.refused("publish_flow", ROOT, flow=key)
    assert (type(problem), problem.code) == (Invalid, "flow_invalid")
    assert code is None or code in {error["code"] for error in problem.errors}
    assert house.ask("get_flow", ROOT, flow=key)["published_version"] is None
    assert isinstance(house.refused("simulate_flow", ROOT, flow=key, initiator="mia"), Invalid)


def test_a_node_that_wants_its_people_to_be_there_is_not_published_without_them(house: House) -> None:
    drawn = {**graph("nobody"), "settings": {"empty": "refuse"}}
    house.ask("create_flow", ROOT, key="f-empty", name="无人", graph=drawn)
    problem = house.refused("publish_flow", ROOT, flow="f-empty")
    assert (problem.code, problem.errors[0]["code"]) == ("flow_invalid", "approver_empty")
    house.ask("change_flow", ROOT, flow="f-empty", graph={**graph("lena"), "settings": {"empty": "refuse"}})
    assert house.ask("publish_flow", ROOT, flow="f-empty")["published_version"] == 1


def test_a_key_is_taken_once_and_a_stale_draft_is_refused(house: House) -> None:
    house.ask("create_flow", ROOT, key="f-once", name="一", graph=graph("lena"))
    problem = house.refused("create_flow", ROOT, key="f-once", name="二", graph=graph("lena"))
    assert (type(problem), problem.code) == (Conflict, "flow_taken")
    house.ask("change_flow", ROOT, flow="f-once", graph=graph("carl"), version=1)
    problem = house.refused("change_flow", ROOT, flow="f-once", graph=graph("rita"), version=1)
    assert (problem.code, problem.data) == ("stale_version", {"version": 2})
    assert isinstance(house.refused("publish_flow", ROOT, flow="f-none"), NotFound)


def test_a_retried_publication_makes_one_version(house: House) -> None:
    received = {"key": "f-retry", "name": "重试", "graph": graph("lena")}
    made = house.ask("create_flow", ROOT, "c-1", **received)
    assert house.ask("create_flow", ROOT, "c-1", **received) == made
    first = house.ask("publish_flow", ROOT, "p-1", flow="f-retry")
    assert house.ask("publish_flow", ROOT, "p-1", flow="f-retry") == first
    assert len(house.ask("get_flow", ROOT, flow="f-retry")["versions"]) == 1


def test_flows_are_drawn_and_published_by_those_who_may(house: House) -> None:
    received = {"key": "f-rights", "name": "权限", "graph": graph("lena")}
    assert isinstance(house.refused("create_flow", READER, None, **received), Forbidden)
    house.ask("create_flow", ROOT, **received)
    change = {"flow": "f-rights", "graph": graph("carl")}
    assert isinstance(house.refused("change_flow", READER, None, **change), Forbidden)
    assert isinstance(house.refused("publish_flow", READER, flow="f-rights"), Forbidden)
    assert isinstance(house.refused("list_flows", LENA), Forbidden)
    keys = [item["key"] for item in house.ask("list_flows", READER, page_size=200)["items"]]
    assert {SHIPPED, "f-rights"} <= set(keys)
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"amount": "49999.99"}, [("manager", ["lena"])]),
        ({"amount": "50000"}, [("risk", ["rita", "ron"]), ("cfo", ["carl"])]),
        ({"amount": "10", "currency": "USD"}, [("risk", ["rita", "ron"]), ("cfo", ["carl"])]),
        ({"amount": "90000", "approved": {"amount": "10"}}, [("manager", ["lena"])]),
        ({}, [("risk", ["rita", "ron"]), ("cfo", ["carl"])]),
        ({"amount": "NaN"}, None),
        ({"amount": "many"}, None),
        ({"amount": ["1"]}, None),
        ({"approved": "all"}, None),
        ({"currency": {"a": 1}, "amount": "1e400"}, [("risk", ["rita", "ron"]), ("cfo", ["carl"])]),
    ],
)
def test_a_simulation_shows_the_way_and_its_people_or_names_what_is_wrong(
    house: House, data: dict[str, Any], path: list[tuple[str, list[str]]] | None
) -> None:
    asked = {"flow": SHIPPED, "initiator": "mia", "data": deepcopy(data)}
    if path is None:
        problem = house.refused("simulate_flow", READER, None, **asked)
        assert isinstance(problem, Invalid)
        assert problem.errors[0]["field"].startswith("data")
        return
    answer = house.ask("simulate_flow", READER, **asked)
    people = [(step["node"], step["approvers"]) for step in answer["path"] if step["kind"] == "approval"]
    assert (people, answer["end"]) == (path, "end")


def test_a_simulation_needs_somebody_who_is_known_and_writes_nothing(house: House) -> None:
    problem = house.refused("simulate_flow", READER, flow=SHIPPED, initiator="nobody")
    assert (problem.code, problem.errors[0]["field"]) == ("user_unknown", "initiator")
    started = len(house.door.log_of("workflow", "instance_started"))
    house.ask("simulate_flow", READER, flow=SHIPPED, initiator="mia")
    assert len(house.door.log_of("workflow", "instance_started")) == started


def test_a_long_flow_is_simulated_to_its_end(house: House) -> None:
    house.ask("create_flow", ROOT, key="f-long", name="很长", graph=graph(*["lena"] * 120))
    house.ask("publish_flow", ROOT, flow="f-long")
    answer = house.ask("simulate_flow", READER, flow="f-long", initiator="mia")
    assert (len(answer["path"]), answer["end"]) == (121, "end")

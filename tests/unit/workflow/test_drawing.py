"""Flows as others read them: BPMN that its schema and another engine accept, and a picture of every node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import SpiffWorkflow.bpmn.parser as spiff
from hypothesis import given, settings
from lxml import etree
from SpiffWorkflow.bpmn.parser import BpmnParser

from services.workflow.drawing import layout, to_bpmn, to_svg
from services.workflow.engine import checked_graph
from services.workflow.seed import CREDIT_APPLICATION, SHIPPED
from tests.support.flow_graphs import sound_graphs

SCHEMA = etree.XMLSchema(etree.parse(str(Path(spiff.__file__).parent / "schema" / "BPMN20.xsd")))
_MODEL = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"


def _read(text: str) -> Any:
    document = etree.fromstring(text.encode())
    SCHEMA.assertValid(document)
    return document


@given(sound_graphs(("approval", "handling", "condition", "split", "cc", "delay")))
@settings(max_examples=60, deadline=None)
def test_every_sound_flow_is_bpmn_by_its_schema_with_all_its_nodes_and_ways(graph: dict[str, Any]) -> None:
    document = _read(to_bpmn("f", "流程", graph))
    process = document.find(f"{_MODEL}process")
    assert len(process.findall(f"{_MODEL}sequenceFlow")) == len(graph["edges"])
    assert len([one for one in process if not one.tag.endswith("sequenceFlow")]) == len(graph["nodes"])
    picture = etree.fromstring(to_svg("流程", graph))
    shapes = [one for one in picture if etree.QName(one).localname in ("rect", "circle", "polygon")]
    assert len(shapes) == len(graph["nodes"])
    assert len(set(layout(graph).values())) == len(graph["nodes"]), "no node lies on another"


@pytest.mark.parametrize("key", sorted(SHIPPED))
def test_another_engine_reads_the_shipped_flows(key: str) -> None:
    name, graph = SHIPPED[key]
    parser = BpmnParser()
    parser.add_bpmn_xml(_read(to_bpmn(key, name, checked_graph(graph))))
    process = f"flow_{key}"
    assert process in parser.get_process_ids()
    if not any(node["type"] == "subflow" for node in graph["nodes"]):
        spec = parser.get_spec(process)
        named = {task.bpmn_name for task in spec.task_specs.values() if task.bpmn_name}
        assert {node["title"] for node in graph["nodes"]} <= named


def test_errors_delays_and_sub_flows_are_bpmn_as_well() -> None:
    nodes = [
        {"key": "start", "type": "start"}, {"key": "end", "type": "end"},
        {"key": "hook", "type": "action", "do": "webhook", "url": "https://x.example/"},
        {"key": "sub", "type": "subflow", "flow": "x"}, {"key": "wait", "type": "delay", "field": "d"},
    ]  # fmt: skip
    edges = [
        {"from": "start", "to": "hook"}, {"from": "hook", "to": "sub"}, {"from": "sub", "to": "end"},
        {"from": "hook", "to": "wait", "on": "error"}, {"from": "wait", "to": "end"},
    ]  # fmt: skip
    document = _read(to_bpmn("f/1", "流程 <1>", {"nodes": nodes, "edges": edges}))
    [boundary] = document.iter(f"{_MODEL}boundaryEvent")
    assert boundary.get("attachedToRef") == "node_2"


def test_nodes_stand_where_they_were_drawn() -> None:
    boxes = layout(CREDIT_APPLICATION)
    assert boxes["manager"][0] == boxes["risk"][0]
    assert boxes["risk"][1] - boxes["manager"][1] == 200

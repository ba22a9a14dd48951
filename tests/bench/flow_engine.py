"""`python -m tests.bench.flow_engine`: how long the flow engine takes without I/O, beside SpiffWorkflow.

`engine_step_ms` is load + one decision + save of an instance of a 50-node graph with parallel branches,
`spiff_step_ms` the same of SpiffWorkflow for the shipped credit application of 6 nodes, drawn by our own
export; `instance_state_bytes` is the largest state that the walk through the 50 nodes meets, as JSON.
"""

from __future__ import annotations

import json
import statistics
import time
from decimal import Decimal
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

from services.workflow.drawing import to_bpmn
from services.workflow.engine import State, World, begin, carry_on, checked_graph, compile_flow, tokens
from services.workflow.engine.votes import Vote, tally
from services.workflow.people import Case, Company, Department, Person
from services.workflow.seed import CREDIT_APPLICATION
from tests.bench.report import Figures, run_alone

_BLOCKS = 6
_NODES = 50
_WALKS = 60
_SPIFF_STEPS = 60


def graph_of_fifty() -> dict[str, Any]:
    """Six blocks in a row, each a condition, a split into three people, a join and a person."""
    ask = [{"kind": "role", "value": "cfo"}]
    nodes: list[dict[str, Any]] = [{"key": "start", "type": "start"}]
    edges: list[dict[str, Any]] = []
    before = "start"
    for block in range(_BLOCKS):
        names = {part: f"{part}-{block}" for part in ("by", "split", "a", "b", "c", "join", "last", "copy")}
        kinds = {"by": "condition", "split": "split", "join": "join", "copy": "cc"}
        for part, key in names.items():
            node = {"key": key, "type": kinds.get(part, "approval")}
            nodes.append(node | ({"approvers": ask} if node["type"] == "approval" else {"to": ask}))
        edges.append({"from": before, "to": names["by"]})
        edges.append({"from": names["by"], "to": names["last"], "when": "approved_amount_base < 0"})
        edges.append({"from": names["by"], "to": names["split"]})
        for branch in ("a", "b", "c"):
            edges.append({"from": names["split"], "to": names[branch]})
            edges.append({"from": names[branch], "to": names["join"]})
        edges += [{"from": names["join"], "to": names["last"]}, {"from": names["last"], "to": names["copy"]}]
        before = names["copy"]
    edges.append({"from": before, "to": "end"})
    nodes.append({"key": "end", "type": "end"})
    assert len(nodes) == _NODES
    return {"nodes": nodes, "edges": edges}


def measure(walks: int = _WALKS, spiff_steps: int = _SPIFF_STEPS) -> Figures:
    """Every figure, in milliseconds and bytes."""
    ours, size = _walk(walks)
    theirs = _spiff(spiff_steps)
    return {
        "engine_step_ms": round(statistics.median(ours), 3),
        "spiff_step_ms": round(statistics.median(theirs), 3),
        "instance_state_bytes": size,
    }


def _walk(walks: int) -> tuple[list[float], int]:
    flow = compile_flow(checked_graph(graph_of_fifty()))
    people = {"mia": Person("mia", "S", ()), "carl": Person("carl", "S", ("cfo",))}
    world = World(
        Company(people, {"S": Department("S", None, None)}),
        Case("mia", {"approved_amount_base": Decimal(90_000)}),
    )
    times, largest = [], 0
    for _ in range(walks):
        run = begin(flow, world)
        kept = json.dumps(run.state.to_json())
        while run.end is None:
            began = time.perf_counter()
            state = State.from_json(json.loads(kept))
            visit = min(state.tokens)
            assert tally(flow.nodes[state.tokens[visit]], [Vote(1, 0, "done", "approve")]) == "approved"
            run = carry_on(flow, tokens.leave(flow, state, visit, world.facts), world)
            kept = json.dumps(run.state.to_json())
            times.append((time.perf_counter() - began) * 1_000)
            largest = max(largest, len(kept.encode()))
    return times, largest


def _spiff(steps: int) -> list[float]:
    """Load, decide one user task, save."""
    parser = BpmnParser()
    text = to_bpmn("credit", "授信申请", checked_graph(CREDIT_APPLICATION))
    # Its expressions are Python's; ours happen to read the same here.
    parser.add_bpmn_xml(etree.fromstring(text.encode()))
    serializer = BpmnWorkflowSerializer()
    workflow = BpmnWorkflow(parser.get_spec("flow_credit"))
    workflow.set_data(approved_amount_base=90_000)
    workflow.get_next_task(state=TaskState.READY).data["approved_amount_base"] = 90_000
    workflow.do_engine_steps()
    kept = serializer.serialize_json(workflow)
    times = []
    for _ in range(steps):
        began = time.perf_counter()
        loaded = serializer.deserialize_json(kept)
        waiting = loaded.get_next_task(state=TaskState.READY, manual=True)
        assert waiting is not None
        waiting.run()
        loaded.do_engine_steps()
        serializer.serialize_json(loaded)
        times.append((time.perf_counter() - began) * 1_000)
    return times


if __name__ == "__main__":
    run_alone(__doc__, measure)

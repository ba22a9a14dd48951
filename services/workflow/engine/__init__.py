"""The flow engine: a graph of nodes, tokens that advance, people's votes, and the check of a graph. Pure.

A graph is `{"nodes": [{"key", "type", "title", "position"?, …}], "edges": [{"from", "to", "when"?, "on"?}],
"fields"?, "settings"?}`, see `definition`. `checked_graph` finds every mistake, `compile_flow` makes a flow
to run, `machine` moves its tokens until each waits for somebody or something.
"""

from services.workflow.engine.checking import checked_graph
from services.workflow.engine.definition import FACTS, NODES_MAX, PERSON_TYPES, TYPES, Flow, compile_flow
from services.workflow.engine.machine import Ask, Copy, Run, Skip, Wait, World, begin, carry_on
from services.workflow.engine.tokens import State

__all__ = [
    "FACTS",
    "NODES_MAX",
    "PERSON_TYPES",
    "TYPES",
    "Ask",
    "Copy",
    "Flow",
    "Run",
    "Skip",
    "State",
    "Wait",
    "World",
    "begin",
    "carry_on",
    "checked_graph",
    "compile_flow",
]

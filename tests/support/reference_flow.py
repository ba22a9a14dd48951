"""A plain interpreter of flows, written for being obvious: what the engine does must be the same.

Each token carries the frames of the parallel blocks that it has entered, each with a number of its own; a
join counts the tokens of one frame. Nothing is known of a graph but its nodes and edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.common.expressions import check, evaluate, parse
from services.workflow.engine import FACTS

Frames = tuple[tuple[str, int, int], ...]
RESTS = ("approval", "handling", "delay", "action", "subflow")


@dataclass(frozen=True)
class Token:
    """Where it is, and the blocks (split, branch, number of the entry) around it."""

    node: str
    frames: Frames


class Reference:
    """One instance of a flow."""

    def __init__(self, graph: dict[str, Any], facts: dict[str, Any]) -> None:
        self.nodes = {node["key"]: node for node in graph["nodes"]}
        self.edges = graph["edges"]
        self.facts = facts
        self.tokens: list[Token] = []
        self.arrived: dict[int, set[int]] = {}
        self.fired: list[tuple[str, int]] = []
        self.passed: dict[str, Frames] = {}
        self.ended = False
        self._entries = 0
        [first] = self._after("start")
        self._enter(first, ())

    def places(self) -> list[str]:
        """The nodes where tokens rest, sorted."""
        return sorted(token.node for token in self.tokens)

    def leave(self, node: str) -> None:
        """Let the one token at a node go on."""
        [token] = [one for one in self.tokens if one.node == node]
        self.tokens.remove(token)
        if self.nodes[node]["type"] in ("approval", "handling"):
            self.passed.pop(node, None)
            self.passed[node] = token.frames
        [target] = self._after(node)
        self._enter(target, token.frames)

    def may_go_back(self, node: str) -> list[str]:
        """The passed nodes that lie on the way of the token at a node."""
        [token] = [one for one in self.tokens if one.node == node]
        found = []
        for key, frames in self.passed.items():
            beside = any(
                mine[0] == theirs[0] and mine[1] != theirs[1]
                for mine, theirs in zip(token.frames, frames, strict=False)
                if self._same_way(token.frames, frames, mine, theirs)
            )
            if key != node and not beside:
                found.append(key)
        return found

    def _same_way(self, here: Frames, there: Frames, mine: Any, theirs: Any) -> bool:
        place = here.index(mine)
        return [one[:2] for one in here[:place]] == [one[:2] for one in there[:place]]

    def send_back(self, node: str, to: str) -> None:
        """Put the token at a node back at another one, which it has passed."""
        [token] = [one for one in self.tokens if one.node == node]
        shared = 0
        for mine, theirs in zip(token.frames, self.passed[to], strict=False):
            if mine[:2] != theirs[:2]:
                break
            shared += 1
        around = token.frames[:shared]
        self.tokens = [one for one in self.tokens if one.frames[:shared] != around]
        frames = around
        for split, branch, _ in self.passed[to][shared:]:
            self._entries += 1
            self.arrived[self._entries] = set(range(len(self._edges(split)))) - {branch}
            frames = (*frames, (split, branch, self._entries))
        self.tokens.append(Token(to, frames))

    def _edges(self, key: str) -> list[dict[str, Any]]:
        return [edge for edge in self.edges if edge["from"] == key]

    def _after(self, key: str) -> list[str]:
        edges = self._edges(key)
        if self.nodes[key]["type"] != "condition":
            return [edge["to"] for edge in edges]
        for edge in edges:
            if edge.get("when"):
                tree = check(parse(edge["when"]), FACTS, "bool").tree
                if evaluate(tree, self.facts) is True:
                    return [edge["to"]]
        return [next(edge["to"] for edge in edges if not edge.get("when"))]

    def _enter(self, key: str, frames: Frames) -> None:
        kind = self.nodes[key]["type"]
        if kind == "end":
            assert (frames, self.tokens) == ((), [])
            self.ended = True
        elif kind in RESTS:
            self.tokens.append(Token(key, frames))
        elif kind == "split":
            self._entries += 1
            entry = self._entries
            self.arrived[entry] = set()
            for branch, target in enumerate(self._after(key)):
                self._enter(target, (*frames, (key, branch, entry)))
        elif kind == "join":
            split, branch, entry = frames[-1]
            self.arrived[entry].add(branch)
            if len(self.arrived[entry]) == len(self._edges(split)):
                self.fired.append((key, entry))
                [target] = self._after(key)
                self._enter(target, frames[:-1])
        else:
            [target] = self._after(key)
            self._enter(target, frames)

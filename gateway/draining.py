"""Running event streams dry: services read and send until nothing is left."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

import eventlet

from gateway.context import Context
from services.common.caller import service_caller
from services.common.config import GATEWAY
from services.common.errors import Unavailable

_SECONDS_MAX = 60.0
_CALL_SECONDS = 30.0
_PAUSE_SECONDS = 0.05
# Whoever sends steps to others (adds commands) stands before them.
_ORDER = ("gateway", "workflow", "application", "customer", "limits", "risk_rules", "reporting")
_SENDS_TO = {
    "workflow": frozenset({"application", "customer", "limits", "risk_rules"}),
}

Answer = Mapping[str, Any]


class Draining:
    """One run: who was asked, and how far each then was.

    Nothing is left once every one of `services` has read as far as the logs of its sources are known to
    reach and waits for no answer, and whoever may have been sent a step was asked after its sender: for then
    nobody can have moved since it was asked without reading or being sent something first.
    """

    def __init__(self, context: Context, services: Collection[str]) -> None:
        self._context = context
        self._caller = service_caller(GATEWAY, context.caller.actor)
        self._services = [name for name in _ORDER if name in services]
        self._answers: dict[str, Answer] = {}
        self._heads: dict[str, int] = {}

    def run(self) -> dict[str, Any]:
        """Ask until nothing is left; `Unavailable` when that takes too long."""
        deadline = time.monotonic() + _SECONDS_MAX
        to_ask, passes = set(self._services), 0
        while to_ask:
            if time.monotonic() > deadline:
                raise Unavailable("各服务尚未处理完毕, 请稍后再试", code="not_drained")
            passes += 1
            before = dict(self._heads)
            for name in [name for name in self._services if name in to_ask]:
                to_ask |= self._ask(name)
                to_ask.discard(name)
            self._ask_sources()
            busy = [name for name in self._services if self._has_work(self._answers[name])]
            if busy and self._heads == before:
                # What is left are steps that wait for their next try.
                eventlet.sleep(_PAUSE_SECONDS)
            to_ask.update(busy)
        stopped = {name: answer["stopped"] for name, answer in self._answers.items() if answer["stopped"]}
        parked = {name: answer["parked"] for name, answer in self._answers.items() if answer["parked"]}
        return {"rounds": passes, "stopped": stopped, "parked": parked}

    def _ask(self, name: str) -> frozenset[str]:
        """Let a service read what is known to be there; returns whom it may have sent something."""
        answer, before = self._settle(name, self._heads), self._answers.get(name)
        self._answers[name], self._heads[name] = answer, answer["head"]
        if before is None or not _may_have_sent(before, answer):
            return frozenset()
        return _SENDS_TO.get(name, frozenset()).intersection(self._services)

    def _ask_sources(self) -> None:
        """Learn once how far the logs reach of those that are read, but need not read themselves."""
        sources = {source for answer in self._answers.values() for source in answer["read"]}
        for name in sources.difference(self._heads):
            self._heads[name] = self._settle(name, {})["head"]

    def _settle(self, name: str, heads: Mapping[str, int]) -> Answer:
        answer: Answer = self._context.ground.ask(
            name, "settle", {"heads": heads}, caller=self._caller, timeout=_CALL_SECONDS
        )
        return answer

    def _has_work(self, answer: Answer) -> bool:
        """Whether a service has events to read or commands to send; a stopped stream waits for a person."""
        unread = any(
            sequence < self._heads[source]
            for source, sequence in answer["read"].items()
            if source not in answer["stopped"]
        )
        return unread or bool(answer["commands"])


def _may_have_sent(before: Answer, after: Answer) -> bool:
    """Whether a service has read something, or had steps to send, since it was asked before."""
    return bool(before["read"] != after["read"] or before["commands"] or after["commands"])

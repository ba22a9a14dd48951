"""Sending a service's commands to others until each has a definite answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from eventlet import GreenPool

from services.common import commands, faults, telemetry
from services.common.caller import service_caller
from services.common.commands import AnswerHandler, Command
from services.common.db import Database
from services.common.errors import Unavailable
from services.common.messaging.loops import Bell, Stopping, keep_going

_log = logging.getLogger(__name__)
_TICK_SECONDS = 2.0
_AT_ONCE = 8
_PASSING = {429, 500, 503}

Send = Callable[[Command], dict[str, Any]]


class CommandRunner:
    """Claims due commands, sends them, and applies their answers."""

    def __init__(
        self, database: Database, service: str, handlers: Mapping[str, AnswerHandler], send: Send
    ) -> None:
        self.bell = Bell()
        self._database = database
        self._service = service
        self._handlers = handlers
        self._send = send
        self._pool = GreenPool(_AT_ONCE)

    def run(self, stopping: Stopping) -> None:
        """Send whenever rung, and every few seconds, until `stopping`."""
        keep_going(f"commands of {self._service}", self._step, self.bell, stopping)

    def _step(self) -> float:
        while self.run_due():
            pass
        return _TICK_SECONDS

    def run_due(self) -> int:
        """Send what is due now; returns how many were sent."""
        with self._database.glance(service_caller(self._service)) as work:
            if not commands.has_due(work):
                return 0
        with self._database.begin(service_caller(self._service)) as work:
            due = commands.claim_due(work)
        for _ in self._pool.imap(self._run, due):
            pass
        return len(due)

    def _run(self, command: Command) -> None:
        try:
            answer = self._send(command)
        except Unavailable as problem:
            answer = {"error": problem.to_dict()}
        status = int(answer["error"]["status"]) if "error" in answer else 200
        telemetry.command_attempts.labels(self._service, command.method, str(status)).inc()
        faults.point("command-before-finish")
        if status in _PASSING:
            self._put_off(command, str(answer["error"]["detail"]))
            return
        try:
            with self._database.begin(service_caller(self._service, command.on_behalf_of)) as work:
                commands.finish(work, command, answer, self._handlers)
        except Exception as problem:  # noqa: BLE001 - kept as pending, shown to the operator, tried again
            _log.exception("the answer to %s could not be applied", command.key)
            self._put_off(command, repr(problem))

    def _put_off(self, command: Command, problem: str) -> None:
        try:
            with self._database.begin(service_caller(self._service)) as work:
                commands.try_again(work, command, problem)
        except Unavailable:
            # The claim runs out by itself and the command is due again.
            _log.warning("command %s could not be put off", command.key)

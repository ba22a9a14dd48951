"""Many commands in one transaction, each with its own caller, key and answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.common import idempotency
from services.common.caller import Caller, service_caller
from services.common.coalesce import Coalescer
from services.common.db import Database, UnitOfWork
from services.common.engines import is_deadlock
from services.common.errors import CreditError, Unavailable, is_passing
from services.common.strict_json import Plain, to_plain

_log = logging.getLogger(__name__)
_MOST = 200
_TRIES = 4

Operation = Callable[[UnitOfWork, Any], Mapping[str, Any]]
Foresee = Callable[[UnitOfWork, Sequence[Any]], None]


@dataclass(frozen=True)
class GroupCommand:
    """One command: what it asks for, of whom, and under which idempotency key.

    `operation` keeps its changes in parts of the unit of work, so that it fails alone; one that
    `writes_at_once` gets a savepoint for that. `foresee` reads together, and locks in one order, what the
    inputs of several commands will ask for.
    """

    method: str
    operation: Operation
    foresee: Foresee
    input: Any
    received: Any
    caller: Caller
    key: str | None
    trace_id: str
    right: str = ""
    writes_at_once: bool = False


class GroupCommit:
    """Applies commands in groups: whoever comes while a group is under way goes with the next."""

    def __init__(self, database: Database, service: str, *, most: int = _MOST, at_once: int = 1) -> None:
        self._database = database
        self._service = service
        self._coalescer: Coalescer[GroupCommand] = Coalescer(self._apply, most=most, at_once=at_once)

    def apply(self, command: GroupCommand) -> dict[str, Any]:
        """The command's answer (`{"ok"}` or `{"error"}`) as plain JSON, from its first run under its key."""
        answer: dict[str, Any] = self._coalescer.do(command)
        return answer

    def _apply(self, commands: Sequence[GroupCommand]) -> list[dict[str, Any]]:
        """Apply all in one transaction; where that fails for good, halves find the culprit, who is told."""
        for _ in range(_TRIES):
            try:
                return self._together(commands)
            except idempotency.KeyTaken:
                continue
            except Unavailable as problem:
                if not is_deadlock(problem):
                    # Nobody of the group can tell whether it happened: all try again with their keys.
                    return [{"error": problem.to_dict()} for _ in commands]
            except Exception as problem:  # noqa: BLE001 - told to the culprit alone, and logged
                if len(commands) == 1:
                    return [{"error": self._told(commands[0], problem).to_dict()}]
                break
        if len(commands) == 1:
            busy = Unavailable("该请求正在处理, 请稍后用同一个 Idempotency-Key 重试", code="key_in_use")
            return [{"error": busy.to_dict()}]
        middle = len(commands) // 2
        return self._apply(commands[:middle]) + self._apply(commands[middle:])

    def _told(self, command: GroupCommand, problem: Exception) -> CreditError:
        if isinstance(problem, CreditError):
            return problem
        _log.error("%s.%s failed", self._service, command.method, exc_info=problem)
        return CreditError("服务内部错误, 请联系管理员", code="internal_error")

    def _together(self, commands: Sequence[GroupCommand]) -> list[dict[str, Any]]:
        with self._database.begin(service_caller(self._service)) as work:
            foreseen: dict[Foresee, list[Any]] = {}
            for command in commands:
                foreseen.setdefault(command.foresee, []).append(command.input)
            for foresee, inputs in foreseen.items():
                foresee(work, inputs)
            # After the locks: what another process has answered until now is seen.
            kept = idempotency.KeptAnswers(
                work, [(one.caller.principal, one.key) for one in commands if one.key]
            )
            answers = [_answer(work, command, kept) for command in commands]
            kept.write()
        return answers


def _answer(work: UnitOfWork, command: GroupCommand, kept: idempotency.KeptAnswers) -> dict[str, Any]:
    work.caller, work.trace_id, work.right = command.caller, command.trace_id, command.right
    try:
        known = kept.find(command.method, command.key, command.received)
        if known is not None:
            return known
        with work.savepoint() if command.writes_at_once else work.attempt():
            answer = Plain(ok=Plain(to_plain(command.operation(work, command.input))))
    except CreditError as refusal:
        if isinstance(refusal, Unavailable):
            raise
        answer = Plain(to_plain({"error": refusal.to_dict()}))
        if is_passing(refusal) or refusal.code == idempotency.REUSED:
            return answer
    kept.add(command.method, command.key, command.received, answer)
    return answer

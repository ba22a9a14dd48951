"""Steps that one service asks of another after its own commit, kept until there is a definite answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import MetaData, bindparam, select, update

from services.common.db import UnitOfWork

AnswerHandler = Callable[[UnitOfWork, "Command", dict[str, Any]], None]
CLAIM_SECONDS = 30
_BACKOFF_SECONDS_MAX = 60
CLAIMED_AT_ONCE = 20


@dataclass(frozen=True)
class Command:
    """One step asked of another service. `key` is its idempotency key there."""

    key: str
    service: str
    method: str
    payload: dict[str, Any]
    on_answer: str
    on_behalf_of: str | None
    trace_id: str
    attempts: int


class _Statements:
    """What the runner asks of its table, built once: building a statement costs as much as running it."""

    def __init__(self, metadata: MetaData) -> None:
        commands = metadata.tables["commands"]
        is_due = (commands.c.state == "pending") & (commands.c.next_attempt_at <= bindparam("now"))
        self.any_due = select(commands.c.key).where(is_due).limit(1)
        due = (
            select(commands.c.key)
            .where(is_due)
            .order_by(commands.c.created_at, commands.c.key)
            .limit(CLAIMED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        self.claim = (
            update(commands)
            .where(commands.c.key.in_(due))
            .values(next_attempt_at=bindparam("claimed_until"), attempts=commands.c.attempts + 1)
            .returning(*(commands.c[name] for name in Command.__dataclass_fields__), commands.c.created_at)
        )


_statements = cache(_Statements)


def has_due(work: UnitOfWork) -> bool:
    """Whether a command is due."""
    return work.execute(_statements(work.metadata).any_due, {"now": work.now}).first() is not None


def claim_due(work: UnitOfWork) -> list[Command]:
    """Take the due commands for `CLAIM_SECONDS`, so that other replicas leave them alone meanwhile.

    Locks the rows it takes and skips those that others hold.
    """
    times = {"now": work.now, "claimed_until": work.now + timedelta(seconds=CLAIM_SECONDS)}
    rows = work.execute(_statements(work.metadata).claim, times).all()
    ordered = sorted(rows, key=lambda row: (row.created_at, row.key))
    return [Command(**{name: getattr(row, name) for name in Command.__dataclass_fields__}) for row in ordered]


def finish(
    work: UnitOfWork, command: Command, answer: dict[str, Any], handlers: Mapping[str, AnswerHandler]
) -> bool:
    """Keep a definite answer and run its handler, in one transaction; False when it was done already.

    Locks the command's row.
    """
    commands = work.table("commands")
    state = work.execute(
        select(commands.c.state).where(commands.c.key == command.key).with_for_update()
    ).scalar_one()
    if state != "pending":
        return False
    work.trace_id = command.trace_id
    handlers[command.on_answer](work, command, answer)
    work.execute(
        update(commands)
        .where(commands.c.key == command.key)
        .values(
            state="refused" if "error" in answer else "done",
            answer=answer,
            problem=None,
            finished_at=work.now,
        )
    )
    return True


def try_again(work: UnitOfWork, command: Command, problem: str) -> None:
    """Put a command off after a passing failure, twice as long each time up to a minute."""
    commands = work.table("commands")
    wait = min(2 ** min(command.attempts - 1, 10) * 0.5, _BACKOFF_SECONDS_MAX)
    work.execute(
        update(commands)
        .where(commands.c.key == command.key, commands.c.state == "pending")
        .values(next_attempt_at=work.now + timedelta(seconds=wait), problem=problem[:2000])
    )

"""Adding to the audit trail: lines are collected in the unit of work and chained right before its commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.audit import lines, store
from services.common.config import GATEWAY
from services.common.db import UnitOfWork


class Origin(NamedTuple):
    """From where somebody acts: the address, the client's name, and the request."""

    address: str = ""
    agent: str = ""
    trace_id: str = ""


class Trail:
    """The lines of one unit of work (a part of it, see `UnitOfWork.part`).

    The head of the chain is locked only while they are written, the last thing before the commit.
    """

    def __init__(self, work: UnitOfWork) -> None:
        self.origin = Origin()
        self._work = work
        self._lines: list[dict[str, Any]] = []

    def add(
        self,
        action: str,
        subject: str,
        detail: Mapping[str, Any] | None = None,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        actor: str | None = None,
    ) -> None:
        """The gateway itself has done something: `action` is `noun.verb`, `subject` a business key."""
        masked = store.masked_fields(self._work)
        self._lines.append(
            {
                "at": self._work.now,
                "source": GATEWAY,
                "actor": self._work.caller.actor if actor is None else actor,
                "action": action,
                "subject": subject,
                "detail": lines.shown(detail or {}, masked),
                "changes": lines.difference(before, after, masked),
                "address": self.origin.address,
                "agent": self.origin.agent,
                "trace_id": self._work.trace_id,
                "event_id": None,
            }
        )

    def add_event(
        self,
        line: Mapping[str, Any],
        states: Mapping[str, Mapping[str, Any] | None],
        remembered: Mapping[tuple[str, str], Mapping[str, Any]] | None = None,
    ) -> None:
        """Another service has told of a change, see `gateway.audit.projection`.

        `states` is what it told of whole records, by their kind; None for one that is gone. `remembered` are
        records, by kind and subject, of which the line says no more than that they are there.
        """
        self._lines.append({**line, "states": states, "remembered": remembered or {}})

    def mark(self) -> int:
        """Where the lines stand now."""
        return len(self._lines)

    def undo(self, mark: int) -> None:
        """Take back the lines since a mark."""
        del self._lines[mark:]

    def forget(self) -> None:
        """Nothing that was read is kept between flushes."""

    def flush(self) -> None:
        """Write the lines. Locks the head of the chain."""
        waiting, self._lines = self._lines, []
        told = [line for line in waiting if line["event_id"] is not None]
        if told:
            known = store.known_events(self._work, [line["event_id"] for line in told])
            waiting = [line for line in waiting if line["event_id"] not in known]
            _complete(self._work, [line for line in waiting if line["event_id"] is not None])
        if waiting:
            store.append(self._work, waiting)


def trail(work: UnitOfWork) -> Trail:
    """The unit of work's trail."""
    return work.part(Trail)


def _complete(work: UnitOfWork, told: list[dict[str, Any]]) -> None:
    """Add from where the actors asked, and what is other than what was last told of the same records."""
    origins = store.origins(work, {(line["trace_id"], line["actor"]) for line in told})
    wanted = {(line["source"], kind, line["subject"]) for line in told for kind in line["states"]}
    known = store.states(work, wanted)
    masked, salt = store.masked_fields(work), store.salt(work)
    for line in told:
        line["address"], line["agent"] = origins.get((line["trace_id"], line["actor"]), ("", ""))
        line["detail"] = lines.shown(line["detail"], masked)
        line["changes"] = []
        for (kind, subject), state in line.pop("remembered").items():
            known[(line["source"], kind, subject)] = lines.fingerprinted(state, masked, salt)
        for kind, state in line.pop("states").items():
            key = (line["source"], kind, line["subject"])
            after = lines.fingerprinted(state, masked, salt)
            line["changes"] += _named(kind, lines.difference(known.get(key), after, masked))
            known[key] = after
    store.save_states(work, known)


def _named(kind: str, changes: list[lines.Change]) -> list[lines.Change]:
    return [{**change, "field": f"{kind}.{change['field']}"} for change in changes]

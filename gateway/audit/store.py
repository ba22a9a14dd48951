"""The queries of the audit trail; a docstring says what a query locks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from marshmallow import ValidationError
from sqlalchemy import Select, delete, or_, select, tuple_, update

from gateway.audit import lines
from gateway.identity.model import audit, audit_head, audit_states, request_origins, roles
from services.common.db import UnitOfWork
from services.common.errors import invalid_field, unknown_filter
from services.common.field_rights import EVERY, HIDDEN, MASKED
from services.common.fields import parse_instant
from services.common.paging import page

Row = dict[str, Any]
StateKey = tuple[str, str, str]
# Values that no reader of the trail needs: what they were is in the record, for those who may see it there.
_ALWAYS_MASKED = frozenset({"bank_account", "bank_account_no", "id_number", "id_card"})
_EXACT = ("actor", "action", "subject", "source", "trace_id", "address")
_SHOWN = [column for column in audit.c if column.name not in ("identity", "event_id")]
READ_AT_ONCE = 2_000


def masked_fields(work: UnitOfWork) -> frozenset[str]:
    """The names of fields whose values never stand in the trail: those that some role may not see as well."""
    found: frozenset[str] = work.remembered("audit-masked", lambda: _ALWAYS_MASKED | _restricted(work))
    return found


def _restricted(work: UnitOfWork) -> frozenset[str]:
    """The names, without their paths, of fields that are hidden or masked for some role."""
    by_role = work.execute(select(roles.c.fields)).scalars()
    return frozenset(
        path.rpartition(".")[2]
        for fields in by_role
        for paths in fields.values()
        for path, right in paths.items()
        if right["level"] in (HIDDEN, MASKED) and path != EVERY
    )


# --- adding ----------------------------------------------------------------------------------------------


def append(work: UnitOfWork, waiting: Sequence[Mapping[str, Any]]) -> None:
    """Chain these lines to the last one. Locks the chain's head until the transaction ends."""
    head = work.execute(select(audit_head).with_for_update()).mappings().one()
    place, last = head["place"], head["hash"]
    rows = []
    for line in waiting:
        place += 1
        row = {**line, "place": place}
        last = lines.line_hash(last, row)
        rows.append({**row, "hash": last})
    work.rows.insert(audit, rows)
    work.execute(update(audit_head).values(place=place, hash=last))


def known_events(work: UnitOfWork, event_ids: Collection[UUID]) -> set[UUID]:
    """Those of these events that have a line already: a stream that is read again adds none."""
    return set(work.execute(select(audit.c.event_id).where(audit.c.event_id.in_(event_ids))).scalars())


def salt(work: UnitOfWork) -> str:
    """What hidden values are fingerprinted with."""
    found: str = work.remembered("audit-salt", lambda: work.execute(select(audit_head.c.salt)).scalar_one())
    return found


def states(work: UnitOfWork, wanted: Collection[StateKey]) -> dict[StateKey, Row]:
    """What was last told of these records."""
    if not wanted:
        return {}
    key = tuple_(audit_states.c.source, audit_states.c.kind, audit_states.c.subject)
    rows = work.execute(select(audit_states).where(key.in_(list(wanted))))
    return {(row.source, row.kind, row.subject): lines.plain(row.state) for row in rows}


def save_states(work: UnitOfWork, told: Mapping[StateKey, Row]) -> None:
    """Remember what was told of these records."""
    rows = [
        {"source": source, "kind": kind, "subject": subject, "state": state}
        for (source, kind, subject), state in sorted(told.items())
    ]
    work.rows.upsert(audit_states, rows)


# --- from where ------------------------------------------------------------------------------------------


def note_origins(work: UnitOfWork, rows: Sequence[Row]) -> None:
    """Remember from where changes are asked for: rows of `request_origins`, each key once."""
    work.rows.upsert(request_origins, rows)


def origins(work: UnitOfWork, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, str]]:
    """(address, agent) by (trace id, actor)."""
    if not wanted:
        return {}
    key = tuple_(request_origins.c.trace_id, request_origins.c.actor)
    rows = work.execute(select(request_origins).where(key.in_(list(wanted))))
    return {(row.trace_id, row.actor): (row.address, row.agent) for row in rows}


def forget_origins(work: UnitOfWork, before: datetime) -> int:
    """Drop the origins of requests whose events have long been read; returns how many."""
    return int(work.execute(delete(request_origins).where(request_origins.c.at < before)).rowcount)


# --- searching -------------------------------------------------------------------------------------------


def list_lines(work: UnitOfWork, received: Mapping[str, Any]) -> Row:
    """One page of the trail, newest first; see `_found` for what may be asked for."""
    sort = {"place": audit.c.place}
    return page(
        work, _found(received["where"]), received, sort=sort, key=audit.c.place, default_sort="-place"
    )


def lines_after(work: UnitOfWork, where: Mapping[str, Any], after: int) -> list[Row]:
    """The next 2,000 lines that the filters find behind a place, oldest first."""
    found = _found(where).where(audit.c.place > after)
    rows = work.execute(found.order_by(audit.c.place).limit(READ_AT_ONCE)).mappings()
    return [dict(row) for row in rows]


def _found(where: Mapping[str, Any]) -> Select[Any]:
    """`actor`, `action` (or `user.*`), `subject`, `source`, `trace_id`, `address`; `from`, `to`; `text`."""
    statement = select(*_SHOWN)
    for name, value in where.items():
        if name == "action" and value.endswith(".*"):
            statement = statement.where(audit.c.action.startswith(value[:-1], autoescape=True))
        elif name in _EXACT:
            statement = statement.where(audit.c[name] == value)
        elif name == "from":
            statement = statement.where(audit.c.at >= _instant(name, value))
        elif name == "to":
            statement = statement.where(audit.c.at < _instant(name, value))
        elif name == "text":
            places = (audit.c.actor, audit.c.action, audit.c.subject, audit.c.detail, audit.c.changes)
            statement = statement.where(
                or_(*(place.cast(audit.c.actor.type).icontains(value, autoescape=True) for place in places))
            )
        else:
            raise unknown_filter(name, (*_EXACT, "from", "to", "text"))
    return statement


def _instant(name: str, value: Any) -> datetime:
    try:
        return parse_instant(value)
    except ValidationError as problem:
        message = "应为带时区的 ISO 8601 时间"
        raise invalid_field(name, "instant_malformed", message, f"不能按 {name} 筛选: {message}") from problem


# --- checking --------------------------------------------------------------------------------------------


def verify(work: UnitOfWork) -> tuple[int, str | None]:
    """(how many lines hold, what is wrong with the first that does not): the chain is computed anew."""
    place, last = 0, lines.ROOT
    found = select(audit).order_by(audit.c.place).limit(READ_AT_ONCE)
    while True:
        rows = work.execute(found.where(audit.c.place > place)).mappings().all()
        for row in rows:
            if row["place"] != place + 1:
                return place, f"第 {place + 1} 行缺失 / line {place + 1} is missing"
            if lines.line_hash(last, {**row, **_kept(row)}) != row["hash"]:
                return place, f"第 {place + 1} 行与其校验值不符 / line {place + 1} does not match its hash"
            place, last = row["place"], row["hash"]
        if len(rows) < READ_AT_ONCE:
            break
    head = work.execute(select(audit_head)).mappings().first()
    if head is None or (head["place"], head["hash"]) != (place, last):
        return place, f"第 {place + 1} 行起缺失 / lines are missing from line {place + 1} on"
    return place, None


def _kept(row: Mapping[Any, Any]) -> Row:
    return {"detail": lines.plain(row["detail"]), "changes": lines.plain(row["changes"])}

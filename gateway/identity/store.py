"""The queries of identity; a docstring says what a query locks, silence that it locks nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.identity.events import user_view
from gateway.identity.model import (
    api_keys,
    departments,
    duties,
    form_resources,
    identity_changes,
    job_positions,
    record_shares,
    roles,
    sessions,
    users,
)
from services.common.db import UnitOfWork
from services.common.errors import invalid_field, require_filters
from services.common.paging import page

Row = dict[str, Any]
_USER_COLUMNS = [column for column in users.c if column.name != "password_hash"]
_KEY_COLUMNS = [column for column in api_keys.c if column.name != "key_hash"]


def _one(work: UnitOfWork, statement: Any) -> Row | None:
    row = work.execute(statement).mappings().first()
    return None if row is None else dict(row)


def _all(work: UnitOfWork, statement: Any) -> list[Row]:
    return [dict(row) for row in work.execute(statement).mappings()]


def add(work: UnitOfWork, table: str, row: Mapping[str, Any]) -> bool:
    """Insert a row; False when one of its unique values is taken."""
    wanted = work.table(table)
    statement = upsert(wanted).values(**row).on_conflict_do_nothing().returning(*wanted.primary_key.columns)
    work.forget(_known(wanted))
    return work.execute(statement).first() is not None


def change(work: UnitOfWork, table: str, row_id: UUID, values: Mapping[str, Any]) -> None:
    """Write columns of the row with that id."""
    wanted = work.table(table)
    work.forget(_known(wanted))
    work.execute(update(wanted).where(wanted.c.id == row_id).values(**values))


def _known(table: Table) -> tuple[str, str]:
    """Under which name a unit of work remembers a table's keys: they are asked for with every user."""
    return "known", table.name


def _by_key(table: Table, column: str, key: str) -> Select[Any]:
    """A row by its id or its business key; a user's name counts whatever its case."""
    try:
        return select(table).where(table.c.id == UUID(key))
    except ValueError:
        if table is users:
            return select(users).where(func.lower(users.c.username) == key.lower())
        return select(table).where(table.c[column] == key)


# --- users, departments, roles ---------------------------------------------------------------------------


def find_user(work: UnitOfWork, *, username: str | None = None, user_id: UUID | None = None) -> Row | None:
    """A user by name (whatever its case) or id."""
    which = users.c.id == user_id if user_id else func.lower(users.c.username) == str(username).lower()
    return _one(work, select(users).where(which))


def user_by_key(work: UnitOfWork, key: str) -> Row | None:
    """A user by id or name, without the password's hash."""
    found = _one(work, _by_key(users, "username", key))
    return found and {name: value for name, value in found.items() if name != "password_hash"}


def position_by_key(work: UnitOfWork, key: str, *, lock: bool = False) -> Row | None:
    """A position by id or code. Locks its row if asked to."""
    statement = _by_key(job_positions, "code", key)
    return _one(work, statement.with_for_update() if lock else statement)


def known_positions(work: UnitOfWork) -> set[str]:
    """Every position's code."""
    return _codes(work, job_positions)


def lock_user(work: UnitOfWork, key: str) -> Row | None:
    """A user by id or name. Locks the row."""
    return _one(work, _by_key(users, "username", key).with_for_update())


def lock_users_with_role(work: UnitOfWork, role: str) -> list[Row]:
    """Active users with a role. Locks their rows, in the order of their ids."""
    statement = select(users).where(users.c.active, users.c.roles.contains([role]))
    return _all(work, statement.order_by(users.c.id).with_for_update())


def department_by_key(work: UnitOfWork, key: str) -> Row | None:
    """A department by id or code."""
    return _one(work, _by_key(departments, "code", key))


def lock_departments(work: UnitOfWork) -> dict[str, Row]:
    """All departments by code. Locks every row, in the order of their codes: the tree cannot change."""
    rows = _all(work, select(departments).order_by(departments.c.code).with_for_update())
    return {row["code"]: row for row in rows}


def known_codes(work: UnitOfWork) -> set[str]:
    """Every department's code."""
    return _codes(work, departments)


def _codes(work: UnitOfWork, table: Table) -> set[str]:
    found: set[str] = work.remembered(
        _known(table), lambda: set(work.execute(select(table.c.code)).scalars())
    )
    return found


def known_roles(work: UnitOfWork) -> dict[str, list[str]]:
    """Every role and its rights."""

    def find() -> dict[str, list[str]]:
        return {row.key: row.permissions for row in work.execute(select(roles.c.key, roles.c.permissions))}

    found: dict[str, list[str]] = work.remembered(_known(roles), find)
    return found


def all_roles(work: UnitOfWork) -> dict[str, Row]:
    """Every role by its key."""
    return {row["key"]: row for row in _all(work, select(roles))}


def role_by_key(work: UnitOfWork, key: str) -> Row | None:
    """A role by id or key."""
    return _one(work, _by_key(roles, "key", key))


def lock_role(work: UnitOfWork, key: str) -> Row | None:
    """A role by its key. Locks the row."""
    return _one(work, select(roles).where(roles.c.key == key).with_for_update())


def all_users(work: UnitOfWork) -> dict[str, Row]:
    """Every user by the name in small letters, without the passwords' hashes."""
    return {row["username"].lower(): row for row in _all(work, select(*_USER_COLUMNS))}


def all_departments(work: UnitOfWork) -> dict[str, Row]:
    """Every department by its code."""
    return {row["code"]: row for row in _all(work, select(departments))}


def all_positions(work: UnitOfWork) -> dict[str, Row]:
    """Every position by its code."""
    return {row["code"]: row for row in _all(work, select(job_positions))}


def usernames_with_role(work: UnitOfWork, role: str) -> list[Row]:
    """Active users with a role: id, username, name, mail address, department and roles."""
    names = ("id", "username", "name", "email", "department", "roles")
    statement = select(*(users.c[name] for name in names)).where(
        users.c.active, users.c.roles.contains([role])
    )
    return _all(work, statement.order_by(users.c.username))


# --- how far rights reach --------------------------------------------------------------------------------


def department_parents(work: UnitOfWork) -> dict[str, str | None]:
    """The parent of each department."""
    return {row.code: row.parent for row in work.execute(select(departments.c.code, departments.c.parent))}


def allowed_duties(work: UnitOfWork) -> dict[str, bool]:
    """What was said of duties; those of which nothing was said are as they are at first."""
    return {row.key: row.allowed for row in work.execute(select(duties.c.key, duties.c.allowed))}


def save_duty(work: UnitOfWork, key: str, allowed: bool) -> None:
    """Say whether the installation allows something."""
    statement = upsert(duties).values(key=key, allowed=allowed)
    work.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"allowed": allowed}))


def signed_in_user(work: UnitOfWork, session_id: UUID) -> Row | None:
    """The user of a session that has neither ended nor run out, with when it does (`session_expires_at`)."""
    statement = (
        select(*_USER_COLUMNS, sessions.c.expires_at.label("session_expires_at"))
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.id == session_id, sessions.c.ended_at.is_(None), sessions.c.expires_at > work.now)
    )
    return _one(work, statement)


def shares_with(work: UnitOfWork, user_id: UUID) -> list[Row]:
    """The records that are shared with a user now."""
    statement = select(record_shares).where(record_shares.c.user_id == user_id, _is_shared(work))
    return _all(work, statement.order_by(record_shares.c.shared_at, record_shares.c.id))


def shares_of(work: UnitOfWork, resource: str, record_id: UUID) -> list[Row]:
    """With whom a record is shared now, and how far."""
    shown = [column for column in record_shares.c if column.name != "user_id"]
    statement = (
        select(*shown, users.c.username, users.c.name)
        .join(users, users.c.id == record_shares.c.user_id)
        .where(record_shares.c.resource == resource, record_shares.c.record_id == record_id, _is_shared(work))
    )
    return _all(work, statement.order_by(users.c.username))


def _is_shared(work: UnitOfWork) -> Any:
    return record_shares.c.expires_at.is_(None) | (record_shares.c.expires_at > work.now)


def save_share(work: UnitOfWork, share: Mapping[str, Any]) -> None:
    """Share a record with a user, or say anew how far and until when."""
    changed = {name: share[name] for name in ("level", "shared_by", "shared_at", "expires_at")}
    statement = upsert(record_shares).values(**share)
    work.execute(statement.on_conflict_do_update(index_elements=["record_id", "user_id"], set_=changed))


def end_share(work: UnitOfWork, resource: str, record_id: UUID, user_id: UUID) -> bool:
    """Take a record back from a user; False when they did not have it."""
    which = (record_shares.c.resource == resource) & (record_shares.c.record_id == record_id)
    ended = delete(record_shares).where(which, record_shares.c.user_id == user_id)
    return bool(work.execute(ended).rowcount)


def recent_changes(work: UnitOfWork, seconds: int) -> dict[int, str]:
    """Whose rights have changed in so many seconds, by the database's clock: subjects by a growing number."""
    since = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    statement = select(identity_changes.c.identity, identity_changes.c.subject)
    found = work.execute(statement.where(identity_changes.c.at > since))
    return {row.identity: row.subject for row in found}


def forget_changes(work: UnitOfWork, before: datetime) -> int:
    """Drop changes that every process has read long ago; returns how many."""
    return int(work.execute(delete(identity_changes).where(identity_changes.c.at < before)).rowcount)


# --- lists -----------------------------------------------------------------------------------------------


def list_users(work: UnitOfWork, received: Mapping[str, Any]) -> Row:
    """One page of users, without their passwords' hashes; `q` searches names, `role` finds who has it."""
    columns = ("username", "name", "department", "created_at")
    filters = ("username", "department", "position", "active")
    where = {name: value for name, value in received["where"].items() if name not in _USER_SEARCHES}
    searches = [
        search(received["where"][name])
        for name, search in _USER_SEARCHES.items()
        if name in received["where"]
    ]
    asked = {**received, "where": where}
    return _page(work, _USER_COLUMNS, asked, filters, columns, "username", _listed_user, searches)


def _named(text: Any) -> ColumnElement[bool]:
    """Users with a text in their name or username."""
    return or_(*(column.icontains(str(text), autoescape=True) for column in (users.c.name, users.c.username)))


# What users are searched by, beside values of their columns.
_USER_SEARCHES: Mapping[str, Callable[[Any], ColumnElement[bool]]] = {
    "q": _named,
    "role": lambda key: users.c.roles.contains([str(key)]),
}


def list_people(work: UnitOfWork, received: Mapping[str, Any], text: str, usernames: Sequence[str]) -> Row:
    """One page of names: of those who are active and have a text in theirs, or of those who are named."""
    columns = [users.c.id, users.c.username, users.c.name, users.c.department]
    statement: Select[Any] = select(*columns)
    if usernames:
        statement = statement.where(users.c.username.in_(list(usernames)))
    else:
        statement = statement.where(users.c.active, _named(text))
    sort = {"username": users.c.username, "name": users.c.name}
    return page(work, statement, received, sort=sort, key=users.c.id, default_sort="username")


def list_positions(work: UnitOfWork, received: Mapping[str, Any]) -> Row:
    """One page of positions."""
    return _page(work, list(job_positions.c), received, ("code",), ("code", "name"), "code")


def list_departments(work: UnitOfWork, received: Mapping[str, Any]) -> Row:
    """One page of departments."""
    columns = ("code", "name")
    return _page(work, list(departments.c), received, ("code", "parent", "head"), columns, "code")


def list_roles(work: UnitOfWork, received: Mapping[str, Any]) -> Row:
    """One page of roles and their rights."""
    return _page(work, list(roles.c), received, ("key",), ("key", "label"), "key")


def list_keys(work: UnitOfWork, received: Mapping[str, Any]) -> Row:
    """One page of API keys, without their hashes."""
    return _page(work, _KEY_COLUMNS, received, ("name", "created_by"), ("created_at", "name"), "-created_at")


def _page(
    work: UnitOfWork,
    columns: Sequence[Any],
    received: Mapping[str, Any],
    filters: Sequence[str],
    sortable: Sequence[str],
    default_sort: str,
    to_item: Callable[[Row], Row] | None = None,
    searches: Sequence[ColumnElement[bool]] = (),
) -> Row:
    by_name = {column.name: column for column in columns}
    statement: Select[Any] = select(*columns).where(*searches)
    require_filters(received["where"], filters)
    for name, value in received["where"].items():
        statement = statement.where(by_name[name] == _wanted(name, value))
    sort = {name: by_name[name] for name in sortable}
    key = by_name["id"]
    return page(work, statement, received, sort=sort, key=key, default_sort=default_sort, to_item=to_item)


def _listed_user(row: Row) -> Row:
    return {**user_view(row), "created_at": row["created_at"]}


def _wanted(name: str, value: Any) -> Any:
    if name != "active":
        return value
    if value not in ("true", "false"):
        raise invalid_field(name, "not_a_flag", "应为 true 或 false", f"{name} 应为 true 或 false")
    return value == "true"


# --- keys ------------------------------------------------------------------------------------------------


def key_with_hash(work: UnitOfWork, key_hash: str) -> Row | None:
    """An API key that is neither revoked nor expired."""
    which = (api_keys.c.key_hash == key_hash) & api_keys.c.revoked_at.is_(None)
    row = _one(work, select(api_keys).where(which))
    return row if row and (row["expires_at"] is None or row["expires_at"] > work.now) else None


def lock_key(work: UnitOfWork, key: str) -> Row | None:
    """An API key by its id. Locks the row."""
    try:
        return _one(work, select(api_keys).where(api_keys.c.id == UUID(key)).with_for_update())
    except ValueError:
        return None


def save_form_resource(
    work: UnitOfWork, key: str, service: str, version: int, definition: Mapping[str, Any]
) -> None:
    """Keep the newest version of a form; an older one changes nothing."""
    row = {"key": key, "service": service, "version": version, "definition": definition}
    statement = upsert(form_resources).values(row)
    fresh = {name: statement.excluded[name] for name in ("service", "version", "definition")}
    is_newer = form_resources.c.version < statement.excluded.version
    work.execute(statement.on_conflict_do_update(index_elements=["key"], set_=fresh, where=is_newer))


def published_forms(work: UnitOfWork) -> list[Row]:
    """Every published form, by key. Locks nothing."""
    return _all(work, select(form_resources).order_by(form_resources.c.key))

"""Every SELECT and change of the customer service's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, false, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from services.common.db import UnitOfWork
from services.common.field_rights import concealed_names
from services.common.paging import page
from services.common.scopes import Facts, visible
from services.common.snapshots import Snapshots
from services.customer import names, rights
from services.customer.model import (
    attachments,
    customer_code_numbers,
    customer_credit,
    customer_groups,
    customer_history,
    customers,
    erp_revisions,
)
from services.customer.store.documents import (
    change_document,
    get_document,
    insert_document,
    list_documents,
    take_documents_due,
    take_reviews_due,
)
from services.customer.store.duplicates import find_alike, keys_of_several
from services.customer.store.ground import OWNED, Row, alive, with_credit
from services.customer.store.merges import (
    add_merge,
    finish_part,
    follow_merges,
    hand_over_files,
    list_merges,
    merged_into,
)

__all__ = [
    "OWNED",
    "add_merge",
    "finish_part",
    "follow_merges",
    "hand_over_files",
    "list_merges",
    "merged_into",
    "change_document",
    "find_alike",
    "get_document",
    "insert_document",
    "list_documents",
    "take_documents_due",
    "take_reviews_due",
]

_credit = (
    func.coalesce(customer_credit.c.credit_status, "unset").label("credit_status"),
    customer_credit.c.credit_limit,
    func.coalesce(customer_credit.c.credit_unlimited, False).label("credit_unlimited"),
    customer_credit.c.credit_currency,
    customer_credit.c.payment_term_days,
    customer_credit.c.grade,
    func.coalesce(customer_credit.c.exposure, 0).label("exposure"),
)
# What of a customer is only for the service itself.
_INNER = {"deleted_at", "form_version", "name_key", "name_pieces", "review_remind_on", "merged_into"}
_plain = [column for column in customers.c if column.name not in _INNER]
_SORTS: dict[str, ColumnElement[Any]] = {
    "created_at": customers.c.created_at,
    "updated_at": customers.c.updated_at,
    "code": customers.c.code,
    "name": customers.c.name,
    "region": customers.c.region,
    "salesperson": customers.c.salesperson,
    "credit_limit": customer_credit.c.credit_limit,
    "grade": customer_credit.c.grade,
    "credit_review_on": customers.c.credit_review_on,
}
_EQUALS: dict[str, ColumnElement[Any]] = {
    "code": customers.c.code,
    "name": customers.c.name,
    "uscc": customers.c.uscc,
    "region": customers.c.region,
    "salesperson": customers.c.salesperson,
    "department": customers.c.department,
    "grade": customer_credit.c.grade,
    "credit_status": func.coalesce(customer_credit.c.credit_status, "unset"),
    "list_kind": customers.c.list_kind,
}
FILTERS = frozenset((*_EQUALS, "group_id", "q", "tags", "review_until", "duplicated"))


def _all() -> Select[Any]:
    return select(*_plain, *_credit).select_from(with_credit).where(alive)


def get_customer(work: UnitOfWork, customer_id: UUID | None, code: str | None = None) -> Row | None:
    """A customer that is not deleted, by id or else by code, with the copies of its credit. Locks nothing.

    None for one that the caller may not see.
    """
    here = customers.c.id == customer_id if customer_id is not None else customers.c.code == code
    row = work.execute(_all().where(here, visible(work, OWNED))).mappings().first()
    return dict(row) if row else None


def get_customers(work: UnitOfWork, customer_ids: Sequence[UUID]) -> list[Row]:
    """Those of the customers that are there for the caller. Locks nothing."""
    wanted = _all().where(customers.c.id.in_(customer_ids), visible(work, OWNED))
    rows = work.execute(wanted.order_by(customers.c.id)).mappings()
    return [dict(row) for row in rows]


def count_beside(work: UnitOfWork, codes: Sequence[str]) -> int:
    """How many customers there are whose codes are not among these."""
    others = _all().where(customers.c.code.not_in(codes)).subquery()
    return int(work.execute(select(func.count()).select_from(others)).scalar_one())


def facts_of(work: UnitOfWork, key: str) -> Facts | None:
    """What record scopes read of a customer."""
    row = get_customer(work, *id_or_code(key))
    return None if row is None else OWNED.facts(row)


def id_or_code(key: str) -> tuple[UUID | None, str | None]:
    """A key as an id, or else as a code."""
    try:
        return (UUID(key), None) if len(key) == 36 else (None, key)
    except ValueError:
        return None, key


def lock_customer(work: UnitOfWork, customer_id: UUID | None, code: str | None = None) -> Row | None:
    """The same as `get_customer`; locks the customer's row until the transaction ends."""
    here = customers.c.id == customer_id if customer_id is not None else customers.c.code == code
    locked = work.execute(select(customers.c.id).where(here, alive).with_for_update()).scalar()
    return get_customer(work, locked) if locked else None


def list_customers(
    work: UnitOfWork, received: Mapping[str, Any], where: Mapping[str, Any], form_where: Mapping[str, str]
) -> dict[str, Any]:
    """One page of customers: `where` holds core filters and `q`, `form_where` form fields. Locks nothing."""
    statement = _all().where(visible(work, OWNED))
    for name, value in where.items():
        statement = statement.where(_condition(work, name, value))
    for key, text in form_where.items():
        statement = statement.where(customers.c.fields[key].astext == text)
    return page(work, statement, received, sort=_SORTS, key=customers.c.id, default_sort="-created_at")


def _condition(work: UnitOfWork, name: str, value: Any) -> ColumnElement[bool]:
    if name == "q":
        text = f"%{_escaped(value)}%"
        unseen = concealed_names(work.caller, rights.CUSTOMERS.key)
        searched = (customers.c[one] for one in ("name", "code", "uscc") if one not in unseen)
        return or_(false(), *(column.ilike(text, escape="\\") for column in searched))
    if name == "tags":
        return customers.c.tags.contains([value])
    if name == "review_until":
        return and_(customers.c.credit_review_on <= value)
    if name == "duplicated":
        several = customers.c.name_key.in_(keys_of_several(work))
        return several if value else ~several
    column = customers.c.group_id if name == "group_id" else _EQUALS[name]
    equal: ColumnElement[bool] = column == value
    return equal


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def find_taken(work: UnitOfWork, code: str | None, uscc: str | None, but: UUID | None = None) -> Row | None:
    """Another customer with this code or credit code, the one with the code first. Locks nothing.

    `seen` says whether the caller may know more of it than that it is there.
    """
    same = [customers.c.code == code] if code is not None else []
    if uscc is not None:
        same.append(customers.c.uscc == uscc)
    if not same:
        return None
    shown = (customers.c.id, customers.c.code, customers.c.name, customers.c.uscc)
    seen = visible(work, OWNED).label("seen")
    statement = select(*shown, seen).select_from(with_credit).where(alive, or_(*same))
    if but is not None:
        statement = statement.where(customers.c.id != but)
    row = (
        work.execute(statement.order_by((customers.c.code == (code or "")).desc()).limit(1))
        .mappings()
        .first()
    )
    return dict(row) if row else None


def insert_customers(work: UnitOfWork, rows: Sequence[Row]) -> set[UUID]:
    """Insert customers; the ids of those whose code and credit code nobody had.

    Waits for a transaction that is just inserting the same code.
    """
    statement = upsert(customers).on_conflict_do_nothing().returning(customers.c.id)
    return set(work.execute(statement.values([{**row, **_name_columns(row)} for row in rows])).scalars())


def update_customer(work: UnitOfWork, customer_id: UUID, values: Mapping[str, Any]) -> bool:
    """Change a customer's row; false when another customer has the code or credit code."""
    try:
        with work.savepoint():
            values = {**values, **_name_columns(values)}
            work.execute(update(customers).where(customers.c.id == customer_id).values(**values))
    except IntegrityError:
        return False
    return True


def _name_columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a name is found by among those that are like it."""
    if "name" not in row:
        return {}
    key = names.name_key(row["name"])
    return {"name_key": key, "name_pieces": names.pieces(key)}


def next_code_number(work: UnitOfWork) -> int:
    """The next number for a generated code; numbers of rolled-back customers are not used again."""
    return int(work.execute(select(customer_code_numbers.next_value())).scalar_one())


def add_history(work: UnitOfWork, entries: Sequence[Row]) -> None:
    """Write what was changed, by whom; nothing ever changes these rows."""
    if entries:
        work.execute(insert(customer_history), list(entries))


def list_history(work: UnitOfWork, customer_id: UUID, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of a customer's history, the newest first. Locks nothing."""
    history = customer_history.c
    statement = select(
        history.identity.label("id"),
        history.version,
        history.action,
        history.changes,
        history.changed_at,
        history.changed_by,
    ).where(history.customer_id == customer_id)
    sort = {"id": history.identity, "changed_at": history.changed_at}
    return page(work, statement, received, sort=sort, key=history.identity, default_sort="-id")


def put_credit(work: UnitOfWork, copy: Mapping[str, Any]) -> None:
    """Keep the copy of what another service decided; touches only the columns given."""
    work.part(Snapshots).put(customer_credit, {**copy, "updated_at": work.now})


def claim_erp_revision(work: UnitOfWork, source: str, code: str, revision: int) -> bool:
    """Whether this revision is newer than every one seen; if so it is remembered.

    Locks the row of (source, code), so that two deliveries go one after the other.
    """
    statement = upsert(erp_revisions).values(source=source, code=code, revision=revision, updated_at=work.now)
    newer = statement.on_conflict_do_update(
        index_elements=["source", "code"],
        set_={"revision": statement.excluded.revision, "updated_at": statement.excluded.updated_at},
        where=erp_revisions.c.revision < statement.excluded.revision,
    ).returning(erp_revisions.c.revision)
    return work.execute(newer).first() is not None


def has_group(work: UnitOfWork, group_id: UUID) -> bool:
    """Whether the customer group exists. Locks nothing."""
    return (
        work.execute(select(customer_groups.c.id).where(customer_groups.c.id == group_id)).first() is not None
    )


def insert_group(work: UnitOfWork, row: Row) -> bool:
    """Insert a group; false when its code is taken."""
    statement = upsert(customer_groups).values(row).on_conflict_do_nothing(index_elements=["code"])
    return work.execute(statement.returning(customer_groups.c.id)).first() is not None


def lock_groups(work: UnitOfWork) -> dict[UUID, Row]:
    """Every customer group by id. Locks all their rows, in the order of their ids."""
    group = customer_groups.c
    columns = (group.id, group.code, group.name, group.parent_id, group.created_at)
    statement = select(*columns).order_by(group.id).with_for_update()
    return {row["id"]: dict(row) for row in work.execute(statement).mappings()}


def change_group(work: UnitOfWork, group_id: UUID, values: Mapping[str, Any]) -> None:
    """Write columns of a group that is locked."""
    work.execute(customer_groups.update().where(customer_groups.c.id == group_id).values(**values))


def list_groups(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of the customer groups that the caller reaches. Locks nothing.

    Somebody whose right does not reach all customers reaches the groups of those it reaches, and the groups
    above them, without which these would have no place in the tree; above them, nothing else is told than
    their place, code and name.
    """
    group = customer_groups.c
    statement = select(group.id, group.code, group.name, group.parent_id)
    if work.caller.clauses_of(work.right) is not None:
        own = select(customers.c.group_id).select_from(with_credit).where(alive, visible(work, OWNED))
        tree = select(group.id, group.parent_id).where(group.id.in_(own)).cte(recursive=True)
        above = select(group.id, group.parent_id).join(tree, group.id == tree.c.parent_id)
        tree = tree.union(above)
        created_at = case((group.id.in_(own), group.created_at))
        statement = statement.add_columns(created_at.label("created_at")).where(
            group.id.in_(select(tree.c.id))
        )
    else:
        statement = statement.add_columns(group.created_at)
    return page(
        work,
        statement,
        received,
        sort={"code": group.code, "name": group.name},
        key=group.id,
        default_sort="code",
    )


def insert_attachment(work: UnitOfWork, row: Row) -> None:
    """Register a stored file."""
    work.execute(insert(attachments).values(row))


def list_attachments(work: UnitOfWork, customer_id: UUID, received: Mapping[str, Any]) -> dict[str, Any]:
    """One page of a customer's attachments. Locks nothing."""
    kept = (attachments.c.customer_id == customer_id) & attachments.c.deleted_at.is_(None)
    shown = [column for column in attachments.c if column.name not in ("storage_key", "deleted_at")]
    sort = {"uploaded_at": attachments.c.uploaded_at, "name": attachments.c.name}
    statement = select(*shown).where(kept)
    return page(work, statement, received, sort=sort, key=attachments.c.id, default_sort="-uploaded_at")


def get_attachment(work: UnitOfWork, customer_id: UUID, attachment_id: UUID) -> Row | None:
    """An attachment with its storage key. Locks nothing."""
    statement = select(attachments).where(
        attachments.c.id == attachment_id,
        attachments.c.customer_id == customer_id,
        attachments.c.deleted_at.is_(None),
    )
    row = work.execute(statement).mappings().first()
    return dict(row) if row else None


def mark_attachment_deleted(work: UnitOfWork, attachment_id: UUID) -> bool:
    """Hide an attachment; false when somebody has just done so. Locks its row."""
    statement = (
        update(attachments)
        .where(attachments.c.id == attachment_id, attachments.c.deleted_at.is_(None))
        .values(deleted_at=work.now)
    )
    return bool(work.execute(statement).rowcount)


def count_with(work: UnitOfWork, _form: str, keys: Sequence[str]) -> dict[str, int]:
    """How many customers hold something under each of these fields of the form."""
    held = (customers.c.fields.op("?")(key) for key in keys)
    holding = [func.count().filter(one).label(f"k{place}") for place, one in enumerate(held)]
    row = work.execute(select(*holding).where(alive)).one()
    return dict(zip(keys, map(int, row), strict=True))

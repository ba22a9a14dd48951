"""Which payment term is in force for a customer, and when an invoice falls due by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.limits import store
from services.limits.ledger import base_grant
from services.limits.operations import dates
from services.limits.terms import CASH_TERM, NET, Share, Term, due_columns, term_of, term_view


def asked_term(granted: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a grant that say its term; `term_days` is the longest that a part of it stays unpaid."""
    if granted["term"] is None:
        return {"term_days": granted["term_days"], "term": None}
    shares = tuple(Share(part["percent"], part["days"]) for part in granted["term"]["parts"] or ())
    term = Term(granted["term"]["kind"], granted["term"]["days"] or 0, shares)
    return {"term_days": term.longest_days, "term": None if term.kind == NET else term_view(term)}


def term_in_force(rows: Sequence[Mapping[str, Any]], currency: str, on: date) -> Term | None:
    """The term that goes with the limit in force on a date: in this currency, else in any; None without.

    `rows` are the grants of the customer.
    """
    for among in ([row for row in rows if row["currency"] == currency], rows):
        grants = store.as_grants(among)
        in_force = base_grant(on, grants)
        for row, grant in zip(among, grants, strict=True):
            if grant is in_force:
                return term_of(row["term"], row["term_days"])
    return None


def due_dates(work: UnitOfWork, customer_id: UUID, received: Mapping[str, Any]) -> dict[str, Any]:
    """When a new invoice falls due: on the date that it names, else by its customer's term.

    That is the term in force on its date, else, for an invoice from before the first limit, the one in
    force on the business date; who has no term pays cash. Answers the invoice's columns.
    """
    base, amount, currency = received["invoice_date"], received["amount"], received["currency"]
    if received["due_date"] is not None:
        return due_columns([(received["due_date"], amount)])
    rows = store.grants_of(work, customer_id)
    term = (
        term_in_force(rows, currency, base) or term_in_force(rows, currency, dates.today(work)) or CASH_TERM
    )
    return due_columns(term.due_dates(base, amount, currency))

"""What one unit of work holds of the ledger: read set by set, changed in memory, written in a few statements.

Everything a customer owns is guarded by the lock of the customer's row, so what was read after that lock
stays true until the transaction ends. A batch reads what it will need for all its customers at once; a
single document reads the same through the same functions, for one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Table, Uuid, any_, bindparam

from services.common.db import UnitOfWork
from services.common.journal import Journalled
from services.limits import model
from services.limits.store.closings import correct_closings
from services.limits.store.open_changes import note_open_changes
from services.limits.store.order_days import add_up_days
from services.limits.store.rows import Row, all_rows
from services.limits.store.shelf import Pile, Shelf
from services.limits.store.together import Question, read_together

Teller = Callable[[UnitOfWork, Sequence[UUID]], None]
Taker = Callable[[list[Row]], None]

# Where a new row's key is given by the database, it gets one of these until it is written.
_FIRST_TEMPORARY_KEY = -1


def among_ids(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a column's id is one of the parameter `ids`."""
    return column == any_(bindparam("ids", type_=ARRAY(Uuid)))


class Book(Journalled):
    """The shelves of one unit of work; the functions of this package read and write through them."""

    def __init__(self, work: UnitOfWork) -> None:
        super().__init__()
        self._work = work
        self._known: set[Hashable] = set()
        self._changed: dict[UUID, None] = {}
        self._teller: Teller | None = None
        self._temporary = _FIRST_TEMPORARY_KEY
        self._asked: list[tuple[Question, Taker]] | None = None
        self._make_shelves()
        # Customers, and documents below what they belong to: in this order rows may refer to one another.
        self._written = (
            self.pools,
            self.grants,
            self.guarantees,
            self.freezes,
            self.orders,
            self.deliveries,
            self.invoices,
            self.payments,
            self.write_offs,
            self.bills,
            self.disputes,
            self.overrides,
            self.allocations,
            self.decisions,
        )
        self._piles = (
            self.entries,
            self.open_changes,
            self.reserved_changes,
            self.override_uses,
            self.erp_event_ids,
        )

    def _make_shelves(self) -> None:
        def shelf(table: Table, *indexes: tuple[str, ...]) -> Shelf:
            return Shelf(table, self._journal, *indexes)

        of_customer = ("customer_id",)
        self.customers = shelf(model.customers, ("code",))
        self.pools = shelf(model.pools, ("kind", "key"))
        self.grants = shelf(model.grants, of_customer, ("application_id",), ("pool_kind", "pool_key"))
        self.guarantees = shelf(model.guarantees, of_customer, ("pool_kind", "pool_key"))
        self.freezes = shelf(model.freezes, of_customer)
        self.orders = shelf(model.orders, of_customer, ("source", "company", "order_no"), ("order_no",))
        self.deliveries = shelf(model.deliveries, ("order_id",))
        self.invoices = shelf(
            model.invoices,
            of_customer,
            ("source", "company", "invoice_no"),
            ("invoice_no",),
            ("source", "order_no"),
        )
        self.payments = shelf(
            model.payments,
            of_customer,
            ("kind", "source", "company", "payment_no"),
            ("kind", "payment_no"),
            ("source", "order_no"),
        )
        self.write_offs = shelf(
            model.write_offs, ("source", "company", "write_off_no"), ("write_off_no",), ("invoice_id",)
        )
        self.bills = shelf(model.bills, ("payment_id",), ("bill_no",))
        self.disputes = shelf(model.disputes, ("invoice_id",))
        self.overrides = shelf(model.overrides, of_customer)
        self.allocations = shelf(model.allocations, of_customer, ("payment_id",), ("invoice_id",))
        self.decisions = shelf(model.decisions)
        self.waiting = shelf(model.waiting_documents, ("waits_for", "key"))
        self.entries = Pile(model.entries, self._journal)
        self.open_changes = Pile(model.open_changes, self._journal)
        self.reserved_changes = Pile(model.reserved_changes, self._journal)
        self.override_uses = Pile(model.override_uses, self._journal)
        self.erp_event_ids = Pile(model.erp_event_ids, self._journal)

    # --- a part of the unit of work ----------------------------------------------------------------------

    def forget(self) -> None:
        """Hold nothing any more."""
        self._journal.clear()
        self._known.clear()
        self._changed.clear()
        for held in (self.customers, *self._written, self.waiting, *self._piles):
            held.forget()

    def flush(self) -> None:
        """Tell the accounts that have changed, and write everything."""
        if self._changed and self._teller is not None:
            changed = sorted(self._changed)
            self._changed.clear()
            self._teller(self._work, changed)
        if not self._journal:
            return
        correct_closings(self._work, self)
        note_open_changes(self._work, self)
        add_up_days(self._work, self)
        self._journal.clear()
        for held in (self.allocations, self.waiting):
            held.delete(self._work)
        for held in self._written:
            held.write(self._work)
        self.waiting.write(self._work, without=("identity",))
        for pile in self._piles:
            pile.write(self._work)

    def tell(self, customer_ids: Iterable[UUID], teller: Teller) -> None:
        """Have these accounts told once, as they are when everything is written."""
        self._teller = teller
        self._changed.update(dict.fromkeys(customer_ids))

    # --- reading -----------------------------------------------------------------------------------------

    @contextmanager
    def together(self) -> Iterator[None]:
        """Ask in one trip for what the block fetches; it is held when the block ends, not before."""
        if self._asked is not None:
            yield
            return
        asked: list[tuple[Question, Taker]] = []
        self._asked = asked
        try:
            yield
        finally:
            self._asked = None
        found = read_together(self._work, [question for question, _ in asked])
        for (_, take), rows in zip(asked, found, strict=True):
            take(rows)

    def ask(self, statement: Select[Any], parameters: Mapping[str, Any], take: Taker) -> None:
        """Hand what a statement finds to `take`, now or at the end of the block that asks `together`."""
        if self._asked is None:
            take(all_rows(self._work, statement, parameters))
        else:
            self._asked.append((Question(statement, parameters), take))

    def fetch(
        self,
        what: Hashable,
        keys: Iterable[Any],
        statement: Select[Any],
        shelf: Shelf,
        parameters_of: Callable[[list[Any]], Mapping[str, Any]],
        *,
        checked: Callable[[list[Any], list[Row]], list[Row]] | None = None,
    ) -> None:
        """Hold what belongs to keys that nobody has asked for yet under the name `what`.

        `checked` may put other rows for those that were found.
        """
        missing = [key for key in dict.fromkeys(keys) if (what, key) not in self._known]
        if not missing:
            return

        def take(rows: list[Row]) -> None:
            shelf.hold(rows if checked is None else checked(missing, rows))
            self.know(what, missing)

        self.ask(statement, parameters_of(missing), take)

    def fetch_ids(
        self,
        what: Hashable,
        ids: Iterable[UUID],
        statement: Select[Any],
        shelf: Shelf,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        """The same for a statement with the parameter `ids`."""
        self.fetch(what, ids, statement, shelf, lambda missing: {"ids": missing, **(parameters or {})})

    def know(self, what: Hashable, keys: Iterable[Any]) -> None:
        """Remember that everything under these keys is held."""
        self._known.update((what, key) for key in keys)

    def knows(self, what: Hashable, key: Any) -> bool:
        """Whether everything under a key is held."""
        return (what, key) in self._known

    def temporary_key(self) -> int:
        """A key for a row whose key the database gives."""
        self._temporary -= 1
        return self._temporary


def book_of(work: UnitOfWork) -> Book:
    """The book of a unit of work."""
    return work.part(Book)


def together(work: UnitOfWork) -> AbstractContextManager[None]:
    """Ask in one trip for all that the block reads into the book; it is held when the block ends."""
    return book_of(work).together()

"""A shelf against a plain dictionary: whatever is taken back was never there."""

from __future__ import annotations

from copy import deepcopy
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.limits.model import deliveries
from services.limits.store.shelf import Shelf, Undo

_ids = st.integers(1, 6).map(lambda number: UUID(int=number))
_orders = st.integers(1, 2).map(lambda number: UUID(int=100 + number))
_numbers = st.sampled_from(["a", "b"])
_BY_ORDER = ("order_id",)


class ShelfMachine(RuleBasedStateMachine):
    """Adds, changes and removes rows, marks places in the journal and goes back to them."""

    def __init__(self) -> None:
        super().__init__()
        self.journal: list[Undo] = []
        self.shelf = Shelf(deliveries, self.journal, _BY_ORDER)
        self.model: dict[UUID, dict[str, Any]] = {}
        self.marks: list[tuple[int, dict[UUID, dict[str, Any]]]] = []

    @rule(key=_ids, order=_orders, number=_numbers)
    def add(self, key: UUID, order: UUID, number: str) -> None:
        if key not in self.model:
            row = {"id": key, "order_id": order, "delivery_no": number}
            self.shelf.add(row)
            self.model[key] = row

    @rule(key=_ids, number=_numbers)
    def change(self, key: UUID, number: str) -> None:
        if key in self.model:
            self.shelf.change(key, {"delivery_no": number})
            self.model[key] = {**self.model[key], "delivery_no": number}

    @rule(key=_ids, order=_orders)
    def move(self, key: UUID, order: UUID) -> None:
        if key in self.model:
            self.shelf.change(key, {"order_id": order})
            self.model[key] = {**self.model[key], "order_id": order}

    @rule(key=_ids)
    def remove(self, key: UUID) -> None:
        if key in self.model:
            self.shelf.remove(key)
            del self.model[key]

    @rule()
    def mark(self) -> None:
        self.marks.append((len(self.journal), deepcopy(self.model)))

    @precondition(lambda self: bool(self.marks))
    @rule()
    def take_back(self) -> None:
        place, self.model = self.marks.pop()
        while len(self.journal) > place:
            self.journal.pop()()

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        for number in range(1, 7):
            row = self.shelf.get(UUID(int=number))
            wanted = self.model.get(UUID(int=number))
            assert (row is None) == (wanted is None)
            assert row is None or wanted is None or wanted.items() <= row.items()

    @invariant()
    def finds_by_its_index(self) -> None:
        for number in (101, 102):
            found = {row["id"] for row in self.shelf.find(_BY_ORDER, UUID(int=number))}
            assert found == {key for key, row in self.model.items() if row["order_id"] == UUID(int=number)}

    @invariant()
    def tells_what_changed_by_its_index(self) -> None:
        for number in (101, 102):
            found = [
                row["id"] for row, sign in self.shelf.changes_of(_BY_ORDER, UUID(int=number)) if sign == 1
            ]
            wanted = [key for key, row in self.model.items() if row["order_id"] == UUID(int=number)]
            assert sorted(found) == sorted(wanted)

    @invariant()
    def hands_out_copies(self) -> None:
        for key in self.model:
            row = self.shelf.get(key)
            assert row is not None
            row["delivery_no"] = "somebody's own"
            kept = self.shelf.get(key)
            assert kept is not None
            assert kept["delivery_no"] != "somebody's own"


TestShelf = ShelfMachine.TestCase
TestShelf.settings = settings(max_examples=100, deadline=None)


def test_a_row_that_was_read_counts_where_it_was_and_where_it_is() -> None:
    shelf = Shelf(deliveries, [], _BY_ORDER)
    here, there, key = (UUID(int=number) for number in (101, 102, 1))
    shelf.hold([{**dict.fromkeys(column.name for column in deliveries.columns), "id": key, "order_id": here}])
    shelf.change(key, {"order_id": there})
    assert [sign for _, sign in shelf.changes_of(_BY_ORDER, here)] == [-1]
    assert [sign for _, sign in shelf.changes_of(_BY_ORDER, there)] == [1]
    assert shelf.find(_BY_ORDER, here) == []

"""What the doors of all documents share: customers who are new here, grouping, and batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from services.common.db import UnitOfWork
from services.common.fields import load
from services.common.group_commit import Foresee
from services.common.messaging import Call, Service
from services.common.positions import StreamStopped
from services.limits.operations import accounts, batches

_KNOWN_MAX = 1_000_000
# Customers asked about before in this process: whether they are there is settled, so nobody asks again.
_known: set[tuple[str, str]] = set()


def _nothing_to_foresee(work: UnitOfWork, inputs: Sequence[Any]) -> None:
    """A batch reads for its items by itself, once it has sorted out the wrong ones."""


class DocumentsDoor(Service):
    """A service that takes documents of customers."""

    def knowing_customers(self, call: Call, operation: Any, *arguments: Any) -> dict[str, Any]:
        """Apply an operation, having read the customer service's news where the customer is new here.

        Whoever has just created a customer may use it at once.
        """
        self.learn_missing(call, [call.received])
        return self.apply(call, operation, *arguments)

    def document(self, call: Call, operation: Any, foresee: Foresee) -> dict[str, Any]:
        """Apply a document of a customer together with those that come at the same time."""
        self.learn_missing(call, [call.received])
        return self.apply_grouped(call, operation, foresee)

    def batch(self, call: Call, shape: Any, operation: Any, foresee: Foresee) -> dict[str, Any]:
        """Apply many documents in one unit of work, each standing alone."""
        items = call.input["items"]
        self.learn_missing(call, items)

        def run(work: UnitOfWork, _: Any) -> dict[str, Any]:
            return batches.run_batch(work, items, partial(load, shape), operation, foresee)

        return self.apply_grouped(call, run, _nothing_to_foresee, alone=True)

    def learn_missing(self, call: Call, items: Sequence[Any]) -> None:
        """Read the customer service's news when somebody names customers that are not known here yet."""
        named = {
            (name, str(item[name]))
            for item in items
            if isinstance(item, Mapping)
            for name in accounts.PARTIES
            if item.get(name)
        }
        new = named - _known
        if new and not self.read(call, accounts.knows_customers, new):
            try:
                self.catch_up("customer")
            except StreamStopped:
                return
        if len(_known) > _KNOWN_MAX:
            _known.clear()
        _known.update(new)

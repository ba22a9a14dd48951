"""Many documents in one unit of work, each standing alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.common.errors import CreditError, is_passing
from services.limits.operations.accounts import tell_accounts

_DOCUMENTS = ("order", "invoice", "payment", "credit_note", "write_off")


def run_batch(
    work: UnitOfWork,
    items: Sequence[Any],
    load: Callable[[Any], Mapping[str, Any]],
    operation: Callable[[UnitOfWork, Mapping[str, Any]], dict[str, Any]],
    foresee: Callable[[UnitOfWork, Sequence[Mapping[str, Any]]], None],
) -> dict[str, Any]:
    """Run one operation for each item, each failing alone; every changed account is told once.

    `foresee` locks the customers of all items, in one order, so that batches cannot deadlock, and reads
    together what the operations will ask for.
    """
    loaded = [_loaded(item, load) for item in items]
    foresee(work, [item for item in loaded if not isinstance(item, CreditError)])
    results: list[dict[str, Any]] = []
    changed: set[UUID] = set()
    for index, item in enumerate(loaded):
        answer = item if isinstance(item, CreditError) else _run_item(work, item, operation)
        if isinstance(answer, CreditError):
            results.append({"index": index, "status": "error", "problem": problem_view(answer)})
            continue
        if answer["status"] != "duplicate":
            changed.add(UUID(str(answer["customer_id"])))
        shown = {name: value for name, value in answer.items() if name != "customer_id"}
        results.append({"index": index, **shown})
    tell_accounts(work, changed)
    return {"results": results}


def problem_view(refusal: CreditError) -> dict[str, Any]:
    """A refusal as a member of a batch's results."""
    return {
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.detail,
        "errors": refusal.errors,
    }


def _loaded(item: Any, load: Callable[[Any], Mapping[str, Any]]) -> Mapping[str, Any] | CreditError:
    try:
        return load(item)
    except CreditError as refusal:
        return refusal


def _run_item(
    work: UnitOfWork,
    item: Mapping[str, Any],
    operation: Callable[[UnitOfWork, Mapping[str, Any]], dict[str, Any]],
) -> dict[str, Any] | CreditError:
    try:
        with work.attempt():
            answer = operation(work, item)
    except CreditError as refusal:
        if is_passing(refusal):
            raise
        return refusal
    document: Mapping[str, Any] = next((answer[name] for name in _DOCUMENTS if name in answer), {})
    # Of an order, whoever pays has another account by it.
    return {**answer, "customer_id": document.get("payer_id") or document.get("customer_id")}

"""Invoices, what pays them, and what becomes of them."""

from __future__ import annotations

from typing import Any

from gateway.routes import Route
from services.limits import schema


def _recorded(answer: dict[str, Any]) -> int:
    return 201 if answer["status"] == "recorded" else 200


def _of(kind: str, body: Any, *, together: bool = True) -> list[Route]:
    right, what = f"{kind}s", kind.replace("_", " ")
    many = f"/{right.replace('_', '-')}"
    return [
        Route(
            "POST",
            many,
            service="limits",
            call=f"record_{kind}",
            permission=f"{right}.create",
            body=body,
            status=_recorded,
            together=together,
            tag=right,
            summary=f"Record one {what}",
        ),
        Route(
            "POST",
            f"{many}:batch",
            service="limits",
            call=f"record_{kind}s",
            permission=f"{right}.create",
            body=schema.Batch,
            answer=schema.BatchAnswer,
            tag=right,
            summary=f"Record up to 5,000 {what}s; each stands alone",
            timeout_seconds=120,
        ),
        _list(many, f"list_{kind}s", f"{right}.read", f"The {what}s, newest first"),
        Route(
            "POST",
            f"{many}/<number>:reverse",
            service="limits",
            call=f"reverse_{kind}",
            permission=f"{right}.reverse",
            body=schema.DocumentKey,
            tag=right,
            summary=f"Take one {what} back",
        ),
    ]


def _list(path: str, call: str, permission: str, summary: str) -> Route:
    return Route(
        "GET",
        path,
        service="limits",
        call=call,
        permission=permission,
        listing=True,
        tag=permission.partition(".")[0],
        summary=summary,
    )


def _act(path: str, call: str, permission: str, body: Any, summary: str) -> Route:
    return Route(
        "POST",
        path,
        service="limits",
        call=call,
        permission=permission,
        body=body,
        tag=permission.partition(".")[0],
        summary=summary,
    )


ROUTES = [
    *_of("invoice", schema.NewInvoice),
    *_of("payment", schema.NewPayment),
    *_of("credit_note", schema.NewCreditNote),
    *_of("write_off", schema.NewWriteOff, together=False),
    _act(
        "/payments/<number>:allocate",
        "allocate_payment",
        "payments.allocate",
        schema.Reallocation,
        "Assign what nobody has assigned of a payment; the rest covers what is due first",
    ),
    _act(
        "/payments/<number>:reallocate",
        "reallocate_payment",
        "payments.allocate",
        schema.Reallocation,
        "Take back what a payment is for, and assign it anew",
    ),
    _list("/bills", "list_bills", "payments.read", "Acceptance bills, the first due first"),
    _act(
        "/bills/<number>:honour",
        "honour_bill",
        "payments.create",
        schema.BillKey,
        "An acceptance bill was paid: what it bound is free",
    ),
    _act(
        "/bills/<number>:dishonour",
        "dishonour_bill",
        "payments.reverse",
        schema.BillKey,
        "An acceptance bill was not paid: what it paid is open again",
    ),
    Route(
        "POST",
        "/disputes",
        service="limits",
        call="open_dispute",
        permission="disputes.open",
        body=schema.NewDispute,
        status=201,
        tag="disputes",
        summary="A customer disputes an invoice, or a part of it",
    ),
    _list("/disputes", "list_disputes", "disputes.read", "Disputes, newest first"),
    _act(
        "/disputes/<dispute_id>:resolve",
        "resolve_dispute",
        "disputes.resolve",
        schema.DisputeKey,
        "End a dispute; what is still open of it is overdue again",
    ),
    _act(
        "/credit-notes/<number>:reallocate",
        "reallocate_credit_note",
        "credit_notes.create",
        schema.Reallocation,
        "Take back what a credit note is for, and assign it anew",
    ),
]

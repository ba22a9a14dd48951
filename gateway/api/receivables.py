"""Invoices and payments."""

from __future__ import annotations

from typing import Any

from gateway.routes import Route
from services.limits import schema


def _recorded(answer: dict[str, Any]) -> int:
    return 201 if answer["status"] == "recorded" else 200


def _of(kind: str, body: Any) -> list[Route]:
    many, right = f"/{kind}s", f"{kind}s"
    return [
        Route(
            "POST",
            many,
            service="limits",
            call=f"record_{kind}",
            permission=f"{right}.create",
            body=body,
            status=_recorded,
            together=True,
            tag=right,
            summary=f"Record one {kind}",
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
            summary=f"Record up to 5,000 {kind}s; each stands alone",
            timeout_seconds=120,
        ),
        Route(
            "GET",
            many,
            service="limits",
            call=f"list_{kind}s",
            permission=f"{right}.read",
            listing=True,
            tag=right,
            summary=f"The {kind}s, newest first",
        ),
        Route(
            "POST",
            f"{many}/<number>:reverse",
            service="limits",
            call=f"reverse_{kind}",
            permission=f"{right}.reverse",
            body=schema.DocumentKey,
            tag=right,
            summary=f"Take one {kind} back",
        ),
    ]


ROUTES = [*_of("invoice", schema.NewInvoice), *_of("payment", schema.NewPayment)]

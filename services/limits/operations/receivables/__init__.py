"""Receivables: what happened is recorded, matched, and gives the limit back at once."""

from services.limits.operations.receivables.documents import list_documents
from services.limits.operations.receivables.invoices import (
    foresee_invoices,
    match_order,
    record_invoice,
    record_invoice_locked,
    reverse_invoice,
)
from services.limits.operations.receivables.payments import (
    foresee_payments,
    record_payment,
    record_payment_locked,
    reverse_payment,
)

__all__ = [
    "foresee_invoices",
    "foresee_payments",
    "list_documents",
    "match_order",
    "record_invoice",
    "record_invoice_locked",
    "record_payment",
    "record_payment_locked",
    "reverse_invoice",
    "reverse_payment",
]

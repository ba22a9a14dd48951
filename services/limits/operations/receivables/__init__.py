"""Receivables: what happened is recorded, matched, and gives the limit back at once."""

from services.limits.operations.receivables.bills import dishonour_bill, honour_bill, list_bills
from services.limits.operations.receivables.credit_notes import (
    foresee_credit_notes,
    reallocate_credit_note,
    record_credit_note,
    record_credit_note_locked,
    reverse_credit_note,
)
from services.limits.operations.receivables.disputes import list_disputes, open_dispute, resolve_dispute
from services.limits.operations.receivables.documents import list_documents
from services.limits.operations.receivables.invoices import (
    foresee_invoices,
    record_invoice,
    record_invoice_locked,
    reverse_invoice,
)
from services.limits.operations.receivables.payments import (
    foresee_payments,
    reallocate_payment,
    record_payment,
    record_payment_locked,
    reverse_payment,
)
from services.limits.operations.receivables.write_offs import (
    foresee_write_offs,
    record_write_off,
    record_write_off_locked,
    reverse_write_off,
)

__all__ = [
    "dishonour_bill",
    "honour_bill",
    "list_bills",
    "list_disputes",
    "open_dispute",
    "resolve_dispute",
    "foresee_credit_notes",
    "foresee_write_offs",
    "reallocate_credit_note",
    "reallocate_payment",
    "record_credit_note",
    "record_credit_note_locked",
    "record_write_off",
    "record_write_off_locked",
    "reverse_credit_note",
    "reverse_write_off",
    "foresee_invoices",
    "foresee_payments",
    "list_documents",
    "record_invoice",
    "record_invoice_locked",
    "record_payment",
    "record_payment_locked",
    "reverse_invoice",
    "reverse_payment",
]

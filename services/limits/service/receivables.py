"""The door of receivables: invoices, what pays them, and what becomes of them."""

from __future__ import annotations

from functools import partial
from typing import Any

from services.common.messaging import Call, endpoint
from services.common.paging import ListInput
from services.limits import schema
from services.limits.operations import receivables
from services.limits.service.documents import DocumentsDoor

_NEW_INVOICE, _NEW_PAYMENT = schema.NewInvoice(), schema.NewPayment()
_NEW_CREDIT_NOTE, _NEW_WRITE_OFF = schema.NewCreditNote(), schema.NewWriteOff()


class ReceivablesDoor(DocumentsDoor):
    """Invoices, payments, credit notes, write-offs."""

    @endpoint(schema.NewInvoice(), "invoices.create")
    def record_invoice(self, call: Call) -> dict[str, Any]:
        """Record an invoice."""
        return self.document(call, receivables.record_invoice, receivables.foresee_invoices)

    @endpoint(schema.Batch(), "invoices.create")
    def record_invoices(self, call: Call) -> dict[str, Any]:
        """Record many invoices."""
        return self.batch(call, _NEW_INVOICE, receivables.record_invoice_locked, receivables.foresee_invoices)

    @endpoint(schema.DocumentKey(), "invoices.reverse")
    def reverse_invoice(self, call: Call) -> dict[str, Any]:
        """Take an invoice back."""
        return self.apply(call, receivables.reverse_invoice, call.input)

    @endpoint(ListInput(), "invoices.read")
    def list_invoices(self, call: Call) -> dict[str, Any]:
        """A page of invoices."""
        return dict(self.read(call, receivables.list_documents, "invoice", call.input))

    @endpoint(schema.NewPayment(), "payments.create")
    def record_payment(self, call: Call) -> dict[str, Any]:
        """Record a payment."""
        return self.document(call, receivables.record_payment, receivables.foresee_payments)

    @endpoint(schema.Batch(), "payments.create")
    def record_payments(self, call: Call) -> dict[str, Any]:
        """Record many payments."""
        return self.batch(call, _NEW_PAYMENT, receivables.record_payment_locked, receivables.foresee_payments)

    @endpoint(schema.DocumentKey(), "payments.reverse")
    def reverse_payment(self, call: Call) -> dict[str, Any]:
        """Take a payment back."""
        return self.apply(call, receivables.reverse_payment, call.input)

    @endpoint(ListInput(), "payments.read")
    def list_payments(self, call: Call) -> dict[str, Any]:
        """A page of payments."""
        return dict(self.read(call, receivables.list_documents, "payment", call.input))

    @endpoint(schema.Reallocation(), "payments.allocate")
    def allocate_payment(self, call: Call) -> dict[str, Any]:
        """Assign what nobody has assigned of a payment."""
        return self.apply(call, partial(receivables.reallocate_payment, keeps_named=True), call.input)

    @endpoint(schema.Reallocation(), "payments.allocate")
    def reallocate_payment(self, call: Call) -> dict[str, Any]:
        """Take back what a payment is for, and assign it anew."""
        return self.apply(call, receivables.reallocate_payment, call.input)

    @endpoint(schema.BillKey(), "payments.create")
    def honour_bill(self, call: Call) -> dict[str, Any]:
        """An acceptance bill was paid."""
        return self.apply(call, receivables.honour_bill, call.input)

    @endpoint(schema.BillKey(), "payments.reverse")
    def dishonour_bill(self, call: Call) -> dict[str, Any]:
        """An acceptance bill was not paid."""
        return self.apply(call, receivables.dishonour_bill, call.input)

    @endpoint(ListInput(), "payments.read")
    def list_bills(self, call: Call) -> dict[str, Any]:
        """A page of acceptance bills."""
        return dict(self.read(call, receivables.list_bills, call.input))

    @endpoint(schema.NewDispute(), "disputes.open")
    def open_dispute(self, call: Call) -> dict[str, Any]:
        """A customer disputes an invoice, or a part of it."""
        return self.apply(call, receivables.open_dispute, call.input)

    @endpoint(schema.DisputeKey(), "disputes.resolve")
    def resolve_dispute(self, call: Call) -> dict[str, Any]:
        """End a dispute."""
        return self.apply(call, receivables.resolve_dispute, call.input)

    @endpoint(ListInput(), "disputes.read")
    def list_disputes(self, call: Call) -> dict[str, Any]:
        """A page of disputes."""
        return dict(self.read(call, receivables.list_disputes, call.input))

    @endpoint(schema.NewCreditNote(), "credit_notes.create")
    def record_credit_note(self, call: Call) -> dict[str, Any]:
        """Record a credit note."""
        return self.document(call, receivables.record_credit_note, receivables.foresee_credit_notes)

    @endpoint(schema.Batch(), "credit_notes.create")
    def record_credit_notes(self, call: Call) -> dict[str, Any]:
        """Record many credit notes."""
        return self.batch(
            call, _NEW_CREDIT_NOTE, receivables.record_credit_note_locked, receivables.foresee_credit_notes
        )

    @endpoint(schema.Reallocation(), "credit_notes.create")
    def reallocate_credit_note(self, call: Call) -> dict[str, Any]:
        """Take back what a credit note is for, and assign it anew."""
        return self.apply(call, receivables.reallocate_credit_note, call.input)

    @endpoint(schema.DocumentKey(), "credit_notes.reverse")
    def reverse_credit_note(self, call: Call) -> dict[str, Any]:
        """Take a credit note back."""
        return self.apply(call, receivables.reverse_credit_note, call.input)

    @endpoint(ListInput(), "credit_notes.read")
    def list_credit_notes(self, call: Call) -> dict[str, Any]:
        """A page of credit notes."""
        return dict(self.read(call, receivables.list_documents, "credit_note", call.input))

    @endpoint(schema.NewWriteOff(), "write_offs.create")
    def record_write_off(self, call: Call) -> dict[str, Any]:
        """Write an invoice off, all of it or a part."""
        return self.apply(call, receivables.record_write_off, call.input)

    @endpoint(schema.Batch(), "write_offs.create")
    def record_write_offs(self, call: Call) -> dict[str, Any]:
        """Write many invoices off."""
        return self.batch(
            call, _NEW_WRITE_OFF, receivables.record_write_off_locked, receivables.foresee_write_offs
        )

    @endpoint(schema.DocumentKey(), "write_offs.reverse")
    def reverse_write_off(self, call: Call) -> dict[str, Any]:
        """Claim again what was written off."""
        return self.apply(call, receivables.reverse_write_off, call.input)

    @endpoint(ListInput(), "write_offs.read")
    def list_write_offs(self, call: Call) -> dict[str, Any]:
        """A page of write-offs."""
        return dict(self.read(call, receivables.list_documents, "write_off", call.input))

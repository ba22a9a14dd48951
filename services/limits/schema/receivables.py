"""The shapes of invoices, of what pays them, and of what becomes of them."""

from __future__ import annotations

from typing import Any

from marshmallow import validates_schema
from marshmallow.fields import List, Nested

from services.common.fields import (
    AmountField,
    CurrencyField,
    DateField,
    IdField,
    StrictSchema,
    TextField,
    refuse,
)
from services.limits.open_items import ACCEPTANCE_BILL
from services.limits.schema.ground import OfCustomer, number_field


class NewInvoice(OfCustomer):
    """An invoice that was issued; without a due date it falls due by the customer's payment term."""

    invoice_no = number_field(required=True)
    order_no = number_field(load_default=None, allow_none=True)
    amount = AmountField(required=True)
    currency = CurrencyField(required=True)
    invoice_date = DateField(required=True)
    due_date = DateField(load_default=None, allow_none=True)
    salesperson = TextField(max_length=100, load_default=None, allow_none=True)

    @validates_schema
    def _due_after_issue(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("due_date") and data.get("invoice_date") and data["due_date"] < data["invoice_date"]:
            raise refuse("due_before_issue", "到期日不能早于开票日")


class DocumentKey(StrictSchema):
    """Names an invoice, a payment or a credit note by its number."""

    number = number_field(required=True)
    source = TextField(max_length=50, load_default=None, allow_none=True)
    company = TextField(max_length=50, load_default=None, allow_none=True)
    reason = TextField(max_length=500, load_default=None, allow_none=True)


class Allocation(StrictSchema):
    """A part of a payment that its payer names an invoice for, in the payment's currency."""

    invoice_no = number_field(required=True)
    # Read with the payment's currency: an allocation has none of its own.
    amount = TextField(max_length=40, required=True)


class Bill(StrictSchema):
    """The acceptance bill that a payment was made by."""

    number = number_field(required=True)
    due_date = DateField(required=True)


class NewPayment(OfCustomer):
    """A payment that was received."""

    payment_no = number_field(required=True)
    amount = AmountField(required=True)
    currency = CurrencyField(required=True)
    paid_at = DateField(required=True)
    method = TextField(max_length=50, load_default="transfer")
    allocations = List(Nested(Allocation()), load_default=None, allow_none=True)
    bill = Nested(Bill(), load_default=None, allow_none=True)

    @validates_schema
    def _names_its_bill(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("bill") is not None) != (data.get("method") == ACCEPTANCE_BILL):
            raise refuse("bill_needed", f"method 为 {ACCEPTANCE_BILL} 时需要 bill, 否则不能有 bill", "bill")


class NewCreditNote(OfCustomer):
    """A credit note that was issued; with `invoice_no` it is for that invoice, as far as that is open.

    With `order_no` goods of that order came back: what was invoiced of it counts as not invoiced.
    """

    credit_note_no = number_field(required=True)
    amount = AmountField(required=True)
    currency = CurrencyField(required=True)
    credit_note_date = DateField(required=True)
    reason = TextField(max_length=500, load_default=None, allow_none=True)
    order_no = number_field(load_default=None, allow_none=True)
    invoice_no = number_field(load_default=None, allow_none=True)
    allocations = List(Nested(Allocation()), load_default=None, allow_none=True)

    @validates_schema
    def _names_invoices_once(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("invoice_no") and data.get("allocations") is not None:
            raise refuse("invoice_or_allocations", "invoice_no 与 allocations 只能给出一个", "allocations")


class Reallocation(StrictSchema):
    """What a payment or a credit note is for, anew; without `allocations`, for what is due first."""

    number = number_field(required=True)
    source = TextField(max_length=50, load_default=None, allow_none=True)
    company = TextField(max_length=50, load_default=None, allow_none=True)
    allocations = List(Nested(Allocation()), load_default=None, allow_none=True)


class OfInvoice(StrictSchema):
    """Names an invoice by its number, and by source and company where several have that number."""

    invoice_no = number_field(required=True)
    source = TextField(max_length=50, load_default=None, allow_none=True)
    company = TextField(max_length=50, load_default=None, allow_none=True)
    # In the invoice's currency; without it, all that is open.
    amount = TextField(max_length=40, load_default=None, allow_none=True)
    reason = TextField(max_length=500, required=True)


class NewWriteOff(OfInvoice):
    """A part of an invoice that is given up; without a number of its own it gets one."""

    write_off_no = number_field(load_default=None, allow_none=True)
    written_off_on = DateField(load_default=None, allow_none=True)


class NewDispute(OfInvoice):
    """A part of an invoice that the customer disputes."""


class DisputeKey(StrictSchema):
    """Names a dispute, and says how it ended."""

    dispute_id = IdField(required=True)
    resolution = TextField(max_length=500, load_default=None, allow_none=True)


class BillKey(StrictSchema):
    """Names an acceptance bill by its number."""

    number = number_field(required=True)
    source = TextField(max_length=50, load_default=None, allow_none=True)
    company = TextField(max_length=50, load_default=None, allow_none=True)
    reason = TextField(max_length=500, load_default=None, allow_none=True)

"""The shapes that cross the border of the limit ledger: the contract of its calls."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import EXCLUDE, Schema, pre_load, validates_schema
from marshmallow.fields import Dict, List, Nested

from services.common.fields import (
    AmountField,
    CurrencyField,
    DateField,
    FlagField,
    IdField,
    InstantField,
    IntegerField,
    NumberField,
    ObjectField,
    StrictSchema,
    TextField,
    refuse,
)
from services.common.paging import ListInput
from services.limits import terms
from services.limits.schema.ground import DEFAULT_SOURCE, OfCustomer, number_field
from services.limits.schema.overrides import NewOverride, OverrideEnd
from services.limits.schema.pools import (
    SMALLEST_PERCENT,
    GuaranteeInput,
    GuaranteeKey,
    PoolGuaranteeInput,
    PoolGuaranteeKey,
    PoolKeyInput,
    PoolMoment,
    PoolReleaseInput,
)
from services.limits.schema.receivables import (
    BillKey,
    DisputeKey,
    DocumentKey,
    NewCreditNote,
    NewDispute,
    NewInvoice,
    NewPayment,
    NewWriteOff,
    Reallocation,
)
from services.limits.schema.settings import RATES_MAX, LedgerSettings, RatesInput, RatesMoment

__all__ = [
    "DEFAULT_SOURCE",
    "RATES_MAX",
    "BillKey",
    "DisputeKey",
    "DocumentKey",
    "GuaranteeInput",
    "GuaranteeKey",
    "LedgerSettings",
    "NewCreditNote",
    "NewDispute",
    "NewInvoice",
    "NewOverride",
    "NewPayment",
    "NewWriteOff",
    "OverrideEnd",
    "PoolGuaranteeInput",
    "PoolGuaranteeKey",
    "PoolKeyInput",
    "PoolMoment",
    "PoolReleaseInput",
    "RatesInput",
    "RatesMoment",
    "Reallocation",
]

BATCH_MAX = 5_000
GRANT_CHANGES = ("grant", "raise", "cut", "replace")
TERM_DAYS_MAX = 3_650
TERM_PARTS_MAX = 60


class NewOrder(OfCustomer):
    """An order to be checked and reserved."""

    order_no = number_field(required=True)
    amount = AmountField(required=True)
    currency = CurrencyField(required=True)
    order_date = DateField(load_default=None, allow_none=True)
    delivery_date = DateField(load_default=None, allow_none=True)
    # The last business date on which it reserves; without it, by the setting `reservation_days`.
    valid_until = DateField(load_default=None, allow_none=True)
    salesperson = TextField(max_length=100, load_default=None, allow_none=True)


class OrderToCheck(NewOrder):
    """An order to be checked without effect; it needs no number yet."""

    order_no = number_field(load_default="")


class OrderKey(StrictSchema):
    """Names an order: by its number, and by source and company where several have that number."""

    order_no = number_field(required=True)
    source = TextField(max_length=50, load_default=None, allow_none=True)
    company = TextField(max_length=50, load_default=None, allow_none=True)
    revision = IntegerField(minimum=1, maximum=1_000_000, load_default=None, allow_none=True)
    reason = TextField(max_length=500, load_default=None, allow_none=True)


class OrderChange(OrderKey):
    """What an amendment changes; the amount is in the order's currency."""

    amount = TextField(max_length=40, load_default=None, allow_none=True)
    currency = CurrencyField(load_default=None, allow_none=True)
    order_date = DateField(load_default=None, allow_none=True)
    delivery_date = DateField(load_default=None, allow_none=True)
    valid_until = DateField(load_default=None, allow_none=True)

    @validates_schema
    def _changes_something(self, data: dict[str, Any], **_: Any) -> None:
        if all(data.get(name) is None for name in ("amount", "delivery_date", "valid_until")):
            raise refuse("nothing_to_change", "请给出要修改的金额、交货日期或有效期")


class Delivery(OrderKey):
    """A delivery of an order, in the order's currency."""

    delivery_no = number_field(required=True)
    amount = TextField(max_length=40, required=True)
    delivered_at = DateField(load_default=None, allow_none=True)


class Return(OrderKey):
    """Goods of an order that came back, in the order's currency."""

    return_no = number_field(required=True)
    amount = TextField(max_length=40, required=True)
    returned_at = DateField(load_default=None, allow_none=True)


class DeliveryKey(OrderKey):
    """Names a delivery or a return of an order."""

    delivery_no = number_field(required=True)


class Batch(StrictSchema):
    """Up to 5,000 bodies of a single call; each is read by itself, so that one wrong item refuses none."""

    items = List(Dict(), required=True)

    @validates_schema
    def _not_too_many(self, data: dict[str, Any], **_: Any) -> None:
        if not 1 <= len(data.get("items") or ()) <= BATCH_MAX:
            raise refuse("batch_size", f"一次提交 1 到 {BATCH_MAX} 条")


class AccountKey(StrictSchema):
    """Names a credit account by its customer."""

    customer_id = IdField(required=True)


class AccountMoment(AccountKey):
    """A credit account at the end of a date, as it was known at an instant; both default to now."""

    as_of = DateField(load_default=None, allow_none=True)
    known_at = InstantField(load_default=None, allow_none=True)


class EntryList(ListInput, AccountMoment):
    """A page of the entries of one account; a query names the moment among what it filters by."""

    @pre_load
    def _moment_of_the_query(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("where"), dict):
            return data
        where = dict(data["where"])
        moment = {name: where.pop(name) for name in ("as_of", "known_at") if name in where}
        return {**data, **moment, "where": where}


class FreezeInput(StrictSchema):
    """Why a person freezes or unfreezes an account."""

    customer_id = IdField(required=True)
    reason = TextField(max_length=500, required=True)
    reason_code = TextField(max_length=50, load_default=None, allow_none=True)


class TermShare(StrictSchema):
    """One instalment of a payment term: a share of the amount, due so many days after the invoice's date."""

    percent = NumberField(required=True, minimum=SMALLEST_PERCENT, maximum=Decimal(100))
    days = IntegerField(required=True, minimum=0, maximum=TERM_DAYS_MAX)


class TermInput(StrictSchema):
    """A payment term.

    `net`: `days` after the invoice's date; `monthly`: `days` after the end of its month; `instalments`:
    `parts` whose percents make 100; `cash`: at once.
    """

    kind = TextField(max_length=20, required=True)
    days = IntegerField(minimum=0, maximum=TERM_DAYS_MAX, load_default=None, allow_none=True)
    parts = List(Nested(TermShare()), load_default=None, allow_none=True)

    @validates_schema
    def _is_whole(self, data: dict[str, Any], **_: Any) -> None:
        kind, parts = data.get("kind"), data.get("parts")
        if kind not in terms.KINDS:
            raise refuse("term_kind_unknown", f"账期类型应为 {', '.join(terms.KINDS)} 之一", "kind")
        if (parts is not None) != (kind == terms.INSTALMENTS):
            raise refuse("term_parts", "分期账期需要 parts, 其他账期不能有", "parts")
        if (data.get("days") is not None) != (kind in (terms.NET, terms.MONTHLY)):
            raise refuse("term_days", "净天数与月结账期需要 days, 其他账期不能有", "days")
        if parts is None:
            return
        if not 1 <= len(parts) <= TERM_PARTS_MAX:
            raise refuse("term_parts", f"分期应为 1 到 {TERM_PARTS_MAX} 期", "parts")
        if sum(part["percent"] for part in parts) != terms.PERCENT_SUM:
            raise refuse("term_percents", "各期比例合计应为 100", "parts")


class _LimitInput(StrictSchema):
    """A limit to be granted; `unlimited` instead of an amount.

    With `change` raise or cut the amount is the difference to the grant in force; those need a reason.
    """

    kind = TextField(max_length=20, load_default="base")
    change = TextField(max_length=20, load_default="grant")
    amount = AmountField(load_default=None, allow_none=True, allow_zero=True)
    unlimited = FlagField(load_default=False)
    currency = CurrencyField(required=True)
    # The same as the term `net` with so many days.
    term_days = IntegerField(minimum=0, maximum=TERM_DAYS_MAX, load_default=None, allow_none=True)
    term = Nested(TermInput(), load_default=None, allow_none=True)
    valid_from = DateField(load_default=None, allow_none=True)
    valid_to = DateField(load_default=None, allow_none=True)
    reason = TextField(max_length=500, load_default=None, allow_none=True)

    @validates_schema
    def _amount_or_unlimited(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("unlimited") == (data.get("amount") is not None):
            raise refuse("amount_or_unlimited", "请给出金额, 或声明不限额")
        if data.get("term") is not None and data.get("term_days") is not None:
            raise refuse("term_twice", "term 与 term_days 只能给出一个", "term")
        if data.get("kind") not in ("base", "temporary"):
            raise refuse("kind_unknown", "额度类型应为 base 或 temporary")
        if data.get("change") not in GRANT_CHANGES:
            raise refuse("change_unknown", f"额度变更应为 {', '.join(GRANT_CHANGES)} 之一", "change")
        if data["change"] != "grant" and not data.get("reason"):
            raise refuse("reason_needed", "请说明调整额度的原因", "reason")
        if data["change"] in ("raise", "cut") and not data.get("amount"):
            raise refuse("amount_needed", "请给出要调增或调减的金额", "amount")
        if data.get("valid_from") and data.get("valid_to") and data["valid_to"] < data["valid_from"]:
            raise refuse("validity", "失效日期不能早于生效日期")


class GrantInput(_LimitInput):
    """A limit to be granted to a customer."""

    customer_id = IdField(required=True)
    application_id = TextField(max_length=100, load_default=None, allow_none=True)


class PoolLimitInput(_LimitInput, PoolKeyInput):
    """A limit to be granted to a pool that customers share, or to a customer in one segment."""


class BusinessDate(StrictSchema):
    """The business date to be opened."""

    date = DateField(required=True)


class VerificationInput(StrictSchema):
    """Where to go on verifying: the `next` of the last answer, nothing at first."""

    after = TextField(max_length=200, load_default=None, allow_none=True)


class Money(Schema):
    """An answered amount as decimal text."""

    class Meta:
        unknown = EXCLUDE

    reserved = TextField()
    delivered = TextField()
    receivable = TextField()
    total = TextField()
    # The part of `reserved` that does not count yet: available = limit − (total − beyond_horizon).
    beyond_horizon = TextField()


class Decision(Schema):
    """The documented credit decision."""

    id = IdField()
    result = TextField()
    reasons = List(ObjectField())
    would_pass_if = ObjectField()
    inputs = ObjectField()
    rules = List(ObjectField())
    decided_at = InstantField()


class OrderAnswer(Schema):
    """What an order call answers."""

    status = TextField()
    order = ObjectField()
    decision = Nested(Decision)
    delivery = ObjectField()
    over_limit = FlagField()


class Account(Schema):
    """A credit account: the customer's overall pool in its currency at the top."""

    customer_id = IdField()
    currency = CurrencyField()
    payment_term_days = IntegerField(allow_none=True)
    payment_term = ObjectField(allow_none=True)
    state = TextField()
    frozen = FlagField()
    limit = TextField(allow_none=True)
    guaranteed = TextField()
    unlimited = FlagField()
    exposure = Nested(Money)
    available = TextField(allow_none=True)
    utilisation = TextField(allow_none=True)
    # What is owed in each currency, and the rates to the limit's that make one sum of it.
    by_currency = List(ObjectField())
    rates = ObjectField()
    rates_missing = List(TextField())
    overdue = ObjectField()
    pools = List(ObjectField())


class BatchAnswer(Schema):
    """The results of a batch, in the order sent."""

    results = List(ObjectField())

"""The shapes that cross the customer service's border."""

from __future__ import annotations

from typing import Any

import marshmallow
from marshmallow import validate, validates_schema
from marshmallow.fields import List, Nested

from services.common import fields, paging
from services.common.forms.types.identities import EmailField, PhoneField
from services.customer.customers import DOCUMENT_KINDS

CODE_PATTERN = r"[\w.\-/#]{1,50}\Z"
READ_ONLY = ("credit_status", "credit_limit", "payment_term_days", "grade")
CONTACTS_MAX = 50
IMPORT_ROWS_MAX = 5_000


class ReadOnlyField(marshmallow.fields.Field[Any]):
    """A field that other services decide; whoever sends it is told so."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        raise fields.refuse("read_only", "该字段由系统维护, 不能修改")


class Contact(fields.StrictSchema):
    """A person at the customer."""

    name = fields.TextField(max_length=50, required=True)
    title = fields.TextField(max_length=50, allow_none=True)
    phone = PhoneField(allow_none=True)
    mobile = PhoneField(allow_none=True)
    email = EmailField(allow_none=True)
    remark = fields.TextField(max_length=500, multiline=True, allow_none=True)
    primary = fields.FlagField(load_default=False)


class TagList(List[str]):
    """Words that customers are found by: each once, without commas, at most 20."""

    def __init__(self, **options: Any) -> None:
        word = fields.TextField(max_length=30, validate=validate.Regexp(r"[^,，;；、]+\Z"))
        super().__init__(word, validate=validate.Length(max=20), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        return list(dict.fromkeys(super()._deserialize(value, attr, data, **kwargs)))


class _Core(fields.StrictSchema):
    uscc = fields.UsccField(allow_none=True)
    group_id = fields.IdField(allow_none=True)
    region = fields.TextField(max_length=50, allow_none=True)
    salesperson = fields.TextField(max_length=100, allow_none=True)
    department = fields.TextField(max_length=100, allow_none=True)
    contacts = List(Nested(Contact), validate=validate.Length(max=CONTACTS_MAX))
    tags = TagList(allow_none=True)
    credit_review_on = fields.DateField(allow_none=True)
    fields_ = fields.ObjectField(data_key="fields", attribute="fields")
    list_kind = ReadOnlyField(load_only=True)
    list_reason = ReadOnlyField(load_only=True)
    credit_status = ReadOnlyField(load_only=True)
    credit_limit = ReadOnlyField(load_only=True)
    payment_term_days = ReadOnlyField(load_only=True)
    grade = ReadOnlyField(load_only=True)

    @validates_schema
    def check_primary(self, data: dict[str, Any], **_options: Any) -> None:
        """At most one contact is the first to be called."""
        if sum(contact["primary"] for contact in data.get("contacts") or ()) > 1:
            message = fields.Message("primary_twice", "只能有一个主要联系人")
            raise marshmallow.ValidationError([message], "contacts")


class NewCustomer(_Core):
    """A customer to be created; without a code it gets one."""

    code = fields.TextField(max_length=50, validate=validate.Regexp(CODE_PATTERN), allow_none=True)
    name = fields.TextField(max_length=200, required=True)


class CustomerChange(_Core):
    """What shall change; `version` is the one that the change was made on."""

    customer_id = fields.TextField(max_length=60, required=True)
    version = fields.IntegerField(minimum=1, maximum=2**31 - 1)
    code = fields.TextField(max_length=50, validate=validate.Regexp(CODE_PATTERN))
    name = fields.TextField(max_length=200)


class CustomerChangeBody(CustomerChange):
    """The same as the body of a PATCH."""

    class Meta(fields.StrictSchema.Meta):
        exclude = ("customer_id",)


class CustomerKey(fields.StrictSchema):
    """One customer, by its id or its code."""

    customer_id = fields.TextField(max_length=60, required=True)


class CustomerDeletion(CustomerKey):
    """One customer to be deleted, at the version that was seen."""

    version = fields.IntegerField(minimum=1, maximum=2**31 - 1)


class ListReason(CustomerDeletion):
    """Why a customer is put on a list, or taken off it."""

    version = fields.IntegerField(minimum=1, maximum=2**31 - 1, load_default=None, allow_none=True)
    reason = fields.TextField(max_length=500, required=True)


class ListReasonBody(ListReason):
    """The same as the body of a request."""

    class Meta(fields.StrictSchema.Meta):
        exclude = ("customer_id",)


class MergeBody(ListReasonBody):
    """As whom a customer is to go on (id or code), and why."""

    into = fields.TextField(max_length=60, required=True)


class Merge(MergeBody, ListReason):
    """The same with which customer."""

    class Meta(fields.StrictSchema.Meta):
        exclude = ()


class MergeAnswer(fields.StrictSchema):
    """A merge: who (with code and name as they were) goes on as whom, and for which services it waits."""

    id = fields.IdField()
    customer_id = fields.IdField()
    code = fields.TextField()
    name = fields.TextField()
    into_id = fields.IdField()
    reason = fields.TextField()
    state = fields.TextField()
    waits_for = List(fields.TextField())
    handed_over = fields.ObjectField()
    merged_at = fields.InstantField()
    merged_by = fields.TextField()
    finished_at = fields.InstantField(allow_none=True)


class MergePage(fields.StrictSchema):
    """A page of merges."""

    items = List(Nested(MergeAnswer))
    next = fields.TextField(allow_none=True)


class DuplicateSearch(fields.StrictSchema):
    """The name, and the credit code if it is known, of a customer to be created."""

    name = fields.TextField(max_length=200, required=True)
    uscc = fields.UsccField(load_default=None, allow_none=True)


class CustomerFile(CustomerKey):
    """One file in a field of a customer's form."""

    file_id = fields.IdField(required=True)


class CustomerKeys(fields.StrictSchema):
    """Several customers by their ids."""

    customer_ids = List(fields.IdField(), required=True, validate=validate.Length(max=500))


class CustomerNames(fields.StrictSchema):
    """Several customers, each by its id or its code."""

    keys = List(fields.TextField(max_length=60), required=True, validate=validate.Length(max=500))


class CustomerList(paging.ListInput):
    """A page of customers; `where` may hold `q` (name, code or credit code), core and searchable fields."""


class NoFilters(fields.ObjectField):
    """The filters of a list that has none."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        for name in super()._deserialize(value, attr, data, **kwargs):
            raise marshmallow.ValidationError({name[:60]: [fields.Message("filter_invalid", "不支持筛选")]})
        return {}


class PlainList(paging.ListInput):
    """A page of a list without filters."""

    where = NoFilters(load_default=dict)


class CustomerDetails(CustomerKey, PlainList):
    """A page of something that belongs to one customer."""


class NewAttachment(CustomerKey):
    """A file that the gateway has stored."""

    name = fields.TextField(max_length=200, required=True)
    content_type = fields.TextField(max_length=120, required=True)
    size_bytes = fields.IntegerField(minimum=1, required=True)
    sha256 = fields.TextField(required=True, validate=validate.Regexp(r"[0-9a-f]{64}\Z"))
    storage_key = fields.TextField(
        required=True, validate=validate.Regexp(r"[a-z]+/[0-9a-f]{2}/[0-9a-f]{32}\Z")
    )


class AttachmentKey(CustomerKey):
    """One attachment of one customer."""

    attachment_id = fields.IdField(required=True)


class _Document(fields.StrictSchema):
    number = fields.TextField(max_length=100, allow_none=True, load_default=None)
    valid_from = fields.DateField(allow_none=True, load_default=None)
    valid_to = fields.DateField(allow_none=True, load_default=None)
    remind_days = fields.IntegerField(minimum=0, maximum=365, load_default=30)
    attachment_id = fields.IdField(allow_none=True, load_default=None)


class NewDocumentBody(_Document):
    """A licence, a contract or the like; `remind_days` before it expires somebody is reminded."""

    kind = fields.TextField(required=True, validate=validate.OneOf(tuple(DOCUMENT_KINDS)))


class NewDocument(NewDocumentBody, CustomerKey):
    """The same with its customer."""


class DocumentChangeBody(fields.StrictSchema):
    """What of a document changes; `version` is the one that the change was made on."""

    kind = fields.TextField(validate=validate.OneOf(tuple(DOCUMENT_KINDS)))
    number = fields.TextField(max_length=100, allow_none=True)
    valid_from = fields.DateField(allow_none=True)
    valid_to = fields.DateField(allow_none=True)
    remind_days = fields.IntegerField(minimum=0, maximum=365)
    attachment_id = fields.IdField(allow_none=True)
    version = fields.IntegerField(minimum=1, maximum=2**31 - 1)


class DocumentKey(CustomerKey):
    """One document of one customer."""

    document_id = fields.IdField(required=True)


class DocumentChange(DocumentChangeBody, DocumentKey):
    """The same with which one."""


class DocumentAnswer(NewDocumentBody):
    """A document as it is answered."""

    id = fields.IdField()
    customer_id = fields.IdField()
    version = fields.IntegerField()
    created_at = fields.InstantField()
    created_by = fields.TextField()
    updated_at = fields.InstantField()
    updated_by = fields.TextField()


class DocumentPage(fields.StrictSchema):
    """A page of a customer's documents."""

    items = List(Nested(DocumentAnswer))
    next = fields.TextField(allow_none=True)


class NewGroup(fields.StrictSchema):
    """A customer group, below another one if `parent_id` is given."""

    code = fields.TextField(max_length=50, required=True, validate=validate.Regexp(CODE_PATTERN))
    name = fields.TextField(max_length=200, required=True)
    parent_id = fields.IdField(allow_none=True, load_default=None)


class GroupChange(fields.StrictSchema):
    """What to change of a customer group; `parent_id` null moves it to the top."""

    group_id = fields.IdField(required=True)
    name = fields.TextField(max_length=200)
    parent_id = fields.IdField(allow_none=True)

    @validates_schema
    def _changes_something(self, data: dict[str, Any], **_: Any) -> None:
        if not {"name", "parent_id"} & set(data):
            raise fields.refuse("nothing_to_change", "请给出要修改的名称或上级集团")


class CustomerImport(fields.StrictSchema):
    """Rows of a table, each a mapping of column to text."""

    rows = List(fields.ObjectField(), required=True, validate=validate.Length(min=1, max=IMPORT_ROWS_MAX))
    dry_run = fields.FlagField(load_default=False)
    update_existing = fields.FlagField(load_default=False)


class ErpCustomer(_Core):
    """A customer's full state as an ERP tells it."""

    event_id = fields.TextField(max_length=200)
    source = fields.TextField(max_length=100, required=True)
    occurred_at = fields.InstantField()
    revision = fields.IntegerField(minimum=0, load_default=None, allow_none=True)
    code = fields.TextField(max_length=50, required=True, validate=validate.Regexp(CODE_PATTERN))
    name = fields.TextField(max_length=200, required=True)


class CustomerDraft(fields.StrictSchema):
    """Values of the customer form to be tried out, of a new customer or of one that there is."""

    form = fields.TextField(max_length=50, load_default="customer")
    fields_ = fields.ObjectField(data_key="fields", attribute="fields", load_default=dict)
    record_id = fields.IdField(load_default=None, allow_none=True)


class CustomerAnswer(fields.StrictSchema):
    """A customer as it is answered."""

    id = fields.IdField()
    code = fields.TextField()
    name = fields.TextField()
    uscc = fields.TextField(allow_none=True)
    group_id = fields.IdField(allow_none=True)
    region = fields.TextField(allow_none=True)
    salesperson = fields.TextField(allow_none=True)
    department = fields.TextField(allow_none=True)
    contacts = List(Nested(Contact))
    tags = List(fields.TextField())
    credit_review_on = fields.DateField(allow_none=True)
    list_kind = fields.TextField(allow_none=True)
    list_reason = fields.TextField(allow_none=True)
    listed_by = fields.TextField(allow_none=True)
    listed_at = fields.InstantField(allow_none=True)
    fields_ = fields.ObjectField(data_key="fields", attribute="fields")
    grade = fields.TextField(allow_none=True)
    credit_status = fields.TextField()
    credit_limit = fields.AmountField(currency_key="credit_currency", allow_none=True)
    credit_unlimited = fields.FlagField()
    credit_currency = fields.CurrencyField(allow_none=True)
    payment_term_days = fields.IntegerField(allow_none=True)
    version = fields.IntegerField()
    created_at = fields.InstantField()
    created_by = fields.TextField()
    updated_at = fields.InstantField()
    updated_by = fields.TextField()


class LikeCustomer(fields.StrictSchema):
    """A customer that another may be; `similarity` is from 0 to 1."""

    id = fields.IdField()
    code = fields.TextField()
    name = fields.TextField()
    uscc = fields.TextField(allow_none=True)
    similarity = fields.TextField()


class LikeCustomers(fields.StrictSchema):
    """The likest first."""

    items = List(Nested(LikeCustomer))


class DuplicateWarning(fields.StrictSchema):
    """Customers whom a new one may be."""

    code = fields.TextField()
    message = fields.TextField()
    customers = List(Nested(LikeCustomer))


class CreatedCustomer(CustomerAnswer):
    """A customer that was created, and what to be aware of."""

    warnings = List(Nested(DuplicateWarning))


class DeletedAnswer(fields.StrictSchema):
    """What was deleted."""

    id = fields.IdField()
    code = fields.TextField()
    deleted = fields.FlagField()


class CustomerPage(fields.StrictSchema):
    """A page of customers."""

    items = List(Nested(CustomerAnswer))
    next = fields.TextField(allow_none=True)


class AttachmentAnswer(fields.StrictSchema):
    """An attachment's description."""

    id = fields.IdField()
    customer_id = fields.IdField()
    name = fields.TextField()
    content_type = fields.TextField()
    size_bytes = fields.IntegerField()
    sha256 = fields.TextField()
    uploaded_at = fields.InstantField()
    uploaded_by = fields.TextField()


class AttachmentList(fields.StrictSchema):
    """The attachments of one customer, the newest first."""

    items = List(Nested(AttachmentAnswer))
    next = fields.TextField(allow_none=True)


class HistoryChange(fields.StrictSchema):
    """One field, before and after."""

    field = fields.TextField()
    label = fields.TextField()
    before = marshmallow.fields.Raw(allow_none=True)
    after = marshmallow.fields.Raw(allow_none=True)


class HistoryEntry(fields.StrictSchema):
    """What somebody changed at one moment."""

    id = fields.IntegerField()
    version = fields.IntegerField()
    action = fields.TextField()
    changes = List(Nested(HistoryChange))
    changed_at = fields.InstantField()
    changed_by = fields.TextField()


class HistoryPage(fields.StrictSchema):
    """A page of a customer's history, the newest first."""

    items = List(Nested(HistoryEntry))
    next = fields.TextField(allow_none=True)


class GroupAnswer(fields.StrictSchema):
    """A customer group; `created_at` is null of one that is only shown for those below it."""

    id = fields.IdField()
    code = fields.TextField()
    name = fields.TextField()
    parent_id = fields.IdField(allow_none=True)
    created_at = fields.InstantField(allow_none=True)


class GroupPage(fields.StrictSchema):
    """A page of customer groups."""

    items = List(Nested(GroupAnswer))
    next = fields.TextField(allow_none=True)


class ImportedRow(fields.StrictSchema):
    """What became of one row."""

    row = fields.IntegerField()
    status = fields.TextField()
    code = fields.TextField(allow_none=True)
    customer_id = fields.IdField(allow_none=True)
    errors = List(fields.ObjectField())


class ImportAnswer(fields.StrictSchema):
    """What became of an import."""

    dry_run = fields.FlagField()
    rows = fields.IntegerField()
    created = fields.IntegerField()
    updated = fields.IntegerField()
    unchanged = fields.IntegerField()
    failed = fields.IntegerField()
    results = List(Nested(ImportedRow))

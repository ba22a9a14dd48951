"""The door of the customer service."""

from __future__ import annotations

from typing import Any

from services.common.errors import NotFound
from services.common.forms import files, people
from services.common.forms import schema as form_schema
from services.common.forms.files import schema as file_schema
from services.common.imports.target import Asked
from services.common.messaging import SERVICES_ONLY, Call, ErpSubscription, Service, endpoint
from services.common.messaging.importing import ImportDoors
from services.customer import model, rights, schema, store
from services.customer.customers import BLACKLIST, WHITELIST
from services.customer.operations import (
    documents,
    duplicates,
    forms,
    intake,
    lists,
    merging,
    records,
    reminders,
)
from services.customer.operations.imports import CustomerTarget
from services.customer.store import importing


class CustomerService(ImportDoors, Service):
    """Customers, their groups, contacts, attachments and history, and the customer form."""

    name = "customer"
    metadata = model.metadata
    subscriptions = {  # noqa: RUF012 - declared by the base class
        "limits": {
            "account_changed": records.copy_account,
            "business_date_opened": reminders.date_opened,
            "exposure_merged": merging.exposure_merged,
        },
        "application": {"applications_merged": merging.applications_merged},
        "gateway": people.SUBSCRIPTIONS,
        "risk_rules": {"customer_rated": records.copy_rating},
    }
    projections = ("customer_credit",)
    owned = {"customers": store.facts_of}  # noqa: RUF012
    erp = ErpSubscription(keys=intake.ERP_KEYS, apply=intake.erp_document)

    @endpoint(schema.NewCustomer(), "customers.create")
    def create_customer(self, call: Call) -> dict[str, Any]:
        """Create a customer."""

        def run(asked: Call) -> dict[str, Any]:
            return self.apply(asked, records.create_customer, asked.input)

        return people.knowing(self, call, run)

    @endpoint(schema.CustomerKey(), "customers.read")
    def get_customer(self, call: Call) -> dict[str, Any]:
        """One customer by id or code."""
        return dict(self.read(call, records.get_customer, call.input["customer_id"]))

    @endpoint(schema.CustomerKeys(), "customers.read")
    def get_customers(self, call: Call) -> dict[str, Any]:
        """Several customers by their ids."""
        return dict(self.read(call, records.get_customers, call.input["customer_ids"]))

    @endpoint(schema.CustomerNames(), "customers.read")
    def find_customers(self, call: Call) -> dict[str, Any]:
        """Several customers by their ids or codes."""
        return {"items": self.read(call, importing.find_customers, call.input["keys"])}

    @endpoint(schema.CustomerList(), "customers.read")
    def list_customers(self, call: Call) -> dict[str, Any]:
        """A page of customers."""
        return dict(self.read(call, records.list_customers, call.input))

    @endpoint(schema.CustomerChange(), "customers.update")
    def update_customer(self, call: Call) -> dict[str, Any]:
        """Change a customer."""

        def run(asked: Call) -> dict[str, Any]:
            return self.apply(asked, records.update_customer, asked.input)

        return people.knowing(self, call, run)

    @endpoint(schema.CustomerDeletion(), "customers.delete")
    def delete_customer(self, call: Call) -> dict[str, Any]:
        """Delete a customer."""
        return self.apply(call, records.delete_customer, call.input)

    @endpoint(schema.ListReason(), "customers.lists")
    def blacklist_customer(self, call: Call) -> dict[str, Any]:
        """Put a customer on the black list."""
        return self.apply(call, lists.put_on_list, call.input, BLACKLIST)

    @endpoint(schema.ListReason(), "customers.lists")
    def whitelist_customer(self, call: Call) -> dict[str, Any]:
        """Put a customer on the white list."""
        return self.apply(call, lists.put_on_list, call.input, WHITELIST)

    @endpoint(schema.ListReason(), "customers.lists")
    def unlist_customer(self, call: Call) -> dict[str, Any]:
        """Take a customer off the list that it is on."""
        return self.apply(call, lists.put_on_list, call.input, None)

    @endpoint(schema.Merge(), "customers.merge")
    def merge_customers(self, call: Call) -> dict[str, Any]:
        """Let a customer go on as another."""
        return self.apply(call, merging.merge_customers, call.input)

    @endpoint(schema.CustomerDetails(), "customers.read")
    def list_merges(self, call: Call) -> dict[str, Any]:
        """A page of the merges into a customer."""
        return dict(self.read(call, merging.list_merges, call.input))

    @endpoint(schema.CustomerKey(), "customers.read")
    def list_duplicates(self, call: Call) -> dict[str, Any]:
        """Those whom a customer may be."""
        return dict(self.read(call, records.list_duplicates, call.input["customer_id"]))

    @endpoint(schema.DuplicateSearch(), "customers.read")
    def find_duplicates(self, call: Call) -> dict[str, Any]:
        """Those whom a customer to be created may be."""
        return dict(self.read(call, duplicates.find_duplicates, call.input))

    @endpoint(schema.CustomerDetails(), "customers.read")
    def list_history(self, call: Call) -> dict[str, Any]:
        """What was changed on a customer."""
        return dict(self.read(call, records.list_history, call.input))

    @endpoint(schema.NewAttachment(), "customers.update")
    def add_attachment(self, call: Call) -> dict[str, Any]:
        """Register a stored file."""
        return self.apply(call, records.add_attachment, call.input)

    @endpoint(schema.CustomerDetails(), "customers.read")
    def list_attachments(self, call: Call) -> dict[str, Any]:
        """A page of a customer's attachments."""
        return dict(self.read(call, records.list_attachments, call.input))

    @endpoint(schema.AttachmentKey(), "customers.read")
    def get_attachment(self, call: Call) -> dict[str, Any]:
        """One attachment, with the key of its bytes."""
        return dict(self.read(call, records.get_attachment, call.input))

    @endpoint(schema.AttachmentKey(), "customers.update")
    def delete_attachment(self, call: Call) -> dict[str, Any]:
        """Hide an attachment."""
        return self.apply(call, records.delete_attachment, call.input)

    @endpoint(schema.CustomerDetails(), "customers.read")
    def list_documents(self, call: Call) -> dict[str, Any]:
        """A page of a customer's documents."""
        return dict(self.read(call, documents.list_documents, call.input))

    @endpoint(schema.NewDocument(), "customers.update")
    def add_document(self, call: Call) -> dict[str, Any]:
        """Add a document."""
        return self.apply(call, documents.add_document, call.input)

    @endpoint(schema.DocumentChange(), "customers.update")
    def change_document(self, call: Call) -> dict[str, Any]:
        """Change a document."""
        return self.apply(call, documents.change_document, call.input)

    @endpoint(schema.DocumentKey(), "customers.update")
    def remove_document(self, call: Call) -> dict[str, Any]:
        """Hide a document."""
        return self.apply(call, documents.remove_document, call.input)

    @endpoint(schema.CustomerImport(), "customers.import")
    def import_customers(self, call: Call) -> dict[str, Any]:
        """Import the rows of a table."""

        def run(work: Any) -> dict[str, Any]:
            return intake.import_customers(work, **call.input)

        return self.apply(call, run)

    def import_right(self, received: Any) -> str:
        """One right for the one form that is here."""
        return "customers.import"

    def import_target(self, asked: Asked) -> CustomerTarget:
        """Customers."""
        if asked.form != forms.FORM:
            raise NotFound("没有这个表单", code="form_not_found")
        return CustomerTarget(self.ground.database, asked)

    @endpoint(schema.NewGroup(), "customers.create")
    def create_group(self, call: Call) -> dict[str, Any]:
        """Create a customer group."""
        return self.apply(call, records.create_group, call.input)

    @endpoint(schema.GroupChange(), "customers.update")
    def update_group(self, call: Call) -> dict[str, Any]:
        """Rename a customer group, or move it below another."""
        return self.apply(call, records.update_group, call.input)

    @endpoint(schema.PlainList(), "customers.read")
    def list_groups(self, call: Call) -> dict[str, Any]:
        """A page of customer groups."""
        return dict(self.read(call, store.list_groups, call.input))

    @endpoint(form_schema.FormDraft(), "forms.write")
    def save_form(self, call: Call) -> dict[str, Any]:
        """Change the draft of the customer form."""
        return self.apply(call, forms.save_form, call.input["key"], call.input["definition"])

    @endpoint(form_schema.Publication(), "forms.publish")
    def publish_form(self, call: Call) -> dict[str, Any]:
        """Put the draft in force."""
        return self.apply(call, forms.publish_form, call.input["key"], call.input)

    @endpoint(form_schema.FormKey(), "forms.read")
    def get_form(self, call: Call) -> dict[str, Any]:
        """A form, one of its versions, or its draft."""
        return dict(self.read(call, forms.get_form, call.input))

    @endpoint(form_schema.FormKey(), "forms.read")
    def list_form_versions(self, call: Call) -> dict[str, Any]:
        """Every version of a form."""
        return dict(self.read(call, forms.list_versions, call.input["key"]))

    @endpoint(schema.CustomerDraft(), "customers.read")
    def evaluate_form(self, call: Call) -> dict[str, Any]:
        """How the customer form stands with these values."""
        return dict(self.read(call, forms.evaluate_form, call.input))

    @endpoint(file_schema.FileRoom(), rights.to_fill)
    def get_file_room(self, call: Call) -> dict[str, Any]:
        """What a field of the customer form takes."""
        return dict(self.read(call, forms.get_file_room, call.input["field"]))

    @endpoint(file_schema.NewFile(), rights.to_fill)
    def add_file(self, call: Call) -> dict[str, Any]:
        """Register a stored file for a field."""
        return self.apply(call, forms.add_file, call.input)

    @endpoint(schema.CustomerFile(), "customers.read")
    def get_customer_file(self, call: Call) -> dict[str, Any]:
        """A file of a customer's form."""
        return dict(self.read(call, records.get_file, call.input))

    @endpoint(None, SERVICES_ONLY)
    def take_removable_files(self, call: Call) -> dict[str, Any]:
        """Some files that nobody has held for a while."""
        return self.apply(call, files.take_removable)

    @endpoint(file_schema.FileIds(), SERVICES_ONLY)
    def forget_files(self, call: Call) -> dict[str, Any]:
        """The bytes of these files are gone."""
        return self.apply(call, files.forget_files, call.input["ids"])

    @endpoint(None, "forms.read")
    def list_forms(self, call: Call) -> dict[str, Any]:
        """Every published form."""
        return dict(self.read(call, forms.list_forms))

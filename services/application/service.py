"""The door of applications."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import Any

import eventlet

from services.application import model, rights, schema, store
from services.application.operations import applications as operations
from services.application.operations import exports, forms, merging, records, views
from services.application.operations.imports import RecordTarget
from services.application.store import partitions
from services.common.caller import service_caller
from services.common.errors import Unavailable
from services.common.field_rights import only_seen
from services.common.forms import designing, files, people
from services.common.forms import schema as form_schema
from services.common.forms.files import schema as file_schema
from services.common.forms.rights import PREFIX, of_records
from services.common.imports.target import Asked
from services.common.messaging import SERVICES_ONLY, Call, Service, endpoint, every
from services.common.messaging.importing import ImportDoors
from services.common.paging import ListInput

_log = logging.getLogger(__name__)
_INDEX_SECONDS = 15.0
_CUSTOMERS_MAX = 500


class ApplicationService(ImportDoors, Service):
    """Applications for credit, from the draft to their effect."""

    name = "application"
    metadata = model.metadata
    owned = {"applications": store.facts_of}  # noqa: RUF012 - declared by the base class
    subscriptions = {  # noqa: RUF012 - declared by the base class
        "customer": {"customer_merged": merging.customer_merged},
        "gateway": people.SUBSCRIPTIONS,
    }

    @endpoint(schema.NewApplication(), "applications.create")
    def create_application(self, call: Call) -> dict[str, Any]:
        """File an application for a customer, whom the customer service must know."""
        customer = self.call(call, "customer", "get_customer", {"customer_id": call.input["customer_id"]})

        def run(asked: Call) -> dict[str, Any]:
            return self.apply(asked, operations.create_application, asked.input, customer)

        return people.knowing(self, call, run)

    @endpoint(schema.ApplicationChange(), "applications.create")
    def change_application(self, call: Call) -> dict[str, Any]:
        """Change a draft."""

        def run(asked: Call) -> dict[str, Any]:
            return self.apply(asked, operations.change_application, asked.input)

        return people.knowing(self, call, run)

    @endpoint(schema.ApplicationKey(), "applications.submit")
    def submit_application(self, call: Call) -> dict[str, Any]:
        """Hand it to its approvers, if its customer may have credit."""
        customer_id = self.read(call, operations.customer_of, call.input["application_id"])
        customer = self.call(call, "customer", "get_customer", {"customer_id": customer_id})
        return self.apply(call, operations.submit_application, call.input, customer)

    @endpoint(schema.ApplicationKey(), "applications.withdraw")
    def withdraw_application(self, call: Call) -> dict[str, Any]:
        """Take it back."""
        return self.apply(call, operations.withdraw_application, call.input)

    @endpoint(schema.Step(), SERVICES_ONLY)
    def take_step(self, call: Call) -> dict[str, Any]:
        """A step of the flow."""
        return self.apply(call, operations.take_step, call.input)

    @endpoint(schema.ApplicationKey(), "applications.read")
    def get_application(self, call: Call) -> dict[str, Any]:
        """One application with its history."""
        return dict(self.read(call, operations.get_application, call.input["application_id"]))

    @endpoint(ListInput(), "applications.read")
    def list_applications(self, call: Call) -> dict[str, Any]:
        """A page of applications."""
        return dict(self.read(call, operations.list_applications, call.input))

    def facts_finder(self, resource: str) -> Any:
        """Also of the records of forms that people define."""
        if resource.startswith(PREFIX):
            return partial(records.facts_of, resource.removeprefix(PREFIX))
        return super().facts_finder(resource)

    # --- forms -------------------------------------------------------------------------------------------

    @endpoint(form_schema.FormDraft(), "forms.write")
    def create_form(self, call: Call) -> dict[str, Any]:
        """A new form as a draft."""
        return self.apply(call, forms.create_form, call.input["definition"])

    @endpoint(form_schema.FormDraft(), "forms.write")
    def save_form(self, call: Call) -> dict[str, Any]:
        """Change a form's draft."""
        return self.apply(call, forms.save_form, call.input["key"], call.input["definition"])

    @endpoint(form_schema.Publication(), "forms.publish")
    def publish_form(self, call: Call) -> dict[str, Any]:
        """Put a draft in force; its indexes are made beside."""
        answer = self.apply(call, forms.publish_form, call.input["key"], call.input)
        eventlet.spawn_n(self._settle_indexes_now)
        return answer

    @endpoint(form_schema.FormKey(), "forms.read")
    def get_form(self, call: Call) -> dict[str, Any]:
        """A form, one of its versions, or its draft."""
        return dict(self.read(call, forms.get_form, call.input))

    @endpoint(None, "forms.read")
    def list_forms(self, call: Call) -> dict[str, Any]:
        """Every form."""
        return dict(self.read(call, forms.list_forms))

    @endpoint(form_schema.FormKey(), "forms.read")
    def list_form_versions(self, call: Call) -> dict[str, Any]:
        """Every version of a form."""
        return dict(self.read(call, forms.list_versions, call.input["key"]))

    def _settle_indexes_now(self) -> None:
        try:
            self.settle_indexes()
        except Unavailable as problem:
            _log.info("indexes are left for later: %s", problem.code)

    @every(seconds=_INDEX_SECONDS, name="settle-form-indexes")
    def settle_indexes(self) -> None:
        """Make the indexes that published forms ask for, and drop those that none asks for any more."""
        with self.work() as work:
            definitions = forms.published_definitions(work)
        partitions.settle_indexes(self.ground.database, definitions)

    # --- records of forms --------------------------------------------------------------------------------

    @endpoint(schema.NewRecord(), of_records("create"))
    def create_record(self, call: Call) -> dict[str, Any]:
        """Create a record, in one transaction with those that come meanwhile."""

        def run(asked: Call) -> dict[str, Any]:
            return self.apply_grouped(asked, records.create_record, records.foresee_records)

        return people.knowing(self, self._with_customers(call), run)

    @endpoint(schema.RecordChange(), of_records("update"))
    def update_record(self, call: Call) -> dict[str, Any]:
        """Change a record."""

        def run(asked: Call) -> dict[str, Any]:
            return self.apply(asked, records.update_record, asked.input)

        return people.knowing(self, self._with_customers(call), run)

    @endpoint(schema.RecordKey(), of_records("delete"))
    def delete_record(self, call: Call) -> dict[str, Any]:
        """Hide a record, to be restored."""
        return self.apply(call, records.delete_record, call.input)

    @endpoint(schema.RecordKey(), of_records("delete"))
    def restore_record(self, call: Call) -> dict[str, Any]:
        """Bring a hidden record back."""
        return self.apply(call, records.restore_record, call.input)

    @endpoint(schema.RecordKey(), of_records("read"))
    def get_record(self, call: Call) -> dict[str, Any]:
        """One record."""
        return dict(self.read(call, records.get_record, call.input))

    @endpoint(schema.RecordList(), of_records("read"))
    def list_records(self, call: Call) -> dict[str, Any]:
        """A page of records."""
        return dict(self.read(call, records.list_records, call.input))

    @endpoint(schema.RecordHistory(), of_records("read"))
    def list_record_history(self, call: Call) -> dict[str, Any]:
        """What was changed of a record."""
        return dict(self.read(call, records.list_history, call.input))

    @endpoint(schema.RecordDraft(), rights.to_evaluate)
    def evaluate_form(self, call: Call) -> dict[str, Any]:
        """How a form stands with these values."""
        asked = self._with_customers(call)
        return dict(self.read(asked, records.evaluate_form, asked.input))

    # --- files of forms ----------------------------------------------------------------------------------

    @endpoint(file_schema.FileRoom(), rights.to_fill)
    def get_file_room(self, call: Call) -> dict[str, Any]:
        """What a field takes."""
        return dict(self.read(call, forms.get_file_room, call.input))

    @endpoint(file_schema.NewFile(), rights.to_fill)
    def add_file(self, call: Call) -> dict[str, Any]:
        """Register a stored file for a field."""
        return self.apply(call, forms.add_file, call.input)

    @endpoint(schema.RecordFile(), of_records("read"))
    def get_record_file(self, call: Call) -> dict[str, Any]:
        """A file of a record."""
        return dict(self.read(call, records.get_file, call.input))

    @endpoint(schema.ApplicationFile(), "applications.read")
    def get_application_file(self, call: Call) -> dict[str, Any]:
        """A file of an application."""
        return dict(self.read(call, operations.get_file, call.input))

    @endpoint(None, SERVICES_ONLY)
    def take_removable_files(self, call: Call) -> dict[str, Any]:
        """Some files that nobody has held for a while."""
        return self.apply(call, files.take_removable)

    @endpoint(file_schema.FileIds(), SERVICES_ONLY)
    def forget_files(self, call: Call) -> dict[str, Any]:
        """The bytes of these files are gone."""
        return self.apply(call, files.forget_files, call.input["ids"])

    # --- views -------------------------------------------------------------------------------------------

    @endpoint(schema.NewView(), of_records("read"))
    def save_view(self, call: Call) -> dict[str, Any]:
        """Save a way to look at records."""
        return self.apply(call, views.save_view, call.input)

    @endpoint(schema.FormName(), of_records("read"))
    def list_views(self, call: Call) -> dict[str, Any]:
        """One's own views and those that are shared."""
        return dict(self.read(call, views.list_views, call.input["form"]))

    @endpoint(schema.ViewKey(), of_records("read"))
    def delete_view(self, call: Call) -> dict[str, Any]:
        """Remove one of one's own views."""
        return self.apply(call, views.delete_view, call.input)

    # --- tables of records -------------------------------------------------------------------------------

    def import_right(self, received: Any) -> str:
        """That of the form that an input names."""
        return str(of_records("import")(received))

    def import_target(self, asked: Asked) -> RecordTarget:
        """The records of a form."""
        return RecordTarget(self.ground.database, asked, self._find_customers)

    @endpoint(schema.ExportView(), of_records("export"))
    def describe_export(self, call: Call) -> dict[str, Any]:
        """The columns of a table of records."""
        return dict(self.read(call, exports.columns, call.input))

    @endpoint(schema.RecordExport(), of_records("export"))
    def export_records(self, call: Call) -> dict[str, Any]:
        """A page of a table of records."""
        found = self.read(call, exports.page, call.input)
        ids = exports.customers_in(found)
        codes: dict[str, str] = {}
        for start in range(0, len(ids), _CUSTOMERS_MAX):
            asked = {"keys": ids[start : start + _CUSTOMERS_MAX]}
            rows = self.call(call, "customer", "find_customers", asked)["items"]
            seen = only_seen(call.caller, "customers.read", rows)
            codes |= {row["id"]: row["code"] for row in seen if row.get("code")}
        return exports.with_customers(found, codes)

    def _find_customers(self, asked: Asked, keys: list[str]) -> list[dict[str, Any]]:
        caller = service_caller(self.name, asked.caller.actor, reach_of=asked.caller)
        answer = self.ground.ask(
            "customer", "find_customers", {"keys": keys}, caller=caller, trace_id=asked.trace_id
        )
        return list(answer["items"])

    def _with_customers(self, call: Call) -> Call:
        """The call with the customers that its values point to, without what its caller may not see."""
        given = call.input["fields"]
        if not any(records.names_a_record(value) for value in given.values()):
            return call
        with self.ground.database.glance(call.caller, call.trace_id) as work:
            form = designing.newest_form(work, call.input["form"])
        ids = records.customers_asked(form.definition, given)
        if not ids:
            return call
        found = self.call(call, "customer", "get_customers", {"customer_ids": ids})["items"]
        seen = only_seen(call.caller, "customers.read", found)
        related = {row["id"]: row for row in seen}
        return replace(call, input={**call.input, "related": related})

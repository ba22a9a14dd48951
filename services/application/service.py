"""The door of applications."""

from __future__ import annotations

from typing import Any

from services.application import model, operations, schema, store
from services.common.messaging import SERVICES_ONLY, Call, Service, endpoint
from services.common.paging import ListInput


class ApplicationService(Service):
    """Applications for credit, from the draft to their effect."""

    name = "application"
    metadata = model.metadata
    owned = {"applications": store.facts_of}  # noqa: RUF012 - declared by the base class

    @endpoint(schema.NewApplication(), "applications.create")
    def create_application(self, call: Call) -> dict[str, Any]:
        """File an application for a customer, whom the customer service must know."""
        customer = self.call(call, "customer", "get_customer", {"customer_id": call.input["customer_id"]})
        return self.apply(call, operations.create_application, call.input, customer)

    @endpoint(schema.ApplicationChange(), "applications.create")
    def change_application(self, call: Call) -> dict[str, Any]:
        """Change a draft."""
        return self.apply(call, operations.change_application, call.input)

    @endpoint(schema.ApplicationKey(), "applications.submit")
    def submit_application(self, call: Call) -> dict[str, Any]:
        """Hand it to its approvers."""
        return self.apply(call, operations.submit_application, call.input)

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

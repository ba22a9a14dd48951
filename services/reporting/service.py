"""The door of reports."""

from __future__ import annotations

from typing import Any

from services.common.messaging import SERVICES_ONLY, Call, Service, endpoint
from services.reporting import model, schema
from services.reporting.operations import reports
from services.reporting.store import facts, projection, receivables

_ORDER_EVENTS = (
    "order_reserved",
    "order_held",
    "order_refused",
    "order_amended",
    "order_cancelled",
    "order_closed",
    "order_reopened",
    "order_delivered",
    "order_restaged",
    "order_returned",
    "order_delivery_reversed",
    "order_expired",
)
_INVOICE_EVENTS = ("invoice_recorded", "invoice_reversed", "dispute_opened", "dispute_resolved")
_WRITE_OFF_EVENTS = ("write_off_recorded", "write_off_reversed")
_PAYMENT_EVENTS = ("payment_recorded", "payment_allocated", "payment_reversed")
_CREDIT_NOTE_EVENTS = ("credit_note_recorded", "credit_note_allocated", "credit_note_reversed")
_BILL_EVENTS = ("bill_received", "bill_honoured", "bill_dishonoured", "bill_voided")


class ReportingService(Service):
    """The star schema, questions over it, and dashboards."""

    name = "reporting"
    metadata = model.metadata
    owned = dict.fromkeys(("reports", "dashboards"), facts.facts_of)
    projections = model.PROJECTIONS
    subscriptions = {  # noqa: RUF012 - declared by the base class
        "customer": {
            "customer_created": projection.customer_changed,
            "customer_updated": projection.customer_changed,
            "customer_deleted": projection.customer_deleted,
            "customer_merged": projection.customer_deleted,
        },
        "risk_rules": {"customer_rated": projection.customer_rated},
        "limits": {
            "account_changed": projection.account_changed,
            "exposure_merged": projection.exposure_merged,
            "credit_granted": projection.credit_granted,
            "customer_frozen": projection.freeze_changed,
            "customer_unfrozen": projection.freeze_changed,
            "ledger_settings_changed": receivables.settings_changed,
            **dict.fromkeys(_INVOICE_EVENTS, receivables.invoice_changed),
            **dict.fromkeys(_WRITE_OFF_EVENTS, receivables.write_off_changed),
            **dict.fromkeys(_PAYMENT_EVENTS, receivables.payment_changed),
            **dict.fromkeys(_CREDIT_NOTE_EVENTS, receivables.credit_note_changed),
            **dict.fromkeys(_BILL_EVENTS, receivables.bill_changed),
            "business_date_opened": projection.date_opened,
            "business_date_closed": projection.date_closed,
            **dict.fromkeys(_ORDER_EVENTS, projection.order_changed),
        },
    }

    @endpoint(None, "reports.read")
    def describe_model(self, call: Call) -> dict[str, Any]:
        """The measures and dimensions."""
        return dict(self.read(call, reports.describe_model))

    @endpoint(schema.Query(), "reports.read")
    def query(self, call: Call) -> dict[str, Any]:
        """Answer a question."""
        return dict(self.read(call, reports.query, call.input))

    @endpoint(None, "dashboards.read")
    def list_dashboards(self, call: Call) -> dict[str, Any]:
        """Every dashboard."""
        return dict(self.read(call, reports.list_dashboards))

    @endpoint(schema.NewDashboard(), "dashboards.write")
    def save_dashboard(self, call: Call) -> dict[str, Any]:
        """Make or replace a dashboard."""
        return self.apply(call, reports.save_dashboard, call.input)

    @endpoint(schema.DashboardKey(), "dashboards.read")
    def dashboard_data(self, call: Call) -> dict[str, Any]:
        """A dashboard with its data."""
        return dict(self.read(call, reports.dashboard_data, call.input))

    @endpoint(schema.CustomerKey(), "reports.read")
    def profile(self, call: Call) -> dict[str, Any]:
        """Everything about one customer."""
        return dict(self.read(call, reports.profile, call.input["customer_id"]))

    @endpoint(None, SERVICES_ONLY)
    def totals(self, call: Call) -> dict[str, Any]:
        """Exposure by customer and currency, from the facts."""
        return dict(self.read(call, reports.totals))

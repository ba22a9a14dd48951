"""The door of the limit ledger."""

from __future__ import annotations

from typing import Any

from services.common.messaging import SERVICES_ONLY, Call, ErpSubscription, endpoint, every
from services.common.paging import ListInput
from services.limits import model, rights, schema, store
from services.limits.operations import (
    accounts,
    checking,
    dates,
    grants,
    history,
    intake,
    merging,
    opening,
    orders,
    pool_limits,
    verification,
)
from services.limits.service.overrides import OverridesDoor
from services.limits.service.pools import PoolsDoor
from services.limits.service.receivables import ReceivablesDoor
from services.limits.service.settings import SettingsDoor

_NEW_ORDER = schema.NewOrder()
_SCHEDULE_SECONDS = 60


class LimitsService(ReceivablesDoor, PoolsDoor, OverridesDoor, SettingsDoor):
    """Limits, exposure, orders, invoices, payments, decisions, freezes and the business date."""

    name = "limits"
    metadata = model.metadata
    owned = dict.fromkeys((resource.key for resource in rights.RESOURCES), store.facts_of)
    subscriptions = {  # noqa: RUF012 - declared by the base class
        "customer": {
            "customer_created": intake.customer_changed,
            "customer_updated": intake.customer_changed,
            "customer_deleted": intake.customer_deleted,
            "customer_merged": merging.customer_merged,
            "group_created": pool_limits.group_changed,
            "group_updated": pool_limits.group_changed,
        },
        "gateway": {"department_changed": pool_limits.department_changed},
        "risk_rules": {"rule_published": accounts.rule_published, "rule_fired": accounts.rule_fired},
    }
    # A rule may ask to freeze a customer who was made a moment ago.
    reads_first = {"risk_rules": ("customer",)}  # noqa: RUF012
    erp = ErpSubscription(keys=intake.KEYS, apply=intake.apply_document, foresee=intake.foresee)

    @endpoint(schema.AccountMoment(), "credit.read")
    def get_credit_account(self, call: Call) -> dict[str, Any]:
        """A customer's credit account, now or at the end of a date, as it was known at an instant."""
        self.learn_missing(call, [call.received])
        return dict(self.read(call, history.get_account, call.input))

    @endpoint(schema.EntryList(), "credit.read")
    def list_entries(self, call: Call) -> dict[str, Any]:
        """A page of a customer's entries, effective by a date, recorded by an instant."""
        return dict(self.read(call, history.list_entries, call.input))

    @endpoint(schema.AccountKey(), "credit.read")
    def list_grants(self, call: Call) -> dict[str, Any]:
        """Every grant of a customer."""
        return dict(self.read(call, grants.list_grants, call.input["customer_id"]))

    @endpoint(schema.AccountKey(), "credit.read")
    def list_freezes(self, call: Call) -> dict[str, Any]:
        """Every freeze of a customer."""
        return dict(self.read(call, accounts.list_freezes, call.input["customer_id"]))

    @endpoint(schema.GrantInput(), "credit.grant")
    def grant_credit(self, call: Call) -> dict[str, Any]:
        """Grant a limit, or raise, cut or replace the one in force."""
        return self.knowing_customers(call, grants.grant_credit, call.input)

    @endpoint(schema.AccountKey(), "credit.read")
    def list_guarantees(self, call: Call) -> dict[str, Any]:
        """Every guarantee of a customer."""
        return dict(self.read(call, grants.list_guarantees, call.input["customer_id"]))

    @endpoint(schema.GuaranteeInput(), "credit.grant")
    def accept_guarantee(self, call: Call) -> dict[str, Any]:
        """Accept a guarantee, collateral or insurance."""
        return self.knowing_customers(call, grants.accept_guarantee, call.input)

    @endpoint(schema.GuaranteeKey(), "credit.grant")
    def release_guarantee(self, call: Call) -> dict[str, Any]:
        """End a guarantee before its time."""
        return self.apply(call, grants.release_guarantee, call.input)

    @endpoint(schema.FreezeInput(), "credit.freeze")
    def freeze_account(self, call: Call) -> dict[str, Any]:
        """Stop new credit for a customer."""
        return self.knowing_customers(call, accounts.freeze_by_person, call.input)

    @endpoint(schema.FreezeInput(), "credit.unfreeze")
    def unfreeze_account(self, call: Call) -> dict[str, Any]:
        """Lift every freeze of a customer."""
        return self.knowing_customers(call, accounts.unfreeze_by_person, call.input)

    @endpoint(schema.NewOrder(), "orders.create")
    def reserve_order(self, call: Call) -> dict[str, Any]:
        """Check an order and reserve its amount."""
        return self.document(call, orders.reserve_order, orders.foresee_orders)

    @endpoint(schema.OrderToCheck(), "orders.check")
    def check_order(self, call: Call) -> dict[str, Any]:
        """What would come of an order, without any effect."""
        return dict(self.read(call, orders.check_order, call.input))

    @endpoint(schema.Batch(), "orders.create")
    def reserve_orders(self, call: Call) -> dict[str, Any]:
        """Check and reserve many orders."""
        return self.batch(call, _NEW_ORDER, orders.reserve_locked, orders.foresee_orders)

    @endpoint(schema.OrderKey(), "orders.read")
    def get_order(self, call: Call) -> dict[str, Any]:
        """One order with its last decision."""
        return dict(self.read(call, orders.get_order, call.input))

    @endpoint(ListInput(), "orders.read")
    def list_orders(self, call: Call) -> dict[str, Any]:
        """A page of orders."""
        return dict(self.read(call, orders.list_orders, call.input))

    @endpoint(schema.OrderChange(), "orders.change")
    def amend_order(self, call: Call) -> dict[str, Any]:
        """Change an order; what it binds more is checked."""
        return self.apply(call, orders.amend_order, call.input)

    @endpoint(schema.OrderKey(), "orders.change")
    def cancel_order(self, call: Call) -> dict[str, Any]:
        """Cancel an order and release what it reserved."""
        return self.apply(call, orders.close_order, call.input, "cancelled")

    @endpoint(schema.OrderKey(), "orders.change")
    def close_order(self, call: Call) -> dict[str, Any]:
        """Close an order and release what is left of it."""
        return self.apply(call, orders.close_order, call.input, "closed")

    @endpoint(schema.OrderKey(), "orders.change")
    def reopen_order(self, call: Call) -> dict[str, Any]:
        """Open an order again, by the same check."""
        return self.apply(call, orders.reopen_order, call.input)

    @endpoint(schema.OrderKey(), "orders.release")
    def release_order(self, call: Call) -> dict[str, Any]:
        """Let a held order pass."""
        return self.apply(call, orders.release_hold, call.input)

    @endpoint(schema.Delivery(), "deliveries.create")
    def deliver_order(self, call: Call) -> dict[str, Any]:
        """Record a delivery."""
        return self.apply(call, orders.deliver_order, call.input)

    @endpoint(schema.Return(), "deliveries.create")
    def return_delivery(self, call: Call) -> dict[str, Any]:
        """Record that goods of an order came back."""
        return self.apply(call, orders.return_delivery, call.input)

    @endpoint(schema.DeliveryKey(), "deliveries.reverse")
    def reverse_delivery(self, call: Call) -> dict[str, Any]:
        """Take back a delivery or a return that was a mistake."""
        return self.apply(call, orders.reverse_delivery, call.input)

    @endpoint(ListInput(), "decisions.read")
    def list_decisions(self, call: Call) -> dict[str, Any]:
        """A page of documented credit decisions."""
        return dict(self.read(call, checking.list_decisions, call.input))

    @endpoint(None, None)
    def get_business_date(self, call: Call) -> dict[str, Any]:
        """The open business date."""
        return dict(self.read(call, dates.get_business_date))

    @endpoint(schema.BusinessDate(), "admin.business_date")
    def open_business_date(self, call: Call) -> dict[str, Any]:
        """Open a later business date, running every day between in order."""
        while True:
            with self.ground.database.begin(call.caller, call.trace_id) as work:
                if not opening.open_some(work, call.input["date"]):
                    return dates.get_business_date(work)

    @every(seconds=_SCHEDULE_SECONDS, name="open-business-date")
    def open_todays_date(self) -> None:
        """Open today's date in the company's time zone, unless a person moved the date elsewhere."""
        more = True
        while more:
            with self.work() as work:
                more = opening.open_some(work, work.local_date, by_schedule=True)

    @every(seconds=_SCHEDULE_SECONDS, name="apply-waiting-documents")
    def apply_waiting_documents(self) -> None:
        """Apply the ERP documents that came at the moment when what they wait for came."""
        more = True
        while more:
            with self.work() as work:
                more = intake.apply_overtaken(work)

    @every(seconds=600, name="park-documents")
    def park_documents(self) -> None:
        """Park the ERP documents whose customer has not come within 72 hours."""
        with self.work() as work:
            intake.park_expired(work)

    @endpoint(schema.VerificationInput(), "credit.verify")
    def verify(self, call: Call) -> dict[str, Any]:
        """Recompute what the ledger says, for a few seconds; `next` says where to go on."""
        return dict(self.read(call, verification.verify_some, call.input["after"]))

    @endpoint(None, SERVICES_ONLY)
    def ledger_totals(self, call: Call) -> dict[str, Any]:
        """What the ledger says of every customer."""
        return dict(self.read(call, verification.ledger_totals))

    @endpoint(None, SERVICES_ONLY)
    def ledger_roots(self, call: Call) -> dict[str, Any]:
        """The root over all chains of each closed date."""
        return dict(self.read(call, verification.ledger_roots))

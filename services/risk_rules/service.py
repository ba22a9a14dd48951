"""The door of rules and ratings."""

from __future__ import annotations

from typing import Any

from services.common.messaging import Call, Service, endpoint
from services.common.paging import ListInput
from services.risk_rules import model, operations, schema, store


class RiskRulesService(Service):
    """Rules and their firings, ratings, and the facts they need."""

    name = "risk_rules"
    metadata = model.metadata
    owned = dict.fromkeys(("firings", "ratings"), store.facts_of)
    projections = ("customers", "behaviour")
    subscriptions = {  # noqa: RUF012 - declared by the base class
        "customer": {
            "customer_created": operations.customer_changed,
            "customer_updated": operations.customer_changed,
        },
        "limits": {
            "customer_aged": operations.customer_aged,
            "account_changed": operations.account_changed,
            "payment_recorded": operations.payment_recorded,
            "payment_reversed": operations.payment_reversed,
        },
    }

    # A firing names the customer and its salesperson.
    reads_first = {"limits": ("customer",)}  # noqa: RUF012

    @endpoint(ListInput(), "rules.read")
    def list_rules(self, call: Call) -> dict[str, Any]:
        """A page of rules."""
        return dict(self.read(call, operations.list_rules, call.input))

    @endpoint(schema.RuleKey(), "rules.read")
    def get_rule(self, call: Call) -> dict[str, Any]:
        """One rule with its versions."""
        return dict(self.read(call, operations.get_rule, call.input["rule"]))

    @endpoint(schema.NewRule(), "rules.write")
    def create_rule(self, call: Call) -> dict[str, Any]:
        """Make a rule as a draft."""
        return self.apply(call, operations.create_rule, call.input)

    @endpoint(schema.RuleChange(), "rules.write")
    def change_rule(self, call: Call) -> dict[str, Any]:
        """Change a rule's draft."""
        return self.apply(call, operations.change_rule, call.input)

    @endpoint(schema.RuleKey(), "rules.publish")
    def publish_rule(self, call: Call) -> dict[str, Any]:
        """Put a rule's draft in force."""
        return self.apply(call, operations.publish_rule, call.input["rule"])

    @endpoint(schema.RuleTest(), "rules.test")
    def test_rule(self, call: Call) -> dict[str, Any]:
        """Try a rule's draft on one case."""
        return dict(self.read(call, operations.try_rule, call.input["rule"], call.input["facts"]))

    @endpoint(schema.RuleFirings(), "firings.read")
    def list_firings(self, call: Call) -> dict[str, Any]:
        """A page of a rule's firings."""
        return dict(self.read(call, operations.list_firings, call.input))

    @endpoint(schema.RatingKey(), "ratings.read")
    def get_rating(self, call: Call) -> dict[str, Any]:
        """The rating of a customer."""
        return dict(self.read(call, operations.get_rating, call.input["customer_id"]))

    @endpoint(schema.RatingInput(), "ratings.write")
    def rate_customer(self, call: Call) -> dict[str, Any]:
        """Grade a customer by a person's judgement."""
        return self.apply(call, operations.rate_by_person, call.input)

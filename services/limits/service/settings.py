"""The door of what is set for the whole ledger: credit horizon, reservations, disputes, exchange rates."""

from __future__ import annotations

from typing import Any

from services.common.messaging import Call, endpoint, every
from services.common.paging import ListInput
from services.limits import schema
from services.limits.operations import exchange, revaluation, settings
from services.limits.service.documents import DocumentsDoor

_FOLLOW_SECONDS = 60


class SettingsDoor(DocumentsDoor):
    """What is set for all accounts, which follow it."""

    @endpoint(None, "credit.settings")
    def get_ledger_settings(self, call: Call) -> dict[str, Any]:
        """What is set for the whole ledger."""
        return dict(self.read(call, settings.get_settings))

    @endpoint(schema.LedgerSettings(), "credit.settings")
    def change_ledger_settings(self, call: Call) -> dict[str, Any]:
        """Set credit horizon, reservations, disputes."""
        answer = self.apply(call, settings.change_settings, call.input)
        self.follow_settings()
        return answer

    @every(seconds=_FOLLOW_SECONDS, name="follow-settings")
    def follow_settings(self) -> None:
        """Let the accounts follow what was set, also where a process ended in the middle."""
        for follow in (settings.follow_settings, revaluation.follow_rates):
            more = True
            while more:
                with self.work() as work:
                    more = follow(work)

    @endpoint(ListInput(), "credit.read")
    def list_exchange_rates(self, call: Call) -> dict[str, Any]:
        """A page of all rates that were ever set."""
        return dict(self.read(call, exchange.list_exchange_rates, call.input))

    @endpoint(schema.RatesMoment(), "credit.read")
    def get_exchange_rates(self, call: Call) -> dict[str, Any]:
        """The rates in force on a date."""
        return dict(self.read(call, exchange.get_exchange_rates, call.input))

    @endpoint(schema.RatesInput(), "credit.rates")
    def set_exchange_rates(self, call: Call) -> dict[str, Any]:
        """Set rates from a date on; the pools that they concern follow."""
        answer = self.apply(call, exchange.set_exchange_rates, call.input)
        self.follow_settings()
        return answer

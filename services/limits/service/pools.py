"""The door of the pools that customers share, and of customers' limits in one segment."""

from __future__ import annotations

from typing import Any

from services.common.messaging import Call, endpoint
from services.limits import schema
from services.limits.operations import history, pool_limits
from services.limits.service.documents import DocumentsDoor


class PoolsDoor(DocumentsDoor):
    """Limits of groups, salespersons, departments and segments."""

    @endpoint(None, "credit.read")
    def list_pools(self, call: Call) -> dict[str, Any]:
        """Every pool that controls."""
        return dict(self.read(call, pool_limits.list_pools))

    @endpoint(schema.PoolMoment(), "credit.read")
    def get_pool(self, call: Call) -> dict[str, Any]:
        """One pool with its grants, now or at the end of a date, as it was known at an instant."""
        return dict(self.read(call, history.get_pool, call.input))

    @endpoint(schema.PoolLimitInput(), "credit.grant")
    def grant_pool_limit(self, call: Call) -> dict[str, Any]:
        """Grant a limit to a pool; its first lets it control."""
        # Whoever has just made a group or a customer may give it a limit at once.
        self.catch_up("customer")
        return self.apply(call, pool_limits.grant_pool_limit, call.input)

    @endpoint(schema.PoolReleaseInput(), "credit.grant")
    def release_pool(self, call: Call) -> dict[str, Any]:
        """Let a pool control nothing any more."""
        return self.apply(call, pool_limits.release_pool, call.input)

    @endpoint(schema.PoolKeyInput(), "credit.read")
    def list_pool_guarantees(self, call: Call) -> dict[str, Any]:
        """Every guarantee of a pool."""
        return dict(self.read(call, pool_limits.list_pool_guarantees, call.input))

    @endpoint(schema.PoolGuaranteeInput(), "credit.grant")
    def accept_pool_guarantee(self, call: Call) -> dict[str, Any]:
        """Accept a guarantee, collateral or insurance for a pool."""
        return self.apply(call, pool_limits.accept_pool_guarantee, call.input)

    @endpoint(schema.PoolGuaranteeKey(), "credit.grant")
    def release_pool_guarantee(self, call: Call) -> dict[str, Any]:
        """End a guarantee of a pool before its time."""
        return self.apply(call, pool_limits.release_pool_guarantee, call.input)

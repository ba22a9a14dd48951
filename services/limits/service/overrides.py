"""The door of overrides (special approvals)."""

from __future__ import annotations

from typing import Any

from services.common.messaging import Call, endpoint
from services.common.paging import ListInput
from services.limits import schema
from services.limits.operations import overrides
from services.limits.service.documents import DocumentsDoor


class OverridesDoor(DocumentsDoor):
    """What lets orders pass beyond limits and rules."""

    @endpoint(schema.NewOverride(), "overrides.grant")
    def grant_override(self, call: Call) -> dict[str, Any]:
        """Let orders pass beyond limits and rules."""
        return self.knowing_customers(call, overrides.grant_override, call.input)

    @endpoint(schema.OverrideEnd(), "overrides.reverse")
    def end_override(self, call: Call) -> dict[str, Any]:
        """Take back what is left of an override."""
        return self.apply(call, overrides.end_override, call.input)

    @endpoint(ListInput(), "overrides.read")
    def list_overrides(self, call: Call) -> dict[str, Any]:
        """A page of overrides with what used them up."""
        return dict(self.read(call, overrides.list_overrides, call.input))

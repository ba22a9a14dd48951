"""What one HTTP request is answered with: its caller, and the ways to the services and the gateway's data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import request

from gateway.audit.origins import Origins
from gateway.audit.trail import Origin, trail
from gateway.identity.desk import access_token
from gateway.single_sign_on.protocol import OpenIdConnect
from services.common.caller import Caller, service_caller
from services.common.config import GATEWAY, Settings
from services.common.db import UnitOfWork
from services.common.idempotency import run_once, unwrap
from services.common.strict_json import to_plain


@dataclass(frozen=True)
class Context:
    """One request.

    `ground` is the gateway service's ground; `desk` resolves callers, `entrance` opens sessions.
    """

    ground: Any
    desk: Any
    entrance: Any
    caller: Caller
    trace_id: str
    idempotency_key: str | None
    origin: Origin
    # Where the origin is noted before a service is asked for a change; None where nothing is changed.
    origins: Origins | None = None

    @property
    def settings(self) -> Settings:
        """The process's settings."""
        settings: Settings = self.ground.settings
        return settings

    @property
    def session_id(self) -> UUID | None:
        """The session that asks, where it is one."""
        found: UUID | None = self.entrance.session_of(access_token(request))
        return found

    @property
    def is_https(self) -> bool:
        """Whether people reach the suite by https: cookies go nowhere else then."""
        return self.settings.public_url.startswith("https://")

    def ask(self, service: str, method: str, received: Mapping[str, Any], timeout: float = 15) -> Any:
        """Call a service's method as the caller of this request."""
        if self.origins is not None:
            self.origins.note(self.caller.actor, self.origin)
        return self.ground.ask(
            service,
            method,
            received,
            caller=self.caller,
            trace_id=self.trace_id,
            idempotency_key=self.idempotency_key,
            timeout=timeout,
        )

    def ask_together(self, service: str, method: str, received: Mapping[str, Any]) -> Any:
        """The same in one message with what others ask of that service at the same time."""
        return self.ground.ask_together(
            service,
            method,
            received,
            caller=self.caller,
            trace_id=self.trace_id,
            idempotency_key=self.idempotency_key,
        )

    def facts(self, service: str, resource: str, records: Sequence[str]) -> dict[str, Any]:
        """What record scopes read of a service's records, by record, asked by the gateway itself."""
        as_gateway = service_caller(GATEWAY, self.caller.actor)
        asked = {"resource": resource, "records": list(records)}
        answer = self.ground.ask(service, "record_facts", asked, caller=as_gateway, trace_id=self.trace_id)
        found: dict[str, Any] = answer["records"]
        return found

    def apply(self, name: str, received: Any, operation: Callable[[UnitOfWork], Any]) -> Any:
        """Change the gateway's own data in one unit of work, once per idempotency key."""
        with self.changing() as work:
            if self.idempotency_key is None:
                return to_plain(operation(work))
            answer = run_once(work, self.idempotency_key, name, received, lambda: operation(work))
        return unwrap(answer)

    @contextmanager
    def changing(self) -> Iterator[UnitOfWork]:
        """A unit of work on the gateway's own data whose lines in the audit trail know from where."""
        with self.ground.database.begin(self.caller, self.trace_id) as work:
            trail(work).origin = self.origin
            yield work

    @contextmanager
    def acting_itself(self) -> Iterator[UnitOfWork]:
        """The same where the gateway itself acts: nobody is signed in yet."""
        with self.ground.database.begin(service_caller(GATEWAY), self.trace_id) as work:
            trail(work).origin = self.origin
            yield work

    @property
    def openid(self) -> OpenIdConnect:
        """The process's way to identity providers."""
        found: OpenIdConnect = self.ground.openid
        return found

    def audit(self, action: str, subject: str, detail: Mapping[str, Any]) -> None:
        """Add a line to the audit trail for what changes nothing: an export."""
        with self.changing() as work:
            trail(work).add(action, subject, detail)

    def read(self, operation: Callable[[UnitOfWork], Any]) -> Any:
        """Read the gateway's own data in a unit of work that sees one moment."""
        return to_plain(self.read_raw(operation))

    def read_raw(self, operation: Callable[[UnitOfWork], Any]) -> Any:
        """The same as the values that they are, not as plain JSON."""
        with self.ground.database.read(self.caller, self.trace_id) as work:
            return operation(work)

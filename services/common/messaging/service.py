"""The base of every service class: endpoints, units of work, and the calls that all services have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any, ClassVar

import eventlet
from marshmallow import EXCLUDE, Schema, fields, validate
from sqlalchemy import MetaData

from services.common import events, idempotency, parked, positions
from services.common.caller import service_caller
from services.common.commands import AnswerHandler
from services.common.db import UnitOfWork
from services.common.engines import again_after_deadlocks
from services.common.errors import Invalid, NotFound
from services.common.events import Handler
from services.common.group_commit import Foresee, GroupCommand, Operation
from services.common.messaging.authenticity import Envelope
from services.common.messaging.door import PUBLIC, SERVICES_ONLY, Call, endpoint
from services.common.messaging.erp import ERP_SOURCE, ErpSubscription, replay_document
from services.common.messaging.ground import Ground
from services.common.messaging.rpc import DEFAULT_TIMEOUT_SECONDS
from services.common.messaging.timers import every
from services.common.paging import PAGE_SIZE_MAX
from services.common.positions import StreamStopped
from services.common.scopes import Facts
from services.common.strict_json import Written

__all__ = ["PUBLIC", "SERVICES_ONLY", "Call", "Service", "endpoint", "every"]

_DEADLOCK_TRIES = 3
_CLEANING_SECONDS = 3600.0


def _told(
    work: UnitOfWork, call: Call, operation: Callable[..., Mapping[str, Any]], arguments: tuple[Any, ...]
) -> Mapping[str, Any]:
    """What the operation answers; a change that it has told nobody of is told as `change_applied`.

    So every change is in the event log, from which the audit trail is made.
    """
    answer = operation(work, *arguments)
    if not work.has_told:
        asked = call.received if isinstance(call.received, Mapping) else {}
        subject = next((str(asked[name]) for name in asked if _names_a_record(name)), call.method)
        work.add_event("change_applied", subject=subject, data={"method": call.method, "input": asked})
    return answer


def _names_a_record(name: str) -> bool:
    return name in ("id", "key", "identity") or name.endswith("_id")


class _EventsAfter(Schema):
    after = fields.Integer(required=True, strict=True, validate=validate.Range(min=0))
    last_event_id = fields.UUID(allow_none=True, load_default=None)
    limit = fields.Integer(
        load_default=events.BATCH_MAX, validate=validate.Range(min=1, max=events.BATCH_MAX)
    )
    types = fields.List(fields.String(), allow_none=True, load_default=None)
    fresh = fields.Boolean(load_default=True)


class _One(Schema):
    method = fields.String(required=True)
    request = fields.Raw(required=True)


class _Many(Schema):
    requests = fields.List(fields.Nested(_One()), required=True)


class _Settle(Schema):
    heads = fields.Dict(keys=fields.String(), values=fields.Integer(strict=True), load_default=None)


class _Parked(Schema):
    class Meta:
        unknown = EXCLUDE

    identity = fields.Integer(load_default=None, allow_none=True)
    source = fields.String(load_default=None, allow_none=True)
    ordering_key = fields.String(load_default=None, allow_none=True)
    data = fields.Dict(load_default=None, allow_none=True)


class _Records(Schema):
    resource = fields.String(required=True)
    records = fields.List(fields.String(), required=True, validate=validate.Length(max=PAGE_SIZE_MAX))


class Service:
    """The base class: a service declares its tables, what it listens to, and its endpoints."""

    name: ClassVar[str]
    metadata: ClassVar[MetaData]
    subscriptions: ClassVar[Mapping[str, Mapping[str, Handler]]] = {}
    # What happened in one source may rest on what was told by another before: by source, those that are
    # read to their end before a batch of it is applied. They form no circle.
    reads_first: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    answers: ClassVar[Mapping[str, AnswerHandler]] = {}
    erp: ClassVar[ErpSubscription | None] = None
    # By resource: what record scopes read of one record, by its id or its business key.
    owned: ClassVar[Mapping[str, Callable[[UnitOfWork, str], Facts | None]]] = {}
    # Tables that are nothing but a projection of events: emptied by a rebuild, then read anew. What else
    # the handlers do, they do once however often they read of it.
    projections: ClassVar[tuple[str, ...]] = ()

    ground = Ground()

    def apply(
        self, call: Call, operation: Callable[..., Mapping[str, Any]], *arguments: Any
    ) -> dict[str, Any]:
        """Run a changing operation in one unit of work, once per idempotency key of its caller.

        A deadlock or serialization failure is tried again: nothing of it had happened.
        """
        return again_after_deadlocks(_DEADLOCK_TRIES, lambda: self._apply_once(call, operation, arguments))

    def _apply_once(
        self, call: Call, operation: Callable[..., Mapping[str, Any]], arguments: tuple[Any, ...]
    ) -> dict[str, Any]:
        with self.ground.database.begin(call.caller, call.trace_id, call.right) as work:
            answer = idempotency.run_once(
                work,
                call.idempotency_key,
                call.method,
                call.received,
                lambda: _told(work, call, operation, arguments),
            )
        value: dict[str, Any] = idempotency.unwrap(answer)
        return value

    def apply_grouped(
        self,
        call: Call,
        operation: Operation,
        foresee: Foresee,
        *,
        alone: bool = False,
        writes_at_once: bool = False,
    ) -> dict[str, Any]:
        """Run a changing operation on the call's input, in one unit of work with those that come meanwhile.

        What is a group already goes `alone`. See `GroupCommand` for what operation and foresee hold to.
        """
        command = GroupCommand(
            method=call.method,
            operation=operation,
            foresee=foresee,
            input=call.input,
            received=call.received,
            caller=call.caller,
            key=call.idempotency_key,
            trace_id=call.trace_id,
            right=call.right,
            writes_at_once=writes_at_once,
        )
        group = self.ground.large if alone else self.ground.group
        value: dict[str, Any] = idempotency.unwrap(group.apply(command))
        return value

    def read(self, call: Call, operation: Callable[..., Any], *arguments: Any) -> Any:
        """Run a reading operation in a unit of work that sees one moment."""
        with self.ground.database.read(call.caller, call.trace_id, call.right) as work:
            return operation(work, *arguments)

    def call(
        self,
        call: Call,
        service: str,
        method: str,
        received: Mapping[str, Any],
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Any:
        """Ask another service as this service on behalf of the caller; never inside a unit of work.

        What the caller may not see, this service does not see for them.
        """
        caller = service_caller(self.name, call.caller.actor, reach_of=call.caller)
        return self.ground.ask(
            service, method, received, caller=caller, trace_id=call.trace_id, timeout=timeout
        )

    def catch_up(self, source: str) -> int:
        """Apply everything that a source has committed until now; returns how many events were new."""
        return self.ground.readers[source].pull(fresh=True)

    def work(self) -> Any:
        """A unit of work of the service's own, for timers."""
        return self.ground.database.begin(service_caller(self.name))

    @endpoint(None, None)
    def echo(self, call: Call) -> dict[str, Any]:
        """Nothing but an answer: what the way here and back costs."""
        return {"service": self.name}

    @endpoint(None, PUBLIC)
    def ping(self, call: Call) -> dict[str, Any]:
        """Whether the service and its database answer."""
        with self.ground.database.glance(call.caller) as work:
            found = positions.standing(work).positions
        stopped = [source for source, row in found.items() if row["state"] != "running"]
        return {"service": self.name, "status": "ok", "stopped_streams": stopped}

    @endpoint(_Many(), PUBLIC)
    def many(self, call: Call) -> dict[str, Any]:
        """The answers to many requests, side by side; each names its caller, whose rights count for it."""
        asked = [
            eventlet.spawn(self._answer_one, envelope=call.envelope.part(number), **one)
            for number, one in enumerate(call.input["requests"])
        ]
        return {"answers": [each.wait() for each in asked]}

    def _answer_one(self, method: str, request: Any, envelope: Envelope) -> dict[str, Any]:
        door = getattr(type(self), method, None)
        if not hasattr(door, "__credit_endpoint__") or method == "many":
            return {"error": NotFound("没有这个接口").to_dict()}
        answer: dict[str, Any] = door(self, request, envelope)  # type: ignore[misc]
        return answer

    @endpoint(_EventsAfter(), SERVICES_ONLY)
    def events_after(self, call: Call) -> dict[str, Any]:
        """A contiguous batch of this service's log: `{"events", "more", "head", "diverged"}`.

        With `fresh`, also what other processes have committed and not numbered yet is in it.
        """
        if call.input["fresh"]:
            self.ground.relay.number()
        else:
            self.ground.relay.number_news()
        asked = call.input
        with self.ground.database.glance(call.caller) as work:
            batch = events.read_batch(
                work,
                self.name,
                asked["after"],
                asked["limit"],
                last_event_id=asked["last_event_id"],
                types=asked["types"],
            )
        return {
            "events": [Written(event.envelope) for event in batch.events],
            "more": batch.full,
            "head": batch.last,
            "diverged": batch.diverged,
        }

    @endpoint(_Settle(), SERVICES_ONLY)
    def settle(self, call: Call) -> dict[str, Any]:
        """Read every source to its end, or only those that `{"heads": {source: sequence}}` says have news.

        Sends what is due. Tells how far the own log reaches now, how far each source has been read, and how
        many commands wait for an answer.
        """
        heads = call.input["heads"]
        for source, reader in self.ground.readers.items():
            # A stream that has stopped shows as such in what is told below.
            with suppress(StreamStopped):
                if heads is None:
                    reader.pull(fresh=True)
                else:
                    reader.pull(until=heads.get(source, 0))
        self.ground.relay.number_news()
        now = self._standing()
        if now.commands and self.ground.runner.run_due():
            now = self._standing()
        return {
            "head": now.head,
            "read": {source: self._read_of(source, now) for source in self.ground.readers},
            "commands": now.commands,
            "stopped": [source for source, row in now.positions.items() if row["state"] != "running"],
            "parked": sum(int(row["parked"]) for row in now.positions.values()),
        }

    def _read_of(self, source: str, now: positions.Standing) -> int:
        """How far a source has been read; its reader hears of it when that was moved back behind its back."""
        sequence = int(now.positions.get(source, {}).get("sequence", 0))
        self.ground.readers[source].stands_at(sequence)
        return sequence

    def _standing(self) -> positions.Standing:
        """How far the own log and every position reach, with everything committed numbered."""
        with self.ground.database.glance(service_caller(self.name)) as work:
            now = positions.standing(work)
        if now.unnumbered:
            self.ground.relay.number()
            with self.ground.database.glance(service_caller(self.name)) as work:
                now = positions.standing(work)
        return now

    @endpoint(_Records(), SERVICES_ONLY)
    def record_facts(self, call: Call) -> dict[str, Any]:
        """What record scopes read of records: `{"records": {id: facts}}`, see `scopes.Facts`.

        A record that is not there is left out.
        """
        find = self.facts_finder(call.input["resource"])
        found: dict[str, Any] = {}
        with self.ground.database.read(call.caller, call.trace_id) as work:
            for record in call.input["records"]:
                facts = None if find is None else find(work, record)
                if facts is not None:
                    found[record] = asdict(facts)
        return {"records": found}

    def facts_finder(self, resource: str) -> Callable[[UnitOfWork, str], Facts | None] | None:
        """What reads the facts of a resource's records; a service may keep resources that people define."""
        return self.owned.get(resource)

    @endpoint(None, SERVICES_ONLY)
    def list_positions(self, call: Call) -> dict[str, Any]:
        """How far this service has read each source, and how far its own log reaches."""
        with self.ground.database.read(call.caller) as work:
            _, published = events.head_of_log(work)
            now = positions.standing(work)
        return {
            "service": self.name,
            "head": now.head,
            "published": published,
            "commands": now.commands,
            "positions": [now.positions[source] for source in sorted(now.positions)],
        }

    @endpoint(None, "admin.parked")
    def list_parked(self, call: Call) -> dict[str, Any]:
        """Open parked events and documents."""
        return {"items": self.read(call, parked.list_parked)}

    @endpoint(_Parked(), "admin.parked")
    def edit_parked(self, call: Call) -> dict[str, Any]:
        """Repair the data of a parked event: `{"identity", "data"}`."""
        return self.apply(call, parked.edit_parked, call.input["identity"], call.input["data"] or {})

    @endpoint(_Parked(), "admin.parked")
    def discard_parked(self, call: Call) -> dict[str, Any]:
        """Give up a parked event: `{"identity"}`."""
        return self.apply(call, parked.discard_parked, call.input["identity"])

    @endpoint(_Parked(), "admin.parked")
    def replay_parked(self, call: Call) -> dict[str, Any]:
        """Apply the parked events of one key in order: `{"source", "ordering_key"}`."""
        source, key = call.input["source"], call.input["ordering_key"]

        def replay(work: UnitOfWork) -> dict[str, Any]:
            apply = self._parked_applier(source, work)
            return {"replayed": positions.replay_parked(work, source, key, apply)}

        return self.apply(call, replay)

    def _parked_applier(self, source: str | None, work: UnitOfWork) -> Callable[[dict[str, Any]], None]:
        if source == ERP_SOURCE and self.erp is not None:
            return replay_document(self.erp, work)
        if source is not None and source in self.subscriptions:
            return parked.handle_parked(self.subscriptions[source], work)
        raise NotFound(f"服务 {self.name} 不读取 {source} 的事件")

    @endpoint(_Parked(), "admin.parked")
    def resume_stream(self, call: Call) -> dict[str, Any]:
        """Let a stopped stream try again: `{"source"}`."""

        def resume(work: UnitOfWork) -> dict[str, Any]:
            positions.resume(work, call.input["source"])
            return {"source": call.input["source"]}

        return self.apply(call, resume)

    @endpoint(None, "admin.system")
    def rebuild(self, call: Call) -> dict[str, Any]:
        """Empty the projections and read every source again from its beginning."""
        sources = sorted(self.subscriptions)

        def empty(work: UnitOfWork) -> dict[str, Any]:
            positions.read_again(work, self.projections, sources)
            return {"rebuilding": sources}

        if not sources:
            raise Invalid(f"服务 {self.name} 不读取其他服务的事件", code="nothing_to_rebuild")
        answer = self.apply(call, empty)
        for reader in self.ground.readers.values():
            reader.look_again()
        return answer

    @every(seconds=_CLEANING_SECONDS, name="forget-old-keys")
    def forget_old_keys(self) -> None:
        """Drop idempotency keys that nobody can still be retrying."""
        with self.work() as work:
            idempotency.forget_old_keys(work)

"""The way in for ERP connectors: documents from `erp.events`, applied in batches, each exactly once."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from kombu import Connection, Consumer, Queue, binding

from services.common import faults, strict_json, telemetry
from services.common.caller import service_caller
from services.common.config import Settings
from services.common.db import Database, UnitOfWork
from services.common.engines import is_transient
from services.common.errors import CreditError, MalformedRequest, is_passing
from services.common.messaging import wire
from services.common.messaging.loops import Bell, Stopping, keep_going
from services.common.parked import park_document, was_parked

_log = logging.getLogger(__name__)
_BATCH_MAX = 200
_GATHER_SECONDS = 0.01
_IDLE_SECONDS = 1.0
_HEARTBEAT_SECONDS = 20
_EVENT_IDS = uuid.UUID("6f0c2f0e-6f43-4d0f-9a52-3a0c1b5d8f10")
ERP_SOURCE = "erp"
_RAW_LENGTH_MAX = 100_000

Document = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class ErpSubscription:
    """Which routing keys a service takes from `erp.events`, and the operation that applies a document.

    `apply(work, routing_key, body)` is called for each document of a batch, in one transaction; `foresee`
    gets all (routing key, body) of it before, to read together what they will ask for. A document that is
    refused for good, or fails by any fault of its own, is parked; a passing failure gives the whole batch
    back to the broker.
    """

    keys: tuple[str, ...]
    apply: Callable[[UnitOfWork, str, dict[str, Any]], Any]
    foresee: Callable[[UnitOfWork, list[Document]], None] | None = None


class ErpConsumer:
    """Consumes one service's ERP queue with a connection of its own."""

    def __init__(
        self, database: Database, service: str, subscription: ErpSubscription, settings: Settings
    ) -> None:
        self._database = database
        self._service = service
        self._subscription = subscription
        self._uri = settings.amqp_uri
        self._batch: list[Any] = []
        self.bell = Bell()
        self.queue = Queue(
            f"erp-{service}",
            bindings=[binding(wire.ERP_EXCHANGE, routing_key=key) for key in subscription.keys],
            durable=True,
        )

    def run(self, stopping: Stopping) -> None:
        """Consume until `stopping`, over a new connection after every failure."""
        keep_going(f"ERP queue of {self._service}", partial(self._step, stopping), self.bell, stopping)

    def _step(self, stopping: Stopping) -> float:
        # What an earlier connection left unacknowledged comes again with this one.
        self._batch.clear()
        with wire.connect(self._uri, heartbeat=_HEARTBEAT_SECONDS) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            self._consume(connection, stopping)
        return 0.0

    def _consume(self, connection: Connection, stopping: Stopping) -> None:
        channel = connection.channel()
        channel.basic_qos(0, _BATCH_MAX, False)
        consumer = Consumer(channel, queues=[self.queue], on_message=self._batch.append, accept=None)
        with consumer:
            while not stopping():
                self._gather(connection)
                if self._batch:
                    self._apply(list(self._batch))
                    self._batch.clear()

    def _gather(self, connection: Connection) -> None:
        wait = _IDLE_SECONDS
        while len(self._batch) < _BATCH_MAX:
            try:
                connection.drain_events(timeout=wait)
            except TimeoutError:
                connection.heartbeat_check()
                return
            wait = _GATHER_SECONDS

    def _apply(self, batch: list[Any]) -> None:
        self._apply_or_halve(batch)
        faults.point("erp-before-ack")
        for message in batch:
            message.ack()

    def _apply_or_halve(self, batch: list[Any]) -> None:
        """Apply all in one transaction; where that fails for good, halves find the culprit and park it."""
        try:
            with self._database.begin(service_caller(self._service, ERP_SOURCE)) as work:
                self._apply_together(work, batch)
        except Exception as problem:
            if is_passing(problem) if isinstance(problem, CreditError) else is_transient(problem):
                raise
            if len(batch) == 1:
                self._park(batch[0], problem)
                return
            middle = len(batch) // 2
            self._apply_or_halve(batch[:middle])
            self._apply_or_halve(batch[middle:])

    def _apply_together(self, work: UnitOfWork, batch: list[Any]) -> None:
        documents = [(message.delivery_info["routing_key"], _read(message.body)) for message in batch]
        if self._subscription.foresee is not None:
            self._subscription.foresee(work, documents)
        for key, body in documents:
            self._subscription.apply(work, key, body)

    def _park(self, message: Any, problem: Exception) -> None:
        if isinstance(problem, CreditError):
            why = f"{problem.detail} {problem.errors or ''}".strip()
        else:
            _log.error("an ERP document cannot be applied", exc_info=problem)
            why = repr(problem)
        key = message.delivery_info["routing_key"]
        body: Any
        document: dict[str, Any] = {}
        try:
            body = document = _read(message.body)
        except MalformedRequest:
            body = bytes(message.body or b"").decode("utf-8", "replace")[:_RAW_LENGTH_MAX]
        event_id = str(document.get("event_id") or uuid.uuid4())
        event = {"routing_key": key, "data": body, "type": key, "source": ERP_SOURCE}
        name = str(document.get("customer_code") or document.get("customer_id") or key)
        already = uuid.uuid5(_EVENT_IDS, f"{document.get('source') or ''}/{event_id}")
        telemetry.parked_total.labels(self._service, ERP_SOURCE).inc()
        with self._database.begin(service_caller(self._service, ERP_SOURCE)) as work:
            if not was_parked(work, ERP_SOURCE, already):
                park_document(work, ERP_SOURCE, already, name, strict_json.to_plain(event), why)


def replay_document(subscription: ErpSubscription, work: UnitOfWork) -> Callable[[dict[str, Any]], None]:
    """How `replay_parked` applies an ERP document."""

    def apply(event: dict[str, Any]) -> None:
        data = event["data"]
        if not isinstance(data, dict):
            raise MalformedRequest("该报文不是 JSON 对象, 请先修正")
        subscription.apply(work, event["routing_key"], data)

    return apply


def _read(raw: bytes | str) -> dict[str, Any]:
    body = strict_json.loads(raw)
    if not isinstance(body, dict):
        raise MalformedRequest("报文应为 JSON 对象")
    return body

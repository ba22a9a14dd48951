"""RPC over nameko, made safe: malformed messages do not kill the process, and every call has a time-out."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import eventlet
from eventlet.event import Event as Signal
from nameko.exceptions import ContainerBeingKilled, IncorrectSignature, MethodNotFound
from nameko.extensions import SharedExtension
from nameko.messaging import QueueConsumer
from nameko.rpc import ReplyListener, Rpc, RpcConsumer

from services.common import faults, telemetry
from services.common.errors import CreditError, NotFound, Unauthenticated, Unavailable, error_from_dict
from services.common.messaging import authenticity, memory_transport, wire
from services.common.messaging.authenticity import Envelope, MessageSigner, MessageVerifier, SharedKeys

_log = logging.getLogger(__name__)
DEFAULT_TIMEOUT_SECONDS = 10


class SafeQueueConsumer(QueueConsumer):
    """nameko's consumer, which survives a connection that breaks while it acknowledges."""

    def ack_message(self, message: Any) -> None:
        """Acknowledge; where the connection is gone, the broker delivers the message again."""
        self._settle(message.ack, message)

    def requeue_message(self, message: Any) -> None:
        """Give a message back; where the connection is gone, the broker has done so already."""
        self._settle(message.requeue, message)

    def _settle(self, act: Callable[[], None], message: Any) -> None:
        if message.acknowledged or not message.channel.connection:
            return
        try:
            act()
        except (OSError, *message.channel.connection.client.connection_errors) as problem:
            _log.warning("broker connection lost while settling a message: %s", problem)

    def unregister_provider(self, provider: Any) -> None:
        """Stop consuming for a provider; the consuming loop notices at its next turn."""
        eventlet.spawn_n(memory_transport.ring_all)
        super().unregister_provider(provider)

    def on_iteration(self) -> None:
        """Let nameko cancel what was unregistered; the loop's last turn is not to wait for a message."""
        super().on_iteration()
        if self.should_stop:
            memory_transport.ring_all()

    def on_decode_error(self, message: Any, problem: Exception) -> None:
        """Drop a message that is not in our serialisation; it can come from no caller of ours."""
        telemetry.dropped_messages.labels("undecodable").inc()
        _log.error("dropped an undecodable message (%s): %s", message.content_type, problem)
        message.ack()


class SharedPublisher(SharedExtension):
    """The container's one publishing connection."""

    def setup(self) -> None:
        """Prepare without connecting: the broker may still be away."""
        self._publisher = wire.Publisher(self.container.config["AMQP_URI"])

    def publish(self, body: Any, **kwargs: Any) -> None:
        """As `wire.Publisher.publish`."""
        self._publisher.publish(body, **kwargs)

    def stop(self) -> None:
        """Close the connection."""
        self._publisher.close()


class SafeRpcConsumer(RpcConsumer):
    """Consumes `rpc-<service>`; whatever cannot be answered is logged, counted and dropped."""

    queue_consumer = SafeQueueConsumer()
    publisher = SharedPublisher()

    def setup(self) -> None:
        """Prepare the queue, and the keys by which senders are known."""
        super().setup()
        name = self.container.service_name
        self._verifier = MessageVerifier(SharedKeys.load(self.container.config["settings"], name))

    def handle_message(self, body: Any, message: Any) -> None:
        """Hand a request to its method, or answer that there is none, or that its sender is nobody's.

        A replay gets no answer: the first one's is on its way to whoever asked.
        """
        properties = message.properties or {}
        if not properties.get("reply_to") or not isinstance(body, dict):
            telemetry.dropped_messages.labels("malformed_rpc").inc()
            _log.error("dropped a malformed RPC message for %s", message.delivery_info.get("routing_key"))
            self.queue_consumer.ack_message(message)
            return
        try:
            envelope = self._verifier.open(message)
        except authenticity.ReplayedMessage as problem:
            telemetry.dropped_messages.labels("replayed").inc()
            _log.error("dropped a replayed message for %s: %s", message.delivery_info["routing_key"], problem)
            self.queue_consumer.ack_message(message)
            return
        except Unauthenticated as refusal:
            telemetry.dropped_messages.labels("unauthenticated").inc()
            _log.error("refused a message for %s: %s", message.delivery_info["routing_key"], refusal.code)
            self.reply(message, {"error": refusal.to_dict()})
            return
        try:
            provider = self.get_provider_for_method(message.delivery_info["routing_key"])
            provider.handle_request(body, message, envelope)
        except (MethodNotFound, IncorrectSignature, KeyError, TypeError) as problem:
            _log.error("refused a malformed RPC request: %r", problem)
            unknown = NotFound("没有这个内部接口", code="unknown_rpc_method")
            self.reply(message, {"error": unknown.to_dict()})

    def reply(self, message: Any, answer: Mapping[str, Any]) -> None:
        """Send the answer, then acknowledge the request.

        A reply that the broker does not take is only logged: the request then stays unacknowledged, is
        delivered again, and is answered again from its idempotency key.
        """
        try:
            self.publisher.publish(
                {"result": answer, "error": None},
                exchange=wire.RPC_EXCHANGE,
                routing_key=message.properties["reply_to"],
                correlation_id=message.properties.get("correlation_id"),
            )
        except Unavailable as problem:
            _log.warning("a reply could not be sent: %s", problem)
            return
        self.queue_consumer.ack_message(message)


class Endpoint(Rpc):
    """An RPC entrypoint whose method never raises: it answers `{"ok"}` or `{"error"}`."""

    rpc_consumer = SafeRpcConsumer()

    def handle_request(self, body: dict[str, Any], message: Any, envelope: Envelope) -> None:
        """Spawn a worker for one request."""
        args, kwargs = body["args"], {**body["kwargs"], "envelope": envelope}
        self.check_signature(args, kwargs)
        try:
            self.container.spawn_worker(
                self, args, kwargs, context_data={}, handle_result=partial(self.handle_result, message)
            )
        except ContainerBeingKilled:
            self.rpc_consumer.requeue_message(message)

    def handle_result(self, message: Any, worker_ctx: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        """Send what the method answered."""
        if exc_info is not None:
            result = {"error": CreditError("服务内部错误", code="internal_error").to_dict()}
        faults.point(f"reply-{self.method_name}")
        self.rpc_consumer.reply(message, result)
        return result, None


class SafeReplyListener(ReplyListener):
    """The container's reply queue, with events that can be given up."""

    queue_consumer = SafeQueueConsumer()

    def forget(self, correlation_id: str) -> None:
        """Wait no longer for this reply; a late one is dropped."""
        self._reply_events.pop(correlation_id, None)


class RpcClient(SharedExtension):
    """Calls methods of other services, each call with a time-out."""

    listener = SafeReplyListener()
    publisher = SharedPublisher()

    def setup(self) -> None:
        """Prepare the keys by which receivers know this service."""
        keys = SharedKeys.load(self.container.config["settings"], self.container.service_name)
        self.signer = MessageSigner(keys)

    def call(
        self, service: str, method: str, request: Mapping[str, Any], timeout: float = DEFAULT_TIMEOUT_SECONDS
    ) -> Any:
        """The value that the method answered; its refusal is raised.

        Raises `Unavailable` at once when the broker is away, and with `ambiguous=True` when no answer came
        in time: the work may have been done, so try again with the same idempotency key.
        """
        answer = self.call_async(service, method, request, timeout)()
        if "error" in answer:
            raise error_from_dict(answer["error"])
        return answer["ok"]

    def call_async(
        self, service: str, method: str, request: Mapping[str, Any], timeout: float = DEFAULT_TIMEOUT_SECONDS
    ) -> Callable[[], dict[str, Any]]:
        """Send a request now; the returned function waits for its raw answer (`{"ok"}` or `{"error"}`)."""
        correlation_id = uuid.uuid4().hex
        body = wire.dumps({"args": [], "kwargs": {"request": request}})
        reply_to = self.listener.routing_key
        headers = self.signer.headers(
            service, method, reply_to=reply_to, identity=correlation_id, seconds=timeout, body=body
        )
        reply: Signal = self.listener.get_reply_event(correlation_id)
        try:
            self.publisher.publish(
                body,
                exchange=wire.RPC_EXCHANGE,
                routing_key=f"{service}.{method}",
                queue=wire.rpc_queue(service),
                reply_to=reply_to,
                correlation_id=correlation_id,
                expiration=timeout,
                headers=headers,
                content_type=wire.CONTENT_TYPE,
                content_encoding=authenticity.ENCODING,
            )
        except Unavailable:
            self.listener.forget(correlation_id)
            raise
        return partial(self._wait, reply, correlation_id, service, timeout)

    def _wait(self, reply: Signal, correlation_id: str, service: str, timeout: float) -> dict[str, Any]:
        try:
            with eventlet.Timeout(timeout):
                body = reply.wait()
        except eventlet.Timeout as problem:
            self.listener.forget(correlation_id)
            telemetry.rpc_timeouts.labels(service).inc()
            raise Unavailable(
                f"服务 {service} 在 {timeout:g} 秒内没有答复; 操作可能已完成, 请用同一 Idempotency-Key 重试",
                code="service_timeout",
                ambiguous=True,
                service=service,
            ) from problem
        answer: dict[str, Any] = body["result"]
        return answer

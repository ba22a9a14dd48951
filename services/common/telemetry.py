"""Logs with trace ids, and the figures that `/metrics` shows."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

rpc_seconds = Histogram(
    "credit_rpc_seconds",
    "Time of an RPC method, from the message to the answer",
    ["service", "method", "outcome"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
rpc_timeouts = Counter("credit_rpc_timeouts", "Calls that got no answer in time", ["service"])
dropped_messages = Counter("credit_dropped_messages", "Messages that could not be read", ["why"])
stream_lag = Gauge("credit_stream_lag_events", "Events not yet applied", ["service", "source"])
stream_stopped = Gauge("credit_stream_stopped", "1 while a stream needs an operator", ["service", "source"])
parked_total = Counter("credit_parked_events", "Events set aside for a person", ["service", "source"])
published_total = Counter("credit_published_events", "Events confirmed by the broker", ["service"])
command_attempts = Counter("credit_command_attempts", "Saga steps sent", ["service", "method", "outcome"])


def configure_logging(level: str, *, readable: bool) -> None:
    """Send all logs to standard error: one JSON object a line, or coloured text for people."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if readable
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # nameko logs every stack trace of a refusal and each connection attempt; ours say the same once.
    logging.getLogger("nameko").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("amqp").setLevel(max(logging.WARNING, root.level))


def bind_trace(trace_id: str) -> None:
    """Put the trace id on every log line of this greenthread from now on."""
    structlog.contextvars.bind_contextvars(trace_id=trace_id)
